import logging

import onnxruntime
import pytest
import torch

from pipeline.analysis.video import load_models
from pipeline.analysis.vision.efficientnet import EfficientNetLite
from pipeline.models import onnx_providers
from schemas.config import Config, EntitiesConfig, ObjectsConfig, OcrConfig, ShotsConfig, SoundsConfig, SpeechConfig
from schemas.errors import DeviceError, ModelError

FEW = Config(
    speech=SpeechConfig(engine="none"),
    ocr=OcrConfig(engine="none"),
    shots=ShotsConfig(detector="content"),
    sounds=SoundsConfig(model="none"),
    objects=ObjectsConfig(model="none"),
    entities=EntitiesConfig(model="none"),
)


@pytest.mark.models
def test_models_run_before_the_first_video_and_the_log_says_on_what(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with caplog.at_level(logging.INFO):
        load_models(FEW, device="cpu", threads=1)
    assert [line for line in caplog.messages if "text: cpu float32 x1024 + cpu float32 x1024; vision: cpu " in line]
    faults = [
        (RuntimeError("CUDA error: no kernel image is available for execution on the device"), DeviceError, "nvidia-"),
        (torch.OutOfMemoryError("CUDA out of memory."), ModelError, "smaller models"),
        (RuntimeError("shapes do not match"), ModelError, "vision: embedded:efficientnet-lite0 fails"),
    ]
    for fault, error, message in faults:

        def run(*_args: object, fault: Exception = fault) -> None:
            """The seam: what the real network raises on a broken GPU."""
            raise fault

        monkeypatch.setattr(EfficientNetLite, "run", run)
        with pytest.raises(error, match=message):
            load_models(FEW, device="cpu", threads=1)


def test_onnx_runtime_uses_a_gpu_only_with_the_package_for_it(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx_providers.cache_clear()
    assert onnx_providers("cpu") == ("CPUExecutionProvider",)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    assert onnx_providers("cuda") == onnx_providers("cuda") == ("CPUExecutionProvider",)
    assert sum("onnxruntime-gpu" in line for line in caplog.messages) == 1
    onnx_providers.cache_clear()
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    assert onnx_providers("cuda")[0][0] == "CUDAExecutionProvider"
    onnx_providers.cache_clear()
