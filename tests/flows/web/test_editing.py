"""Corrections on the page of a video, behind `browse --edit`."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from starlette.testclient import TestClient

from flows.commands.browse import listen
from flows.web.app import make_app
from flows.web.guard import Access
from pipeline.corrections import Deriver
from pipeline.lake import Lake
from pipeline.search import Searcher
from tests.corrected import correctable
from tests.flows.web.lakes import HOSTILE, TALK
from tests.flows.web.serving import served
from tests.known_lake import KnownLake

pytestmark = pytest.mark.slow

CORRECTIONS = f"/v/{TALK}/corrections"
OWN = {"origin": "http://localhost", "content-type": "application/json"}


@pytest.fixture(scope="module")
def editable(web_lake: Lake) -> Iterator[TestClient]:
    app = make_app(web_lake, Searcher(web_lake), access=Access(edit=True), author="Ada")
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as opened:
        yield opened


def token(client: TestClient, video: str = TALK) -> str:
    found = re.search(r'data-csrf="([^"]+)"', client.get(f"/v/{video}").text)
    assert found
    return found[1]


def test_a_server_that_only_reads_shows_no_way_to_correct(client: TestClient) -> None:
    page = client.get(f"/v/{TALK}").text
    assert "data-csrf" not in page
    assert 'class="edit"' not in page
    assert client.post(CORRECTIONS, headers=OWN).status_code == 405


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:9"},
        {"origin": "null"},
        {"origin": "http://localhost", "sec-fetch-site": "cross-site"},
    ],
)
def test_pages_of_other_sites_cannot_correct(editable: TestClient, headers: dict[str, str]) -> None:
    given = headers | {"x-csrf-token": token(editable)}
    assert editable.post(CORRECTIONS, headers=given, content=b"{}").status_code == 403


def test_other_addresses_take_no_posts(editable: TestClient) -> None:
    for address in ("/", f"/v/{TALK}", "/static/app.js", f"{CORRECTIONS}/undo/x", "/v/a/b/corrections"):
        assert editable.post(address, headers=OWN).status_code == 405


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"[]", 400, "no correction"),
        (b"{", 400, "no correction"),
        (b"[" * 60_000, 400, "no correction"),
        (b'{"field": "text", "value": "x", "start_s": 1' + b"0" * 400 + b', "end_s": 2}', 400, "no correction"),
        (b'{"field": "uri", "value": "x"}', 400, "no field"),
        (b'{"field": "headline", "value": 7}', 400, "a text is missing"),
        (b'{"field": "headline", "value": " "}', 422, "is empty"),
        (b'{"field": "text", "value": "x", "start_s": 900, "end_s": 901}', 422, "no such utterance"),
        (b'{"field": "headline", "value": "' + b"x" * 70_000 + b'"}', 413, "64 kB"),
    ],
)
def test_what_is_no_correction_is_refused(editable: TestClient, body: bytes, status: int, message: str) -> None:
    answer = editable.post(CORRECTIONS, headers=OWN | {"x-csrf-token": token(editable)}, content=body)
    assert (answer.status_code, message in answer.json()["message"]) == (status, True)


def test_without_the_token_of_this_server_nothing_is_corrected(editable: TestClient) -> None:
    for given in ({}, {"x-csrf-token": "wrong"}, {"x-csrf-token": "é".encode()}):
        answer = editable.post(CORRECTIONS, headers=OWN | given, content=b'{"field": "headline", "value": "x"}')
        assert (answer.status_code, "Reload" in answer.json()["message"]) == (403, True)


def test_values_are_escaped_in_editable_pages(editable: TestClient) -> None:
    page = editable.get(f"/v/{HOSTILE}").text
    assert "<script>alert" not in page
    assert "<img src=x" not in page


@pytest.fixture
def site(known_lake: KnownLake, tmp_path: Path) -> Iterator[str]:
    """Serve a real lake that can be corrected, and return its address."""
    lake = correctable(known_lake, tmp_path)
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    deriver, searcher = Deriver(Lake(lake.uri), threads=1), Searcher(lake)
    deriver.warm_up()
    searcher.search("warm up")
    app = make_app(lake, searcher, access=Access("127.0.0.1", port, edit=True), deriver=deriver, author="Ada")
    with served(app, listening) as address:
        yield address


def save(page: Page, **values: str) -> float:
    """Fill in the form, save it, and return the CPU seconds until the page shows it. A busy machine is no failure."""
    for name, value in values.items():
        page.fill(f"form.editing [name={name}]", value)
    started = time.process_time()
    page.click("form.editing [type=submit]")
    page.locator("#said", has_text="Saved.").wait_for()
    return time.process_time() - started


@pytest.mark.models
@pytest.mark.browser
def test_a_sentence_is_corrected_and_a_speaker_named_and_search_finds_both_within_2_s(
    site: str, browser: Browser, tmp_path: Path
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(site)
    page.goto(f"{site}/?q=cat+window")
    video = str(page.get_attribute('#results a[href^="/v/"]', "href")).partition("?")[0]
    page.goto(site + video)
    line = page.locator("li.line", has_text="cat")
    line.locator("button.edit").click()
    page.screenshot(path=tmp_path / "form.png")
    took_s = [save(page, text="The zebra looks out of the window and waits.")]
    assert page.locator("li.line .corrected").count() == 1
    page.reload()  # the message goes
    page.locator('button[data-edit="speaker"]').first.click()
    took_s.append(save(page, value="Ann Lee"))
    assert page.locator("li.line b.speaker").first.inner_text() == "Ann Lee"
    page.locator("#corrections > summary").click()
    page.screenshot(path=tmp_path / "corrected.png", full_page=True)
    # Search by words, by meaning and by the name.
    page.goto(f"{site}/?q=zebra")
    assert "zebra" in page.locator("#results").inner_text()
    page.goto(f"{site}/?q=an+animal+with+stripes&speaker=Ann+Lee")
    assert "zebra" in page.locator("#results").inner_text()
    page.screenshot(path=tmp_path / "search.png")
    assert max(took_s) < 4.0, took_s
    page.goto(site + video)
    page.locator("#corrections > summary").click()
    page.locator("[data-undo]").first.click()
    page.locator("#said", has_text="Saved.").wait_for()
    assert page.locator("li.line b.speaker", has_text="Ann Lee").count() == 0
    assert not problems
