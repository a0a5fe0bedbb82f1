"""What pictures show for all that is known: labels of single frames, put together over frames and shots.

A label of one frame is often wrong, and the surest ones are no exception: a small ImageNet model has seen neither most
places nor people, and must call them something. What comes again in other shots is mostly right, and so is a frame in
which several labels of one family agree.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from schemas.records import Keyframe

FEW_SHOTS = 4
"""In a video of fewer shots, what one of them surely shows is what it is about."""
_TRUST = 0.5
"""How much of one shot's probability is believed, so that no shot alone persuades."""
_SEEN = 0.15
"""Probability from which a shot counts as showing something."""
_MIN_MEAN, _MIN_BELIEF = 0.12, 0.5
_SURE, _AGREEING = 0.8, 0.05
NAMES_OF_TEXT = frozenset({"website", "envelope", "menu", "book jacket", "dust jacket", "comic book", "crossword"})
"""What pictures of text are called; the text itself says more."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something that is probably shown."""

    name: str
    """In the plural, or with its article, as in `bicycles` or `a stage`."""
    belief: float
    """0 to 1; not calibrated."""
    persists: bool
    """It comes again and again, rather than in one sure shot."""
    shots: int
    """Shots that seem to show it."""
    frames: tuple[Keyframe, ...]
    """Frames that seem to show it, the surest first."""


def sightings(keyframes: Sequence[Keyframe]) -> list[Sighting]:
    """Return what frames show for all that is known, the surest first; nothing where there is no good evidence.

    Labels are summed by family (`label_families.txt`). A family is believed where it comes in two shots or more with a
    fair mean over all shots, by a noisy-or of the shots, `1 - prod(1 - p / 2)` (Pearl 1988); or where one shot has it
    with a probability of 0.8 to which several labels of the family contribute.

    Args:
        keyframes: Of a shot, a scene or a video.
    """
    by_shot: dict[int, list[Keyframe]] = defaultdict(list)
    for frame in keyframes:
        by_shot[frame.shot_index].append(frame)
    shots = [_of_shot(frames) for frames in by_shot.values()]
    found = []
    for name in sorted({name for shot in shots for name in shot}):
        each = np.array([shot.get(name, (0.0, False))[0] for shot in shots])
        sure = any(shot[name][1] and shot[name][0] >= _SURE for shot in shots if name in shot)
        seen = int((each >= _SEEN).sum())
        belief = float(1 - np.prod(1 - _TRUST * each))
        persists = seen >= 2 and float(each.mean()) >= _MIN_MEAN and belief >= _MIN_BELIEF
        if persists or sure:
            frames = [frame for frame in keyframes if _score(frame, name) >= _SEEN]
            frames.sort(key=lambda frame: -_score(frame, name))
            found.append(Sighting(name, max(belief, _SURE if sure else 0.0), persists, seen, tuple(frames)))
    return sorted(found, key=lambda sighting: (-sighting.belief * sighting.shots, sighting.name))


def _of_shot(frames: Sequence[Keyframe]) -> dict[str, tuple[float, bool]]:
    """Return for each family its mean probability over a shot's frames, and whether several of its labels agree."""
    totals: defaultdict[str, float] = defaultdict(float)
    members: defaultdict[str, set[str]] = defaultdict(set)
    for frame in frames:
        for label in frame.labels:
            if label.label not in NAMES_OF_TEXT:
                name = family(label.label)
                totals[name] += label.score / len(frames)
                if label.score >= _AGREEING:
                    members[name].add(label.label)
    return {name: (min(total, 1.0), len(members[name]) > 1) for name, total in totals.items()}


def _score(frame: Keyframe, name: str) -> float:
    return sum(label.score for label in frame.labels if family(label.label) == name)


def family(label: str) -> str:
    """Return what people would call a label and those it is mixed up with; a label of no family is its own."""
    return _families().get(label, label)


@cache
def _families() -> Mapping[str, str]:
    text = files("pipeline.analysis.scenes").joinpath("label_families.txt").read_text(encoding="utf-8")
    families = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, labels = line.partition(": ")
            families.update(dict.fromkeys(labels.split("; "), name))
    return families
