"""Names: how many of the people, places, organisations, dates and works in the English scripts are found."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures.figure import Figure
from benchmarks.material.script import FOLDER
from pipeline.analysis.entities.dates import iso_date
from pipeline.analysis.entities.forms import normal_form
from pipeline.lake import Lake
from schemas.entities import ENTITY_KINDS, EntityKind

PART = "names"
LABELS = FOLDER / "names.toml"
Found = tuple[EntityKind, str]
"""Kind and spelling of a name."""


@dataclass(frozen=True)
class Labels:
    """The names of one script, and those that may be found as well."""

    names: tuple[tuple[EntityKind, frozenset[str]], ...]
    """Kind and right spellings, normalised."""
    optional: frozenset[str]


@dataclass
class Score:
    """Names that were found, found wrongly, and missed."""

    right: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * len(self.right) / max(1, 2 * len(self.right) + len(self.wrong) + len(self.missed))

    @property
    def cases(self) -> str:
        """The counts."""
        found, names = len(self.right) + len(self.wrong), len(self.right) + len(self.missed)
        precision, recall = len(self.right) / max(1, found), len(self.right) / max(1, names)
        return f"{names} names; precision {precision:.3f}, recall {recall:.3f}"

    def add(self, other: "Score") -> None:
        """Add the names of another video."""
        self.right += other.right
        self.wrong += other.wrong
        self.missed += other.missed


def read_labels(path: Path = LABELS) -> tuple[dict[str, Labels], dict[str, list[str]]]:
    """Return the labels of each script, and the scripts of each half."""
    tables = tomllib.loads(path.read_text("utf-8"))
    split = tables.pop("split")
    labels = {}
    for script, given in tables.items():
        names = [
            (kind, frozenset(_normal(kind, each) for each in spelled.split("|")))
            for kind in ENTITY_KINDS
            for spelled in given.get(kind, ())
        ]
        optional = [each for spelled in given.get("may", ()) for each in spelled.split("|")]
        labels[script] = Labels(tuple(names), frozenset(_normal("work", each) for each in optional))
    return labels, split


def score(labels: Labels, found: Iterable[Found], *, kinds: bool = True) -> Score:
    """Compare the names found in a video with those of its script.

    Args:
        labels: The names of the script.
        found: Kind and spelling of each name, once.
        kinds: Whether the kind must be right, too.
    """
    left, result = list(labels.names), Score()
    for kind, text in found:
        fitting = next(
            (each for each in left if _normal(each[0], text) in each[1] and (each[0] == kind or not kinds)), None
        )
        if fitting is not None:
            left.remove(fitting)
            result.right.append(text)
        elif _normal("work", text) not in labels.optional:
            result.wrong.append(f"{text} ({kind})")
    result.missed += [f"{min(spellings)} ({kind})" for kind, spellings in left]
    return result


def names_figures(lakes: Sequence[Lake], *, verbose: bool = True) -> Iterator[Figure]:
    """Measure the names found in the videos of all scripts that have labels.

    Args:
        lakes: Hold the videos.
        verbose: Whether to print what was wrong or missed.
    """
    found: dict[str, list[Found]] = {}
    for lake in lakes:
        videos = lake.sql("SELECT video_id, uri FROM videos WHERE status = 'ok'").to_pylist()
        rows = lake.sql("SELECT video_id, kind, text FROM entities ORDER BY entity_index").to_pylist()
        for video in videos:
            own = [(row["kind"], row["text"]) for row in rows if row["video_id"] == video["video_id"]]
            found[Path(video["uri"]).stem] = own
    labels, split = read_labels()
    for half, goal in (("reported", 0.8), ("tuned", None)):
        scripts = [script for script in split[half] if script in found]
        yield from _figures(half, goal, {script: labels[script] for script in scripts}, found, verbose=verbose)


def _figures(
    half: str, goal: float | None, labels: Mapping[str, Labels], found: Mapping[str, Sequence[Found]], *, verbose: bool
) -> Iterator[Figure]:
    total, spelled = Score(), Score()
    for script, own in labels.items():
        one = score(own, found[script])
        total.add(one)
        spelled.add(score(own, found[script], kinds=False))
        if verbose and (one.wrong or one.missed):
            print(f"  {script}: wrong {', '.join(one.wrong) or 'none'}; missed {', '.join(one.missed) or 'none'}")
    held_out = "held-out half" if half == "reported" else "half that rules were tuned on"
    for name, result, its_goal in (
        (f"names, {held_out}, F1", total, goal),
        (f"names, {held_out}, F1 whatever the kind", spelled, None),
    ):
        yield Figure(
            PART, name, result.f1, "", f"{len(labels)} videos, {result.cases}",
            "entities of each video against the names of its script: the right spelling, and the right kind unless "
            "stated otherwise; a name that is split in two counts as wrong once",
            "labels in `names.toml`, made before any output was seen", "higher", its_goal,
        )  # fmt: skip


def _normal(kind: EntityKind, text: str) -> str:
    return (iso_date(text) or " ".join(text.casefold().split())) if kind == "date" else normal_form(text, "person")
