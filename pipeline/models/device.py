"""Where models run: device, number of threads, precision."""

import logging
import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from schemas.errors import ConfigurationError

logger = logging.getLogger(__name__)

_CUDA = "CUDAExecutionProvider"


def choose_device(setting: str) -> str:
    """Return the device that a setting means on this machine.

    Args:
        setting: `auto`, `cpu` or `cuda`.

    Returns:
        `cpu` or `cuda`.

    Raises:
        ConfigurationError: The setting is `cuda` and there is no usable GPU, or it is unknown.
    """
    if setting not in {"auto", "cpu", "cuda"}:
        raise ConfigurationError(f"workers.device is {setting!r}; it must be `auto`, `cpu` or `cuda`.")
    if setting == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if setting == "cuda":
        raise ConfigurationError("workers.device is `cuda`, but PyTorch sees no usable GPU. Use `auto` or `cpu`.")
    if torch.version.cuda and os.environ.get("CUDA_VISIBLE_DEVICES", "-1") not in {"", "-1"}:
        logger.warning("This worker was given a GPU, but PyTorch cannot use it, so models run on the CPU.")
    return "cpu"


@cache
def onnx_providers(device: str) -> tuple[str | tuple[str, dict[str, Any]], ...]:
    """Return the execution providers of ONNX Runtime for a device.

    Without the package `onnxruntime-gpu` that is the CPU; a warning says so once.

    Args:
        device: `cpu` or `cuda`.
    """
    import onnxruntime

    if device == "cpu":
        return ("CPUExecutionProvider",)
    if _CUDA not in onnxruntime.get_available_providers():
        logger.warning(
            "On-screen text and voice activity run on the CPU, because this ONNX Runtime has no CUDA. The package "
            "onnxruntime-gpu, in place of onnxruntime, uses the GPU."
        )
        return ("CPUExecutionProvider",)
    # The exhaustive search of the default would start anew for every size of image.
    return ((_CUDA, {"cudnn_conv_algo_search": "HEURISTIC"}), "CPUExecutionProvider")


def onnx_session(path: Path, *, device: str, threads: int) -> Any:  # noqa: ANN401 - ONNX Runtime is untyped
    """Load a network of ONNX Runtime. Its idle threads sleep: other models have work for the processor.

    Args:
        path: The ONNX file.
        device: `cpu` or `cuda`.
        threads: Threads of the network.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, min(threads, os.cpu_count() or 1))
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # With an arena, memory grows with every new size of image.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, providers=list(onnx_providers(device)))


def onnx_device(session: Any) -> str:  # noqa: ANN401 - ONNX Runtime is untyped
    """Return the device that a session of ONNX Runtime really uses: it falls back to the CPU by itself."""
    return "cuda" if session.get_providers()[0] == _CUDA else "cpu"


def runs_on(device: str, precision: object, batch: int = 1) -> str:
    """Describe where a model runs, for the log, as in `cuda bfloat16 x64`.

    Args:
        device: `cpu` or `cuda`.
        precision: A name, or PyTorch's data type.
        batch: Items at once.
    """
    return f"{device} {str(precision).removeprefix('torch.')}{f' x{batch}' if batch > 1 else ''}"


def default_threads() -> int:
    """Return the number of threads for a process that has the machine to itself.

    It is `OMP_NUM_THREADS` if that is set, or else the number of CPUs that this process may use.
    """
    with suppress(KeyError, ValueError):
        return max(1, int(os.environ["OMP_NUM_THREADS"]))
    usable = getattr(os, "sched_getaffinity", None)  # only Linux has it
    return len(usable(0)) if usable else os.cpu_count() or 1


def set_threads(threads: int) -> None:
    """Set the number of threads that PyTorch and OpenCV use in this process.

    Args:
        threads: At least 1.
    """
    import cv2
    import torch

    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


def share_threads(threads: int) -> None:
    """Set the number of threads that PyTorch uses for what this thread computes.

    Args:
        threads: At least 1.
    """
    import torch

    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


def bf16_is_native(device: str = "cpu") -> bool:
    """Return whether a device multiplies bfloat16 in hardware. Emulated bfloat16 is slower than float32.

    Args:
        device: `cpu` or `cuda`.
    """
    import torch

    if device == "cuda":
        return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    # Older PyTorch does not report capabilities; False (float32) is the safe answer.
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(bool(capabilities.get(name)) for name in ("avx512_bf16", "amx_bf16"))
