"""Groups of videos: by an SQL expression over their rows, or from a CSV file."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv

from pipeline.lake import Lake, find_video
from schemas.errors import ConfigurationError


def groups_by_expression(lake: Lake, expression: str) -> dict[str, str]:
    """Group videos by a column or an SQL expression over `videos`, such as `language` or `height >= 720`.

    Returns:
        Group by video id, without videos for which the expression is NULL.

    Raises:
        LakeError: DuckDB cannot evaluate the expression.
    """
    query = f"SELECT video_id, CAST(({expression}) AS VARCHAR) AS grp FROM videos"  # noqa: S608 - read only, from the user
    rows = lake.sql(query).to_pylist()
    return {row["video_id"]: row["grp"] for row in rows if row["grp"] is not None}


def groups_of_file(lake: Lake, path: Path, column: str = "group") -> dict[str, str]:
    """Read a CSV file with the column `video` (id, path, URI or file name) and a column of values.

    Args:
        lake: To look up the videos.
        path: The file.
        column: Name of the column of values.

    Returns:
        Value by video id.

    Raises:
        ConfigurationError: The file cannot be read or lacks a column.
        LakeError: A video is not in the lake.
    """
    try:
        names = pa_csv.open_csv(path).schema.names
        # Read every column as text, so that `01` stays `01`.
        as_text = pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
        table: pa.Table = pa_csv.read_csv(path, convert_options=as_text)
    except (OSError, pa.ArrowException) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    missing = {"video", column} - set(table.column_names)
    if missing:
        raise ConfigurationError(f"{path} has no column `{min(missing)}`; it has {', '.join(table.column_names)}.")
    videos, values = table["video"].to_pylist(), table[column].to_pylist()
    ids = lake.read(lambda connection: [find_video(connection, video) for video in videos], moments=False)
    return dict(zip(ids, values, strict=True))
