"""Invented videos to export, and speech with the time of every word."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from pipeline.lake import SceneRecord, VideoRecord
from schemas.records import Chapter, Shot, Summary, Utterance, Word

ROW = {
    "uri": "/archive/The talk.mp4",
    "status": "ok",
    "language": "en",
    "duration_s": 60.0,
    "fps": 25.0,
    "frame_count": 1500,
    "has_video": True,
    "has_audio": True,
    "file_chapters": None,
}
SUMMARY = Summary("The Blue Planet", (), (), (), (), ())
VIDEO = VideoRecord("0123456789abcdef0123456789abcdef", ROW, SUMMARY, (), (), (), (), None)


def video(**fields: Any) -> VideoRecord:
    """Return a video with some of its fields, columns of `videos` and fields of its summary set, at one location."""
    row = {name: fields.pop(name) for name in ROW if name in fields}
    uri = str(row.get("uri", ROW["uri"]))
    row |= {"uris": [uri], "size_bytes": Path(uri).stat().st_size if Path(uri).is_file() else 1_000}
    summary = {name: fields.pop(name) for name in ("headline", "chapters") if name in fields}
    return replace(VIDEO, row=ROW | row, summary=replace(SUMMARY, **summary), **fields)


def chapters(*starts_s: float, end_s: float, titles: Sequence[str] = ()) -> tuple[Chapter, ...]:
    ends_s = [*starts_s[1:], end_s]
    names = titles or [f"Part {number}" for number in range(1, len(starts_s) + 1)]
    return tuple(Chapter(*each) for each in zip(names, starts_s, ends_s, strict=True))


def shots(*starts_s: float, end_s: float) -> tuple[Shot, ...]:
    ends_s = [*starts_s[1:], end_s]
    return tuple(
        Shot(index, start, end, "cut" if index else "start", 1.0)
        for index, (start, end) in enumerate(zip(starts_s, ends_s, strict=True))
    )


def scenes(*starts_s: float, end_s: float) -> tuple[SceneRecord, ...]:
    spans = zip(starts_s, [*starts_s[1:], end_s], strict=True)
    return tuple(SceneRecord(start, end, "", "", (), (), (), 0.5, 0.5) for start, end in spans)


def said(
    text: str,
    start_s: float = 0.0,
    *,
    letter_s: float = 0.07,
    pause_s: float = 0.05,
    language: str = "en",
    speaker: str | None = None,
    translation: str | None = None,
    index: int = 0,
) -> Utterance:
    """Return speech at an even pace; where the language has no spaces, each character is a word."""
    parts = list(text) if language in {"zh", "ja"} else text.split()
    words, at_s = [], start_s
    for part in parts:
        words.append(Word(part, at_s, at_s + letter_s * len(part), 0.9))
        at_s = words[-1].end_s + pause_s
    end_s = words[-1].end_s if words else start_s + 1
    return Utterance(
        index, start_s, end_s, text, language, speaker, tuple(words), -0.2, 0.01, 1.1, (), translation=translation
    )


_LATIN = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=14)
_MARKED = st.builds(str.__add__, _LATIN, st.sampled_from(["", "", "", "", ",", ".", "?", ";", "…"]))
_CHARACTERS = st.sampled_from("海洋覆盖了地球表面的大部分ひらがなカタカナ")
_DENSE = st.builds(str.__add__, _CHARACTERS, st.sampled_from(["", "", "", "，", "。", "！", "ー"]))


@st.composite
def speech(draw: st.DrawFn, language: str = "en", *, most_words: int = 30, timed: bool = True) -> list[Utterance]:
    """Draw utterances of several speakers at any pace, with pauses of any length."""
    vocabulary = _DENSE if language in {"zh", "ja"} else _MARKED
    utterances: list[Utterance] = []
    at_s = draw(st.floats(0, 5))
    for index in range(draw(st.integers(1, 5))):
        texts = draw(st.lists(vocabulary, min_size=1, max_size=most_words))
        words = []
        for text in texts:
            at_s += draw(st.one_of(st.just(0.0), st.floats(0, 0.4), st.floats(0, 9)))
            end_s = at_s + draw(st.floats(0.02, 0.9))
            words.append(Word(text, at_s, end_s, 0.9))
            at_s = end_s
        text = ("" if language in {"zh", "ja"} else " ").join(texts)
        speaker = draw(st.sampled_from([None, "speaker 1", "speaker 2"]))
        utterances.append(
            Utterance(
                index, words[0].start_s, words[-1].end_s, text, language, speaker, tuple(words) if timed else (),
                -0.2, 0.0, 1.0, (),
            )
        )  # fmt: skip
    return utterances


@st.composite
def speech_at_once(draw: st.DrawFn) -> list[Utterance]:
    """Draw what up to three people say, each at their own pace, without heed to the others."""
    utterances: list[Utterance] = []
    for number in range(draw(st.integers(2, 3))):
        at_s = 0.0
        for each in draw(speech(most_words=8)):
            shift_s = at_s - each.start_s + draw(st.floats(0, 4))
            words = tuple(
                replace(word, start_s=word.start_s + shift_s, end_s=word.end_s + shift_s) for word in each.words
            )
            at_s = words[-1].end_s
            utterances.append(
                replace(each, speaker=f"speaker {number}", words=words, start_s=words[0].start_s, end_s=at_s)
            )
    ordered = sorted(utterances, key=lambda each: each.start_s)
    return [replace(each, index=index) for index, each in enumerate(ordered)]
