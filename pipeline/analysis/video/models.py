"""All models that the analysis of a video needs, each loaded once."""

from dataclasses import dataclass

from pipeline.analysis.fusion import CoordinatedSpace, FusionMethod, coordinated_space, fusion_method
from pipeline.analysis.scenes import TopicSpaces
from pipeline.analysis.shots import TransNet
from pipeline.analysis.speakers import SpeakerEncoder
from pipeline.analysis.speech import SpeechRecognizer
from pipeline.analysis.summary import AbstractWriter
from pipeline.analysis.taxonomy import load_taxonomy
from pipeline.analysis.text import TextEncoder
from pipeline.analysis.vision import Captioner, FrameEncoder, TextReader
from pipeline.models import roster_of
from schemas.config import Config


@dataclass(frozen=True, slots=True)
class Models:
    """Loaded models; None for those that the configuration does not use."""

    text: TextEncoder
    vision: FrameEncoder
    coordinated: CoordinatedSpace
    """Built from `text` and `vision`."""
    fusion: FusionMethod
    captions: Captioner | None
    topics: TopicSpaces | None
    shots: TransNet | None
    speech: SpeechRecognizer | None
    speakers: SpeakerEncoder | None
    ocr: TextReader | None
    abstract: AbstractWriter | None


def load_models(config: Config, *, device: str, threads: int) -> Models:
    """Load the models that the configuration names.

    Args:
        config: The whole configuration.
        device: `cpu` or `cuda`.
        threads: CPU threads of each model.

    Raises:
        ModelError: A model cannot be found or loaded.
        ConfigurationError: The taxonomy cannot be read.
    """
    text = TextEncoder(config.text, device=device, threads=threads)
    vision = FrameEncoder(config.vision, device=device, threads=threads)
    shared = coordinated_space(text, vision)
    roster = roster_of(config)
    return Models(
        text=text,
        vision=vision,
        coordinated=shared,
        fusion=fusion_method(
            config.fusion,
            text=(text.info.id, text.dimensions),
            vision=(vision.info.id, vision.dimensions),
            coordinated=shared.space,
        ),
        captions=Captioner(config.captions, device=device, threads=threads) if roster.captions else None,
        topics=TopicSpaces(load_taxonomy(roster.taxonomy)) if roster.taxonomy else None,
        shots=TransNet(roster.shots, device=device, threads=threads) if roster.shots else None,
        speech=SpeechRecognizer(config.speech, device=device, threads=threads) if roster.speech else None,
        speakers=SpeakerEncoder(roster.speakers, device=device, threads=threads) if roster.speakers else None,
        ocr=TextReader(config.ocr, threads=threads) if roster.ocr else None,
        abstract=AbstractWriter(config.summary, text, device=device, threads=threads) if roster.summary else None,
    )
