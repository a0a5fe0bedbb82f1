"""Transcripts that people corrected in other programs."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.corrections.edits import Edit
from pipeline.corrections.matching import Compared, compare
from pipeline.corrections.reading import read_transcript
from pipeline.export import FORMATS, Options
from pipeline.lake import VideoRecord
from schemas.corrections import Span
from schemas.errors import ConfigurationError
from schemas.records import Utterance
from tests.pipeline.export.records import said, speech, speech_at_once, video

TALK = video(
    utterances=(
        said("Good morning. Today we talk about annlee and the oceans of the world.", 0.5, speaker="S1", index=0),
        said("Thank you very much for having me here today.", 7.0, speaker="S2", index=1),
        said("Tom & Jerry <3 cheese --> really?", 12.0, speaker="S1", index=2),
    )
)


def as_csv(film: VideoRecord, delimiter: str = ",") -> str:
    sink = io.StringIO()
    rows = csv.writer(sink, delimiter=delimiter)
    rows.writerow(["start_s", "end_s", "speaker", "text"])
    rows.writerows((each.start_s, each.end_s, each.speaker, each.text) for each in film.utterances)
    return sink.getvalue()


def exported(film: VideoRecord, form: str) -> str:
    return as_csv(film) if form == "csv" else FORMATS[form].text(film, Options())


def imported(folder: Path, film: VideoRecord, form: str, text: str) -> Compared:
    path = folder / f"corrected.{form}"
    path.write_text(text, encoding="utf-8", newline="")
    return compare(film, read_transcript(path))


@pytest.mark.parametrize(
    ("form", "said_then"),
    [
        # Where two people say the same word in the same instant, subtitles do not tell whose is whose.
        ("srt", speech(most_words=8)),
        ("vtt", speech(most_words=8)),
        ("json", speech_at_once()),
        ("csv", speech_at_once()),
    ],
)
def test_an_export_that_nobody_changed_changes_nothing(
    tmp_path: Path, form: str, said_then: st.SearchStrategy[list[Utterance]]
) -> None:
    @given(utterances=said_then)
    @settings(max_examples=20)
    def check(utterances: list[Utterance]) -> None:
        film = video(utterances=tuple(utterances))
        found = imported(tmp_path, film, form, exported(film, form))
        assert (found.edits, found.unplaced) == ((), ())

    check()


@pytest.mark.parametrize("form", ["srt", "vtt", "json", "csv"])
def test_only_what_differs_becomes_an_edit(tmp_path: Path, form: str) -> None:
    text = exported(TALK, form)
    assert "annlee" in text
    found = imported(tmp_path, TALK, form, text.replace("annlee", "Ann Lee"))
    first = TALK.utterances[0]
    wanted = "Good morning. Today we talk about Ann Lee and the oceans of the world."
    assert found.edits == (Edit("text", wanted, Span(first.start_s, first.end_s)),)
    assert not found.unplaced


@pytest.mark.parametrize("form", ["vtt", "json", "csv"])
def test_a_speaker_that_got_a_name_is_named_throughout(tmp_path: Path, form: str) -> None:
    found = imported(tmp_path, TALK, form, exported(TALK, form).replace("S1", "Ann Lee"))
    assert found.edits == (Edit("speaker", "Ann Lee", name="S1"),)


def test_one_line_with_another_speaker_is_named_by_itself(tmp_path: Path) -> None:
    rows = as_csv(TALK).replace("S1,Tom", "Bob,Tom")
    last = TALK.utterances[2]
    found = imported(tmp_path, TALK, "csv", rows)
    assert found.edits == (Edit("speaker", "Bob", Span(last.start_s, last.end_s)),)


def test_a_subtitle_file_by_somebody_else_is_matched_by_time_and_words(tmp_path: Path) -> None:
    text = (
        "1\n00:00:00,200 --> 00:00:03,000\nGood morning. Today we talk\n\n"
        "2\n00:00:03,000 --> 00:00:06,500\nabout Ann Lee and the oceans of the world.\n\n"
        "3\n00:00:40,000 --> 00:00:41,000\nNobody said this.\n"
    )
    found = imported(tmp_path, TALK, "srt", text)
    assert [edit.value for edit in found.edits] == [
        "Good morning. Today we talk about Ann Lee and the oceans of the world."
    ]
    assert [line.text for line in found.unplaced] == ["Nobody said this."]
    assert found.unmentioned == 2


def test_a_line_that_is_missing_removes_nothing_but_an_empty_one_does(tmp_path: Path) -> None:
    rows = as_csv(TALK).splitlines()
    assert not imported(tmp_path, TALK, "csv", "\n".join(rows[:2])).edits
    start_s, end_s, speaker, _ = next(csv.reader([rows[2]]))
    found = imported(tmp_path, TALK, "csv", "\n".join([*rows[:2], f"{start_s},{end_s},{speaker},"]))
    assert [edit.value for edit in found.edits] == [""]


def test_spreadsheets_may_use_semicolons_decimal_commas_and_clock_times(tmp_path: Path) -> None:
    rows = "Start;Text\n0:00,5;Good morning. Today we talk about Ann Lee and the oceans of the world.\n"
    found = imported(tmp_path, TALK, "csv", rows)
    assert [edit.value for edit in found.edits] == [
        "Good morning. Today we talk about Ann Lee and the oceans of the world."
    ]


def test_the_headline_of_a_json_export_counts(tmp_path: Path) -> None:
    changed = json.loads(exported(TALK, "json")) | {"headline": "Oceans"}
    assert imported(tmp_path, TALK, "json", json.dumps(changed)).edits == (Edit("headline", "Oceans"),)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "when,what\n1,2\n", "columns start_s and text"),
        ("a.json", "{]", "cannot be read as JSON"),
        ("a.json", '{"utterances": [{"text": "no time"}]}', "start_s"),
        ("a.srt", "no times at all", "no lines with times"),
        ("a.docx", "", "is no transcript"),
    ],
)
def test_files_that_are_no_transcripts_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        read_transcript(tmp_path / name)
