"""All the models that a video needs, each loaded once and kept."""

from dataclasses import dataclass

from pipeline.abstractive import AbstractWriter
from pipeline.fusion.coordinated import CoordinatedSpace, coordinated_space
from pipeline.fusion.methods import FusionMethod, fusion_method
from pipeline.shots import TransNet
from pipeline.speakers import SpeakerEncoder, chosen_speaker_model
from pipeline.speech import SpeechRecognizer
from pipeline.text import TextEncoder
from pipeline.understanding.taxonomy import NO_TAXONOMY, load_taxonomy
from pipeline.understanding.topics import TopicSpaces
from pipeline.vision import Captioner, FrameEncoder, TextReader
from schemas.config import COMPOSED, Config


@dataclass(frozen=True, slots=True)
class Models:
    """Loaded models; None where the configuration does without."""

    text: TextEncoder
    vision: FrameEncoder
    coordinated: CoordinatedSpace
    """Made of the two."""
    fusion: FusionMethod
    captions: Captioner | None
    topics: TopicSpaces | None
    shots: TransNet | None
    speech: SpeechRecognizer | None
    speakers: SpeakerEncoder | None
    ocr: TextReader | None
    abstract: AbstractWriter | None


def load_models(config: Config, *, device: str, threads: int) -> Models:
    """Load what the configuration names.

    Args:
        config: The whole tree.
        device: `cpu` or `cuda`.
        threads: Threads of each model on a CPU.

    Raises:
        ModelError: A model cannot be found or loaded.
        ConfigurationError: The taxonomy cannot be read.
    """
    text = TextEncoder(config.text, device=device, threads=threads)
    vision = FrameEncoder(config.vision, device=device, threads=threads)
    shared = coordinated_space(text, vision)
    speakers = chosen_speaker_model(config)
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
        captions=None
        if config.captions.model == COMPOSED
        else Captioner(config.captions, device=device, threads=threads),
        topics=None if config.topics.taxonomy == NO_TAXONOMY else TopicSpaces(load_taxonomy(config.topics.taxonomy)),
        shots=None
        if config.shots.detector == "content"
        else TransNet(config.shots.model, device=device, threads=threads),
        speech=None
        if config.speech.engine == "none"
        else SpeechRecognizer(config.speech, device=device, threads=threads),
        speakers=None if speakers is None else SpeakerEncoder(speakers, device=device, threads=threads),
        ocr=None if config.ocr.engine == "none" else TextReader(config.ocr, threads=threads),
        abstract=None
        if config.summary.model is None
        else AbstractWriter(config.summary, text, device=device, threads=threads),
    )
