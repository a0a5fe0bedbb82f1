"""Reports: a video or a lake as one self-contained HTML file, to send to somebody."""

from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial

import duckdb
from markupsafe import Markup

from flows.web import catalogue
from flows.web.catalogue import Card, Selection
from flows.web.rendering import render_text, static_text
from flows.web.timeline import make_timeline
from pipeline.lake import ALL_PARTS, Lake, VideoRecord, file_name, find_video, read_records
from pipeline.view import LakeReader, Thumbnails

MAX_VIDEOS = 120
_MAX_THUMBNAIL_BYTES = 6_000_000
"""About 8 MB in base64, which most mail servers accept."""


def video_report(lake: Lake, video: str) -> str:
    """Return the report of one video, with its storyboard, scenes and full transcript.

    Args:
        lake: The lake.
        video: Its id, a unique prefix of its id, a file name, a path or a URI.

    Raises:
        LakeError: No video has this name, or several have it; or the lake cannot be read.
    """
    reader = LakeReader(lake)

    def read(connection: duckdb.DuckDBPyConnection) -> VideoRecord:
        return read_records(connection, [find_video(connection, video)], parts=ALL_PARTS - {"words"})[0]

    found = reader.ask(read)
    firsts = [scene.keyframes[0] for scene in found.scenes if scene.keyframes]
    frame_ids = dict.fromkeys(keyframe.frame_id for keyframe in (*found.storyboard, *firsts))
    return render_text(
        "report_video.html",
        video=found,
        timeline=make_timeline(found),
        thumbnails=_thumbnails(reader, frame_ids),
        style=_style(),
        made_at=datetime.now(UTC),
    )


def lake_report(reader: LakeReader, *, max_videos: int = MAX_VIDEOS) -> str:
    """Return the report of a lake: its contents, newest videos and failures.

    Args:
        reader: The lake.
        max_videos: Maximum number of videos to show.

    Raises:
        LakeError: The lake cannot be read.
    """
    cards: list[Card] = []
    for page in range(1, 2 + max_videos // catalogue.PAGE_SIZE):
        found, count = reader.ask(partial(catalogue.cards, selection=Selection(page=page)))
        cards += found
        if len(cards) >= min(count, max_videos):
            break
    cards = cards[:max_videos]
    return render_text(
        "report_lake.html",
        name=file_name(reader.lake.uri),
        facets=reader.ask(catalogue.facets),
        cards=cards,
        failures=reader.ask(partial(catalogue.failures, page=1)),
        thumbnails=_thumbnails(reader, [card.poster for card in cards if card.poster]),
        style=_style(),
        made_at=datetime.now(UTC),
    )


def _thumbnails(reader: LakeReader, frame_ids: Iterable[str]) -> dict[str, str]:
    """Return JPEGs in base64, from the first until the size limit is reached."""
    found = Thumbnails(reader).many(list(frame_ids))
    kept: dict[str, str] = {}
    left = _MAX_THUMBNAIL_BYTES
    for frame_id, jpeg in found.items():
        left -= len(jpeg)
        if left < 0:
            break
        kept[frame_id] = b64encode(jpeg).decode()
    return kept


def _style() -> Markup:
    return Markup(static_text("style.css"))  # noqa: S704 - our own file
