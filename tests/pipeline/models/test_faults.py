import cv2
import numpy as np
import pytest
import torch
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, RuntimeException

from pipeline.models import device_faults, is_out_of_memory
from schemas.errors import DeviceError, ErrorKind, MediaError, ModelError

# No GPU is needed for what one would raise: each text is as the library writes it.
BROKEN = [
    torch.AcceleratorError("CUDA error: device-side assert triggered\nCUDA kernel errors might be reported later"),
    RuntimeError("CUDA error: no kernel image is available for execution on the device"),
    RuntimeError("CUDA error: uncorrectable ECC error encountered"),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
    RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"),
    RuntimeError("Found no NVIDIA driver on your system."),
    RuntimeError("CUDA failed with error an illegal memory access was encountered"),
    RuntimeError("cuBLAS failed with status CUBLAS_STATUS_NOT_SUPPORTED"),
    RuntimeError("Library libcublas.so.12 is not found or cannot be loaded"),
    RuntimeError("parallel_for failed: cudaErrorNoKernelImageForDevice: no kernel image is available"),
    Fail("[ONNXRuntimeError] : 1 : FAIL : CUDA failure 700: an illegal memory access was encountered ; GPU=0"),
    RuntimeException("[ONNXRuntimeError] : 6 : CUDNN failure 4: CUDNN_STATUS_INTERNAL_ERROR ; GPU=0"),
]
FULL = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("CUDA failed with error out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeException("[ONNXRuntimeError] : 6 : Failed to allocate memory for requested buffer of size 1073741824"),
    RuntimeException("[ONNXRuntimeError] : 6 : CUDA failure 2: out of memory ; GPU=0"),
    MemoryError("std::bad_alloc"),
]
NEITHER = [
    MediaError(ErrorKind.CORRUPT, "/films/CUDA error out of memory.mp4 is damaged", stage="probe"),
    OSError("[Errno 2] No such file: '/films/CUDA error.mp4'"),
    ValueError("CUDA error: out of memory"),
    RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
    ModelError("shots.model: /models/cuda error.pth holds no weights"),
]


@pytest.mark.parametrize("error", BROKEN, ids=str)
def test_what_a_broken_gpu_raises_becomes_a_device_error(error: Exception) -> None:
    with pytest.raises(DeviceError, match="nvidia-smi") as found, device_faults():
        raise error
    assert str(error).splitlines()[0].rstrip(".") in str(found.value)


@pytest.mark.parametrize("error", [*FULL, *NEITHER], ids=str)
def test_everything_else_passes_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as found, device_faults():
        raise error
    assert found.value is error
    assert is_out_of_memory(error) == (error in FULL)


def test_a_fault_is_found_behind_the_errors_of_other_packages() -> None:
    def load() -> None:
        try:
            raise BROKEN[0]
        except RuntimeError as error:
            raise ModelError("vision.model: it cannot be loaded") from error

    with pytest.raises(DeviceError), device_faults():
        load()


def test_real_allocations_that_are_too_large_are_lacks_of_memory() -> None:
    allocations = (
        lambda: torch.empty(1 << 60, dtype=torch.uint8),
        lambda: np.empty(1 << 60, np.uint8),
        lambda: cv2.copyMakeBorder(np.zeros((2, 2), np.float64), 0, 1 << 30, 0, 1 << 30, cv2.BORDER_CONSTANT),
    )
    for allocate in allocations:
        with pytest.raises(Exception) as found:  # noqa: PT011 - each library has its own
            allocate()
        assert is_out_of_memory(found.value), found.value
