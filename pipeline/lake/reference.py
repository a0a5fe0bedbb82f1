"""The reference of all tables as Markdown, generated from the schemas."""

import pyarrow as pa

from pipeline.lake.parquet import is_embedding
from schemas.tables import DESCRIPTIONS, FORMAT_VERSION, TABLE_NAMES, view_schema

_INTRODUCTION = f"""# Tables

<!-- Generated from schemas/tables.py; change it there. -->

A lake is a folder with one folder per table. Each holds plain Parquet files that any engine can read. This is format
{FORMAT_VERSION}. Times are seconds from the start of the video. Spans include `start_s` and exclude `end_s`. Columns
are never null unless marked. Embeddings have the dimensions, d, of their model. The metadata of an embedding column has
the id of the model (`model`) and the space in which vectors can be compared (`space`).

`videolake sql` and `Lake.connect` show the tables as views with each video once, in its current state: the rows of its
newest successful analysis, or else of its newest failure. Until the lake is compacted, the files also hold rows of
earlier revisions and of unfinished commits. Without the views, keep only the rows whose `video_id` and `shard` are
those of the video's newest `ok` row in `videos`. The views `all_videos` and `all_errors` show every row.

In the views, embedding columns are `FLOAT[d]`, and NULL if there is nothing to embed (the files hold zeros). Vectors of
different models cannot be compared, so only rows of the newest model have vectors in the views; others have NULL.
"""


def table_reference() -> str:
    """Return a Markdown page with all tables, and the types, units and meanings of their columns."""
    sections = [_INTRODUCTION, *map(_section, TABLE_NAMES)]
    return "\n".join(sections)


def type_name(kind: pa.DataType) -> str:
    """Write an Arrow type as `list<struct<label: string, score: float32>>`."""
    if pa.types.is_struct(kind):
        fields = (kind.field(index) for index in range(kind.num_fields))
        return f"struct<{', '.join(f'{field.name}: {type_name(field.type)}' for field in fields)}>"
    if pa.types.is_map(kind):
        return f"map<{type_name(kind.key_type)}, {type_name(kind.item_type)}>"
    if pa.types.is_fixed_size_list(kind):
        return f"{type_name(kind.value_type)}[{kind.list_size}]"
    if pa.types.is_list(kind):
        return f"list<{type_name(kind.value_type)}>"
    # Arrow abbreviates only these two.
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
    for field in view_schema(table):
        kind = "float32[d]" if is_embedding(field) else type_name(field.type)
        null = ", null" if field.nullable else ""
        unit = field.metadata.get(b"unit", b"").decode()
        meaning = field.metadata[b"description"].decode().replace("|", "\\|")
        lines.append(
            f"| `{field.name}` | {kind.replace('<', '&lt;').replace('>', '&gt;')}{null} | {unit} | {meaning} |"
        )
    return "\n".join([*lines, ""])
