"""What a frame carries is read without holding on to the frame."""

import gc
from collections.abc import Callable

from av import VideoFrame

from pipeline.analysis.media.filters import side_data


def needs_collection(read: Callable[[VideoFrame], object]) -> bool:
    """Return whether a frame stays in memory until a garbage collection, whatever else is collected."""
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        read(VideoFrame(64, 48, "yuv420p"))
        gc.collect()
        return any(isinstance(each, VideoFrame) for each in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


def test_reading_side_data_leaves_nothing_for_the_garbage_collector() -> None:
    assert not needs_collection(lambda frame: side_data(frame, "DISPLAYMATRIX"))
    assert needs_collection(lambda frame: len(frame.side_data)), "PyAV's property is no longer a cycle: use it"
