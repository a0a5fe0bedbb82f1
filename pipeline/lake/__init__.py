"""The lake: where results are kept as Parquet, how they are committed, and how they are queried."""

from pipeline.lake.cleaning import Cleaned
from pipeline.lake.compaction import Compacted
from pipeline.lake.lake import Lake, is_lake
from pipeline.lake.layout import shard_id
from pipeline.lake.rows import Origin, failure_tables, video_tables

__all__ = ["Cleaned", "Compacted", "Lake", "Origin", "failure_tables", "is_lake", "shard_id", "video_tables"]
