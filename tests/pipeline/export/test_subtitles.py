"""SubRip and WebVTT, read by programs that are not ours."""

import re
from pathlib import Path

import av
import pysubs2
import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from pipeline.export import FORMATS, Options
from pipeline.export.subtitles import srt
from pipeline.export.subtitles import webvtt as vtt
from pipeline.lake import VideoRecord
from schemas.errors import ExportError
from schemas.records import Subtitle
from tests.pipeline.export.records import said, speech, speech_at_once, video

TALK = video(
    utterances=(
        said("Good morning. Today we talk about the oceans of the world.", 0.5, speaker="speaker 1"),
        said("Tom & Jerry <3 cheese --> really?", 6.0, speaker="Dr. <b>No</b> & sons"),
    )
)
HOSTILE = st.text(
    st.sampled_from("ab <>&-\n\r\t\x00\x1b\u2028\u202e\u0301{}\\/i1:,.海"), min_size=1, max_size=60
).filter(str.strip)


def solid(text: str) -> str:
    return re.sub(r"[\s\u2060]", "", text)


def by_ffmpeg(path: Path) -> list[tuple[float, str]]:
    with av.open(str(path)) as container:
        [stream] = container.streams.subtitles
        return [
            (float(packet.pts * stream.time_base), bytes(packet).decode())
            for packet in container.demux(stream)
            if packet.pts is not None
        ]


def test_subtitles_in_another_language_than_the_video_are_tagged() -> None:
    film = video(utterances=(said("Good morning.", 1.0), said("Guten Morgen.", 9.0, language="de")))
    [tagged] = [line for line in vtt(film).splitlines() if "<lang" in line]
    assert re.sub(r"<[\d:.]+>", "", tagged) == "<lang de>Guten Morgen.</lang>"
    assert [each.text for each in webvtt.from_string(vtt(film))] == ["Good morning.", "Guten Morgen."]


@given(speech())
def test_other_programs_read_the_same_subtitles_from_both_formats(utterances: list) -> None:
    film = video(utterances=tuple(utterances))
    from_srt = pysubs2.SSAFile.from_string(srt(film), "srt")
    from_vtt = webvtt.from_string(vtt(film))
    assert [(each.start, each.end) for each in from_srt] == [(ms(each.start), ms(each.end)) for each in from_vtt]
    words = "".join(solid(each.text) for each in utterances)
    assert solid("".join(each.plaintext for each in from_srt)) == words
    assert solid("".join(each.text for each in from_vtt)) == words
    for each, following in zip(from_srt, [*from_srt[1:], None], strict=True):
        assert each.start < each.end <= (following.start if following else each.end)


@given(speech_at_once())
def test_other_programs_read_the_same_simultaneous_speech(utterances: list) -> None:
    film = video(utterances=tuple(utterances))
    from_srt = pysubs2.SSAFile.from_string(srt(film), "srt")
    from_vtt = webvtt.from_string(vtt(film))
    assert [(each.start, each.end) for each in from_srt] == [(ms(each.start), ms(each.end)) for each in from_vtt]
    assert [each.start for each in from_srt] == sorted(each.start for each in from_srt)
    assert all(each.start < each.end for each in from_srt)
    for speaker in {each.speaker for each in utterances}:
        spoken = "".join(solid(each.text) for each in utterances if each.speaker == speaker)
        assert solid("".join(each.text for each in from_vtt if each.voice == speaker)) == spoken


def test_subrip_marks_simultaneous_speakers_with_dashes() -> None:
    talk = video(utterances=(said("I never said that.", 0, speaker="a"), said("You did so.", 0.2, speaker="b")))
    assert [each.plaintext for each in pysubs2.SSAFile.from_string(srt(talk), "srt")] == [
        "- I never said that.", "- You did so."
    ]  # fmt: skip
    assert "<v a>I " in vtt(talk)
    assert "- " not in vtt(talk)


def ms(stamp: str) -> int:
    hours, minutes, seconds = stamp.split(":")
    return round((int(hours) * 60 + int(minutes)) * 60_000 + float(seconds) * 1000)


@pytest.mark.parametrize("ending", ["srt", "vtt"])
def test_ffmpeg_reads_times_and_text(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"talk.{ending}"
    path.write_text(srt(TALK) if ending == "srt" else vtt(TALK), encoding="utf-8")
    first, *_, last = by_ffmpeg(path)
    assert first[0] == 0.5
    assert last[0] == 6.0
    assert "Today" in first[1]


def test_webvtt_names_speakers_and_the_language_and_times_words() -> None:
    text = vtt(TALK)
    assert text.startswith("WEBVTT\nKind: captions\nLanguage: en\n\n00:00:00.500 --> ")
    assert "<v speaker 1>Good <00:00:00.830>morning." in text
    assert webvtt.from_string(text)[0].voice == "speaker 1"


def test_webvtt_escapes_text_and_speakers() -> None:
    text = vtt(TALK)
    assert "<v Dr. &lt;b&gt;No&lt;/b&gt; &amp; sons>" in text
    assert "&amp; " in text
    assert "&lt;3" in text
    assert text.count("-->") == len(webvtt.from_string(text).captions)


def test_subrip_breaks_what_players_would_take_for_markup_or_a_time() -> None:
    text = srt(video(utterances=(said("<i>no</i> {\\an8}way 1 --> 2"),)))
    assert re.findall(r"<[A-Za-z/]|\{\\", text) == []
    assert text.count("-->") == len(pysubs2.SSAFile.from_string(text, "srt"))
    assert "1 → 2" in text


@given(HOSTILE, HOSTILE)
def test_no_text_can_break_out_of_its_subtitle(text: str, speaker: str) -> None:
    film = video(utterances=(said("First.", 0), said(text, 3, speaker=speaker), said("Last.", 30)))
    written = vtt(film)
    count = written.count(" --> ")
    assert len(webvtt.from_string(written).captions) == count
    assert len(pysubs2.SSAFile.from_string(srt(film), "srt")) == srt(film).count(" --> ") == count
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", written + srt(film))
    bodies = [block.split("\n", 1)[1] for block in written.split("\n\n")[1:]]
    tags = re.findall(r"<[^>]*>", "".join(bodies))
    assert all(re.fullmatch(r"<v [^<>\n]*>|<\d\d:\d\d:\d\d\.\d{3}>", tag) for tag in tags)


def test_word_times_lie_within_their_subtitle_and_grow() -> None:
    for block in vtt(TALK).strip().split("\n\n")[1:]:
        head, body = block.split("\n", 1)
        start, end = head.split(" --> ")
        inner = re.findall(r"<(\d\d:\d\d:\d\d\.\d{3})>", body)
        assert sorted(set(inner)) == inner
        assert all(start < each < end for each in inner)


def test_translated_subtitles_name_their_language(tmp_path: Path) -> None:
    film = video(language="es", utterances=(said("Buenos días", language="es", translation="Good morning"),))
    assert "Kind: subtitles\nLanguage: en" in vtt(film, translation=True)
    assert "Good morning" in srt(film, translation=True)
    assert "Language: es" in vtt(film)
    assert "Buenos" in vtt(film)


def test_times_beyond_a_day_are_written(tmp_path: Path) -> None:
    late: VideoRecord = video(utterances=(said("Still here.", 100 * 3600.0),))
    assert "100:00:00,000 --> 100:00:01,000" in srt(late)
    assert webvtt.from_string(vtt(late)).captions[0].start == "100:00:00.000"


@pytest.mark.parametrize("name", ["srt", "vtt", "txt"])
def test_a_missing_translation_is_an_error_and_english_needs_none(name: str) -> None:
    spanish = video(language="es", utterances=(said("Buenos días", language="es"),))
    with pytest.raises(ExportError, match=r"has no translation\..*speech\.translate=true"):
        FORMATS[name].text(spanish, Options(translation=True))
    english = video(language="en", utterances=(said("Good morning"),))
    assert "Good" in FORMATS[name].text(english, Options(translation=True))


LINES = (
    Subtitle(0, 0.5, 1.0, "<b>Guten Tag</b>\n{\\an8}x --> y", "de", "track 2 (Voll)", 2),
    Subtitle(1, 2.0, 2.0, "Zwei", "de", "track 2 (Voll)", 2),
    Subtitle(2, 0.5, 1.0, "Hello", "en", "film.en.srt", None),
    Subtitle(3, 0.5, 1.0, "Hello, forced", "en", "film.en.forced.srt", None),
)


@pytest.mark.parametrize("source", ["track 2 (Voll)", "track 2", "TRACK 2", "de"])
def test_subtitles_that_came_with_a_video_are_written_as_they_are(source: str) -> None:
    film = video(subtitles=LINES)
    read = pysubs2.SSAFile.from_string(FORMATS["srt"].text(film, Options(source=source)), format_="srt")
    assert [(each.start, each.end) for each in read] == [(500, 1000), (2000, 2001)]
    assert "Guten Tag" in read[0].text
    captions = webvtt.from_string(FORMATS["vtt"].text(film, Options(source=source))).captions
    assert [each.raw_text for each in captions] == ["&lt;b&gt;Guten Tag&lt;/b&gt;\n{\\an8}x --&gt; y", "Zwei"]
    assert FORMATS["txt"].text(film, Options(source=source)).splitlines()[1] == "[0:02] Zwei"


@pytest.mark.parametrize("source", ["en", "fr", "track", "file", "film.en"])
def test_a_source_that_names_none_or_several_is_an_error_that_lists_them(source: str) -> None:
    with pytest.raises(ExportError, match=r"track 2 \(Voll\) \(de\); film.en.srt \(en\)"):
        FORMATS["srt"].text(video(subtitles=LINES), Options(source=source))


def test_a_video_without_subtitles_has_none_to_write() -> None:
    with pytest.raises(ExportError, match="has no subtitles"):
        FORMATS["srt"].text(video(), Options(source="en"))
