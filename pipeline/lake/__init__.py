"""The lake: where results are kept as Parquet, how they are committed, and how they are queried."""

from pipeline.lake.cleaning import Cleaned
from pipeline.lake.compaction import Compacted
from pipeline.lake.derived import DerivedFiles
from pipeline.lake.lake import Lake, is_lake
from pipeline.lake.layout import shard_id
from pipeline.lake.query import fetch
from pipeline.lake.rows import Origin, failure_tables, video_tables
from pipeline.lake.text import file_name, well_formed
from pipeline.lake.video_record import VideoDescription, clock, describe_video, find_video, rows_of_video
from pipeline.lake.views import quoted

__all__ = [
    "Cleaned",
    "Compacted",
    "DerivedFiles",
    "Lake",
    "Origin",
    "VideoDescription",
    "clock",
    "describe_video",
    "failure_tables",
    "fetch",
    "file_name",
    "find_video",
    "is_lake",
    "quoted",
    "rows_of_video",
    "shard_id",
    "video_tables",
    "well_formed",
]
