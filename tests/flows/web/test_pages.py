"""What the pages answer."""

import re
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from flows.web.app import make_app
from flows.web.catalogue import PAGE_SIZE
from flows.web.report import lake_report
from flows.web.timeline import make_timeline
from pipeline.lake import Lake, read_records
from pipeline.search import Searcher
from pipeline.view.reader import LakeReader
from schemas.errors import LakeError
from schemas.records import Sound, frame_id
from schemas.search import Duplicate
from tests.flows.web.lakes import BROKEN, EVIL, GONE, HOSTILE, MANY, TALK, jpeg
from tests.pipeline.lake.lakes import publish

OK = MANY + 6


class Elements(HTMLParser):
    """Collects start tags and text as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page(client: TestClient, address: str) -> Elements:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return Elements(answer.text)


def links(found: Elements) -> list[str]:
    return [attrs["href"] or "" for tag, attrs in found.tags if tag == "a" and attrs.get("class") == "cardlink"]


def test_the_grid_shows_one_page_and_links_to_the_next(client: TestClient) -> None:
    first = page(client, "/")
    second = page(client, "/results?page=2")
    assert (len(links(first)), len(links(second))) == (PAGE_SIZE, OK - PAGE_SIZE)
    assert not set(links(first)) & set(links(second))
    assert f"{OK} videos" in first.text
    pictures = [attrs for tag, attrs in first.tags if tag == "img"]
    assert len(pictures) <= PAGE_SIZE
    assert 'href="/?page=2"' in client.get("/").text


def test_filters_apply_and_are_shown(client: TestClient) -> None:
    assert links(page(client, "/?topic=astronomy")) == [f"/v/{TALK}"]
    assert "1 video about astronomy" in page(client, "/?topic=astronomy").text
    assert links(page(client, "/?language=xx")) == []
    assert links(page(client, "/?status=failed")) == [f"/v/{BROKEN}"]
    assert links(page(client, "/?kind=audio")) == []
    by_name = page(client, "/?sort=name")
    names = re.findall(r"film \d{3}\.mp4", by_name.text)
    assert names == sorted(names)


def test_search_finds_moments_and_videos_with_this_name(client: TestClient) -> None:
    found = client.get("/results", params={"q": "telescope"}).text
    assert f'href="/v/{TALK}?t=4&amp;q=telescope"' in found
    assert f'href="/v/{TALK}?t=19&amp;q=telescope"' in found
    assert "<mark>telescope</mark>" in found
    assert "Videos with this name" in found
    nothing = page(client, "/?q=zzzxqqq").text
    assert "No moments" in nothing
    assert "Nothing said, written or shown matches" in nothing


def test_a_video_shows_all_that_is_known_of_it(client: TestClient) -> None:
    found = page(client, f"/v/{TALK}?t=9.5&q=telescope")
    for text in ("The telescope", "Its mirror is made of glass.", "doubtful", "Ada", "Glass", "Light", "astronomy",
                 "Storyboard", "A bicycle on a road.", "STOP", "Text counts for 75%", "frames for 25% (1 keyframe)",
                 "0:24", "moments for “telescope” in this video"):  # fmt: skip
        assert text in found.text, text
    video = next(attrs for tag, attrs in found.tags if tag == "video")
    assert video["src"] == f"/media/{TALK}#t=9.5"
    times = {attrs.get("data-t") for _, attrs in found.tags}
    assert {"14", "4", "19", "2", "12"} <= times, "evidence, hits, highlight, picture and chapter can be jumped to"
    svg = [attrs for tag, attrs in found.tags if attrs.get("class") in {"t-chapter", "t-star", "t-hit"}]
    assert len(svg) == 2 + 1 + 2


def test_a_video_whose_original_is_gone_says_so_and_shows_the_rest(client: TestClient) -> None:
    found = page(client, f"/v/{GONE}")
    assert "The original cannot be played." in found.text
    assert "gone.mp4 is no longer at" in found.text
    assert "Sentence 0" in found.text
    assert not [tag for tag, _ in found.tags if tag == "video"]


def test_a_video_that_failed_says_why_and_what_to_do(client: TestClient) -> None:
    for address in (f"/v/{BROKEN}", "/errors"):
        found = page(client, address)
        assert "not media" in found.text
        assert "What to do:" in found.text
        assert "is no video." in found.text


@pytest.mark.parametrize("address", ["/v/nothing", "/nowhere", "/v/", "/t/x.jpg", f"/t/{TALK}-f99999.jpg", "/media/x"])
def test_unknown_addresses_are_404(client: TestClient, address: str) -> None:
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    "address", ["/", f"/v/{HOSTILE}", f"/v/{HOSTILE}?q=script", f"/v/{BROKEN}", "/errors", "/results?q=script",
                f"/?q={EVIL}", f"/?topic={EVIL}", f"/?language={EVIL}", f"/v/{TALK}?q={EVIL}&t={EVIL}",
                f"/v/{HOSTILE}?" + urlencode({"subtitles": EVIL})]
)  # fmt: skip
def test_hostile_texts_stay_texts(client: TestClient, address: str) -> None:
    found = page(client, address)
    assert all(
        attrs.get("src") in {"/static/app.js", "/static/player.js"} for tag, attrs in found.tags if tag == "script"
    )
    assert not [attrs for tag, attrs in found.tags if tag == "img" and not (attrs["src"] or "").startswith("/t/")]
    assert not [name for _, attrs in found.tags for name in attrs if name.startswith("on") or name == "style"]
    if "script" in address or HOSTILE in address or BROKEN in address:
        assert "alert(1)" in found.text


def test_thumbnails_are_pictures_that_browsers_keep(client: TestClient) -> None:
    address = f"/t/{frame_id(TALK, 1)}.jpg"
    answer = client.get(address)
    assert answer.content == jpeg(1)
    assert answer.headers["content-type"] == "image/jpeg"
    again = client.get(address, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_pages_need_no_script_and_name_what_they_show(client: TestClient) -> None:
    for address in ("/", "/?q=telescope", f"/v/{TALK}", "/errors"):
        found = page(client, address)
        assert next(attrs for tag, attrs in found.tags if tag == "html")["lang"] == "en"
        assert [tag for tag, _ in found.tags].count("h1") == 1
        assert [tag for tag, _ in found.tags].count("main") == 1
        assert all("alt" in attrs for tag, attrs in found.tags if tag == "img")
        ids = [attrs["id"] for _, attrs in found.tags if "id" in attrs]
        assert len(ids) == len(set(ids))
        labelled = {attrs.get("for") for tag, attrs in found.tags if tag == "label"}
        assert all(
            attrs["id"] in labelled for tag, attrs in found.tags if tag == "input" and attrs.get("type") == "search"
        )
        assert "javascript:" not in client.get(address).text


def test_a_commit_is_seen_without_a_restart_and_compaction_disturbs_nobody(web_client_of_its_own: TestClient) -> None:
    client = web_client_of_its_own
    lake: Lake = client.app_state["lake"]  # type: ignore[attr-defined]
    assert "1 video" in page(client, "/").text
    publish(lake, "02", ["v02"], minutes=5)
    assert client.app_state["reader"].refresh()  # type: ignore[attr-defined]
    assert len(links(page(client, "/"))) == 2
    lake.compact()
    assert "Sentence 0 of v02." in page(client, "/v/v02").text
    assert len(links(page(client, "/"))) == 2


@pytest.fixture
def web_client_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    lake = Lake.create(str(tmp_path_factory.mktemp("own") / "lake"))
    publish(lake, "01", ["v01"])
    app = make_app(lake, Searcher(lake))
    opened = TestClient(app, base_url="http://localhost")
    opened.app_state = {"lake": lake, "reader": app.state.reader}
    return opened


def test_a_long_transcript_comes_in_two_parts(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.web.video_pages.FIRST_LINES", 2)
    whole = page(client, f"/v/{TALK}")
    lines = [attrs for tag, attrs in whole.tags if "data-line" in attrs]
    assert [attrs["data-line"] for attrs in lines] == ["0.5", "4"]
    rest = next(attrs["data-rest"] for _, attrs in whole.tags if "data-rest" in attrs)
    lines = [attrs for tag, attrs in page(client, rest or "").tags if "data-line" in attrs]
    assert [attrs["data-line"] for attrs in lines] == ["9", "14", "19"]


def test_the_parts_of_a_long_transcript_are_bounded_and_follow_each_other(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.web.video_pages.FIRST_LINES", 1)
    monkeypatch.setattr("flows.web.video_pages.MORE_LINES", 2)
    rest = f"/v/{TALK}"
    parts = []
    while rest:
        part = page(client, rest)
        parts.append(spoken_at(part))
        rest = next((attrs["data-rest"] or "" for _, attrs in part.tags if "data-rest" in attrs), "")
    assert parts == [["0.5"], ["4", "9"], ["14", "19"]]
    assert f'href="/v/{TALK}?t=9"' in client.get(f"/v/{TALK}/transcript?page=2").text


def test_many_scenes_come_in_parts_that_can_be_asked_for(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = client.get(f"/v/{TALK}").text
    assert (whole.count('class="why"'), "data-scenes" in whole) == (3, False)
    monkeypatch.setattr("flows.web.video_pages.SCENES", 2)
    first = client.get(f"/v/{TALK}").text
    assert first.count('class="why"') == 2
    assert f'href="/v/{TALK}/scenes?page=2">Show more scenes (1 left)' in first
    second = client.get(f"/v/{TALK}/scenes?page=2").text
    assert second.count('class="why"') == 1
    assert "data-scenes" not in second
    assert f'href="/v/{TALK}?t=16"' in second
    assert client.get("/v/nothing/scenes").status_code == 404


def test_a_film_of_many_scenes_has_a_bounded_page(web_lake: Lake) -> None:
    [video] = LakeReader(web_lake).ask(partial(read_records, video_ids=[TALK]))
    first = video.scenes[0]
    scenes = tuple(replace(first, start_s=each * 24.0, end_s=each * 24.0 + 24) for each in range(1500))
    long = replace(video, scenes=scenes, row={**video.row, "duration_s": 36_000.0})
    blocks = make_timeline(long).scenes
    assert len(blocks) <= 240
    assert (blocks[0].title, blocks[-1].title) == ("Scenes 1 to 7", "Scenes 1499 to 1500")
    assert sum(float(block.width.rstrip("%")) for block in blocks) == pytest.approx(100, abs=0.2)


def test_the_timeline_has_a_row_for_each_sound_but_speech(web_lake: Lake) -> None:
    [video] = LakeReader(web_lake).ask(partial(read_records, video_ids=[TALK]))
    spans = [("speech", 0, 90), ("silence", 90, 100), *(("music", start, start + 9.99) for start in range(0, 60, 10))]
    sounds = tuple(Sound(index, start, end, label, 0.9) for index, (label, start, end) in enumerate(spans))
    heard = replace(video, sounds=sounds, row={**video.row, "duration_s": 100.0})
    music, silence = make_timeline(heard).sounds
    assert (music.label, silence.label) == ("music", "silence")
    assert [(block.x, block.width) for block in silence.blocks] == [("90%", "10%")]
    assert len(music.blocks) == 1, "nobody sees gaps narrower than a pixel"


def test_what_is_said_goes_to_the_player_as_webvtt(client: TestClient) -> None:
    track = next(attrs for tag, attrs in page(client, f"/v/{TALK}").tags if tag == "track")
    assert (track["kind"], track["srclang"], track["label"]) == ("captions", "en", "English")
    answer = client.get(track["src"] or "")
    assert answer.headers["content-type"].startswith("text/vtt")
    assert answer.text.startswith("WEBVTT\n")
    assert "00:00:04.000 --> " in answer.text
    assert "<v Ada>" in answer.text
    assert client.get(f"/v/{BROKEN}/captions.vtt").status_code == 404
    assert "&lt;script&gt;" in client.get(f"/v/{HOSTILE}/captions.vtt").text


def test_a_video_tells_where_else_it_is_and_compares_once_a_state(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def duplicates(_: Searcher, video: str) -> list[Duplicate]:
        asked.append(video)
        return [Duplicate(video, TALK, "", "", 0.87, 12.0), Duplicate(video, HOSTILE, "", "", 0.5, -3.0)]

    monkeypatch.setattr(Searcher, "duplicates", duplicates)
    assert f'data-load="/v/{GONE}/duplicates"' in client.get(f"/v/{GONE}").text
    assert asked == [], "the page does not wait for it"
    for _ in range(2):
        found = page(client, f"/v/{GONE}/duplicates")
        assert "Also in: the talk.mp4 (87% of the keyframes, starting at 0:12 there)" in found.text
        assert "starting at 0:03 here" in found.text
        assert f"/v/{TALK}?t=12" in [attrs.get("href") for _, attrs in found.tags]
    assert asked == [GONE]
    assert client.get("/v/nothing/duplicates").status_code == 404


def spoken_at(found: Elements) -> list[str | None]:
    return [attrs["data-line"] for _, attrs in found.tags if "data-line" in attrs]


def test_a_transcript_and_what_is_found_can_be_those_of_one_speaker(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(spoken_at(page(client, f"/v/{TALK}"))) == 5
    ada = page(client, f"/v/{TALK}?q=telescope+mirror&speaker=Ada")
    assert spoken_at(ada) == ["4", "14"]
    assert "for “telescope mirror” in this video, spoken by Ada" in ada.text
    found = ada.text.partition("by Ada")[2].partition("Summary")[0]
    assert "through a telescope" in found
    assert "Its mirror is made of glass" not in found
    assert spoken_at(page(client, f"/v/{TALK}?speaker=Nobody")) == spoken_at(page(client, f"/v/{TALK}"))
    monkeypatch.setattr("flows.web.video_pages.FIRST_LINES", 1)
    rest = next(attrs["data-rest"] for _, attrs in page(client, f"/v/{TALK}?speaker=Ada").tags if "data-rest" in attrs)
    assert spoken_at(page(client, rest or "")) == ["14"]


def test_a_lake_that_cannot_be_read_is_said_to_be_so(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LakeError("The disk is gone.")

    monkeypatch.setattr("pipeline.view.reader.LakeReader.ask", broken)
    answer = client.get("/")
    assert answer.status_code == 503
    assert "The disk is gone." in answer.text


def test_an_empty_lake_says_how_to_fill_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    lake = Lake.create(str(tmp_path_factory.mktemp("empty") / "lake"))
    opened = TestClient(make_app(lake, Searcher(lake)), base_url="http://localhost")
    assert "There are no videos in this lake yet." in page(opened, "/").text
    assert "Every video was analysed" in page(opened, "/errors").text
    assert "No moments" in page(opened, "/?q=x").text


def test_a_video_of_which_a_stage_failed_is_shown_and_says_which(tmp_path_factory: pytest.TempPathFactory) -> None:
    lake = Lake.create(str(tmp_path_factory.mktemp("incomplete") / "lake"))
    publish(lake, "5a", ["v01", "v02"], incomplete=["v02"])
    opened = TestClient(make_app(lake, Searcher(lake)), base_url="http://localhost")
    assert "1 incomplete" in page(opened, "/").text
    listed = page(opened, "/errors")
    assert "Every video was analysed, 1 only in part" in listed.text
    assert "The stage sound failed; the rest of the video was analysed." in listed.text
    shown = page(opened, "/v/v02").text
    assert "Nobody can hear v02." in shown
    assert "The rest of the video was analysed." in shown
    assert "What to do:" in shown
    assert "Sentence 0 of v02." in shown
    assert "Nobody can hear" not in page(opened, "/v/v01").text
    assert "The stage <em>sound</em> failed" in lake_report(LakeReader(lake), max_videos=5)


def test_subtitles_and_chapters_of_the_file_are_offered_beside_ours(client: TestClient) -> None:
    plain = page(client, f"/v/{TALK}")
    tracks = [attrs for tag, attrs in plain.tags if tag == "track"]
    assert [(attrs["label"], attrs["srclang"]) for attrs in tracks] == [
        ("English", "en"), ("track 2", "de"), (f"{TALK}.srt", "und"),
    ]  # fmt: skip
    assert "Satz null" in client.get(tracks[1]["src"] or "").text
    assert client.get(f"/v/{TALK}/captions.vtt?source=none").status_code == 404
    assert "Chapters of the file" in plain.text
    links_here = [attrs.get("href") or "" for tag, attrs in plain.tags if tag == "a"]
    chosen = next(link for link in links_here if "subtitles=track" in link)
    shown = page(client, chosen)
    assert f"Satz null von {TALK}." in shown.text
    assert "Its mirror is made of glass." not in shown.text.split("Subtitles", 1)[1].split("Chapters", 1)[0]


def test_the_objects_of_keyframes_are_drawn_where_they_are_if_somebody_asks(client: TestClient) -> None:
    found = page(client, f"/v/{TALK}")
    assert [attrs["type"] for tag, attrs in found.tags if attrs.get("id") == "boxes"] == ["checkbox"]
    drawn = [attrs for tag, attrs in found.tags if tag == "svg" and attrs.get("class") == "boxes"]
    assert [attrs["aria-label"] for attrs in drawn] == ["bicycle", "person, bicycle", "person, person, bicycle"]
    assert {attrs["viewbox"] for attrs in drawn} == {"0 0 1280 720"}
    [bicycle] = {tuple(attrs.items()) for tag, attrs in found.tags if tag == "rect" and attrs.get("x") == "0.0"}
    assert dict(bicycle) == {"x": "0.0", "y": "360.0", "width": "320.0", "height": "360.0"}


def test_long_subtitles_come_in_parts(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.web.video_pages.FIRST_LINES", 0)
    found = page(client, f"/v/{TALK}?subtitles=track+2")
    rest = next(attrs["data-rest"] or "" for _, attrs in found.tags if attrs.get("id") == "lines")
    assert f"Satz null von {TALK}." in page(client, rest).text


def test_a_hit_in_subtitles_names_their_source(client: TestClient) -> None:
    assert "subtitle of track 2" in page(client, "/results?q=Satz&moment=subtitle").text


def test_a_page_lists_the_most_frequent_names_and_counts_the_others(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 'href="https://www.wikidata.org/wiki/Q1"' in client.get(f"/v/{TALK}").text
    monkeypatch.setattr("flows.web.video_pages.NAMES", 0)
    found = client.get(f"/v/{TALK}").text
    assert "wikidata.org" not in found
    assert "and 1 more in the table" in found
