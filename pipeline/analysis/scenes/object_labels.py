"""Object labels: labels of single frames, counted over frames and shots.

The labels of single frames are often wrong, even the most confident ones: a small ImageNet model knows few places and
no people, but must give them a label. Labels that recur in several shots are mostly right, and so is a frame in which
several labels of one family agree.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from schemas.records import Keyframe

FEW_SHOTS = 4
"""In a video with fewer shots, a label need not recur to be used."""
_TRUST = 0.5
"""Factor of one shot's probability, so that no single shot is enough."""
_SEEN = 0.15
"""Minimum probability for a shot to count as showing something."""
_MIN_MEAN, _MIN_CONFIDENCE = 0.12, 0.5
_CERTAIN, _AGREEING = 0.8, 0.05
NAMES_OF_TEXT = frozenset({"website", "envelope", "menu", "book jacket", "dust jacket", "comic book", "crossword"})
"""Labels that the model gives to pages of text; the text itself says more."""


@dataclass(frozen=True, slots=True)
class ObjectLabel:
    """A family of labels that frames probably show."""

    name: str
    """In the plural, or with its article, as in `bicycles` or `a stage`."""
    confidence: float
    """0 to 1; not calibrated."""
    recurs: bool
    """It appears in several shots, rather than in one with a high probability."""
    shots: int
    """Number of shots that probably show it."""
    frames: tuple[Keyframe, ...]
    """Frames that probably show it, the most probable first."""


def find_object_labels(keyframes: Sequence[Keyframe]) -> list[ObjectLabel]:
    """Return the label families with good evidence, the strongest first.

    Labels are summed by family (`label_families.txt`). A family has good evidence in one of two cases. It recurs: at
    least two shots show it, its mean over all shots is at least 0.12, and a noisy-or of the shots,
    `1 - prod(1 - p / 2)` (Pearl 1988), is at least 0.5. Or one shot has it with a probability of at least 0.8, to which
    several labels of the family contribute.

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
        certain = any(shot[name][1] and shot[name][0] >= _CERTAIN for shot in shots if name in shot)
        seen = int((each >= _SEEN).sum())
        confidence = float(1 - np.prod(1 - _TRUST * each))
        recurs = seen >= 2 and float(each.mean()) >= _MIN_MEAN and confidence >= _MIN_CONFIDENCE
        if recurs or certain:
            frames = [frame for frame in keyframes if _score(frame, name) >= _SEEN]
            frames.sort(key=lambda frame: -_score(frame, name))
            if certain:
                confidence = max(confidence, _CERTAIN)
            found.append(ObjectLabel(name, confidence, recurs, seen, tuple(frames)))
    return sorted(found, key=lambda label: (-label.confidence * label.shots, label.name))


def _of_shot(frames: Sequence[Keyframe]) -> dict[str, tuple[float, bool]]:
    """Return the mean probability of each family over a shot's frames, and whether several of its labels agree."""
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
    """Return the family of a label; a label without a family is its own."""
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
