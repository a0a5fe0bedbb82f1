"""Statements: the sentences that a summary is chosen from. They come from speech, on-screen text and frames."""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from pipeline.analysis.description import (
    Sight,
    counted,
    describe_test_pattern,
    find_sights,
    legible_line,
    screen_title,
    what_is_shown,
    without_attire,
)
from pipeline.analysis.fusion import weighted_mean
from pipeline.analysis.scenes import shown_from
from pipeline.analysis.summary.fitness import fitness
from pipeline.language import UNSPACED_LETTERS, clean, ends_sentence, format_duration, joined
from schemas.config import COMPOSED
from schemas.records import Embedding, Entity, Evidence, Keyframe, Scene, Shot, Utterance, frame_id, utterance_id

_MAX_SENTENCE_S = 30.0
_MAX_PAUSE_S = 2.0
_MAX_FRAMES = 3
_MISHEARD = 0.3
"""Factor of the weight of a sentence with a name that may be misheard."""
_AGREEMENT_WEIGHT = 0.15
"""Share of a spoken sentence's weight that depends on its agreement with the on-screen text at that time."""


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A sentence that may become part of the summary, with its evidence."""

    text: str
    start_s: float
    end_s: float
    weight: float
    """How well it stands alone, 0 to 1; see `fitness`."""
    vector: Embedding
    """In the space that all statements of a video share."""
    evidence: tuple[Evidence, ...]
    kind: Literal["speech", "screen", "frame"]
    sung: bool = False
    """Whether it is a line of a song."""


def spoken_statements(
    utterances: Sequence[Utterance],
    keyframes: Sequence[Keyframe],
    shots: Sequence[Shot],
    video_id: str,
    entities: Sequence[Entity] = (),
) -> list[Statement]:
    """Join utterances into whole sentences; their evidence is the utterances and the frame shown at that time.

    A sentence with a name that may be misheard counts little, and says so, as in `Dali (?)`.
    """
    shown_s = shown_from(keyframes, shots)
    doubtful = _doubtful_names(entities)
    statements = []
    for group in _sentences(utterances):
        text = clean(joined((each.text for each in group), group[0].language))
        if not text:
            continue
        misheard = [name for each in group for name in doubtful.get(utterance_id(video_id, each.index), ())]
        vectors = [each.embedding for each in group if each.embedding is not None]
        lengths_s = [each.end_s - each.start_s for each in group if each.embedding is not None]
        start_s, end_s = group[0].start_s, group[-1].end_s
        evidence = [
            Evidence("utterance", utterance_id(video_id, each.index), each.start_s, each.end_s) for each in group
        ]
        index = bisect_right(shown_s, (start_s + end_s) / 2) - 1
        frame = keyframes[max(index, 0)] if keyframes else None
        vector = weighted_mean(vectors, lengths_s, len(vectors[0]) if vectors else 0)
        weight = fitness(
            text,
            group[0].language,
            doubtful=any(each.flags for each in group),
            avg_logprob=float(np.mean([each.avg_logprob for each in group])),
        )
        if misheard:
            weight *= _MISHEARD
        statements.append(
            Statement(
                text=_marked(text, misheard),
                start_s=start_s,
                end_s=end_s,
                weight=weight * (1 - _AGREEMENT_WEIGHT + _AGREEMENT_WEIGHT * _agreement(vector, frame)),
                vector=vector,
                evidence=(*evidence, *([_frame_evidence(frame, video_id)] if frame else [])),
                kind="speech",
                sung=2 * sum(each.sung for each in group) > len(group),
            )
        )
    return statements


def _doubtful_names(entities: Sequence[Entity]) -> dict[str, list[str]]:
    """Return the names that may be misheard, by the id of the utterance."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for entity in entities:
        if entity.doubtful:
            for each in entity.occurrences:
                names[each.id].append(each.text)
    return dict(names)


def _marked(text: str, misheard: Sequence[str]) -> str:
    """Return a text that says of some names that they may be misheard."""
    if not misheard:
        return text
    # The longest first, so that a name within another one is not marked as well. Scripts without spaces have no words.
    names = "|".join(map(re.escape, sorted(set(misheard), key=len, reverse=True)))
    letter = rf"[^\W{UNSPACED_LETTERS}]"
    return re.sub(rf"(?<!{letter})(?:{names})(?!{letter})", lambda found: f"{found[0]} (?)", text)


def shown_statements(
    scenes: Sequence[Scene], shots: Sequence[Shot], keyframes: Sequence[Keyframe], duration_s: float, video_id: str
) -> list[Statement]:
    """Make statements from on-screen text and frames; their vectors are those of the frames.

    Captions by a model are used as they are. Without them, only object labels with good evidence are used. If nothing
    is found, one statement quotes what is written in small letters, or says so.
    """
    if not keyframes:
        return []
    statements = written_statements(keyframes, video_id)
    title_count = len(statements)
    statements += [
        _shown(frame.caption, [frame], 0.7, video_id) for frame in _captioned(scenes, keyframes) if frame.caption
    ]
    if len(statements) == title_count:
        sights = find_sights(keyframes)
        count = max(len(shots), 1)
        statements += [
            _shown(_sentence(sight, sights, count), sight.frames, 0.4 + 0.5 * sight.confidence, video_id)
            for sight in without_attire(sights)
        ]
    if not statements:
        shown = counted(max(len(shots), 1), "shot", "shots")
        text = f"Footage of {format_duration(duration_s)} in {shown}, in which nothing was recognised for certain."
        pattern = describe_test_pattern(keyframes)
        sharpest = max(keyframes, key=lambda frame: frame.sharpness)
        read = {frame: line for frame in keyframes if (line := legible_line(frame.text_lines))}
        if read and not pattern:
            most = max(read, key=lambda frame: len(frame.text_lines))
            return [_written(read[most], most, video_id)]
        statements.append(_shown(f"{pattern}." if pattern else text, [sharpest], 0.2, video_id))
    return statements


def written_statements(keyframes: Sequence[Keyframe], video_id: str) -> list[Statement]:
    """Make a statement from each distinct title on the screen."""
    return [_written(title, frame, video_id) for title, frame in _titles(keyframes).items()]


def _titles(keyframes: Sequence[Keyframe]) -> dict[str, Keyframe]:
    """Return the distinct titles on frames, with the first frame of each."""
    titles: dict[str, Keyframe] = {}
    for frame in keyframes:
        title = screen_title(frame)
        if title:
            titles.setdefault(title, frame)
    return titles


def _captioned(scenes: Sequence[Scene], keyframes: Sequence[Keyframe]) -> list[Keyframe]:
    """Return the middle one of the frames of each scene that a model has captioned."""
    captioned = [frame for frame in keyframes if frame.caption_source != COMPOSED]
    first_at = partial(bisect_left, captioned, key=lambda frame: frame.time_s)
    inside = (captioned[first_at(scene.start_s) : first_at(scene.end_s)] for scene in scenes)
    return [frames[len(frames) // 2] for frames in inside if frames]


def _written(title: str, frame: Keyframe, video_id: str) -> Statement:
    end_s = frame.time_s
    evidence = (_frame_evidence(frame, video_id),)
    return Statement(f"On screen: “{title}”.", frame.time_s, end_s, 0.9, frame.embedding, evidence, "screen")


def _shown(text: str, frames: Sequence[Keyframe], weight: float, video_id: str) -> Statement:
    used = sorted(frames[:_MAX_FRAMES], key=lambda frame: frame.time_s)
    return Statement(
        text=text,
        start_s=used[0].time_s,
        end_s=used[-1].time_s,
        weight=weight,
        vector=frames[0].embedding,
        evidence=tuple(_frame_evidence(frame, video_id) for frame in used),
        kind="frame",
    )


def _sentence(sight: Sight, sights: Sequence[Sight], shots: int) -> str:
    """Say what is shown, people with what they wear, and in how many shots."""
    worn = [each for each in sights if each.thing.role == "attire" and each is not sight]
    where = "" if shots == 1 else f", in {sight.shots} of {shots} shots"
    return f"{what_is_shown([sight, *worn], sight.frames)}{where}."


def _agreement(vector: Embedding, frame: Keyframe | None) -> float:
    """Return the cosine of a sentence and the text on its frame, 0 to 1; 0 if there is no text."""
    written = frame.text_embedding if frame else None
    if written is None or written.shape != vector.shape:
        return 0.0
    return float(np.clip(vector @ written, 0.0, 1.0))


def _frame_evidence(frame: Keyframe, video_id: str) -> Evidence:
    return Evidence("frame", frame_id(video_id, frame.index), frame.time_s, frame.time_s)


def _sentences(utterances: Sequence[Utterance]) -> list[list[Utterance]]:
    """Group utterances that form one sentence."""
    groups: list[list[Utterance]] = []
    for utterance in utterances:
        last = groups[-1] if groups else []
        continues = (
            last
            and utterance.language == last[-1].language
            and not ends_sentence(last[-1].text)
            and utterance.start_s - last[-1].end_s <= _MAX_PAUSE_S
            and utterance.end_s - last[0].start_s <= _MAX_SENTENCE_S
        )
        if continues:
            last.append(utterance)
        else:
            groups.append([utterance])
    return groups
