"""Records with the values that the lake stores, so that a stage which is redone later reads the same ones.

Scores have 32 bits in the lake. What the picture and sound stages find is rounded once, here, and the later stages read
only that. Times and durations have 64 bits in the lake, too.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from schemas.records import DetectedObject, Keyframe, Label, Shot, Sound, TextLine, Transcript, Utterance, Word


def stored_shots(shots: Sequence[Shot]) -> tuple[Shot, ...]:
    """Return shots as the lake stores them."""
    return tuple(replace(shot, score=_float32(shot.score)) for shot in shots)


def stored_keyframes(keyframes: Sequence[Keyframe]) -> tuple[Keyframe, ...]:
    """Return keyframes as the lake stores them."""
    return tuple(
        replace(
            frame,
            sharpness=_float32(frame.sharpness),
            labels=tuple(Label(each.label, _float32(each.score)) for each in frame.labels),
            text_lines=tuple(_line(each) for each in frame.text_lines),
            objects=tuple(_object(each) for each in frame.objects),
        )
        for frame in keyframes
    )


def stored_transcript(transcript: Transcript) -> Transcript:
    """Return a transcript as the lake stores it."""
    return replace(
        transcript,
        language_probability=_float32(transcript.language_probability),
        utterances=tuple(_utterance(each) for each in transcript.utterances),
    )


def stored_sounds(sounds: Sequence[Sound]) -> tuple[Sound, ...]:
    """Return sounds as the lake stores them."""
    return tuple(replace(sound, score=_float32(sound.score)) for sound in sounds)


def _line(line: TextLine) -> TextLine:
    return TextLine(line.text, _box(line.box), _float32(line.score))


def _object(found: DetectedObject) -> DetectedObject:
    return DetectedObject(found.label, _float32(found.score), _box(found.box))


def _box(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = map(_float32, box)
    return x0, y0, x1, y1


def _utterance(utterance: Utterance) -> Utterance:
    return replace(
        utterance,
        words=tuple(Word(each.word, each.start_s, each.end_s, _float32(each.probability)) for each in utterance.words),
        avg_logprob=_float32(utterance.avg_logprob),
        no_speech_prob=_float32(utterance.no_speech_prob),
        compression_ratio=_float32(utterance.compression_ratio),
    )


def _float32(value: float) -> float:
    return float(np.float32(value))
