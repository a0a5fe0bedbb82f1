"""Reading the constants of a frozen TensorFlow graph (`GraphDef` in protobuf's wire format) without TensorFlow.

Only what weights need: nodes of the kind `Const` with a tensor of float32 in `tensor_content`.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_FLOAT = 1
"""`DT_FLOAT` of TensorFlow."""

Field = tuple[int, int, int]
"""Number of a field; its value, or where its bytes start; where its bytes end (0 for a number)."""


def read_constants(path: Path, *, prefixes: tuple[str, ...]) -> dict[str, NDArray[np.float32]]:
    """Return the float32 constants of a graph by name.

    Args:
        path: The `.pb` file. Whoever calls this has checked its digest.
        prefixes: Beginnings of the names to read.

    Returns:
        Read-only arrays in TensorFlow's layout: (height, width, in, out) for a convolution.

    Raises:
        ValueError: The file is not a graph.
        OSError: It cannot be read.
    """
    data = path.read_bytes()
    try:
        return dict(_constants(data, prefixes))
    except (IndexError, KeyError, UnicodeDecodeError) as error:
        raise ValueError(f"not a frozen graph: {error!r}") from error


def _constants(data: bytes, prefixes: tuple[str, ...]) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for number, start, end in _fields(data, 0, len(data)):
        if number == 1:  # GraphDef.node
            yield from _constant(data, start, end, prefixes)


def _constant(
    data: bytes, start: int, end: int, prefixes: tuple[str, ...]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield the name and the tensor of a NodeDef (name = 1, op = 2, attr = 5), if it is a constant."""
    name = ""
    for number, first, last in _fields(data, start, end):
        if number == 1:
            name = data[first:last].decode()
            if not name.startswith(prefixes):
                return
        elif number == 2 and data[first:last] != b"Const":
            return
        elif number == 5:
            # An entry of a map: key = 1, value = 2 (AttrValue, whose tensor is 8).
            entry = {key: (begin, stop) for key, begin, stop in _fields(data, first, last)}
            for key, begin, stop in _fields(data, *entry[2]):
                array = _tensor(data, begin, stop) if key == 8 else None
                if array is not None:
                    yield name, array


def _tensor(data: bytes, start: int, end: int) -> NDArray[np.float32] | None:
    """Return a TensorProto: dtype = 1, tensor_shape = 2, tensor_content = 4; None if it is of another kind."""
    kind, shape, content = 0, [], b""
    for number, value, stop in _fields(data, start, end):
        if number == 1:
            kind = value
        elif number == 2:
            for key, first, last in _fields(data, value, stop):
                if key == 2:  # TensorShapeProto.dim, whose size is 1
                    shape.append(next((size for what, size, _ in _fields(data, first, last) if what == 1), 0))
        elif number == 4:
            content = data[value:stop]
    if kind != _FLOAT or not content:
        return None
    return np.frombuffer(content, dtype="<f4").reshape(shape)


def _fields(data: bytes, start: int, end: int) -> Iterator[Field]:
    position = start
    while position < end:
        key, position = _varint(data, position)
        kind = key & 7
        if kind == _VARINT:
            value, position = _varint(data, position)
            yield key >> 3, value, 0
            continue
        if kind == _BYTES:
            length, position = _varint(data, position)
        elif kind in {_EIGHT_BYTES, _FOUR_BYTES}:
            length = 8 if kind == _EIGHT_BYTES else 4
        else:
            raise ValueError(f"not a frozen graph: a field of the unknown kind {kind}")
        if position + length > end:
            raise ValueError("not a frozen graph: a field is longer than what holds it")
        yield key >> 3, position, position + length
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
