"""Chapters: scenes joined into a few titled parts that cover the video."""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from pipeline.analysis.description import find_sights, is_caption, screen_title, what_is_shown
from pipeline.analysis.scenes import TITLE_LENGTH, centrality, centred, phrase_title, sentence_title
from pipeline.analysis.summary.partition import partition
from pipeline.analysis.summary.statements import Statement
from pipeline.language import shortened
from schemas.records import Chapter, Keyframe, Scene

_MAX_CHAPTERS = 24
_LOGO_SHARE = 0.5
"""A title on a larger share of a video's frames is a logo, not the title of a chapter."""


def make_chapters(
    scenes: Sequence[Scene],
    keyframes: Sequence[Keyframe],
    statements: Sequence[Statement],
    *,
    duration_s: float,
    min_chapter_s: float,
    headline: str = "",
) -> tuple[Chapter, ...]:
    """Join scenes into chapters and give each a title.

    The number of chapters depends on the content. It is between half and all of `1.7 sqrt(duration / 2 m)`, where m is
    `min_chapter_s`, and never over 24. With m = 30 s, the maximum is 2 in a minute, 5 in ten minutes, 13 in an hour and
    23 in three hours.

    Args:
        scenes: They cover the video.
        keyframes: For titles on screen.
        statements: For titles from speech.
        duration_s: Length of the video.
        min_chapter_s: No chapter is shorter, unless the video is.
        headline: Title of a single chapter if there is no better one.

    Returns:
        Chapters from 0.0 to `duration_s`.
    """
    if not scenes:
        return ()
    max_count = int(np.clip(round(1.7 * (duration_s / (2 * min_chapter_s)) ** 0.5), 1, _MAX_CHAPTERS))
    starts = partition(
        centred(
            np.stack([scene.text_embedding for scene in scenes]),
            np.stack([scene.vision_embedding for scene in scenes]),
            0.5,
        ),
        [scene.end_s - scene.start_s for scene in scenes],
        min_s=min_chapter_s,
        min_count=(max_count + 1) // 2,
        max_count=max_count,
    )
    groups = [scenes[start:end] for start, end in itertools.pairwise([*starts, len(scenes)])]
    titles = _Titles(groups, keyframes, statements)
    chapters: list[Chapter] = []
    for index, group in enumerate(groups):
        title = titles.of(index, video_title=headline if len(groups) == 1 else "")
        chapters.append(Chapter(title, group[0].start_s, group[-1].end_s))
    return tuple(chapters)


class _Titles:
    """Finds a distinct title for each chapter, from the screen, keyphrases, a sentence or what is seen."""

    def __init__(
        self, groups: Sequence[Sequence[Scene]], keyframes: Sequence[Keyframe], statements: Sequence[Statement]
    ) -> None:
        self._groups = groups
        self._keyframes = keyframes
        self._spoken = [each for each in statements if each.kind == "speech"]
        self._phrases = [_phrases(group) for group in groups]
        titled = [title for title in map(screen_title, keyframes) if title]
        self._logos = {
            title
            for title in set(titled)
            if len(groups) > 1 and titled.count(title) > max(2.0, _LOGO_SHARE * len(keyframes))
        }
        self._taken: set[str] = set()

    def of(self, index: int, *, video_title: str) -> str:
        """Return the title of a chapter; no other chapter gets the same one.

        Args:
            index: Of the chapter.
            video_title: Title of the video if this is its only chapter, else empty.
        """
        start_s, end_s = self._span(index)
        frames = [frame for frame in self._keyframes if start_s <= frame.time_s < end_s]
        candidates = self._candidates(index, frames, video_title)
        free = (title for title in candidates if title and title.casefold() not in self._taken)
        title = next(free, f"Part {index + 1}")
        self._taken.add(title.casefold())
        return title

    def _span(self, index: int) -> tuple[float, float]:
        return self._groups[index][0].start_s, self._groups[index][-1].end_s

    def _candidates(self, index: int, frames: Sequence[Keyframe], video_title: str) -> Iterator[str]:
        titled = [frame for frame in frames if not is_caption(frame)]
        yield self._opening(frames)
        if len(video_title) <= TITLE_LENGTH and not video_title.endswith(("…", ")")):
            yield video_title.rstrip(".。")
        yield phrase_title(self._distinct(index))
        yield from self._on_screen(titled if video_title else frames)
        yield from self._from_speech(*self._span(index))
        yield shortened(what_is_shown(find_sights(frames), frames), TITLE_LENGTH)
        yield shortened(video_title, TITLE_LENGTH)

    def _opening(self, frames: Sequence[Keyframe]) -> str:
        """Return the title on the first frames of a chapter; a caption only names what its own frame shows."""
        first = (frame for frame in frames[: max(2, len(frames) // 4)] if not is_caption(frame))
        titles = (title for title in map(screen_title, first) if title and title not in self._logos)
        return next((title for title in titles if len(title) <= TITLE_LENGTH), "")

    def _on_screen(self, frames: Sequence[Keyframe]) -> list[str]:
        """Return the titles on the frames of a chapter, the most frequent first."""
        shown: dict[str, int] = defaultdict(int)
        for frame in frames:
            title = screen_title(frame)
            if title and title not in self._logos and len(title) <= TITLE_LENGTH:
                shown[title] += 1
        return sorted(shown, key=lambda title: -shown[title])

    def _distinct(self, index: int) -> list[str]:
        """Return the keyphrases of a chapter, those that other chapters lack first."""
        elsewhere: defaultdict[str, float] = defaultdict(float)
        for other, phrases in enumerate(self._phrases):
            if other != index:
                for phrase, score in phrases.items():
                    elsewhere[phrase] += score
        own = self._phrases[index]
        return sorted(own, key=lambda phrase: -own[phrase] * own[phrase] / (own[phrase] + elsewhere[phrase]))

    def _from_speech(self, start_s: float, end_s: float) -> list[str]:
        said = [each for each in self._spoken if start_s <= each.start_s < end_s]
        titles = [(sentence_title(each.text), each) for each in said]
        usable = [(title, each) for title, each in titles if title and each.weight >= 0.3]
        if not usable or not usable[0][1].vector.shape[0]:
            return [title for title, _ in usable[:1]]
        weights = np.array([each.weight for _, each in usable])
        central = centrality(np.stack([each.vector for _, each in usable]), weights)
        return [usable[index][0] for index in np.argsort(-central * weights, kind="stable")[:3]]


def _phrases(scenes: Sequence[Scene]) -> dict[str, float]:
    totals: defaultdict[str, float] = defaultdict(float)
    for scene in scenes:
        for phrase in scene.keyphrases:
            totals[phrase.label] += max(phrase.score, 0.0)
    return {phrase: total for phrase, total in totals.items() if total > 0}
