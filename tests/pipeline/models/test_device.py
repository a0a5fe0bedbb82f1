import os
import subprocess
import sys

import pytest

from pipeline.models import bf16_is_native, choose_device, default_threads, set_threads
from schemas.errors import ConfigurationError


def test_auto_takes_a_gpu_only_where_there_is_one():
    import torch

    assert choose_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    assert choose_device("cpu") == "cpu"


def test_a_gpu_that_is_not_there_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ConfigurationError, match="no usable GPU"):
        choose_device("cuda")
    assert not bf16_is_native("cuda")


def test_an_unknown_device_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match="auto"):
        choose_device("tpu")


def test_bfloat16_is_not_native_where_pytorch_cannot_tell(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr("torch.cpu.get_capabilities", raising=False)
    assert bf16_is_native("cpu") is False


def test_threads_are_set_for_torch_and_opencv():
    import cv2
    import torch

    before = torch.get_num_threads(), cv2.getNumThreads()
    set_threads(1)
    assert (torch.get_num_threads(), cv2.getNumThreads()) == (1, 1)
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


def test_importing_the_package_loads_no_heavy_library():
    code = "import sys, pipeline.models; print({'torch', 'cv2', 'transformers', 'huggingface_hub'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_process_takes_all_cpus_that_it_may_use_unless_openmp_is_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert default_threads() == 3
    for nonsense in ("", "many"):
        monkeypatch.setenv("OMP_NUM_THREADS", nonsense)
        assert default_threads() >= 1
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 5}, raising=False)
    assert default_threads() == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    assert default_threads() == (os.cpu_count() or 1)
