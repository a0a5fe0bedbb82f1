"""Frames: transitions, on-screen text, labels."""

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.figures.figure import Figure
from benchmarks.material.analysed import Video
from benchmarks.material.films import KnownFilm
from benchmarks.measures.recognition import character_error_rate
from benchmarks.measures.times import f1, matches

PART = "visual"
_SLIDE_TOLERANCE_S = 0.3


def visual_figures(films: Sequence[KnownFilm], videos: Mapping[str, Video]) -> Iterator[Figure]:
    """Measure shots, on-screen text and labels."""
    yield from _transitions(films, videos)
    yield from _written(films, videos)
    yield from _labels(films, videos)


def _transitions(films: Sequence[KnownFilm], videos: Mapping[str, Video]) -> Iterator[Figure]:
    cuts = slides = dissolves = cuts_right = slides_right = dissolves_right = extra = found = 0
    for film in films:
        truth = film.truth
        starts = [row["start_s"] for row in videos[film.path.name].shots if row["transition"] != "start"]
        frame_s = 1 / film.script.fps
        right = matches(starts, truth.cuts_s, 2.5 * frame_s)
        shown = matches(starts, truth.slides_s, _SLIDE_TOLERANCE_S)
        passed = sum(any(start - 0.2 <= each <= end + 0.2 for each in starts) for start, end in truth.dissolves_s)
        cuts, cuts_right = cuts + len(truth.cuts_s), cuts_right + right
        slides, slides_right = slides + len(truth.slides_s), slides_right + shown
        dissolves, dissolves_right = dissolves + len(truth.dissolves_s), dissolves_right + passed
        extra += len(starts) - right - shown - passed
        found += len(starts)
    yield Figure(
        PART, "cuts, F1", f1(cuts_right, cuts_right + extra, cuts), "", f"{cuts} cuts; false shots: {extra}",
        "a cut is found if a shot starts within two frames of it; a shot that starts where nothing changes is false",
        "the frame at which the film was cut", "higher", 0.95,
    )  # fmt: skip
    yield Figure(
        PART, "slide changes, recall", slides_right / max(1, slides), "%", f"{slides} changes",
        f"a shot starts within {_SLIDE_TOLERANCE_S} s of the change", "the frame at which the slide changed", "higher",
    )  # fmt: skip
    yield Figure(
        PART, "dissolves, recall", dissolves_right / max(1, dissolves), "%", f"{dissolves} dissolves",
        "a shot starts during the dissolve", "the frames of the dissolve", "higher",
    )  # fmt: skip


def _written(films: Sequence[KnownFilm], videos: Mapping[str, Video]) -> Iterator[Figure]:
    lines: list[str] = []
    read: list[list[str]] = []
    for film in films:
        frames = videos[film.path.name].frames
        for each in film.truth.written:
            lines.append(each.text)
            shown = [frame for frame in frames if each.start_s - 0.1 <= frame["time_s"] < each.end_s]
            read.append([line["text"] for frame in shown for line in frame["text_lines"]])
    yield Figure(
        PART, "on-screen text, character error rate", character_error_rate(lines, read), "%",
        f"{len(lines)} lines, {sum(map(len, lines))} characters",
        "edit distance from each line to the closest line read while it was shown; a missed line counts as all wrong",
        "the lines drawn on slides and photographs, in six languages", "lower",
    )  # fmt: skip


def _labels(films: Sequence[KnownFilm], videos: Mapping[str, Video]) -> Iterator[Figure]:
    first, among, count = 0, 0, 0
    for film in films:
        for each in film.truth.pictured:
            if not each.labels:
                continue
            frames = [row for row in videos[film.path.name].frames if each.start_s <= row["time_s"] < each.end_s]
            names = [[label["label"] for label in frame["labels"]] for frame in frames]
            count += 1
            first += any(found[:1] and found[0] in each.labels for found in names)
            among += any(set(found) & set(each.labels) for found in names)
    for name, hits in (("first", first), ("first five", among)):
        yield Figure(
            PART, f"label right, {name}", hits / max(1, count), "%", f"{count} scenes with photographs or clips",
            "a keyframe of the scene has a right label, as its first or among its first five",
            "ImageNet's names for what is shown", "higher",
        )  # fmt: skip
