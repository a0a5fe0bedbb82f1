from dataclasses import replace

import numpy as np
import pytest

from pipeline.lake import Lake, Origin, video_tables
from pipeline.search.duplicates import find_duplicates
from schemas.errors import LakeError
from schemas.records import Analysis
from tests.pipeline.lake.lakes import COORDINATED, NOON, REVISION, TEXT, VISION, analysis, task


def publish(lake: Lake, videos: dict[str, Analysis]) -> None:
    origin = Origin(revision=REVISION, shard="01", text=TEXT, vision=VISION, coordinated=COORDINATED, committed_at=NOON)
    for video_id, found in videos.items():
        tables = video_tables(task(video_id), found, origin)
        lake.stage("01", video_id, tables)
    lake.commit("01", REVISION)


def sharp(video_id: str, shots: int) -> Analysis:
    found = analysis(video_id, shots=shots)
    return replace(found, keyframes=tuple(replace(frame, sharpness=100.0) for frame in found.keyframes))


def cut(found: Analysis, start: int, end: int, *, bits: int, offset_s: float) -> Analysis:
    """Make a video of some of the keyframes, slightly changed, at other times."""
    rng = np.random.default_rng(1)
    frames = tuple(
        replace(
            frame,
            index=place,
            time_s=frame.time_s + offset_s + rng.uniform(-0.3, 0.3),
            phash=frame.phash ^ sum(1 << int(bit) for bit in rng.choice(64, bits, replace=False)),
        )
        for place, frame in enumerate(found.keyframes[start:end])
    )
    return replace(found, keyframes=frames)


def test_an_excerpt_is_found_with_its_time_offset(lake: Lake) -> None:
    whole = sharp("whole", 12)
    publish(
        lake,
        {
            "whole": whole,
            "part": cut(whole, 4, 8, bits=5, offset_s=-40.0),
            "other": sharp("other", 12),
        },
    )
    [pair] = find_duplicates(lake)
    assert (pair.video_id, pair.other_id, pair.overlap) == ("part", "whole", 1.0)
    assert pair.offset_s == pytest.approx(40.0, abs=0.5)
    [turned] = find_duplicates(lake, "whole.mp4")
    assert (turned.video_id, turned.other_id) == ("whole", "part")
    assert turned.overlap == pytest.approx(4 / 12)
    assert turned.offset_s == pytest.approx(-40.0, abs=0.5)
    assert find_duplicates(lake, "whole", min_overlap=0.5) == []
    assert find_duplicates(lake, "other") == []
    with pytest.raises(LakeError, match="no video nowhere"):
        find_duplicates(lake, "nowhere")


def test_similar_frames_at_inconsistent_times_are_not_a_duplicate(lake: Lake) -> None:
    whole = sharp("whole", 6)
    mixed = tuple(
        replace(frame, time_s=time_s) for frame, time_s in zip(whole.keyframes, (50, 1, 33, 7, 95, 15), strict=True)
    )
    publish(lake, {"whole": whole, "mixed": replace(whole, keyframes=mixed)})
    assert find_duplicates(lake) == []


def test_black_frames_are_not_a_duplicate(lake: Lake) -> None:
    dark = sharp("dark", 6)
    dark = replace(dark, keyframes=tuple(replace(frame, sharpness=1.0, phash=0) for frame in dark.keyframes))
    publish(lake, {"dark": dark, "night": dark})
    assert find_duplicates(lake) == []


def test_frames_that_very_many_videos_share_are_ignored(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    card = sharp("card", 4)
    publish(lake, {"one": card, "two": card, "three": card})
    assert len(find_duplicates(lake)) == 3
    monkeypatch.setattr("pipeline.search.duplicates._MAX_SHARED", 2)
    assert find_duplicates(lake) == []
