"""What a model's exception says about the machine: that its GPU is broken, or that memory is used up.

PyTorch, CTranslate2, ONNX Runtime and CUDA's libraries mostly raise a `RuntimeError`, so only the text tells.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from schemas.errors import DeviceError, ModelError, VideolakeError

_OUT_OF_MEMORY = re.compile(
    r"out of memory"  # PyTorch and CTranslate2 on CUDA; `CUDA failure 2: out of memory` in ONNX Runtime
    r"|_STATUS_ALLOC_FAILED"  # cuBLAS and cuDNN
    r"|DefaultCPUAllocator|bad[_ ]alloc"
    r"|Failed to allocate memory for requested buffer"  # ONNX Runtime's arena
    r"|Insufficient memory"  # OpenCV
    r"|RESOURCE_EXHAUSTED",  # plug-ins with JAX or TensorFlow
    re.IGNORECASE,
)
_BROKEN = re.compile(
    r"CUDA (driver )?(error|fail(ed|ure))|CUDA unknown error|cudaError|device-side assert"
    r"|(cuBLAS|cuDNN|cuFFT|cuSOLVER|cuSPARSE|CURAND|NVRTC|NCCL)\w* (error|fail(ed|ure))"
    r"|(CUBLAS|CUDNN|CUFFT|CUSOLVER|CUSPARSE|CURAND)_STATUS_"
    r"|no kernel image|No CUDA GPUs are available|CUDA-capable device"
    r"|NVIDIA driver|CUDA driver|NVML_SUCCESS"
    r"|lib(cuda|cublas|cudnn|nvrtc)\w*\S* (is not found|cannot be loaded)",  # CTranslate2 without its libraries
    re.IGNORECASE,
)
_OUTSIDE = ("av.", "schemas.")
"""Their messages name files, which may be called anything."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an exception, or what caused it, is a lack of memory on a GPU or in the machine."""
    link = _fault(error)
    return link is not None and _lacks_memory(link)


@contextmanager
def device_faults() -> Iterator[None]:
    """Turn what a broken GPU raises in the block into a `DeviceError`."""
    try:
        yield
    except Exception as error:
        link = _fault(error)
        if isinstance(error, DeviceError) or link is None or _lacks_memory(link):
            raise
        raise DeviceError(
            f"The GPU cannot be used: {_first_line(str(link))}. Check it with `nvidia-smi`, and whether the driver, "
            "PyTorch and CTranslate2 support this card. `workers.device = cpu` does without it."
        ) from error


@contextmanager
def loading_faults(device: str) -> Iterator[None]:
    """Do the same for a block that loads models, where a lack of memory also keeps the worker from its work."""
    with device_faults():
        try:
            yield
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if device == "cpu":
                raise ModelError(
                    "The models need more memory than this machine has free. Use fewer workers or smaller models."
                ) from error
            raise DeviceError(
                "The models need more memory than the GPU has free; `nvidia-smi` shows what else uses it. Raise "
                "workers.num_gpus, so that fewer workers share a GPU, or use smaller models."
            ) from error


def _fault(error: BaseException) -> BaseException | None:
    """Return the outermost link in the chain of an exception that speaks of the machine."""
    return next((link for link in _chain(error) if _lacks_memory(link) or _is_broken(link)), None)


def _lacks_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or (_speaks_of_machine(error) and bool(_OUT_OF_MEMORY.search(str(error))))


def _is_broken(error: BaseException) -> bool:
    return _speaks_of_machine(error) and bool(_BROKEN.search(str(error)))


def _speaks_of_machine(error: BaseException) -> bool:
    module = type(error).__module__
    if isinstance(error, VideolakeError) or f"{module}.".startswith(_OUTSIDE):
        return False
    return isinstance(error, RuntimeError) or module.partition(".")[0] in {"onnxruntime", "cv2"}


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, then what caused it, and so on."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "").rstrip(". ")
