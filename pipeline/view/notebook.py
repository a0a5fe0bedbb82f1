"""What Jupyter shows of a lake, a video and search hits: HTML that stands alone, with every text escaped."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from pipeline.lake import VideoDescription, clock, describe_video, fetch, file_name
from schemas.tables import DESCRIPTIONS, TABLE_NAMES

if TYPE_CHECKING:
    from pipeline.lake import Lake

_NEWEST, _STORYBOARD, _HITS = 8, 12, 20
_JPEG = b"\xff\xd8\xff"
_FAINT = "opacity:.65;font-size:90%"
_GRID = "display:flex;flex-wrap:wrap;gap:12px;align-items:flex-start"

_VIDEOS = """
SELECT v.video_id, v.uri, v.duration_s, v.language, coalesce(s.headline, '') AS headline, s.keyframe_ids[1] AS frame_id
FROM videos AS v LEFT JOIN summaries AS s USING (video_id)
WHERE v.status = 'ok' ORDER BY v.committed_at DESC, v.uri LIMIT $limit
"""
_THUMBNAILS = "SELECT frame_id, time_s, thumbnail FROM frames WHERE frame_id IN (SELECT unnest($ids))"


@dataclass(frozen=True, slots=True)
class _Picture:
    time_s: float
    jpeg: bytes


@dataclass(frozen=True, slots=True, repr=False)
class VideoPage:
    """A video as a notebook shows it; `description` has all that is known."""

    description: VideoDescription
    storyboard: tuple[_Picture, ...]

    def __repr__(self) -> str:
        return f"<{file_name(self.description.uri)}, as a notebook shows it; .description has all that is known>"

    def _repr_html_(self) -> str:
        about = self.description
        parts = [
            f"<h3>{escape(about.headline or file_name(about.uri))}</h3>",
            f"<div style='{_FAINT}'>{escape(about.uri)}</div>",
            _table(about.facts),
        ]
        if about.error:
            parts.append(f"<p><b>{escape(about.error.kind)}</b>: {escape(about.error.message)}</p>")
        parts.append(_grid(_card(each, clock(each.time_s)) for each in self.storyboard))
        parts.append(_list("Summary", [sentence.text for sentence in about.summary]))
        parts.append(_list("Chapters", [f"{clock(each.start_s)} {each.title}" for each in about.chapters]))
        lines = [": ".join(filter(None, (each.speaker, each.text))) for each in about.transcript]
        lines = [f"{clock(each.start_s)} {line}" for each, line in zip(about.transcript, lines, strict=True)]
        parts.append(_folded(f"Transcript, {len(lines)} lines", lines))
        return "".join(parts)


@dataclass(frozen=True, slots=True, repr=False)
class HitsPage:
    """What a search found, with pictures; `table` is the answer itself."""

    table: pa.Table
    pictures: Mapping[str, _Picture]

    def __repr__(self) -> str:
        return f"<{self.table.num_rows} hits, as a notebook shows them; .table is the answer itself>"

    def _repr_html_(self) -> str:
        cards = []
        for hit in self.table.slice(0, _HITS).to_pylist():
            where = f"{file_name(hit['uri'])} {clock(hit['start_s'])}–{clock(hit['end_s'])}"
            cards.append(_card(self.pictures.get(hit["frame_id"] or ""), where, hit["text"]))
        more = self.table.num_rows - len(cards)
        return _grid(cards) + (f"<div style='{_FAINT}'>and {more} more</div>" if more > 0 else "")


def lake_html(lake: "Lake") -> str:
    """Return what a notebook shows of a lake: how much is in it, and its newest videos."""

    def read(connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, int], list[dict[str, Any]], dict[str, _Picture]]:
        query = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in TABLE_NAMES)  # noqa: S608
        counts = dict(connection.execute(query).fetchall())
        newest = fetch(connection, _VIDEOS, limit=_NEWEST)
        return counts, newest, _pictures(connection, [video["frame_id"] for video in newest if video["frame_id"]])

    counts, newest, pictures = lake.read(read)
    head = [(f"<abbr title='{escape(DESCRIPTIONS[name])}'>{name}</abbr>", f"{counts[name]:,}") for name in TABLE_NAMES]
    cards = [
        _card(
            pictures.get(video["frame_id"] or ""),
            " · ".join(filter(None, (file_name(video["uri"]), clock(video["duration_s"]), video["language"]))),
            video["headline"],
        )
        for video in newest
    ]
    return f"<b>Lake</b> <code>{escape(lake.uri)}</code>{_html_table(head)}{_grid(cards)}"


def video_page(lake: "Lake", video: str) -> VideoPage:
    """Gather what a notebook shows of a video.

    Raises:
        LakeError: No video is called so, or several are.
    """
    description = describe_video(lake, video)
    chosen = "SELECT unnest(keyframe_ids) AS frame_id FROM summaries WHERE video_id = $video"

    def read(connection: duckdb.DuckDBPyConnection) -> dict[str, _Picture]:
        frames = [row["frame_id"] for row in fetch(connection, chosen, video=description.video_id)]
        return _pictures(connection, frames[:_STORYBOARD])

    pictures = lake.read(read).values()
    return VideoPage(description, tuple(sorted(pictures, key=lambda each: each.time_s)))


def hits_page(lake: "Lake", hits: pa.Table) -> HitsPage:
    """Put pictures to what `Lake.search` found."""
    frames = [frame for frame in hits["frame_id"].slice(0, _HITS).to_pylist() if frame]
    return HitsPage(hits, lake.read(lambda connection: _pictures(connection, frames)))


def _pictures(connection: duckdb.DuckDBPyConnection, frame_ids: Sequence[str]) -> dict[str, _Picture]:
    rows = fetch(connection, _THUMBNAILS, ids=list(frame_ids)) if frame_ids else []
    return {row["frame_id"]: _Picture(row["time_s"], row["thumbnail"]) for row in rows}


def _card(picture: _Picture | None, where: str, text: str = "") -> str:
    image = ""
    if picture and picture.jpeg.startswith(_JPEG):
        data = b64encode(picture.jpeg).decode("ascii")
        image = f"<img src='data:image/jpeg;base64,{data}' alt='' style='width:200px;display:block'>"
    said = f"<div>{escape(text)}</div>" if text else ""
    place = f"<div style='{_FAINT}'>{escape(where)}</div>"
    return f"<div style='width:200px;overflow-wrap:anywhere'>{image}{place}{said}</div>"


def _grid(cards: Iterable[str]) -> str:
    inside = "".join(cards)
    return f"<div style='{_GRID}'>{inside}</div>" if inside else ""


def _table(rows: Iterable[tuple[str, str]]) -> str:
    return _html_table([(escape(name), value) for name, value in rows])


def _html_table(rows: Iterable[tuple[str, str]]) -> str:
    """Return a table; names are HTML, values are text."""
    lines = "".join(f"<tr><td>{name}</td><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<table>{lines}</table>"


def _list(title: str, lines: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<b>{title}</b><ul>{items}</ul>" if lines else ""


def _folded(title: str, lines: Sequence[str]) -> str:
    text = "<br>".join(escape(line) for line in lines)
    return f"<details><summary>{title}</summary>{text}</details>" if lines else ""
