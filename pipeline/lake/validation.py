"""Checks that rows are valid, before they are staged."""

from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import LakeError


def check_table(table: pa.Table, subject: str) -> None:
    """Check that no value is missing, numbers are finite, times are not negative and no span ends before it starts.

    Args:
        table: The rows.
        subject: What they describe, for the message.

    Raises:
        LakeError: A value is invalid; the message names the column.
    """
    for field, column in zip(table.schema, table.columns, strict=True):
        for chunk in column.chunks:
            for path, leaf, nullable in _walk(field.name, chunk, nullable=field.nullable):
                _check_leaf(path, leaf, subject, nullable=nullable)
    _check_spans(table.schema.names, table.column, "", subject)


def _walk(path: str, array: pa.Array, *, nullable: bool) -> Iterator[tuple[str, pa.Array, bool]]:
    """Yield an array and all arrays nested in it."""
    yield path, array, nullable
    kind = array.type
    if pa.types.is_struct(kind):
        for index in range(kind.num_fields):
            child = kind.field(index)
            yield from _walk(f"{path}.{child.name}", array.field(index), nullable=child.nullable)
    elif pa.types.is_map(kind):
        yield from _walk(f"{path}.value", array.items, nullable=False)
    elif pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _walk(path, array.flatten(), nullable=kind.value_field.nullable)


def _check_leaf(path: str, array: pa.Array, subject: str, *, nullable: bool) -> None:
    if not nullable and array.null_count:
        raise LakeError(f"{path} of {subject} is missing in {array.null_count} rows.")
    if pa.types.is_floating(array.type) and not pc.all(pc.is_finite(array), min_count=0).as_py():
        raise LakeError(f"{path} of {subject} has values that are not finite numbers.")
    if pa.types.is_struct(array.type):
        names = [array.type.field(index).name for index in range(array.type.num_fields)]
        _check_spans(names, array.field, f"{path}.", subject)
    if path.endswith(("time_s", "duration_s")) and pc.any(pc.less(array, 0.0)).as_py():
        raise LakeError(f"{path} of {subject} is negative.")


def _check_spans(names: list[str], column: Callable[[str], pa.Array], prefix: str, subject: str) -> None:
    if "start_s" not in names or "end_s" not in names:
        return
    start, end = column("start_s"), column("end_s")
    if pc.any(pc.less(start, 0.0)).as_py():
        raise LakeError(f"{prefix}start_s of {subject} is negative.")
    if pc.any(pc.less(end, start)).as_py():
        raise LakeError(f"{prefix}end_s of {subject} is before start_s.")
