"""Run frames through FFmpeg's filters, and read what else a frame carries."""

from collections.abc import Sequence
from typing import cast

from av import VideoFrame
from av.buffer import Buffer
from av.filter import Graph
from av.sidedata.sidedata import SideDataContainer

_UNKNOWN_SIDE_DATA = [("sidedata", f"mode=delete:type={number}") for number in range(28, 40)]
"""Filters that drop what PyAV has no name for."""


def graph_of(frame: VideoFrame, filters: Sequence[tuple[str, str]]) -> Graph:
    """Return a filter graph for frames like this one.

    Args:
        frame: Its size, format and time base are those of the input.
        filters: Name and arguments of each filter, in order.
    """
    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)
    nodes = [graph.add(name, arguments or None) for name, arguments in filters]
    graph.link_nodes(source, *nodes, graph.add("buffersink")).configure()
    return graph


def filtered(graph: Graph, frame: VideoFrame) -> VideoFrame:
    """Return what a graph makes of a frame."""
    graph.push(frame)
    return cast("VideoFrame", graph.pull())


def side_data(frame: VideoFrame, name: str) -> bytes | None:
    """Return side data of a frame, by FFmpeg's name such as `DISPLAYMATRIX`; None if it has none."""
    try:
        data = _side_data_of(frame).get(name)
    except ValueError:  # PyAV lists no side data if it has no name for one of them, such as Exif
        data = _side_data_of(filtered(graph_of(frame, _UNKNOWN_SIDE_DATA), frame)).get(name)
    return None if data is None else bytes(cast("Buffer", data))


def _side_data_of(frame: VideoFrame) -> SideDataContainer:
    # `frame.side_data` would make frame and container refer to each other: the memory of each frame would stay in use
    # until the garbage collector runs.
    return SideDataContainer(frame)  # type: ignore[call-arg]
