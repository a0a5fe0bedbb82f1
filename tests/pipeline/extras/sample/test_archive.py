from pathlib import Path

import av
import pytest

from pipeline.analysis.media import probe
from pipeline.extras.sample.archive import SAMPLES, make_sample
from pipeline.extras.sample.long import repeat_video
from pipeline.extras.sample.packages import SampleError
from pipeline.extras.sample.truth import Truth
from schemas.config import LimitsConfig, MediaConfig
from tests import material


def test_the_sample_is_made_once_and_left_as_it_is(tmp_path: Path) -> None:
    names = ["clips/bicycles.mp4", "clips/music_video.mp4", "broken/moved.mp4"]
    made = make_sample(tmp_path, only=names)
    assert sorted(str(path.relative_to(tmp_path)) for path in made) == sorted(names)
    times = {path: path.stat().st_mtime_ns for path in made}
    make_sample(tmp_path, only=names)
    assert {path: path.stat().st_mtime_ns for path in made} == times
    assert not list(tmp_path.rglob(".unfinished*"))


def test_a_sample_that_is_not_there_is_an_error_that_lists_them(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match="ocean_talk"):
        make_sample(tmp_path, only=["nothing.mp4"])
    assert len(SAMPLES) >= 9


def test_an_interrupted_film_leaves_no_half_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(target: Path) -> None:
        target.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setitem(SAMPLES, "clips/bicycles.mp4", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_sample(tmp_path, only=["clips/bicycles.mp4"])
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.slow
def test_what_is_said_of_a_film_is_what_is_in_it(ocean_talk: tuple[Path, Truth]) -> None:
    path, truth = ocean_talk
    info = probe(str(path), MediaConfig(), LimitsConfig())
    assert info.duration_s == pytest.approx(truth.duration_s, abs=0.2)
    assert info.audio is not None
    assert all(0 < change < truth.duration_s for change in truth.transitions_s)
    assert all(spoken.start_s < spoken.end_s <= truth.duration_s for spoken in truth.spoken)
    assert truth.language == "en"


def test_repeating_a_film_keeps_its_times_in_order(tmp_path: Path) -> None:
    long = repeat_video(material.clip("bunny"), tmp_path / "long.mp4", 30.0)
    with av.open(str(long)) as container:
        assert container.duration is not None
        assert container.duration / av.time_base == pytest.approx(30.0, abs=3.0)
        last: dict[int, int] = {}
        for packet in container.demux():
            if packet.dts is not None:
                assert packet.dts > last.get(packet.stream.index, -(10**12))
                last[packet.stream.index] = packet.dts
    assert probe(str(long), MediaConfig(), LimitsConfig()).audio is not None
