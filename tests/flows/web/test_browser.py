"""The pages in a real Chromium: what people do with them, by mouse, by keys, on a telephone, in the dark."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from flows.web.catalogue import PAGE_SIZE
from pipeline.lake import Lake
from tests.flows.web.lakes import BROKEN, EVIL, GONE, HOSTILE, MANY, TALK
from tests.pipeline.analysis.media.test_clock import remuxed

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
NewPage = Callable[..., tuple[Page, list[str]]]
SCHEMES = ("light", "dark")
_PATIENCE_MS = 120_000
PLACES = (
    "/",
    "/?q=telescope",
    f"/?q=telescope&speaker=Bob&from=0:01&to=20&video={TALK}",
    f"/?like={TALK}@2",
    f"/v/{TALK}?t=5&q=telescope",
    f"/v/{HOSTILE}",
    f"/v/{GONE}",
    f"/v/{BROKEN}",
    "/errors",
    "/x",
)


@pytest.fixture(scope="module")
def new_page(browser: Browser, site: str) -> Iterator[NewPage]:
    """Return what opens a page, and the list of what goes wrong on it and of whoever else it asks.

    Pages with the same options share a window, which costs more processes than a page. They store nothing in it.
    """
    windows: dict[str, BrowserContext] = {}

    def new(**options: object) -> tuple[Page, list[str]]:
        if str(options) not in windows:
            windows[str(options)] = browser.new_context(base_url=site, **options)  # type: ignore[arg-type]
            windows[str(options)].set_default_timeout(_PATIENCE_MS)
        page = windows[str(options)].new_page()
        return page, watched(page, site)

    yield new
    for window in windows.values():
        window.close()


def watched(page: Page, site: str) -> list[str]:
    """Return the list of what will go wrong on a page."""
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: wrong.append(request.url) if not request.url.startswith(site) else None)
    return wrong


def show(page: Page, wrong: list[str], address: str, status: int = 200) -> Page:
    """Go to an address of the site."""
    before = len(wrong)
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == status
    if status == 404:
        del wrong[before:]  # Chromium reports the page itself as an error
    return page


@pytest.fixture
def opened(new_page: NewPage) -> Iterator[Open]:
    """Return what opens a page; whatever test used it, nothing went wrong on it and nobody else was asked."""
    pages = []

    def opened(address: str, **options: object) -> Page:
        pages.append(new_page(**options))
        return show(*pages[-1], address)

    yield opened
    for page, _ in pages:
        page.close()
    assert [wrong for _, wrong in pages if wrong] == []


@pytest.fixture(scope="module")
def looking(new_page: NewPage) -> Iterator[Open]:
    """Return what shows a place on the page of before, if tests only look at it: a new page takes longer than that."""
    pages: dict[str, tuple[Page, list[str]]] = {}

    def look(address: str, **options: object) -> Page:
        shown, wrong = pages.get(str(options)) or pages.setdefault(str(options), new_page(**options))
        return show(shown, wrong, address, 404 if address == "/x" else 200)

    yield look
    for page, _ in pages.values():
        page.close()
    assert [wrong for _, wrong in pages.values() if wrong] == []


@pytest.fixture(scope="module", params=PLACES)
def place(looking: Open, request: pytest.FixtureRequest) -> Page:
    """A place, shown once for all tests that look at it."""
    return looking(request.param)


def test_a_page_that_is_missing_hides_nothing_that_went_wrong_before_it(new_page: NewPage) -> None:
    page, wrong = new_page()
    show(page, wrong, "/").evaluate("console.error('of the page before')")
    show(page, wrong, "/x", 404)
    page.close()
    assert wrong == ["of the page before"]


def hold(page: Page) -> None:
    """Let the player stay where it is sent to: on a busy machine it plays on before a test looks."""
    page.evaluate("HTMLMediaElement.prototype.play = () => Promise.resolve()")


def player_at(page: Page, seconds: float) -> None:
    """Wait until the player is at a moment."""
    page.wait_for_function(
        "at => { const player = document.querySelector('#player'); return player.readyState > 0 && !player.seeking "
        "&& Math.abs(player.currentTime - at) < 0.4; }",
        arg=seconds,
    )


def test_typing_finds_a_moment_and_a_click_goes_to_its_second(opened: Open) -> None:
    page = opened("/")
    page.get_by_role("searchbox").press_sequentially("telesc")
    hit = page.locator(".hit", has_text="Today we look through a telescope.")
    expect(hit).to_be_visible()
    expect(hit.locator("mark")).to_have_text("telescope")
    expect(page).to_have_url(re.compile(r"/\?q=telesc$"))
    hit.click()
    expect(page.locator("h1")).to_have_text("The telescope")
    player_at(page, 4.0)
    expect(page.locator(".line.now")).to_contain_text("Today we look through a telescope.")
    page.go_back()
    expect(page.locator(".hit").first).to_be_visible()


def test_every_time_on_the_page_moves_the_player(opened: Open) -> None:
    page = opened(f"/v/{TALK}?q=telescope")
    hold(page)
    page.locator(".summary [data-t]").click()
    player_at(page, 14.0)
    page.locator(".line", has_text="Its mirror").locator("p").click()
    player_at(page, 9.0)
    box = page.locator("#track").bounding_box()
    assert box is not None
    page.locator("#track").click(position={"x": box["width"] * 0.75, "y": 40})  # wherever it has scrolled to meanwhile
    page.wait_for_function("Math.abs(document.querySelector('#player').currentTime - 18.5) < 1.2")
    assert page.locator(".t-hit").count() == 2


def test_a_file_whose_clock_starts_late_is_played_with_the_times_of_the_page(
    opened: Open, web_lake: Lake, tmp_path: Path
) -> None:
    talk = Path(web_lake.uri).parent / "archive" / "the talk.mp4"
    late = remuxed(talk, tmp_path / "late.mkv", {"output_ts_offset": "10"}).read_bytes()
    page = opened(f"/v/{TALK}")

    def answer(route: Route) -> None:
        start = int(route.request.headers["range"].removeprefix("bytes=").split("-")[0])
        span = {"accept-ranges": "bytes", "content-range": f"bytes {start}-{len(late) - 1}/{len(late)}"}
        route.fulfill(status=206, body=late[start:], headers=span, content_type="video/x-matroska")

    page.route(f"**/media/{TALK}", answer)
    page.goto(f"/v/{TALK}?t=13.5")
    player_at(page, 23.5)
    expect(page.locator("#track")).to_have_attribute("aria-valuenow", "14")
    hold(page)
    page.locator(".line", has_text="Its mirror").locator("p").click()
    player_at(page, 19.0)
    expect(page.locator(".line.now")).to_contain_text("Its mirror")


def test_the_transcript_goes_along_with_the_player(opened: Open) -> None:
    page = opened(f"/v/{TALK}?t=13.5")
    player_at(page, 13.5)
    page.locator("#player").evaluate("player => player.play()")
    expect(page.locator(".line.now")).to_contain_text("The stars are far away.")
    expect(page.locator(".line[aria-current=true]")).to_have_count(1)


def test_the_parts_of_a_page_come_when_they_are_wanted(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.web.video_pages.FIRST_LINES", 1)
    monkeypatch.setattr("flows.web.video_pages.MORE_LINES", 1)
    monkeypatch.setattr("flows.web.video_pages.SCENES", 1)
    page = opened(f"/v/{TALK}?t=15")
    expect(page.locator(".line.now")).to_contain_text("The stars are far away.")
    for shown in (2, 3):
        page.locator("[data-scenes]").click()
        expect(page.locator(".scenes > li")).to_have_count(shown)
    expect(page.locator("[data-scenes]")).to_have_count(0)


def test_the_player_has_captions(opened: Open) -> None:
    page = opened(f"/v/{TALK}")
    page.evaluate("document.querySelector('#player').textTracks[0].mode = 'showing'")
    page.wait_for_function("() => document.querySelector('#player').textTracks[0].cues?.length >= 5")
    assert page.evaluate("document.querySelector('#player').textTracks[0].language") == "en"


def test_choosing_a_speaker_keeps_the_moment(opened: Open) -> None:
    page = opened(f"/v/{TALK}")
    page.locator(".line", has_text="The stars are far away.").locator("a").click()
    page.locator("#player").evaluate("player => player.pause()")
    page.get_by_role("link", name="Ada", exact=True).click()
    expect(page).to_have_url(re.compile(r"speaker=Ada&t=14"))
    expect(page.locator(".line")).to_have_count(2)


def test_a_link_to_a_moment_opens_it_also_as_a_fragment(opened: Open) -> None:
    player_at(opened(f"/v/{TALK}#t=19"), 19.0)


def test_all_works_by_keys(opened: Open) -> None:
    page = opened("/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    focused = page.locator(":focus")
    expect(focused).to_have_attribute("href", f"/v/{TALK}")
    assert focused.evaluate("each => getComputedStyle(each).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    player_at(page, 0)
    page.wait_for_load_state()  # a player may be ready before the script that knows the keys
    page.keyboard.press("j")
    page.keyboard.press("j")
    player_at(page, 4.0)
    page.keyboard.press("ArrowRight")
    player_at(page, 9.0)
    page.keyboard.press("ArrowLeft")
    player_at(page, 4.0)
    page.keyboard.press("Space")
    page.wait_for_function("!document.querySelector('#player').paused")
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelector('#player').paused")
    page.locator("#track").focus()
    page.keyboard.press("End")
    expect(page.locator("#track")).to_have_attribute("aria-valuenow", "24")
    page.keyboard.press("h")
    expect(page.locator("#grid")).to_be_visible()


def test_a_page_loads_what_it_shows_and_more_when_asked(opened: Open) -> None:
    page = opened("/")
    expect(page.locator(".card")).to_have_count(PAGE_SIZE)
    page.keyboard.press("End")
    expect(page.locator(".card")).to_have_count(MANY + 6)
    expect(page.locator("[data-more]")).to_have_count(0)


def test_filters_answer_at_once_and_stay_in_the_address(opened: Open) -> None:
    page = opened("/")
    page.get_by_label("Topic").select_option("astronomy")
    expect(page.locator(".card")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/\?topic=astronomy$"))
    page.reload()
    expect(page.locator(".card")).to_have_count(1)


def test_back_goes_from_a_search_to_the_page_before_it(opened: Open) -> None:
    page = opened("/")
    box = page.get_by_role("searchbox")
    box.press_sequentially("telescope")
    expect(page).to_have_url(re.compile(r"/\?q=telescope$"))
    box.press("Enter")
    box.fill("mirror")
    expect(page.locator("#count")).to_contain_text("mirror")
    box.press("Enter")
    page.go_back()
    expect(page).to_have_url(re.compile(r"/\?q=telescope$"))
    expect(page.locator("#count")).to_contain_text("telescope")
    expect(box).to_have_value("telescope")
    page.go_back()
    expect(page.locator("#grid")).to_be_visible()
    expect(box).to_have_value("")


def test_results_after_a_pause_are_those_of_the_url(opened: Open) -> None:
    page = opened("/")
    with page.expect_response(lambda answer: answer.url.endswith("/results?q=tele+mirror")):
        page.get_by_role("searchbox").press_sequentially("tele mirror")
    expect(page.locator("#results")).to_have_attribute("aria-busy", "false")
    found = page.locator("#results").inner_text()
    page.reload()
    assert page.locator("#results").inner_text() == found


def test_a_search_keeps_the_kind_that_was_chosen_and_shows_it(opened: Open) -> None:
    page = opened("/")
    page.get_by_label("Kind").select_option("audio")
    expect(page.locator(".card")).to_have_count(0)
    page.get_by_role("searchbox").press_sequentially("telescope")
    expect(page.locator("#count")).to_have_text("No moments for “telescope”")
    expect(page).to_have_url(re.compile(r"/\?kind=audio&q=telescope$"))
    page.get_by_label("Kind").select_option("video")
    expect(page.locator(".hit")).to_have_count(2)


def test_a_speaker_filter_can_be_set_and_removed(opened: Open) -> None:
    page = opened("/?q=telescope")
    page.get_by_text("Speaker, names, objects, sounds and time").click()
    page.get_by_label("Speaker").fill("Ada")
    page.get_by_label("Speaker").press("Enter")
    expect(page.locator(".hit")).to_have_count(1)
    page.get_by_role("link", name="Remove: speaker Ada").click()
    expect(page.locator(".hit")).to_have_count(2)
    expect(page.get_by_label("Speaker")).to_have_value("")


@pytest.mark.parametrize("address", PLACES)
def test_a_telephone_shows_pages_without_scrolling_sideways(looking: Open, address: str) -> None:
    page = looking(address, viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320


_CONTRASTS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => {
    const f = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
  const ground = (each) => {
    for (; each; each = each.parentElement) {
      const colour = rgb(getComputedStyle(each).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const each of document.querySelectorAll("main *, header *")) {
    const own = [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || each.closest("svg, video, option, .hidden, .badge, noscript") || !each.checkVisibility()) continue;
    const [a, b] = [light(rgb(getComputedStyle(each).color)), light(ground(each))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) low.push([each.className || each.tagName, each.textContent.trim().slice(0, 30),
      ((a + 0.05) / (b + 0.05)).toFixed(2)].join(" "));
  }
  return low;
}"""


def test_texts_stand_out_from_their_ground(place: Page) -> None:
    for scheme in SCHEMES:
        place.emulate_media(color_scheme=scheme)
        assert place.evaluate(_CONTRASTS) == []
        ground = place.evaluate("getComputedStyle(document.body).backgroundColor")
        red = int(re.findall(r"\d+", ground)[0])
        assert red < 60 if scheme == "dark" else red > 200


_UNNAMED = """() => [...document.querySelectorAll("a, button, input, select, summary, [role], img, video, audio")]
  .filter((each) => each.checkVisibility() && !each.closest("[aria-hidden=true]") && each.type !== "hidden")
  .filter((each) => !(["aria-label", "aria-labelledby", "alt"].some((name) => each.hasAttribute(name))
    || each.textContent.trim() || each.labels?.length || ["status", "search"].includes(each.getAttribute("role"))))
  .map((each) => each.outerHTML.slice(0, 120))"""


def test_whatever_can_be_used_has_a_name_and_headings_do_not_skip(place: Page) -> None:
    assert place.evaluate(_UNNAMED) == []
    levels = place.evaluate(
        "[...document.querySelectorAll('main :is(h1,h2,h3)')].map((each) => Number(each.tagName[1]))"
    )
    assert levels.count(1) == 1
    targets = place.evaluate(
        "[...document.querySelectorAll('[aria-labelledby], label[for]')]"
        ".filter((each) => !document.getElementById(each.getAttribute('aria-labelledby') ?? each.htmlFor)).length"
    )
    assert targets == 0


def test_hostile_texts_do_nothing_but_stand_there(opened: Open) -> None:
    page = opened("/")
    for address in ("/", f"/?q={EVIL}", f"/v/{HOSTILE}?q={EVIL}", f"/v/{BROKEN}", "/errors"):
        page.goto(address)
        assert page.evaluate("document.querySelectorAll('script:not([src]), img:not([src^=\"/t/\"])').length") == 0
    page.goto("/")
    page.get_by_role("searchbox").fill(EVIL)
    expect(page.locator("#count")).to_contain_text("<script>alert(1)</script>")


def test_without_scripts_one_can_still_search_and_read(opened: Open) -> None:
    page = opened("/", java_script_enabled=False)
    page.get_by_role("searchbox").fill("telescope")
    page.keyboard.press("Enter")
    page.locator(".hit").first.click()
    expect(page.locator("h1")).to_have_text("The telescope")
    expect(page.locator("#player")).to_have_attribute("src", re.compile(rf"/media/{TALK}#t=\d+"))
    expect(page.get_by_text("The stars are far away.").first).to_be_visible()


def test_a_player_that_cannot_play_says_so_and_the_page_stays(opened: Open, site: str) -> None:
    page = opened("/")
    page.route("**/media/**", lambda route: route.fulfill(status=200, content_type="video/mp4", body=b"no film"))
    page.goto(f"/v/{TALK}")
    expect(page.locator("#obstacle")).to_contain_text("cannot play")
    page.locator(".line").nth(3).locator("a").click()
    expect(page.locator(".line.now")).to_contain_text("The stars are far away.")
