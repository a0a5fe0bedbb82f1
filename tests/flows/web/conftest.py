import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from flows.commands.browse import listen
from flows.web.app import make_app
from flows.web.guard import Access
from pipeline.lake import Lake
from pipeline.search import Searcher
from tests.flows.web.lakes import make_lake
from tests.flows.web.serving import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_PATIENCE_MS = 120_000
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required", "--mute-audio",
    # Processes and services that would take a fifth of its time.
    "--in-process-gpu", "--renderer-process-limit=1", "--disable-extensions",
    "--disable-features=Translate,MediaRouter,OptimizationHints,PaintHolding,WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup",
]  # fmt: skip


@pytest.fixture(scope="session")
def web_lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return make_lake(tmp_path_factory.mktemp("web"))


@pytest.fixture(scope="session")
def client(web_lake: Lake) -> Iterator[TestClient]:
    app = make_app(web_lake, Searcher(web_lake))
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as opened:
        yield opened


@pytest.fixture(scope="session")
def site(web_lake: Lake) -> Iterator[str]:
    """Serve the lake from a thread, and return its address."""
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    app = make_app(web_lake, Searcher(web_lake), access=Access("127.0.0.1", port))
    with served(app, listening) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Start Debian's Chromium; without one skip, unless `VIDEOLAKE_REQUIRE_BROWSER` is set.

    It is closed with the module, as `asyncio.run` does not work beside Playwright.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("VIDEOLAKE_REQUIRE_BROWSER"):
            pytest.fail("There is no Chromium, and VIDEOLAKE_REQUIRE_BROWSER is set. `apt-get install chromium`")
        pytest.skip("There is no Chromium to drive. `apt-get install chromium`")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield started
        started.close()
