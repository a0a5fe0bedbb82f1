"""Evidence: which things frames show for certain enough to say so.

Two models look at each frame: one gives labels to the whole image, the other finds objects in it. Each alone is often
wrong, even where it is confident: a small ImageNet model knows few places and no people, but must give every frame a
label, and a detector calls a globe a cup, in every frame of it. So a thing is stated only if both models agree, or one
of them sees it again after a cut. Where they disagree about the thing but agree about its kind, the kind is stated
("an animal"), as in Deng et al. 2012, "Hedging your bets".
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.analysis.description.things import NAMES_OF_TEXT, PERSON, Thing, kind_of, thing_of_label, thing_of_object
from schemas.records import Keyframe

_MIN_OBJECT, _CLEAR_OBJECT = 0.5, 0.6
"""Minimum score of an object that counts, and of one that counts as clearly seen."""
_MIN_LABEL, _CLEAR_LABEL = 0.15, 0.3
"""The same for the sum of a frame's labels of a thing."""
_CONFIRMED_LABEL, _ATTIRE_LABEL = 0.2, 0.4
"""Minimum sum of labels for a frame to show what the rest of the video confirms; people change clothes."""
_MIN_MEMBER = 0.05
"""Minimum score of a label that agrees with others of the same thing."""
_TRUST = 0.5
"""Factor of one shot's probability, so that no single shot is enough."""
_MIN_MEAN, _MIN_CONFIDENCE = 0.12, 0.5
_SURE_OBJECT = 0.75
"""Objects with this score in two shots, or with `_CLEAR_OBJECT` in three, need no label that agrees."""
_MIN_SHARE = 0.1
"""Minimum share of the shots in which objects alone must be seen."""
_RIVAL_OBJECT = 0.7
"""Another thing of the same kind with this score makes a thing doubtful."""
_SURE_PERSON, _MIN_PERSON = 0.55, 0.45
"""A person needs this score in one frame, or the lower one in two: the detector is best at people."""


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """A thing that frames show for certain enough to say so."""

    thing: Thing
    confidence: float
    """0 to 1; not calibrated."""
    shots: int
    """Number of shots that show it."""
    frames: tuple[Keyframe, ...]
    """Frames that show it, the most certain first."""
    several: bool
    """More than one of it is seen at once, or in more than one shot."""
    size: float
    """Share of the frame that its largest object covers, 0 to 1; 0 if only labels name it."""


@dataclass(slots=True)
class _Glimpse:
    """What one frame says about one thing."""

    label: float = 0.0
    """Sum of its labels' scores."""
    members: int = 0
    """Number of its labels that have a score worth counting."""
    object: float = 0.0
    """Best score of its objects."""
    count: int = 0
    """Number of its objects with `_MIN_OBJECT`."""
    size: float = 0.0

    @property
    def score(self) -> float:
        return max(self.object if self.object >= _MIN_PERSON else 0.0, min(self.label, 1.0))


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a whole video shows, for telling what single frames of it show."""

    things: frozenset[Thing]
    doubtful: frozenset[str]
    """Names of kinds of which the video does not say for certain which thing it is."""

    @classmethod
    def of(cls, sights: Iterable[Sight]) -> "Confirmed":
        """Take the things of a video's sights."""
        things = frozenset(sight.thing for sight in sights)
        return cls(things, frozenset(thing.name for thing in things if thing.role == "kind"))


def find_sights(keyframes: Sequence[Keyframe]) -> list[Sight]:
    """Return the things that frames show with good evidence, the most prominent first.

    A thing has good evidence in one of these cases:

    - Objects (at least 0.5) and labels (a sum of at least 0.15) both name it, and one of them clearly.
    - Labels name it in two shots or more: their mean over all shots is at least 0.12, and a noisy-or of the shots,
      `1 - prod(1 - p / 2)` (Pearl 1988), is at least 0.5.
    - Several of its labels agree in two frames of a shot with a mean of at least 0.5, or in three frames.
    - Objects are seen in two shots with 0.75, or in three with 0.6, and in a tenth of all shots.
    - It is a kind of thing, and objects and labels both name it clearly in one shot.
    - It is a person, in one frame with 0.55, or in two with 0.45.

    Args:
        keyframes: Of a shot, a scene or a video.
    """
    return _ordered(_certain(_Evidence(keyframes)))


def best_guess(frame: Keyframe, min_score: float) -> Thing | None:
    """Return what a single frame most probably shows, which nothing else confirms; None if that is too doubtful."""
    guesses = [(each.label, thing.name, thing) for thing, each in _glimpses(frame).items() if thing.role == "thing"]
    best = max(guesses, default=None, key=lambda guess: guess[:2])
    return best[2] if best and best[0] >= min_score else None


def without_attire(sights: Sequence[Sight]) -> list[Sight]:
    """Return the sights that stand alone: what people wear or hold does not, if people are seen."""
    people = any(sight.thing.name == PERSON for sight in sights)
    return [sight for sight in sights if not (people and sight.thing.role == "attire")]


def sights_of(keyframes: Sequence[Keyframe], of_video: Confirmed) -> list[Sight]:
    """Return what some frames of a video show for certain, by their own evidence or by that of the whole video.

    Args:
        keyframes: Some of the video's.
        of_video: What the whole video shows.

    Returns:
        The most prominent first.
    """
    evidence = _Evidence(keyframes)
    found = {thing: sight for thing, sight in _certain(evidence).items() if thing.kind not in of_video.doubtful}
    for thing, glimpses in evidence.seen.items():
        if thing not in found and thing in of_video.things:
            min_label = _ATTIRE_LABEL if thing.role == "attire" else _CONFIRMED_LABEL
            if any(_shows(glimpse, min_label) for _, glimpse in glimpses):
                found[thing] = _described(thing, evidence)
    return _ordered(found)


def _shows(glimpse: _Glimpse, min_label: float = _MIN_LABEL) -> bool:
    return glimpse.object >= _MIN_PERSON or glimpse.label >= min_label


def _glimpses(frame: Keyframe) -> dict[Thing, _Glimpse]:
    found: defaultdict[Thing, _Glimpse] = defaultdict(_Glimpse)
    for label in frame.labels:
        if label.label not in NAMES_OF_TEXT:
            for thing in _with_kind(thing_of_label(label.label)):
                found[thing].label += label.score
                found[thing].members += label.score >= _MIN_MEMBER
    for each in frame.objects:
        for thing in _with_kind(thing_of_object(each.label)):
            glimpse = found[thing]
            glimpse.object = max(glimpse.object, each.score)
            if each.score >= _MIN_OBJECT:
                glimpse.count += 1
                x0, y0, x1, y1 = each.box
                glimpse.size = max(glimpse.size, (x1 - x0) * (y1 - y0))
    return dict(found)


def _with_kind(thing: Thing) -> Iterable[Thing]:
    kind = kind_of(thing)
    return (thing,) if kind is None else (thing, kind)


class _Evidence:
    """What frames say about things, by thing, so that its size is that of what was seen, not things times frames."""

    def __init__(self, keyframes: Sequence[Keyframe]) -> None:
        self.seen: defaultdict[Thing, list[tuple[Keyframe, _Glimpse]]] = defaultdict(list)
        """By thing, in the same order in every process; frames in order of time."""
        self.frames_of_shot = Counter(frame.shot_index for frame in keyframes)
        for frame in keyframes:
            for thing, glimpse in _glimpses(frame).items():
                self.seen[thing].append((frame, glimpse))

    def by_shot(self, thing: Thing) -> dict[int, list[_Glimpse]]:
        """Return what is said about a thing, by the index of the shot; shots that say nothing are left out."""
        shots: defaultdict[int, list[_Glimpse]] = defaultdict(list)
        for frame, glimpse in self.seen[thing]:
            shots[frame.shot_index].append(glimpse)
        return dict(shots)


def _certain(evidence: _Evidence) -> dict[Thing, Sight]:
    """Return the things that have good evidence; see `find_sights`."""
    found = {thing: sight for thing in evidence.seen if (sight := _sight(thing, evidence)) is not None}
    rivals = _rivals(found, evidence)
    return {thing: sight for thing, sight in found.items() if not _contested(sight, found, rivals)}


def _sight(thing: Thing, evidence: _Evidence) -> Sight | None:
    glimpses = [glimpse for _, glimpse in evidence.seen[thing]]
    shots = evidence.by_shot(thing)
    if thing.role == "kind":
        # So many labels belong to a kind that some of them fit any texture.
        good = any(_agreed(shot, clearly=True) for shot in shots.values())
    else:
        sizes = evidence.frames_of_shot
        good = _agreed(glimpses) or _labels_recur(shots, sizes) or _labels_agree(shots, sizes)
        good = good or _objects_recur(shots, sizes)
    if not good and not (thing.name == PERSON and _is_person(glimpses)):
        return None
    return _described(thing, evidence)


def _described(thing: Thing, evidence: _Evidence) -> Sight:
    seen = evidence.seen[thing]
    shown = [(glimpse, frame) for frame, glimpse in seen if _shows(glimpse)]
    shown.sort(key=lambda pair: -pair[0].score)
    shots = len({frame.shot_index for _, frame in shown})
    best = np.array([max(glimpse.score for glimpse in shot) for shot in evidence.by_shot(thing).values()])
    return Sight(
        thing=thing,
        confidence=float(1 - np.prod(1 - _TRUST * best)),
        shots=shots,
        frames=tuple(frame for _, frame in shown),
        several=shots > 1 or any(glimpse.count > 1 for _, glimpse in seen),
        size=max(glimpse.size for _, glimpse in seen),
    )


def _rivals(found: Mapping[Thing, Sight], evidence: _Evidence) -> dict[str, set[int]]:
    """Return the shots in which the detector gives a thing of a kind a name that is not certain, by kind."""
    rivals: defaultdict[str, set[int]] = defaultdict(set)
    for thing, glimpses in evidence.seen.items():
        if thing.kind and thing not in found:
            rivals[thing.kind] |= {frame.shot_index for frame, each in glimpses if each.object >= _RIVAL_OBJECT}
    return rivals


def _contested(sight: Sight, found: Mapping[Thing, Sight], rivals: Mapping[str, set[int]]) -> bool:
    """Tell whether the detector gives a thing another name of its kind elsewhere in the same shots."""
    if not sight.thing.kind or kind_of(sight.thing) not in found:
        return False
    return any(frame.shot_index in rivals[sight.thing.kind] for frame in sight.frames)


def _ordered(found: Mapping[Thing, Sight]) -> list[Sight]:
    """Return things by prominence; a kind says less than a thing of that kind, and is left out beside it."""
    named = {thing.kind for thing in found}
    kept = [sight for thing, sight in found.items() if thing.role != "kind" or thing.name not in named]
    return sorted(kept, key=lambda sight: (-_prominence(sight), sight.thing.name))


def _agreed(frames: Sequence[_Glimpse], *, clearly: bool = False) -> bool:
    """Tell whether objects and labels name a thing, one of them clearly, or both."""
    best_object, best_label = max(each.object for each in frames), max(each.label for each in frames)
    clear = (best_object >= _CLEAR_OBJECT) + (best_label >= _CLEAR_LABEL)
    return clear > clearly and best_object >= _MIN_OBJECT and best_label >= _MIN_LABEL


def _labels_recur(shots: Mapping[int, Sequence[_Glimpse]], sizes: Mapping[int, int]) -> bool:
    each = np.array([min(sum(glimpse.label for glimpse in shot) / sizes[at], 1.0) for at, shot in shots.items()])
    confidence = 1 - np.prod(1 - _TRUST * each)
    mean = each.sum() / len(sizes)
    return bool((each >= _MIN_LABEL).sum() >= 2 and mean >= _MIN_MEAN and confidence >= _MIN_CONFIDENCE)


def _labels_agree(shots: Mapping[int, Sequence[_Glimpse]], sizes: Mapping[int, int]) -> bool:
    for at, shot in shots.items():
        clear = [each for each in shot if each.label >= _CLEAR_LABEL]
        if any(each.members > 1 for each in clear):
            mean = sum(each.label for each in shot) / sizes[at]
            if len(clear) >= 3 or (len(clear) == 2 and mean >= _CLEAR_LABEL + 0.2):
                return True
    return False


def _objects_recur(shots: Mapping[int, Sequence[_Glimpse]], sizes: Mapping[int, int]) -> bool:
    best = [max(each.object for each in shot) for shot in shots.values()]
    sure, clear = sum(score >= _SURE_OBJECT for score in best), sum(score >= _CLEAR_OBJECT for score in best)
    return clear >= _MIN_SHARE * len(sizes) and (sure >= 2 or clear >= 3)


def _is_person(frames: Sequence[_Glimpse]) -> bool:
    scores = [each.object for each in frames]
    return max(scores) >= _SURE_PERSON or sum(score >= _MIN_PERSON for score in scores) >= 2


def _prominence(sight: Sight) -> float:
    return float(sight.confidence * sight.shots * (0.5 + sight.size**0.5))
