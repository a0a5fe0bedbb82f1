"""The reference of all tables, as Markdown, from the schemas themselves."""

import pyarrow as pa

from pipeline.lake.parquet import is_embedding
from schemas.tables import DESCRIPTIONS, FORMAT_VERSION, TABLE_NAMES, table_schema

_INTRODUCTION = f"""# Tables

<!-- Generated from schemas/tables.py; change it there. -->

A lake is a folder with one folder a table, each of plain Parquet files that any engine reads. Format {FORMAT_VERSION}.
Times are seconds from the start of the video; `start_s` belongs to a span and `end_s` does not. Columns are never null
unless marked. Embeddings have as many dimensions, d, as their model makes; its id is in the metadata of the column
(`model`), with what the vectors can be compared with (`space`).

`videolake sql` and `Lake.connect` show the tables as views with each video once, as it is now: rows of the newest
analysis that succeeded, or else of the newest failure. The files themselves also hold, until the lake is compacted,
rows of earlier revisions, and what an unfinished commit left; readers without the views keep the rows whose `video_id`
and `shard` are those of the newest `ok` row of the video in `videos`. The views `all_videos` and `all_errors` show
every row.

In the views, embedding columns are `FLOAT[d]`, and NULL where there is nothing to embed (in the files: zeros). Vectors
of different models cannot be compared: rows that another model made than the newest ones are NULL too.
"""


def table_reference() -> str:
    """Return a Markdown page with every table, its columns, their types, units and meanings."""
    sections = [_INTRODUCTION, *map(_section, TABLE_NAMES)]
    return "\n".join(sections)


def type_name(kind: pa.DataType) -> str:
    """Write an Arrow type as people do: `list<struct<label: string, score: float32>>`."""
    if pa.types.is_struct(kind):
        fields = (kind.field(index) for index in range(kind.num_fields))
        return f"struct<{', '.join(f'{field.name}: {type_name(field.type)}' for field in fields)}>"
    if pa.types.is_map(kind):
        return f"map<{type_name(kind.key_type)}, {type_name(kind.item_type)}>"
    if pa.types.is_fixed_size_list(kind):
        return f"{type_name(kind.value_type)}[{kind.list_size}]"
    if pa.types.is_list(kind):
        return f"list<{type_name(kind.value_type)}>"
    # Arrow shortens these two, unlike all others.
    return {"float": "float32", "double": "float64"}.get(str(kind), str(kind))


def _section(table: str) -> str:
    lines = [
        f"## {table}",
        "",
        DESCRIPTIONS[table],
        "",
        "| column | type | unit | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for field in table_schema(table):
        kind = "float32[d]" if is_embedding(field) else type_name(field.type)
        null = ", null" if field.nullable else ""
        unit = field.metadata.get(b"unit", b"").decode()
        meaning = field.metadata[b"description"].decode().replace("|", "\\|")
        lines.append(
            f"| `{field.name}` | {kind.replace('<', '&lt;').replace('>', '&gt;')}{null} | {unit} | {meaning} |"
        )
    return "\n".join([*lines, ""])
