"""What a summary can be made of: sentences that were said, titles that were shown, and what pictures show."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.fusion import weighted_mean
from pipeline.language import ends_sentence, joined, word_count
from pipeline.understanding.captions import title_line
from pipeline.understanding.words import clean
from schemas.records import Embedding, Evidence, Keyframe, Scene, Utterance, frame_id, utterance_id

_LONGEST_JOIN_S = 30.0
_LONGEST_PAUSE_S = 2.0
_TITLE_WORDS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A sentence that may stand in the summary, with what it rests on."""

    text: str
    start_s: float
    end_s: float
    weight: float
    """How fit it is to stand alone, 0 to 1: neither too short nor too long, and not doubtful."""
    vector: Embedding
    """In the space that all statements of a video share."""
    evidence: tuple[Evidence, ...]
    kind: str
    """`speech`, `screen` or `picture`."""


def spoken_statements(utterances: Sequence[Utterance], keyframes: Sequence[Keyframe], video_id: str) -> list[Statement]:
    """Join utterances to whole sentences, each with its utterances and the frame shown then as evidence."""
    statements = []
    for group in _sentences(utterances):
        text = clean(joined((each.text for each in group), group[0].language))
        if not text:
            continue
        vectors = [each.embedding for each in group if each.embedding is not None]
        lengths_s = [each.end_s - each.start_s for each in group if each.embedding is not None]
        start_s, end_s = group[0].start_s, group[-1].end_s
        evidence = [
            Evidence("utterance", utterance_id(video_id, each.index), each.start_s, each.end_s) for each in group
        ]
        frame = frame_at(keyframes, start_s, end_s)
        statements.append(
            Statement(
                text=text,
                start_s=start_s,
                end_s=end_s,
                weight=_fitness(text, group[0].language, doubtful=any(each.flags for each in group)),
                vector=weighted_mean(vectors, lengths_s, len(vectors[0]) if vectors else 0),
                evidence=(*evidence, *([_of_frame(frame, video_id)] if frame else [])),
                kind="speech",
            )
        )
    return statements


def shown_statements(scenes: Sequence[Scene], keyframes: Sequence[Keyframe], video_id: str) -> list[Statement]:
    """Say of each scene what its pictures show; their vectors are those of the frames."""
    statements = []
    for scene in scenes:
        frames = [frame for frame in keyframes if scene.start_s <= frame.time_s < scene.end_s]
        if not frames:
            continue
        frame = max(frames, key=lambda each: (_surest(each), each.sharpness))
        statements.append(
            Statement(
                text=frame.caption,
                start_s=scene.start_s,
                end_s=scene.end_s,
                weight=min(1.0, 0.2 + _surest(frame)),
                vector=frame.embedding,
                evidence=(_of_frame(frame, video_id),),
                kind="screen" if title_line(frame.text_lines) else "picture",
            )
        )
    return statements


def frame_at(keyframes: Sequence[Keyframe], start_s: float, end_s: float) -> Keyframe | None:
    """Return the keyframe that is shown in a stretch: the first within, else the last before."""
    times = [frame.time_s for frame in keyframes]
    place = bisect_left(times, start_s)
    if place < len(times) and times[place] < end_s:
        return keyframes[place]
    return keyframes[max(0, bisect_right(times, start_s) - 1)] if keyframes else None


def _of_frame(frame: Keyframe, video_id: str) -> Evidence:
    return Evidence("frame", frame_id(video_id, frame.index), frame.time_s, frame.time_s)


def _surest(frame: Keyframe) -> float:
    words = 1.0 if title_line(frame.text_lines) else 0.0
    return max(words, frame.labels[0].score if frame.labels else 0.0)


def _sentences(utterances: Sequence[Utterance]) -> list[list[Utterance]]:
    groups: list[list[Utterance]] = []
    for utterance in utterances:
        last = groups[-1] if groups else []
        goes_on = (
            last
            and not ends_sentence(last[-1].text)
            and utterance.start_s - last[-1].end_s <= _LONGEST_PAUSE_S
            and utterance.end_s - last[0].start_s <= _LONGEST_JOIN_S
        )
        if goes_on:
            last.append(utterance)
        else:
            groups.append([utterance])
    return groups


def _fitness(text: str, language: str, *, doubtful: bool) -> float:
    words = word_count(text, language)
    length = np.clip((words - 2) / 6, 0.05, 1.0) * np.clip(45 / max(words, 1), 0.4, 1.0)
    whole = 1.0 if ends_sentence(text) else 0.7
    question = 0.6 if text.rstrip().endswith(("?", "？")) else 1.0
    return float(length * whole * question * (0.2 if doubtful else 1.0))
