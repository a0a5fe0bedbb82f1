import subprocess
import sys

import pytest

_PROGRAM = """
import sys
from pipeline.analysis.speech.engines.whisper_modules import whisper_module
tokenizer, audio = whisper_module("tokenizer"), whisper_module("audio")
print(tokenizer.get_tokenizer(True).decode([440]), audio.SAMPLE_RATE, {"whisper", "numba"} & sys.modules.keys())
from whisper.decoding import decode
from whisper.tokenizer import get_tokenizer
print(get_tokenizer is tokenizer.get_tokenizer, whisper_module("audio") is audio, "whisper" in sys.modules)
"""


@pytest.mark.slow
def test_modules_of_whisper_come_without_numba_and_the_package_can_still_be_imported() -> None:
    # In a process of its own: this one may have imported the package.
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [" The 16000 set()", "True True True"], done.stderr
