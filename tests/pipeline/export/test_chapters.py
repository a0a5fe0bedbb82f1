import re
from pathlib import Path

import av
import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from pipeline.export.chapters import chapters_webvtt, ffmetadata, youtube
from pipeline.export.formats import FORMATS, Options
from schemas.errors import ExportError
from tests.pipeline.export.records import chapters, video

TITLE = st.text(st.sampled_from("ab =;#\\\n\r[]<>&-\x00\x1b\u2028é海"), min_size=1, max_size=30)
ODD = ["a=b; #c \\d", "[CHAPTER]", "line\nbreak", "<b>&amp; --> x"]
FILM = video(headline="x=1; #2 \\", chapters=chapters(0, 12.5, 40.25, 70, end_s=95.5, titles=ODD))


def lengths_s(text: str, end_s: float) -> list[float]:
    starts_s = []
    for line in text.splitlines():
        parts = [int(part) for part in line.split(" ", 1)[0].split(":")]
        starts_s.append(sum(part * 60**place for place, part in enumerate(reversed(parts))))
    return [end - start for start, end in zip(starts_s, [*starts_s[1:], end_s], strict=True)]


def test_ffmpeg_reads_chapters_and_titles_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "film.ffmetadata"
    path.write_text(ffmetadata(FILM), encoding="utf-8")
    with av.open(str(path), format="ffmetadata") as container:
        read = container.chapters()
        title = container.metadata["title"]
    assert title.rstrip(" ") == "x=1; #2 \\"
    assert [each["metadata"]["title"] for each in read] == [" ".join(each.split()) for each in ODD]
    assert [(float(each["start"] * each["time_base"]), float(each["end"] * each["time_base"])) for each in read] == [
        (each.start_s, each.end_s) for each in FILM.chapters
    ]


@given(st.lists(TITLE, min_size=1, max_size=4))
def test_no_title_can_break_out_of_its_chapter(titles: list[str]) -> None:
    film = video(headline=titles[0], chapters=chapters(*range(0, 20 * len(titles), 20), end_s=99, titles=titles))
    lines = ffmetadata(film).splitlines()
    assert len(lines) == 1 + 1 + 5 * len(titles)
    assert lines.count("[CHAPTER]") == len(titles)
    assert len(webvtt.from_string(chapters_webvtt(film)).captions) == len(titles)
    assert chapters_webvtt(film).count("-->") == len(titles)


def test_chapters_are_a_webvtt_track() -> None:
    read = webvtt.from_string(chapters_webvtt(FILM)).captions
    assert [(each.start, each.end) for each in read[:2]] == [
        ("00:00:00.000", "00:00:12.500"), ("00:00:12.500", "00:00:40.250"),
    ]  # fmt: skip
    assert "&lt;b&gt;&amp;amp; --&gt; x" in chapters_webvtt(FILM)


def test_the_youtube_list_starts_at_zero() -> None:
    assert youtube(video(chapters=chapters(0, 12.5, 40, end_s=95))) == "0:00 Part 1\n0:12 Part 2\n0:40 Part 3\n"
    assert youtube(video(chapters=chapters(0, 1800, 3725, end_s=4000))).splitlines()[-1] == "1:02:05 Part 3"


def test_chapters_too_short_for_youtube_join_the_one_before() -> None:
    text = youtube(video(chapters=chapters(0, 20, 25, 40, 60, 65, end_s=66)))
    assert text == "0:00 Part 1\n0:25 Part 3\n0:40 Part 4\n"


@pytest.mark.parametrize("starts_s", [(0,), (0, 30), (0, 5, 9), (0, 20, 25, 28)])
def test_the_error_explains_which_rule_of_youtube_is_broken(starts_s: tuple[float, ...]) -> None:
    with pytest.raises(ExportError, match="fewer than 3"):
        youtube(video(chapters=chapters(*starts_s, end_s=32)))


@given(st.lists(st.floats(0.5, 60), min_size=3, max_size=12), TITLE)
def test_the_youtube_list_follows_the_rules(gaps_s: list[float], title: str) -> None:
    edges_s = [0.0]
    for gap_s in gaps_s:
        edges_s.append(edges_s[-1] + gap_s)
    film = video(chapters=chapters(*edges_s[:-1], end_s=edges_s[-1], titles=[title] * len(gaps_s)))
    try:
        text = youtube(film)
    except ExportError:
        return
    assert text.startswith("0:00 ")
    assert len(text.splitlines()) >= 3
    assert min(lengths_s(text, edges_s[-1])) >= 10
    assert not re.search("[<>]", text)


@pytest.mark.parametrize("name", ["chapters-vtt", "ffmetadata", "youtube"])
def test_the_chapters_of_the_file_are_written_instead(name: str) -> None:
    theirs = [
        {"title": title, "start_s": start_s, "end_s": start_s + 20.0}
        for title, start_s in [("Teaser", 0.0), ("", 20.0), ("Credits", 40.0)]
    ]
    film = video(chapters=chapters(0, 12.5, 40, end_s=95), file_chapters=theirs)
    text = FORMATS[name].text(film, Options(source="file"))
    assert "Teaser" in text
    assert "Part 1" not in text
    assert "Part 1" in FORMATS[name].text(film, Options())


def test_chapters_that_a_file_does_not_have_are_not_written() -> None:
    film = video(chapters=chapters(0, 12.5, 40, end_s=95))
    with pytest.raises(ExportError, match="no file chapters"):
        FORMATS["youtube"].text(film, Options(source="file"))
