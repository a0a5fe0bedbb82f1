"""Page load times of a large lake: server times, and first paint in headless Chromium.

    python benchmarks/browse.py                      # makes a lake of 10,000 videos in a temporary folder
    python benchmarks/browse.py --lake FOLDER        # makes it there, or reuses it

The same run measures the smallest response of the server (`/health`); the difference is the cost of the page itself.
"""

import argparse
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import uvicorn
from playwright.sync_api import sync_playwright

from benchmarks.synthetic_lake import make_lake
from flows.commands.browse import listen
from flows.web.app import make_app
from pipeline.lake import Lake
from pipeline.search import Searcher

RESULTS = Path(__file__).parent / "results" / "browse.json"
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
_PAINTED = """() => new Promise((done) => new PerformanceObserver((list) => {
  const paint = list.getEntriesByName("first-contentful-paint")[0];
  if (paint) done(paint.startTime);
}).observe({ type: "paint", buffered: true }))"""
_IMAGES = """() => [...document.images].filter((each) => each.getBoundingClientRect().top < innerHeight)
  .every((each) => each.complete && each.naturalWidth)"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=10_000)
    parser.add_argument("--lake", type=Path, help="folder of the lake, existing or new")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="videolake-browse-") as folder:
        path = options.lake or Path(folder) / "lake"
        lake = Lake(str(path)) if (path / "_videolake.json").exists() else make_lake(path, options.videos)
        measured = measure(lake, options.repeats)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(measured, indent=2) + "\n")
    print(f"\n{measured['videos']:,} videos; the server opens the lake in {measured['open_s']:.2f} s\n")
    print(f"{'page':<34}{'server ms':>10}{'kB':>8}{'paint ms':>10}{'x empty':>9}{'images ms':>13}")
    for row in measured["pages"]:
        print(
            f"{row['page']:<34}{row['server_ms']:>10.0f}{row['kilobytes']:>8.0f}{row['paint_ms']:>10.0f}"
            f"{row['paint_ms'] / measured['pages'][0]['paint_ms']:>9.1f}{row['images_ms']:>13.0f}"
        )


def measure(lake: Lake, repeats: int) -> dict[str, Any]:
    """Serve a lake and measure its pages."""
    started = time.perf_counter()
    app = make_app(lake, Searcher(lake))
    open_s = time.perf_counter() - started
    count, video = app.state.reader.ask(
        lambda connection: connection.execute("SELECT count(*), min(video_id) FROM lake.catalogue").fetchone()
    )
    pages = {
        "empty response (floor)": "/health",
        "all videos": "/",
        "a topic, by name": "/?topic=ocean&sort=name",
        "the last page": f"/?page={count // 24}",
        "search": "/?q=telescope+near+the+mountain",
        "a video": f"/v/{video}",
    }
    with serve(app) as address:
        httpx.get(f"{address}/results?q=warm", timeout=300)
        return {
            "videos": count,
            "open_s": open_s,
            "pages": [
                {"page": name, **server_time(address + path, repeats)} | paint
                for (name, path), paint in zip(
                    pages.items(), paints(address, list(pages.values()), repeats), strict=True
                )
            ],
        }


@contextmanager
def serve(app: Any) -> Iterator[str]:
    """Serve in a thread, as `videolake browse` does in its process."""
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()


def server_time(address: str, repeats: int) -> dict[str, float]:
    """Return the median milliseconds to a complete response, and its uncompressed size."""
    with httpx.Client(timeout=300) as client:
        times, answer = repeated(lambda: client.get(address), repeats)
    answer.raise_for_status()
    return {"server_ms": median(times), "kilobytes": len(answer.content) / 1000}


def repeated(work: Callable[[], httpx.Response], repeats: int) -> tuple[list[float], httpx.Response]:
    """Repeat a request; return the milliseconds of each, and the last response."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        answer = work()
        times.append(1000 * (time.perf_counter() - started))
    return times, answer


def paints(address: str, paths: list[str], repeats: int) -> list[dict[str, float]]:
    """Return, for each page, the median milliseconds to first paint and to all visible images, with an empty cache."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    found: dict[str, tuple[list[float], list[float]]] = {path: ([], []) for path in paths}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        for _ in range(repeats):
            for url_path in paths:
                context = browser.new_context(viewport={"width": 1360, "height": 900})
                page = context.new_page()
                started = time.perf_counter()
                page.goto(address + url_path, wait_until="commit")
                found[url_path][0].append(page.evaluate(_PAINTED))
                page.wait_for_function(_IMAGES)
                found[url_path][1].append(1000 * (time.perf_counter() - started))
                context.close()
        browser.close()
    return [{"paint_ms": median(paint), "images_ms": median(images)} for paint, images in found.values()]


if __name__ == "__main__":
    main()
