"""Reports: a video or a lake as one HTML file that needs nothing else, to be sent to somebody."""

from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial

from markupsafe import Markup

from flows.web import catalogue
from flows.web.catalogue import Card, Selection
from flows.web.film import read_film
from flows.web.rendering import render_text, static_text
from flows.web.timeline import make_timeline
from pipeline.lake import Lake, file_name, find_video
from pipeline.view import LakeReader, Thumbnails
from schemas.errors import LakeError

MAX_VIDEOS = 120
_MAX_PICTURE_BYTES = 6_000_000
"""About 8 MB as text, which mail still takes."""


def video_report(lake: Lake, video: str) -> str:
    """Return the report of one video, with storyboard, scenes and the whole transcript.

    Args:
        lake: The lake.
        video: Id, start of an id, file name, path or URI.

    Raises:
        LakeError: No video is called so, or several are; or the lake cannot be read.
    """
    reader = LakeReader(lake)
    video_id = reader.ask(lambda connection: find_video(connection, video))
    film = reader.ask(partial(read_film, video_id=video_id))
    if film is None:
        raise LakeError(f"There is no video {video} in the lake.")
    firsts = [scene.pictures[0] for scene in film.scenes if scene.pictures]
    wanted = dict.fromkeys(picture.frame_id for picture in (*film.storyboard, *firsts))
    return render_text(
        "report_video.html",
        film=film,
        timeline=make_timeline(film),
        pictures=_pictures(reader, wanted),
        style=_style(),
        made_at=datetime.now(UTC),
    )


def lake_report(lake: Lake, *, max_videos: int = MAX_VIDEOS) -> str:
    """Return the report of a lake: what is in it, its newest videos, and what failed.

    Args:
        lake: The lake.
        max_videos: Videos shown at most.

    Raises:
        LakeError: The lake cannot be read.
    """
    reader = LakeReader(lake)
    cards: list[Card] = []
    for page in range(1, 2 + max_videos // catalogue.PAGE_SIZE):
        found, count = reader.ask(partial(catalogue.cards, selection=Selection(page=page)))
        cards += found
        if len(cards) >= min(count, max_videos):
            break
    cards = cards[:max_videos]
    return render_text(
        "report_lake.html",
        name=file_name(lake.uri),
        facets=reader.ask(catalogue.facets),
        cards=cards,
        failures=reader.ask(partial(catalogue.failures, page=1)),
        pictures=_pictures(reader, [card.poster for card in cards if card.poster]),
        style=_style(),
        made_at=datetime.now(UTC),
    )


def _pictures(reader: LakeReader, frame_ids: Iterable[str]) -> dict[str, str]:
    """Return JPEGs in base64, as many of the first as fit."""
    found = Thumbnails(reader).many(list(frame_ids))
    pictures: dict[str, str] = {}
    left = _MAX_PICTURE_BYTES
    for frame_id, jpeg in found.items():
        left -= len(jpeg)
        if left < 0:
            break
        pictures[frame_id] = b64encode(jpeg).decode()
    return pictures


def _style() -> Markup:
    return Markup(static_text("style.css"))  # noqa: S704 - our own file
