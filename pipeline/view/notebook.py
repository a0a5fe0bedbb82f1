"""How Jupyter shows a lake, a video and search hits: HTML that needs no other file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from pipeline.lake import KeyframeRecord, VideoRecord, fetch, file_name, find_video, read_records
from pipeline.view.facts import video_facts
from pipeline.view.reader import LakeReader
from pipeline.view.templates import render_page
from pipeline.view.thumbnails import Thumbnails
from schemas.tables import DESCRIPTIONS, TABLE_NAMES

if TYPE_CHECKING:
    from pipeline.lake import Lake

_NEWEST, _STORYBOARD, _HITS = 8, 12, 20

_VIDEOS = """
SELECT v.video_id, v.uri, v.duration_s, v.language, coalesce(s.headline, '') AS headline, s.keyframe_ids[1] AS frame_id
FROM videos AS v LEFT JOIN summaries AS s USING (video_id)
WHERE v.status = 'ok' ORDER BY v.committed_at DESC, v.uri LIMIT $limit
"""


@dataclass(frozen=True, slots=True, repr=False)
class VideoPage:
    """A video as a notebook shows it."""

    video: VideoRecord
    """Everything the page is made of."""
    storyboard: tuple[KeyframeRecord, ...]
    thumbnails: Mapping[str, bytes]
    """JPEGs by `frame_id`."""

    def __repr__(self) -> str:
        return f"<{file_name(self.video.uri)} as a notebook shows it; .video has the data>"

    def _repr_html_(self) -> str:
        return render_page(
            "notebook_video.html",
            video=self.video,
            facts=video_facts(self.video),
            storyboard=self.storyboard,
            thumbnails=self.thumbnails,
        )


@dataclass(frozen=True, slots=True, repr=False)
class HitsPage:
    """Search hits as a notebook shows them."""

    table: pa.Table
    """The hits."""
    thumbnails: Mapping[str, bytes]
    """JPEGs by `frame_id`."""

    def __repr__(self) -> str:
        return f"<{self.table.num_rows} hits as a notebook shows them; .table has the data>"

    def _repr_html_(self) -> str:
        hits = self.table.slice(0, _HITS).to_pylist()
        more = self.table.num_rows - len(hits)
        return render_page("notebook_hits.html", hits=hits, more=more, thumbnails=self.thumbnails)


def lake_html(lake: "Lake") -> str:
    """Return what a notebook shows of a lake: row counts and the newest videos."""
    reader = LakeReader(lake)

    def read(connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, int], list[dict[str, Any]]]:
        query = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in TABLE_NAMES)  # noqa: S608
        counts = dict(connection.execute(query).fetchall())
        return {name: counts[name] for name in TABLE_NAMES}, fetch(connection, _VIDEOS, limit=_NEWEST)

    counts, videos = reader.ask(read)
    thumbnails = Thumbnails(reader).many([video["frame_id"] for video in videos if video["frame_id"]])
    return render_page(
        "notebook_lake.html",
        uri=lake.uri,
        counts=counts,
        descriptions=DESCRIPTIONS,
        videos=videos,
        thumbnails=thumbnails,
    )


def video_page(lake: "Lake", video: str) -> VideoPage:
    """Return what a notebook shows of a video.

    Raises:
        LakeError: No video has this name, or several have it.
    """
    reader = LakeReader(lake)

    def read(connection: duckdb.DuckDBPyConnection) -> VideoRecord:
        return read_records(connection, [find_video(connection, video)], parts={"keyframes", "shots", "utterances"})[0]

    found = reader.ask(read)
    storyboard = tuple(sorted(found.storyboard[:_STORYBOARD], key=lambda keyframe: keyframe.time_s))
    frame_ids = [keyframe.frame_id for keyframe in storyboard]
    return VideoPage(found, storyboard, Thumbnails(reader).many(frame_ids))


def hits_page(lake: "Lake", hits: pa.Table) -> HitsPage:
    """Return what a notebook shows of the hits that `Lake.search` returned."""
    frame_ids = [frame_id for frame_id in hits["frame_id"].slice(0, _HITS).to_pylist() if frame_id]
    return HitsPage(hits, Thumbnails(LakeReader(lake)).many(list(dict.fromkeys(frame_ids))))
