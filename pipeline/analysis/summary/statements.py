"""What a summary can be made of: sentences that were said, titles that were shown, and what pictures show."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.analysis.fusion import weighted_mean
from pipeline.analysis.scenes import FEW_SHOTS, Sighting, clean, duration, screen_title, shown_from, sightings
from pipeline.analysis.summary.fitness import fitness
from pipeline.language import ends_sentence, joined
from schemas.records import Embedding, Evidence, Keyframe, Scene, Shot, Utterance, frame_id, utterance_id

_LONGEST_JOIN_S = 30.0
_LONGEST_PAUSE_S = 2.0
_MAX_FRAMES = 3
_AGREES = 0.15
"""What is said while the same is written on the screen gains up to so much."""


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


def spoken_statements(
    utterances: Sequence[Utterance], keyframes: Sequence[Keyframe], shots: Sequence[Shot], video_id: str
) -> list[Statement]:
    """Join utterances to whole sentences, each with its utterances and the frame shown then as evidence."""
    shown_s = shown_from(keyframes, shots)
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
        place = bisect_right(shown_s, (start_s + end_s) / 2) - 1
        frame = keyframes[max(place, 0)] if keyframes else None
        vector = weighted_mean(vectors, lengths_s, len(vectors[0]) if vectors else 0)
        weight = fitness(
            text,
            group[0].language,
            doubtful=any(each.flags for each in group),
            avg_logprob=float(np.mean([each.avg_logprob for each in group])),
        )
        statements.append(
            Statement(
                text=text,
                start_s=start_s,
                end_s=end_s,
                weight=weight * (1 - _AGREES + _AGREES * _agreement(vector, frame)),
                vector=vector,
                evidence=(*evidence, *([_of_frame(frame, video_id)] if frame else [])),
                kind="speech",
            )
        )
    return statements


def shown_statements(
    scenes: Sequence[Scene], shots: Sequence[Shot], keyframes: Sequence[Keyframe], duration_s: float, video_id: str
) -> list[Statement]:
    """Say what is written on the screen and what pictures show; their vectors are those of the frames.

    What a captioning model says of a scene is taken as it is; labels only where `sightings` believes them. Where there
    is nothing to say, one statement says so.
    """
    if not keyframes:
        return []
    statements = written_statements(keyframes, video_id)
    titles = len(statements)
    statements += [
        _pictured(frame.caption, [frame], 0.7, video_id) for frame in _captioned(scenes, keyframes) if frame.caption
    ]
    if len(statements) == titles:
        count = max(len(shots), 1)
        statements += [
            _pictured(_seen(sighting, count), sighting.frames, 0.4 + 0.5 * sighting.belief, video_id)
            for sighting in sightings(keyframes)
            if sighting.persists or count < FEW_SHOTS
        ]
    if not statements:
        shown = f"{len(shots)} shots" if len(shots) > 1 else "one shot"
        text = f"Pictures of {duration(duration_s)} in {shown}, in which nothing was recognised for certain."
        statements.append(
            _pictured(text, [max(keyframes, key=lambda frame: frame.sharpness)], 0.2, video_id),
        )
    return statements


def written_statements(keyframes: Sequence[Keyframe], video_id: str) -> list[Statement]:
    """Say what is written large on the screen, each title once."""
    return [_written(title, frame, video_id) for title, frame in _titles(keyframes).items()]


def _titles(keyframes: Sequence[Keyframe]) -> dict[str, Keyframe]:
    """Return what is written large on frames, with the first frame of each."""
    titles: dict[str, Keyframe] = {}
    for frame in keyframes:
        title = screen_title(frame)
        if title:
            titles.setdefault(title, frame)
    return titles


def _captioned(scenes: Sequence[Scene], keyframes: Sequence[Keyframe]) -> list[Keyframe]:
    """Return for each scene the middle one of the frames that a model has captioned."""
    chosen = []
    for scene in scenes:
        frames = [
            frame
            for frame in keyframes
            if scene.start_s <= frame.time_s < scene.end_s and frame.caption_source != "composed"
        ]
        if frames:
            chosen.append(frames[len(frames) // 2])
    return chosen


def _written(title: str, frame: Keyframe, video_id: str) -> Statement:
    end_s = frame.time_s
    evidence = (_of_frame(frame, video_id),)
    return Statement(f"On screen: “{title}”.", frame.time_s, end_s, 0.9, frame.embedding, evidence, "screen")


def _pictured(text: str, frames: Sequence[Keyframe], weight: float, video_id: str) -> Statement:
    used = sorted(frames[:_MAX_FRAMES], key=lambda frame: frame.time_s)
    return Statement(
        text=text,
        start_s=used[0].time_s,
        end_s=used[-1].time_s,
        weight=weight,
        vector=frames[0].embedding,
        evidence=tuple(_of_frame(frame, video_id) for frame in used),
        kind="picture",
    )


def _seen(sighting: Sighting, shots: int) -> str:
    where = "" if shots == 1 else f", in {sighting.shots} of {shots} shots"
    return f"Seems to show {sighting.name}{where}."


def _agreement(vector: Embedding, frame: Keyframe | None) -> float:
    """Return how much a sentence says what is written on the screen then, 0 to 1; 0 where nothing is."""
    written = frame.text_embedding if frame else None
    if written is None or written.shape != vector.shape:
        return 0.0
    return float(np.clip(vector @ written, 0.0, 1.0))


def _of_frame(frame: Keyframe, video_id: str) -> Evidence:
    return Evidence("frame", frame_id(video_id, frame.index), frame.time_s, frame.time_s)


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
