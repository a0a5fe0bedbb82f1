"""Reports: one file that needs nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from flows.artifacts import publish_report, report_markdown
from flows.cli import main
from flows.web.app import make_app
from flows.web.report import MAX_VIDEOS, lake_report, video_report
from pipeline.lake import Lake
from pipeline.search import Searcher
from pipeline.view import LakeReader
from schemas.config import ReportConfig
from tests.flows.web.lakes import BROKEN, HOSTILE, TALK, jpeg
from tests.flows.web.test_pages import Elements
from tests.pipeline.lake.lakes import publish

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def outside(page: Elements) -> list[str]:
    """Return whatever a document would fetch or lead to beyond itself."""
    places = [value or "" for _, attrs in page.tags for name, value in attrs.items() if name in {"src", "href", "data"}]
    return [place for place in places if not place.startswith(("data:image/jpeg;base64,", "#"))]


@pytest.mark.slow
def test_the_report_of_a_video_is_complete_and_self_contained(web_lake: Lake) -> None:
    text = video_report(web_lake, "the talk.mp4")
    found = Elements(text)
    assert outside(found) == []
    assert not [tag for tag, _ in found.tags if tag in {"script", "link", "video", "iframe"}]
    for line in (
        "The telescope",
        "A telescope collects their light.",
        "Glass",
        "astronomy",
        "frames for 25% (1 keyframe)",
    ):
        assert line in found.text
    assert 'href="#u3"' in text, "a sentence leads to the line that it rests on"
    assert 'id="u3"' in text
    pictures = [attrs for tag, attrs in found.tags if tag == "img"]
    assert len(pictures) == 3 + 3
    assert "default-src 'none'" in text


def test_the_report_of_a_lake_shows_its_newest_videos_and_failures(web_lake: Lake) -> None:
    found = Elements(lake_report(LakeReader(web_lake), max_videos=5))
    assert outside(found) == []
    assert "33 videos" in found.text
    assert "The newest 5 of 33 videos." in found.text
    assert "What to do:" in found.text
    assert len([tag for tag, _ in found.tags if tag == "img"]) == 5


@pytest.mark.parametrize("video", [HOSTILE, BROKEN, None])
def test_hostile_text_is_escaped_in_reports(web_lake: Lake, video: str | None) -> None:
    found = Elements(video_report(web_lake, video) if video else lake_report(LakeReader(web_lake)))
    assert "alert(1)" in found.text
    assert not [tag for tag, _ in found.tags if tag == "script"]
    assert outside(found) == []
    assert not [name for _, attrs in found.tags for name in attrs if name.startswith("on")]


def test_thumbnails_are_left_out_before_a_report_becomes_too_large(
    web_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.web.report._MAX_THUMBNAIL_BYTES", int(2.5 * len(jpeg(0))))
    assert lake_report(LakeReader(web_lake)).count("data:image/jpeg") == 2


def test_the_command_writes_a_video_or_a_lake(web_lake: Lake, tmp_path: Path) -> None:
    made = tmp_path / "out.html"
    for arguments, title in (
        ([TALK, "--lake", web_lake.uri], "The telescope"),
        (["--lake", web_lake.uri], "lake: 33 videos"),
        ([web_lake.uri], "lake: 33 videos"),
    ):
        done = CliRunner().invoke(main, ["report", *arguments, "-o", str(made)])
        assert done.exit_code == 0, done.output
        assert re.search("<title>(.*)</title>", made.read_text()).group(1) == title  # type: ignore[union-attr]
    assert CliRunner().invoke(main, ["report", "-o", str(made)]).exit_code == 2
    assert CliRunner().invoke(main, ["report", "no such", "--lake", web_lake.uri, "-o", str(made)]).exit_code == 1
    nowhere = CliRunner().invoke(main, ["report", "--lake", web_lake.uri, "-o", "/dev/null/x.html"])
    assert "cannot be written" in nowhere.output


def test_a_named_lake_overrides_the_environment(
    web_lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEOLAKE_LAKE", web_lake.uri)
    made = tmp_path / "out.html"
    done = CliRunner().invoke(main, ["report", web_lake.uri, "-o", str(made)])
    assert (done.exit_code, "lake: 33 videos" in made.read_text()) == (0, True), done.output


def test_a_video_without_a_lake_is_an_error(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["report", "talk.mp4", "-o", str(tmp_path / "out.html")])
    assert (done.exit_code, "name its lake with --lake LAKE" in done.output) == (2, True)


def test_the_help_says_how_many_videos_a_lakes_report_shows() -> None:
    assert f"the newest {MAX_VIDEOS} videos" in CliRunner().invoke(main, ["report", "--help"]).output


def test_a_report_goes_to_standard_output(web_lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["report", web_lake.uri, "-o", "-"])
    assert done.stdout.lower().startswith("<!doctype html>")
    assert list(tmp_path.iterdir()) == []


def test_a_run_continues_if_its_report_fails(
    web_lake: Lake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("flows.web.lake_report", lambda *_, **__: 1 / 0)
    publish_report(web_lake, "run-1", ReportConfig())
    assert "The report could not be written" in caplog.text
    caplog.clear()
    publish_report(web_lake, "run-1", ReportConfig(enabled=False))
    assert caplog.text == ""


@pytest.fixture
def reported(tmp_path: Path) -> Iterator[tuple[Lake, TestClient]]:
    """Open a small lake that has two reports, and something else in their folder."""
    lake = Lake.create(str(tmp_path / "a lake"))
    publish(lake, "01", ["v01"])
    lake.write_report("20260101T000000-aa", "<!doctype html><script>alert(1)</script><p>older")
    lake.write_report("20260102T000000-bb", "<!doctype html><style>p { color: red }</style><p>newer")
    (tmp_path / "a lake" / "_reports" / "notes.txt").write_text("the password is hunter2")
    (tmp_path / "secret.html").write_text("the password is hunter2")
    with TestClient(make_app(lake, Searcher(lake)), base_url="http://localhost") as client:
        yield lake, client


def test_the_pages_list_the_reports_of_runs_and_show_each(reported: tuple[Lake, TestClient]) -> None:
    _, client = reported
    places = re.findall(r'href="(/reports/[^"]+)"', client.get("/reports").text)
    assert places == ["/reports/20260102T000000-bb", "/reports/20260101T000000-aa"]
    answer = client.get(places[0])
    assert answer.text.endswith("<p>newer")
    assert 'href="/reports"' in client.get("/").text


def test_a_report_may_have_style_but_no_scripts(reported: tuple[Lake, TestClient]) -> None:
    _, client = reported
    answer = client.get("/reports/20260101T000000-aa")
    rules = dict(rule.strip().partition(" ")[::2] for rule in answer.headers["content-security-policy"].split(";"))
    assert (rules["default-src"], rules["style-src"], rules["img-src"]) == ("'none'", "'unsafe-inline'", "data:")
    assert "script-src" not in rules
    assert rules["sandbox"] == ""
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "unsafe" not in client.get("/reports").headers["content-security-policy"]


@pytest.mark.parametrize(
    "name", ["notes", "notes.txt", "..%2f..%2fsecret", "%2e%2e%2fsecret", "../secret", "20260101T000000-aa.html", "x"]
)
def test_no_name_leads_to_another_file(reported: tuple[Lake, TestClient], name: str) -> None:
    _, client = reported
    answer = client.get(f"/reports/{name}")
    assert answer.status_code == 404
    assert "hunter2" not in answer.text


def test_prefect_shows_a_digest_of_a_local_report(web_lake: Lake) -> None:
    text = report_markdown(LakeReader(web_lake), "run-1", "/lakes/my lake/_reports/run-1.html")
    for part in ("33 videos", "1 failed", "**The telescope**", "## Errors", "is no video.",
                 "\n/lakes/my lake/_reports/run-1.html\n", f"videolake browse --lake {web_lake.uri}",
                 "/reports/run-1"):  # fmt: skip
        assert part in text, part
    assert "<script>" not in text.replace("\\<script\\>", "")
    assert "](" not in text


@pytest.mark.parametrize(
    ("place", "kind"), [("file:///a%20b/r.html", "markdown"), ("https://x.example/r.html", "link")]
)
def test_prefect_gets_a_link_only_where_a_browser_can_open_it(
    web_lake: Lake, monkeypatch: pytest.MonkeyPatch, place: str, kind: str
) -> None:
    made: list[tuple[str, str]] = []
    monkeypatch.setattr(Lake, "write_report", lambda *_: place)
    monkeypatch.setattr("flows.artifacts.create_link_artifact", lambda link, **_: made.append(("link", link)))
    monkeypatch.setattr(
        "flows.artifacts.create_markdown_artifact", lambda markdown, **_: made.append(("markdown", markdown))
    )
    publish_report(web_lake, "run-1", ReportConfig())
    [(given, text)] = made
    assert given == kind
    assert ("/a b/r.html" if kind == "markdown" else place) in text


@pytest.mark.browser
def test_a_report_opens_from_disk_without_warnings(web_lake: Lake, browser: "Browser", tmp_path: Path) -> None:
    made = tmp_path / "talk.html"
    made.write_text(video_report(web_lake, TALK), encoding="utf-8")
    page = browser.new_page(viewport={"width": 320, "height": 640})
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("request", lambda request: wrong.append(request.url) if request.url.startswith("http") else None)
    page.goto(made.as_uri())
    page.locator('a[href="#u3"]').first.click()
    assert page.evaluate("location.hash") == "#u3"
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate("[...document.images].every((each) => each.naturalWidth === 320)")
    page.close()
    assert wrong == []
