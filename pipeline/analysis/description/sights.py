"""What frames show, in words: people and things, where, and how it looks."""

from collections.abc import Sequence

import numpy as np

from pipeline.analysis.description.evidence import Sight
from pipeline.analysis.description.look import Look, common_look
from pipeline.analysis.description.people import common_size, how_many, mostly_alone
from pipeline.analysis.description.phrases import capitalised, counted, listed
from pipeline.analysis.description.things import PERSON
from pipeline.language import format_duration
from schemas.records import Keyframe, Shot

_MAX_THINGS = 3
_MAIN_SHARE = 0.15
"""A thing in a smaller share of the shots is not what a video is about, unless nothing else is."""
_MANY_SHOTS, _QUICK_S = 10, 2.5
"""A video of at least so many shots whose median length is at most this is cut fast."""
_MANY_LINES = 3
_TIME_CODE = 0.5
"""Share of the frames of a test pattern on which digits are read."""


def what_is_shown(sights: Sequence[Sight], frames: Sequence[Keyframe], *, max_things: int = _MAX_THINGS) -> str:
    """Describe frames by what they show for certain, as in `Two people in a gym`.

    Args:
        sights: Of these frames, the most prominent first.
        frames: Of a shot, a scene or a video.
        max_things: Maximum number of things to name, people included.

    Returns:
        A noun phrase with a capital letter and without a full stop; empty if nothing is certain.
    """
    shots = len({frame.shot_index for frame in frames})
    main = [each for each in sights if each.shots >= _MAIN_SHARE * shots] or list(sights)
    countable = [each for each in main if each.thing.role in {"thing", "kind"}][:max_things]
    place = next((each.thing.name for each in main if each.thing.role == "place"), "")
    attire = next((each for each in main if each.thing.role == "attire"), None)
    people = next((each for each in countable if each.thing.name == PERSON), None)
    if not countable and attire is not None:
        countable = [attire]
    if not countable:
        return capitalised(f"{_scene(frames)} {place}") if place else ""
    parts = [_people(each, frames, attire, alone=len(countable) == 1) if each is people else _thing(each)
             for each in countable]  # fmt: skip
    if people is not None and not place and parts[countable.index(people)].endswith("in the distance"):
        parts.append(parts.pop(countable.index(people)))  # else the distance seems to be that of everything
    return capitalised(f"{listed(parts)} {place}".rstrip())


def how_it_looks(frames: Sequence[Keyframe]) -> str:
    """Return what to add to a description of frames, as in `, in black and white`; empty for colour."""
    return ", in black and white" if common_look(frames).grey else ""


def with_rhythm(shown: str, shots: Sequence[Shot]) -> str:
    """Add to a description of a video that it is cut fast, as in `Quick cuts of people`."""
    if len(shots) < _MANY_SHOTS or float(np.median([shot.end_s - shot.start_s for shot in shots])) > _QUICK_S:
        return shown
    return f"Quick cuts of {shown[:1].lower()}{shown[1:]}"


def footage(frames: Sequence[Keyframe], shots: int, duration_s: float, heard: str = "") -> str:
    """Describe a video in which no thing was recognised: how it looks, its shots and its length.

    Args:
        frames: Its keyframes.
        shots: How many it has.
        duration_s: Length of the video.
        heard: What it sounds like.
    """
    look = common_look(frames)
    kind = "Black frames" if look.black else f"{_adjective(look)} footage".strip()
    written = sum(len(frame.text_lines) >= _MANY_LINES for frame in frames)
    if look.drawn and 2 * written > len(frames):
        kind = "Screens of text"
    sound = f" with {heard}" if heard else ""
    return f"{capitalised(kind)}{sound} ({counted(shots, 'shot', 'shots')}, {format_duration(duration_s)})"


def describe_test_pattern(frames: Sequence[Keyframe]) -> str:
    """Describe a test pattern; empty if most frames show something else."""
    if not frames or not common_look(frames).colour_bars:
        return ""
    coded = sum(any(character.isdigit() for line in frame.text_lines for character in line.text) for frame in frames)
    return "Colour bars with a time code" if coded >= _TIME_CODE * len(frames) else "Colour bars"


def _adjective(look: Look) -> str:
    return " ".join(word for word, holds in (("dark", look.dark), ("black-and-white", look.grey)) if holds)


def _scene(frames: Sequence[Keyframe]) -> str:
    return "scenes" if len({frame.shot_index for frame in frames}) > 1 else "a scene"


def _people(sight: Sight, frames: Sequence[Keyframe], attire: Sight | None, *, alone: bool) -> str:
    """Describe people by number, clothes and size, as in `close-up of a person in a suit and tie`."""
    shown = set(sight.frames)
    with_people = [frame for frame in frames if frame in shown]
    count, size = how_many(with_people), common_size(with_people)
    if count == "people" and alone and sight.shots > 1 and mostly_alone(with_people):
        count = "people, mostly alone"
    if attire is not None and count == "a person" and set(attire.frames) & set(sight.frames):
        joint = "with" if attire.thing.name in _CARRIED else "in"
        count = f"{count} {joint} {attire.thing.one}"
    if size == "close-up" and alone:
        return f"close-ups of {count}" if sight.shots > 1 else f"close-up of {count}"
    return f"{count} in the distance" if size == "distant" else count


_CARRIED = frozenset({"microphones", "backpacks", "handbags", "umbrellas"})
"""What people have with them, rather than wear."""


def _thing(sight: Sight) -> str:
    return sight.thing.name if sight.several else sight.thing.one
