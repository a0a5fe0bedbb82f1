"""What a frame carries is read without holding on to the frame."""

import gc

from av import VideoFrame

from pipeline.analysis.media.filters import side_data


def test_reading_side_data_leaves_nothing_for_the_garbage_collector() -> None:
    frame = VideoFrame(64, 48, "yuv420p")
    gc.collect()
    assert side_data(frame, "DISPLAYMATRIX") is None
    del frame
    assert gc.collect() == 0
    frame = VideoFrame(64, 48, "yuv420p")
    assert len(frame.side_data) == 0
    del frame
    assert gc.collect() > 0, "PyAV's own property is no longer a cycle: `side_data` may use it"
