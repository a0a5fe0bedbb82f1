"""The text stage: vectors of all that is said and written, the frames among them, and captions with speech."""

from collections.abc import Sequence
from dataclasses import replace

from pipeline.analysis.description import caption_keyframes
from pipeline.analysis.scenes import VideoContent, screen_spans, written_text
from pipeline.analysis.text import TextEncoder
from pipeline.analysis.video.clock import StepClock
from pipeline.analysis.video.models import Models
from schemas.records import Analysis, Embedding, Subtitle, Utterance


def encode_texts(found: Analysis, models: Models, clock: StepClock) -> Analysis:
    """Return an analysis with the vectors of its texts, by the language of each, and with composed captions.

    Args:
        found: What was seen and heard. Only what the lake stores of it counts, and whatever an earlier text stage made
            is replaced.
        models: The loaded models.
        clock: Records the seconds of each step.
    """
    language = found.transcript.language or "en"
    with clock.step("text"):
        utterances, vectors = _encode(found, models.text, language)
        subtitles = _encoded(found.subtitles, models.text, language)
    with clock.step("coordinate"):
        coordinated = models.coordinated.of_keyframes(found.keyframes)
    keyframes = [
        # A copy, because a view of one row would keep the whole matrix in memory.
        replace(frame, text_embedding=vectors.get(written_text(frame)), coordinated_embedding=row.copy())
        for frame, row in zip(found.keyframes, coordinated, strict=True)
    ]
    languages = [each.language for each in found.transcript.languages]
    return replace(
        found,
        keyframes=caption_keyframes(keyframes, utterances),
        transcript=replace(found.transcript, utterances=utterances),
        subtitles=subtitles,
        text_model=models.text.models_for(languages),
    )


def by_encoder(video: VideoContent, encoder: TextEncoder) -> VideoContent:
    """Return a video whose utterances and frames have the text vectors of one encoder, where the lake's are of two."""

    def part(vector: Embedding | None) -> Embedding | None:
        return None if vector is None else encoder.of_stored(vector)

    return replace(
        video,
        keyframes=[replace(frame, text_embedding=part(frame.text_embedding)) for frame in video.keyframes],
        utterances=[replace(each, embedding=part(each.embedding)) for each in video.utterances],
    )


def numbered(lines: Sequence[Subtitle]) -> tuple[Subtitle, ...]:
    """Return lines of subtitles with their index in the video."""
    return tuple(replace(line, index=index) for index, line in enumerate(lines))


def _encode(found: Analysis, encoder: TextEncoder, language: str) -> tuple[tuple[Utterance, ...], dict[str, Embedding]]:
    """Encode speech, each utterance by its language, and on-screen text by that of the video.

    Returns:
        The utterances with their vectors, and the vector of each text on screen.
    """
    spoken = found.transcript.utterances
    written = list(dict.fromkeys(text for _, _, text in screen_spans(found.keyframes, found.duration_s, found.shots)))
    vectors = encoder.encode_spoken(
        [*(utterance.text for utterance in spoken), *written],
        [*(utterance.language for utterance in spoken), *(language for _ in written)],
    )
    utterances = tuple(replace(each, embedding=vector) for each, vector in zip(spoken, vectors, strict=False))
    return utterances, dict(zip(written, vectors[len(spoken) :], strict=True))


def _encoded(lines: Sequence[Subtitle], encoder: TextEncoder, spoken: str) -> tuple[Subtitle, ...]:
    """Number lines of subtitles, and encode them.

    A track that does not state its language is taken to be in the one that is spoken.
    """
    vectors = encoder.encode_spoken([line.text for line in lines], [line.language or spoken for line in lines])
    return tuple(replace(line, embedding=vector) for line, vector in zip(numbered(lines), vectors, strict=True))
