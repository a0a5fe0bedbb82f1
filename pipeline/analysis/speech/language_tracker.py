"""Follows the language of one audio track, and splits windows where it changes.

Whisper names one language per window, even if there are two, and often that of the shorter part. So each window is
examined in units of a few seconds, as slices of its encoder output, which costs only a step of the decoder. Outputs for
silence follow each slice, as they follow the speech in a window: otherwise the decoder guesses, mostly wrong. Where the
language seems to change, the window is split; parts that are short or unclear are encoded as windows, which is surest.
Then the languages of all parts of a batch are decided together, so that a short or noisy one does not change them.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

import numpy as np

from pipeline.analysis.speech.engines import ENDING_FRAMES, FRAME_SAMPLES, WINDOW_FRAMES, Encoded, Span
from pipeline.analysis.speech.languages import Evidence, Probabilities, changes, likely_languages, mean_probabilities
from pipeline.analysis.speech.transcription import Transcriber, context_frames
from pipeline.analysis.speech.windows import Window, WindowPlan
from schemas.media import SAMPLE_RATE_HZ

MIN_UNIT_S, MAX_UNIT_S = 1.0, 6.0
"""Shorter speech segments are examined together, longer ones in parts."""
SLICE_FRAMES = (50, 100, 150, 250)
"""Lengths of slices, in outputs of the encoder. Slices of one length are examined together."""
SURE, LIKELY = 0.8, 0.5
"""From `LIKELY`, a slice confirms the language of its window. Of 62 slices in another language than their window's,
4 did so, 3 of them in windows that were taken for Latin. A part of at least `SHORT_S` is clear from `SURE`."""
SHORT_S = 4.0
DETECTION_CONTEXT_S, MARGIN_S = 12, 1
"""Short and unclear parts are padded to this, and longer ones by the margin. Unlike the decoder, the detection of
languages does not need more."""
GROUP_S = 8.0
"""If neither the units of a window nor the whole window are clear, it is examined in parts of about this length."""
UNSETTLED_S = 10.0
"""A language that began less than this before the end of a batch is decided with the next batch."""
PROPOSAL_COST = 0.9
"""Cost of a change between units. It is low, because the languages of the parts are decided again."""
UNHEARD, UNHEARD_S = 0.3, 4.0
"""Where the likely language of a window is less probable than `UNHEARD` for `UNHEARD_S`, the window is split, too."""
QUIET_SAMPLES, SEARCH_SAMPLES = SAMPLE_RATE_HZ // 20, SAMPLE_RATE_HZ // 2
"""Speech without a pause is split where these 50 ms are quietest, at most half a second away."""


Pieces = tuple[tuple[int, int], ...]
"""Which samples of the track a window holds, as in `WindowPlan`."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Windows in one language, at most a batch."""

    windows: Sequence[Window]
    encoded: Encoded
    language: str


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A window, or a part of one, that seems to be in one language."""

    window_index: int
    window: Window
    probabilities: Probabilities

    @property
    def language(self) -> str:
        """The most probable language."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def evidence(self) -> Evidence:
        """The probabilities, and the seconds of speech."""
        return self.probabilities, self.window.plan.speech_s


class LanguageTracker:
    """Follows the language of one audio track, batch by batch.

    Args:
        transcriber: Encodes windows, and holds the engine that detects languages.
    """

    def __init__(self, transcriber: Transcriber) -> None:
        self._transcriber = transcriber
        self._current: str | None = None
        self._seconds: Counter[str] = Counter()
        self._certain_s: Counter[str] = Counter()
        self._encodings: dict[tuple[Pieces, int], Encoded] = {}
        """The encoder's output for each window of the batch, and for parts that were encoded as windows, by what they
        hold and the length to which they were padded."""

    def probability(self, language: str) -> float:
        """Return the mean probability of a language where it is spoken; 0 if it is not."""
        return self._certain_s[language] / max(self._seconds[language], 1e-9)

    def stretches(self, windows: Sequence[Window], *, final: bool) -> tuple[list[Stretch], list[Window]]:
        """Decide the languages of the next batch.

        Args:
            windows: They follow those of the previous call; at least two, or one if it is the last.
            final: No windows follow.

        Returns:
            The windows by language, split where the language changes; and windows to pass again as the first of the
            next batch, because a change has just begun in them.
        """
        begin = windows[0].plan.pieces[0][0]
        self._encodings = {key: each for key, each in self._encodings.items() if key[0][0][0] >= begin}
        encoded = self._encode(windows)
        parts = self._parts(windows, encoded)
        languages = likely_languages([part.evidence for part in parts], self._current)
        held = not final and _unsettled(parts, languages, self._current)
        kept = windows[: len(windows) - held]
        decided = [pair for pair in zip(parts, languages, strict=True) if pair[0].window_index < len(kept)]
        self._count(decided)
        if not held and len(set(languages)) == 1:
            return [Stretch(windows, encoded, languages[0])], []
        return list(self._by_language(_joined(kept, decided))), list(windows[len(kept) :])

    def _count(self, decided: Sequence[tuple[Part, str]]) -> None:
        for part, language in decided:
            probabilities, seconds = part.evidence
            self._seconds[language] += seconds  # type: ignore[assignment]
            self._certain_s[language] += seconds * probabilities.get(language, 0.0)  # type: ignore[assignment]
        self._current = decided[-1][1]

    def _parts(self, windows: Sequence[Window], encoded: Encoded) -> list[Part]:
        engine = self._transcriber.engine
        units = [speech_units(window.plan) for window in windows]
        frames = context_frames(windows)
        slices = [_slice(n, windows[n].plan, unit, frames) for n, inside in enumerate(units) for unit in inside]
        found = iter(self._detect(windows, encoded, slices))
        evidence = [[(next(found), (end - start) / SAMPLE_RATE_HZ) for start, end in inside] for inside in units]
        # Where all units of a window agree, it is in their language as a whole, too.
        wholes: dict[int, Probabilities] = {
            n: means
            for n, each in enumerate(evidence)
            if len(each) > 1 and _agree(means := mean_probabilities(each), each)
        }
        others = [n for n in range(len(windows)) if n not in wholes]
        if others:
            wholes |= zip(others, engine.detect(encoded, [(n, 0, frames) for n in others]), strict=True)
        parts: list[Part] = []
        for n, window in enumerate(windows):
            if _confirmed(wholes[n], evidence[n]):
                parts.append(Part(n, window, wholes[n]))
            else:
                previous = parts[-1].language if parts else self._current
                parts += self._examined(n, window, evidence[n], wholes[n], previous)
        return parts

    def _detect(self, windows: Sequence[Window], encoded: Encoded, slices: Sequence[Span]) -> list[Probabilities]:
        """Detect the languages of slices, each with silence after it: that of its window, if there is enough."""
        engine, frames = self._transcriber.engine, context_frames(windows)
        full = [frames - len(window.audio) // FRAME_SAMPLES < ENDING_FRAMES for window in windows]
        padded, others = ([each for each in slices if full[each[0]] is kind] for kind in (False, True))
        found = dict(zip(padded, engine.detect(encoded, padded), strict=True)) if padded else {}
        if others:
            found |= zip(others, engine.detect(encoded, others, self._transcriber.silence(frames)), strict=True)
        return [found[each] for each in slices]

    def _examined(
        self,
        index: int,
        window: Window,
        evidence: Sequence[Evidence],
        whole: Probabilities,
        previous: str | None,
    ) -> list[Part]:
        """Split a window where the languages of its units change."""
        units, begins = speech_units(window.plan), _begins(evidence, previous)
        if not begins:
            means = mean_probabilities(evidence)
            if max(means.values()) >= LIKELY or max(whole.values()) >= SURE:
                return [Part(index, window, _clearer(means, whole))]
            begins = _groups(units)
        inside = window.split([_cut(window, units[n - 1][1], units[n][0]) for n in begins])
        found = [mean_probabilities(evidence[first:last]) for first, last in pairwise([0, *begins, len(units)])]
        return self._surer([Part(index, part, each) for part, each in zip(inside, found, strict=True)])

    def _surer(self, parts: Sequence[Part]) -> list[Part]:
        """Encode the parts that are short or unclear as windows, each by itself, which is surest."""
        return [self._again(part) if _unclear(part) else part for part in parts]

    def _again(self, part: Part) -> Part:
        frames = detection_frames(len(part.window.audio))
        encoded = self._encode([part.window], frames)
        return replace(part, probabilities=self._transcriber.engine.detect(encoded, [(0, 0, frames)])[0])

    def _batches(self, windows: Sequence[Window]) -> Iterator[Sequence[Window]]:
        size = self._transcriber.config.batch_size
        return (windows[first : first + size] for first in range(0, len(windows), size))

    def _by_language(self, spoken: Sequence[tuple[str, Window]]) -> Iterator[Stretch]:
        for language in dict.fromkeys(language for language, _ in spoken):
            for batch in self._batches([window for each, window in spoken if each == language]):
                yield Stretch(batch, self._encode(batch), language)

    def _encode(self, windows: Sequence[Window], frames: int = 0) -> Encoded:
        """Encode windows, except those that are encoded already: a change of language leaves most as they are."""
        engine, frames = self._transcriber.engine, frames or context_frames(windows)
        keys = [(window.plan.pieces, frames) for window in windows]
        new = [n for n, key in enumerate(keys) if key not in self._encodings]
        if new:
            encoded = self._transcriber.encode([windows[n] for n in new], frames)
            self._encodings |= {keys[n]: engine.select(encoded, [row]) for row, n in enumerate(new)}
            if len(new) == len(windows):
                return encoded
        return engine.join([self._encodings[key] for key in keys])


def detection_frames(samples: int) -> int:
    """Return the outputs of the encoder for a part of a window that is encoded to detect its language.

    Args:
        samples: Length of the part.
    """
    seconds = max(math.ceil(samples / SAMPLE_RATE_HZ) + MARGIN_S, DETECTION_CONTEXT_S)
    return min(seconds * SAMPLE_RATE_HZ // FRAME_SAMPLES, WINDOW_FRAMES)


def speech_units(plan: WindowPlan) -> list[tuple[int, int]]:
    """Return the parts of a window whose language is detected, each `MIN_UNIT_S` to `MAX_UNIT_S` long where possible.

    Returns:
        Start and end of each in samples of the track, in order. A unit starts and ends where a speech segment does,
        except within long segments.
    """
    units: list[tuple[int, int]] = []
    for segment in plan.segments:
        count = math.ceil((segment.end - segment.start) / (MAX_UNIT_S * SAMPLE_RATE_HZ))
        edges = [segment.start + (segment.end - segment.start) * n // count for n in range(count + 1)]
        for start, end in pairwise(edges):
            if units and _short(units[-1]):
                units[-1] = (units[-1][0], end)
            else:
                units.append((start, end))
    if len(units) > 1 and _short(units[-1]):
        units[-2:] = [(units[-2][0], units[-1][1])]
    return units


def _agree(means: Probabilities, evidence: Sequence[Evidence]) -> bool:
    """Return whether the units of a window leave no doubt about its language."""
    return max(means.values()) >= SURE and _confirmed(means, evidence)


def _confirmed(probabilities: Probabilities, evidence: Sequence[Evidence]) -> bool:
    """Return whether every unit of a window is likely in the most probable language."""
    language = max(probabilities, key=probabilities.__getitem__)
    return all(each.get(language, 0.0) >= LIKELY for each, _ in evidence)


def _unclear(part: Part) -> bool:
    return max(part.probabilities.values()) < SURE or part.evidence[1] < SHORT_S


def _short(unit: tuple[int, int]) -> bool:
    return unit[1] - unit[0] < MIN_UNIT_S * SAMPLE_RATE_HZ


def _clearer(units: Counter[str], whole: Probabilities) -> Probabilities:
    """Return the probabilities of a window by its units or as a whole.

    It is the latter if they agree or the units are unclear. Otherwise, a short part in another language has decided it.
    """
    likely, probability = units.most_common(1)[0]
    return units if probability >= LIKELY and likely != max(whole, key=whole.__getitem__) else whole


def _groups(units: Sequence[tuple[int, int]]) -> list[int]:
    """Return the indices at which to split units into groups of about `GROUP_S`."""
    begins, start = [], units[0][0]
    for index, (unit_start, end) in enumerate(units[1:], 1):
        if (unit_start + end) / 2 - start > GROUP_S * SAMPLE_RATE_HZ:
            begins.append(index)
            start = unit_start
    return begins


def _slice(index: int, plan: WindowPlan, unit: tuple[int, int], frames: int) -> Span:
    """Return the middle of a unit as encoder outputs of a window, which has `frames` of them."""
    start, end = (plan.position(sample) / FRAME_SAMPLES for sample in unit)
    length = max((each for each in SLICE_FRAMES if each <= end - start), default=SLICE_FRAMES[0])
    first = min(max(round((start + end - length) / 2), 0), frames - length)
    return index, first, first + length


def _begins(evidence: Sequence[Evidence], previous: str | None) -> list[int]:
    """Return the units at which another language seems to begin, or one that is not clear."""
    likely = likely_languages(evidence, previous, change_cost=PROPOSAL_COST)
    unheard = [each.get(language, 0.0) < UNHEARD for (each, _), language in zip(evidence, likely, strict=True)]
    runs = [list(run) for _, run in groupby(range(len(evidence)), key=lambda n: (likely[n], unheard[n]))]
    lasting = {run[0] for run in runs if unheard[run[0]] and sum(evidence[n][1] for n in run) >= UNHEARD_S}
    return [
        run[0]
        for before, run in pairwise(runs)
        if likely[before[0]] != likely[run[0]] or not lasting.isdisjoint({before[0], run[0]})
    ]


def _unsettled(parts: Sequence[Part], languages: Sequence[str], previous: str | None) -> bool:
    """Return whether a language begins in the last window, too late for the batch to show that it stays."""
    begins = max(changes([previous or languages[0], *languages]), default=0) - 1
    run = parts[begins:] if begins >= 0 else ()
    seconds = sum(part.window.plan.speech_s for part in run)
    return bool(run) and 0 < run[0].window_index == parts[-1].window_index and seconds < UNSETTLED_S


def _joined(windows: Sequence[Window], decided: Sequence[tuple[Part, str]]) -> list[tuple[str, Window]]:
    """Join neighbouring parts of a window that are in the same language."""
    spoken = []
    for (index, language), group in groupby(decided, key=lambda pair: (pair[0].window_index, pair[1])):
        pieces = [piece for part, _ in group for piece in part.window.plan.pieces]
        spoken.append((language, windows[index].clip(pieces[0][0], pieces[-1][1])))
    return spoken


def _cut(window: Window, end: int, start: int) -> int:
    """Return the sample of the track at which to split a window between two units."""
    if start > end:
        return (start + end) // 2
    middle = window.plan.position(end)
    first = max(middle - SEARCH_SAMPLES, 0)
    around = window.audio[first : middle + SEARCH_SAMPLES].astype(np.float64)
    power = np.convolve(around**2, np.ones(QUIET_SAMPLES), "valid")
    return end - middle + first + int(np.argmin(power)) + QUIET_SAMPLES // 2
