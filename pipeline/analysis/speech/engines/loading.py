"""Choosing and loading the ASR engine.

An engine needs a case in `load_engine`, and its name in `SpeechConfig.engine` (`schemas/config.py`).
"""

from pipeline.analysis.speech.engines.interface import WhisperEngine, is_ctranslate2
from pipeline.models import ModelInfo
from schemas.config import SpeechConfig
from schemas.errors import ConfigurationError


def load_engine(config: SpeechConfig, info: ModelInfo, *, device: str, threads: int) -> WhisperEngine:
    """Load the weights into the configured engine.

    `auto` means faster-whisper for CTranslate2 folders and openai-whisper for everything else.

    Args:
        config: The `speech` section.
        info: The Whisper model.
        device: `cpu` or `cuda`.
        threads: Threads on a CPU.

    Raises:
        ConfigurationError: The engine is `none`.
        ModelError: The engine cannot read this model.
    """
    engine = config.engine
    if engine == "auto":
        engine = "faster-whisper" if is_ctranslate2(info.path) else "openai-whisper"
    match engine:
        case "faster-whisper":
            from pipeline.analysis.speech.engines.faster_whisper import FasterWhisperEngine

            return FasterWhisperEngine(info, compute_type=config.compute_type, device=device, threads=threads)
        case "openai-whisper":
            from pipeline.analysis.speech.engines.openai_whisper import OpenAIWhisperEngine

            return OpenAIWhisperEngine(info, device=device, threads=threads)
        case "none":
            raise ConfigurationError(
                "speech.engine is `none`, so there is no engine to load; skip the speech step instead"
            )
