"""Where models run: device, number of threads, precision."""

from schemas.errors import ConfigurationError


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
    return "cpu"


def set_threads(threads: int) -> None:
    """Set the number of threads that PyTorch and OpenCV use in this process.

    Args:
        threads: At least 1.
    """
    import cv2
    import torch

    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


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
