"""Compare a corrected transcript with the utterances of a video, matched by time and by words."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from pipeline.analysis.corrections import automatic, tokens_of
from pipeline.corrections.edits import Edit
from pipeline.corrections.reading import CorrectedTranscript, Line
from pipeline.lake import VideoRecord
from pipeline.language import UNSPACED
from schemas.corrections import Span
from schemas.records import Utterance

_SAME_S = 0.0015
"""A line with the times of an utterance is that utterance. SubRip writes milliseconds."""
_NEAR_S = 0.5
"""Words that no utterance has belong to one so close to them."""
_MAX_SHOWN_S = 5.0
"""A line without an end lasts no longer than this."""
_CUT_S = 0.3
"""Lines and utterances are compared in parts, cut where both end with the same words, give or take this."""
_ALIKE = 5
"""So many words, or all of them."""
_APART_S = 1.0
"""And wherever both have such a pause."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What a corrected transcript changes in a video."""

    edits: tuple[Edit, ...]
    unplaced: tuple[Line, ...]
    """Lines without any speech of the video at their time."""
    unmentioned: int
    """Utterances that the transcript does not have. They stay as they are."""


@dataclass(slots=True)
class _Found:
    """What was found for each utterance, by its position."""

    texts: dict[int, str] = field(default_factory=dict)
    speakers: dict[int, str] = field(default_factory=dict)
    unplaced: list[Line] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Heard:
    """A token of a line."""

    text: str
    key: str
    spaced: bool | None
    """Whether a space stands before it; None at the start of a line."""
    line: int
    middle_s: float


def compare(video: VideoRecord, transcript: CorrectedTranscript) -> Compared:
    """Find what a corrected transcript changes.

    Args:
        video: The video with its utterances, words included.
        transcript: The transcript.
    """
    utterances = video.utterances
    lines = _with_ends(transcript.lines)
    found = _Found()
    rest = _same_times(utterances, lines, found)
    left = [n for n in range(len(utterances)) if n not in found.texts]
    for some_utterances, some_lines in _parts(utterances, left, rest):
        if not some_utterances:
            found.unplaced += some_lines
        elif _at_once(utterances, some_utterances):
            for voice, their in _voices(utterances, some_utterances, some_lines):
                _by_words(utterances, voice, their, found)
        else:
            _by_words(utterances, some_utterances, some_lines, found)
    edits = [
        Edit("text", text, _place(utterances[n]))
        for n, text in sorted(found.texts.items())
        if _bare(text) != _bare(utterances[n].text)
    ]
    edits += _speaker_edits(utterances, found.speakers)
    if transcript.headline is not None and transcript.headline != video.headline:
        edits.append(Edit("headline", transcript.headline))
    unplaced = sorted((line for line in found.unplaced if line.text.strip()), key=lambda line: line.start_s)
    return Compared(tuple(edits), tuple(unplaced), len(utterances) - len(found.texts))


def _speaks(utterance: Utterance, line: Line) -> bool:
    return line.speaker is not None and line.speaker == (utterance.speaker or "")


def _place(utterance: Utterance) -> Span:
    return Span(utterance.start_s, utterance.end_s)


def _bare(text: str) -> str:
    """Return a text without what subtitles write differently."""
    return " ".join(text.replace("-->", "→").split()).removeprefix("- ")


def _with_ends(lines: Sequence[Line]) -> list[Line]:
    ended = []
    for number, line in enumerate(lines):
        following_s = lines[number + 1].start_s if number + 1 < len(lines) else float("inf")
        end_s = min(following_s, line.start_s + _MAX_SHOWN_S) if line.end_s is None else line.end_s
        ended.append(Line(line.start_s, max(line.start_s, end_s), line.text, line.speaker))
    return ended


def _same_times(utterances: Sequence[Utterance], lines: Sequence[Line], found: _Found) -> list[Line]:
    """Take the lines that have the times of an utterance, and return the others."""
    at: dict[int, list[int]] = defaultdict(list)
    for position, each in enumerate(utterances):
        at[round(each.start_s / _SAME_S)].append(position)
    rest = []
    for line in lines:
        slot = round(line.start_s / _SAME_S)
        near = [position for key in (slot - 1, slot, slot + 1) for position in at.get(key, ())]
        fits = [
            position
            for position in near
            if abs(utterances[position].start_s - line.start_s) <= _SAME_S
            and abs(utterances[position].end_s - (line.end_s or 0.0)) <= _SAME_S
            and position not in found.texts
        ]
        if fits:
            # Of several with the same times, the one that is most alike.
            n = max(fits, key=lambda n: (_bare(utterances[n].text) == _bare(line.text), _speaks(utterances[n], line)))
            found.texts[n] = line.text
            if line.speaker is not None:
                found.speakers[n] = line.speaker
        else:
            rest.append(line)
    return rest


def _parts(
    utterances: Sequence[Utterance], positions: Sequence[int], lines: Sequence[Line]
) -> Iterator[tuple[list[int], list[Line]]]:
    """Yield utterances and lines that may belong together, in parts between which both have a pause."""
    events: list[tuple[float, float, int | Line]] = [
        *((utterances[n].start_s, utterances[n].end_s, n) for n in positions),
        *((line.start_s, line.end_s or line.start_s, line) for line in lines),
    ]
    events.sort(key=lambda event: (event[0], event[1]))
    some: list[int] = []
    their: list[Line] = []
    until_s = 0.0
    for start_s, end_s, each in events:
        close = start_s < until_s + _APART_S
        apart = not close or (start_s >= until_s - _CUT_S and _ends_alike(utterances, some, their))
        if (some or their) and apart:
            yield some, their
            some, their = [], []
        if isinstance(each, int):
            some.append(each)
        else:
            their.append(each)
        until_s = max(until_s, end_s)
    if some or their:
        yield some, their


def _ends_alike(utterances: Sequence[Utterance], some: Sequence[int], their: Sequence[Line]) -> bool:
    """Return whether utterances and lines end with the same words, so that what follows can be compared by itself."""
    said = [each.key for n in some for each in tokens_of(utterances[n].text)]
    read = [each.key for line in their for each in tokens_of(line.text)]
    return said == read or (len(said) >= _ALIKE and said[-_ALIKE:] == read[-_ALIKE:])


def _at_once(utterances: Sequence[Utterance], some: Sequence[int]) -> bool:
    ends_s = 0.0
    for n in some:
        if utterances[n].start_s < ends_s:
            return True
        ends_s = max(ends_s, utterances[n].end_s)
    return False


def _voices(
    utterances: Sequence[Utterance], some: Sequence[int], lines: Sequence[Line]
) -> list[tuple[list[int], list[Line]]]:
    """Return the utterances of each of several people who speak at once, with the lines that are likely theirs."""
    voices: dict[str | None, tuple[list[int], list[Line]]] = {}
    left: dict[int, Counter[str]] = {}
    for n in some:
        voices.setdefault(utterances[n].speaker, ([], []))[0].append(n)
        left[n] = Counter(each.key for each in tokens_of(utterances[n].text))
    for line in lines:
        span = Span(line.start_s - _CUT_S, (line.end_s or line.start_s) + _CUT_S)
        keys = Counter(each.key for each in tokens_of(line.text))
        near = {name: [n for n in own if _place(utterances[n]).shared_s(span)] for name, (own, _) in voices.items()}

        def fit(
            speaker: str | None,
            line: Line = line,
            keys: Counter[str] = keys,
            near: dict[str | None, list[int]] = near,
        ) -> float:
            said = sum((left[n] for n in near[speaker]), Counter[str]())
            # Most words count, then the name, then the time.
            return (keys & said).total() + 0.5 * (line.speaker == (speaker or "")) + 0.1 * bool(near[speaker])

        best = max(voices, key=fit)
        voices[best][1].append(line)
        for n in near[best]:
            taken = keys & left[n]
            left[n], keys = left[n] - taken, keys - taken
    return list(voices.values())


def _by_words(utterances: Sequence[Utterance], some: Sequence[int], lines: Sequence[Line], found: _Found) -> None:
    """Align the words of lines with those of utterances."""
    spoken = [(n, each.key) for n in some for each in tokens_of(utterances[n].text)]
    heard = [each for number, line in enumerate(lines) for each in _heard(line, number)]
    own: dict[int, list[_Heard]] = defaultdict(list)
    lost: set[int] = set()
    matcher = SequenceMatcher(None, [key for _, key in spoken], [each.key for each in heard], autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            for (n, _), each in zip(spoken[i1:i2], heard[j1:j2], strict=True):
                own[n].append(each)
            continue
        beside = [spoken[i][0] for i in range(max(0, i1 - 1), min(len(spoken), i2 + 1))]
        low = min(beside, default=some[0])
        for each in heard[j1:j2]:
            n = _nearest(utterances, [n for n in dict.fromkeys(beside) if n >= low] or list(some), each.middle_s)
            if i1 == i2 and _away_s(utterances[n], each.middle_s) > _NEAR_S:
                lost.add(each.line)
                continue
            own[n].append(each)
            low = n
    found.unplaced += [lines[number] for number in sorted(lost)]
    _take(utterances, own, lines, found)


def _nearest(utterances: Sequence[Utterance], positions: Sequence[int], time_s: float) -> int:
    return min(positions, key=lambda n: _away_s(utterances[n], time_s))


def _away_s(utterance: Utterance, time_s: float) -> float:
    return max(0.0, utterance.start_s - time_s, time_s - utterance.end_s)


def _heard(line: Line, number: int) -> Iterator[_Heard]:
    end_s, length = line.end_s or line.start_s, max(1, len(line.text))
    last = None
    for each in tokens_of(line.text):
        share = (each.start + each.end) / 2 / length
        spaced = None if last is None else each.start > last
        yield _Heard(each.text, each.key, spaced, number, line.start_s + (end_s - line.start_s) * share)
        last = each.end


def _take(utterances: Sequence[Utterance], own: dict[int, list[_Heard]], lines: Sequence[Line], found: _Found) -> None:
    """Note the text and the speaker of each utterance."""
    for n, tokens in own.items():
        same = [each.text for each in tokens] == [each.text for each in tokens_of(utterances[n].text)]
        found.texts[n] = utterances[n].text if same else _text_of(tokens)
        voices = Counter(lines[each.line].speaker for each in tokens if lines[each.line].speaker is not None)
        if voices:
            found.speakers[n] = voices.most_common(1)[0][0] or ""


def _text_of(tokens: Iterable[_Heard]) -> str:
    text = ""
    for each in tokens:
        if text:
            tight = UNSPACED.match(text[-1]) is not None and UNSPACED.match(each.text[0]) is not None
            text += " " * (not tight if each.spaced is None else each.spaced)
        text += each.text
    return text


def _speaker_edits(utterances: Sequence[Utterance], named: dict[int, str]) -> list[Edit]:
    """Return the fewest edits that give utterances these speakers: by voice where most of its utterances agree."""
    edits: list[Edit] = []
    by_voice: dict[str | None, list[int]] = defaultdict(list)
    for n in sorted(named):
        by_voice[automatic(utterances[n]).speaker].append(n)
    for voice, positions in by_voice.items():
        seconds: dict[str, float] = defaultdict(float)
        for n in positions:
            seconds[named[n]] += utterances[n].end_s - utterances[n].start_s
        name = max(seconds, key=lambda each: seconds[each])
        now = {utterances[n].speaker or "" for n in positions if named[n] == name}
        everywhere = bool(name) and now != {name}
        if everywhere:
            edits.append(Edit("speaker", name, name=voice or ""))
        edits += [
            Edit("speaker", named[n], _place(utterances[n]))
            for n in positions
            if named[n] and named[n] != (name if everywhere else utterances[n].speaker or "")
        ]
    return edits
