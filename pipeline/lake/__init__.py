"""The lake: storing results as Parquet, committing them, and reading them back."""

from pipeline.lake.cleaning import Cleaned
from pipeline.lake.compaction import Compacted
from pipeline.lake.derived import DerivedFiles
from pipeline.lake.forgetting import ClearIndex, Forgotten
from pipeline.lake.held import Held
from pipeline.lake.lake import Lake, is_lake
from pipeline.lake.layout import shard_id
from pipeline.lake.names import find_video, some_names
from pipeline.lake.query import fetch
from pipeline.lake.records import (
    ALL_PARTS,
    KeyframeRecord,
    Part,
    SceneRecord,
    SubtitleSource,
    VideoRecord,
    read_records,
    read_subtitle_sources,
    read_subtitles,
    read_utterances,
    read_video,
    read_videos,
)
from pipeline.lake.restoring import analysis_of, stage_states
from pipeline.lake.rows import Origin, failure_tables, time_after, video_tables
from pipeline.lake.staging import StagingError
from pipeline.lake.text import file_name, well_formed

__all__ = [
    "ALL_PARTS",
    "Cleaned",
    "ClearIndex",
    "Compacted",
    "DerivedFiles",
    "Forgotten",
    "Held",
    "KeyframeRecord",
    "Lake",
    "Origin",
    "Part",
    "SceneRecord",
    "StagingError",
    "SubtitleSource",
    "VideoRecord",
    "analysis_of",
    "failure_tables",
    "fetch",
    "file_name",
    "find_video",
    "is_lake",
    "read_records",
    "read_subtitle_sources",
    "read_subtitles",
    "read_utterances",
    "read_video",
    "read_videos",
    "shard_id",
    "some_names",
    "stage_states",
    "time_after",
    "video_tables",
    "well_formed",
]
