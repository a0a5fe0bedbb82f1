from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from av.container import InputContainer

from pipeline.analysis.media import DecodeStats, decode, probe
from pipeline.analysis.media.sources import read_packets
from pipeline.extras.sample.make import write_audio, write_video
from schemas.config import LimitsConfig, MediaConfig
from schemas.errors import ErrorKind, MediaError
from schemas.media import SAMPLE_RATE_HZ, AudioBlock, FrameBatch, MediaInfo, SampledFrame
from tests import material


class Decoded:
    """Everything decoded from a small video."""

    def __init__(
        self, path: Path, config: MediaConfig | None = None, limits: LimitsConfig | None = None, every: int = 1
    ) -> None:
        config, limits = config or MediaConfig(), limits or LimitsConfig()
        self.info: MediaInfo = probe(str(path), config, limits)
        self.stats = DecodeStats()
        asked: list[float] = []

        def wanted(time_s: float, small: np.ndarray) -> bool:
            assert small.shape == (81, 144, 3)
            asked.append(time_s)
            return len(asked) % every == 0

        items = list(decode(str(path), self.info, config, limits, wanted=wanted, threads=1, stats=self.stats))
        batches = [item for item in items if isinstance(item, FrameBatch)]
        self.batches = batches
        self.times_s = np.concatenate([batch.times_s for batch in batches]) if batches else np.zeros(0)
        self.small = np.concatenate([batch.small for batch in batches]) if batches else np.zeros((0, 81, 144, 3))
        self.large = [item for item in items if isinstance(item, SampledFrame)]
        first = self.info.audio and self.info.audio.index
        self.blocks = [item for item in items if isinstance(item, AudioBlock) and item.stream == first]
        self.sound = np.concatenate([block.samples for block in self.blocks]) if self.blocks else np.zeros(0)
        assert asked == self.times_s.tolist()


def test_every_frame_is_seen_once_at_its_time_and_the_wanted_ones_are_large(tmp_path: Path) -> None:
    film = material.shots_video(tmp_path / "film.mp4", [1.0, 2.0], fps=25)
    decoded = Decoded(film, every=10)
    assert decoded.stats.frame_count == len(decoded.times_s) == 75
    assert np.allclose(decoded.times_s, np.arange(75) / 25, atol=1e-3)
    assert [frame.time_s for frame in decoded.large] == decoded.times_s[9::10].tolist()
    assert decoded.stats.duration_s == pytest.approx(3.0, abs=0.05)
    assert decoded.stats.corrupt_packets == 0
    assert max(len(batch.times_s) for batch in decoded.batches) <= 64


def test_times_are_presentation_times_with_a_variable_frame_rate(tmp_path: Path) -> None:
    times_s = [0.0, 0.04, 0.5, 2.25, 2.29, 7.0]
    decoded = Decoded(material.variable_rate_video(tmp_path / "slides.mp4", times_s))
    assert decoded.times_s == pytest.approx(times_s, abs=0.002)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_frames_are_upright_however_the_camera_was_held(tmp_path: Path, rotation: int) -> None:
    decoded = Decoded(material.rotated_video(tmp_path / "phone.mp4", rotation))
    assert decoded.info.video is not None
    assert decoded.info.video.rotation == rotation
    image = decoded.large[0].image
    assert image.shape[:2] == (decoded.info.video.height, decoded.info.video.width)
    for picture in (image, decoded.small[0]):
        top, bottom = picture[: len(picture) // 4].mean(axis=(0, 1)), picture[-len(picture) // 4 :].mean(axis=(0, 1))
        assert top[0] > 150 > top[2], "red is above"
        assert bottom[2] > 150 > bottom[0], "blue is below"


def test_audio_is_complete_at_16_khz_and_in_sync_with_the_frames(tmp_path: Path) -> None:
    sound = np.concatenate([material.silence(2.0), material.tone(1.0), material.silence(1.0)])
    frames = [np.full((120, 160, 3), 255 if 50 <= number < 75 else 0, np.uint8) for number in range(100)]
    decoded = Decoded(write_video(tmp_path / "clap.mp4", frames, fps=25, audio=sound))
    assert len(decoded.sound) == pytest.approx(4 * SAMPLE_RATE_HZ, abs=SAMPLE_RATE_HZ // 10)
    heard_s = np.flatnonzero(np.abs(decoded.sound) > 0.1)[[0, -1]] / SAMPLE_RATE_HZ
    seen_s = decoded.times_s[np.flatnonzero(decoded.small.mean(axis=(1, 2, 3)) > 128)[[0, -1]]]
    assert heard_s == pytest.approx([2.0, 3.0], abs=0.06)
    assert seen_s == pytest.approx([2.0, 2.96], abs=0.01)


def test_audio_that_starts_late_keeps_its_start_time(tmp_path: Path) -> None:
    frames = [np.zeros((120, 160, 3), np.uint8)] * 75
    film = write_video(tmp_path / "late.mkv", frames, audio=material.tone(1.0), audio_start_s=1.5)
    decoded = Decoded(film)
    assert decoded.blocks[0].start_s == pytest.approx(1.5, abs=0.05)


@pytest.mark.slow
def test_audio_blocks_follow_each_other_without_a_gap(tmp_path: Path) -> None:
    frames = [np.zeros((120, 160, 3), np.uint8)] * 30
    decoded = Decoded(write_video(tmp_path / "long.mkv", frames, fps=1, audio=material.music(30.0)))
    ends_s = [block.start_s + len(block.samples) / SAMPLE_RATE_HZ for block in decoded.blocks]
    assert [block.start_s for block in decoded.blocks[1:]] == pytest.approx(ends_s[:-1], abs=1e-6)
    assert max(len(block.samples) for block in decoded.blocks) <= 10 * SAMPLE_RATE_HZ


def test_video_without_audio_and_audio_without_video_are_decoded(tmp_path: Path) -> None:
    silent = Decoded(material.shots_video(tmp_path / "silent.mp4", [1.0]))
    assert silent.info.audio is None
    assert not silent.blocks
    heard = Decoded(write_audio(tmp_path / "sound.flac", material.tone(2.0), codec="flac"))
    assert heard.info.video is None
    assert heard.stats.frame_count == 0
    assert heard.stats.duration_s == pytest.approx(2.0, abs=0.05)


def test_a_single_frame_is_a_video(tmp_path: Path) -> None:
    decoded = Decoded(material.one_frame_video(tmp_path / "one.mp4"))
    assert decoded.stats.frame_count == 1
    assert decoded.stats.duration_s > 0


@pytest.mark.slow
def test_an_8k_still_image_is_scaled_down_to_model_size(tmp_path: Path) -> None:
    decoded = Decoded(material.still_picture(tmp_path / "still.png"), MediaConfig(max_side_px=640))
    assert decoded.large[0].image.shape == (360, 640, 3)


def test_transparency_is_ignored(tmp_path: Path) -> None:
    decoded = Decoded(material.video_with_alpha(tmp_path / "alpha.webm"))
    assert decoded.stats.frame_count > 1
    assert decoded.large[0].image.shape[2] == 3


def test_a_truncated_file_is_decoded_up_to_its_end_with_a_warning(tmp_path: Path) -> None:
    whole = material.shots_video(tmp_path / "whole.mkv", [3.0, 3.0, 3.0])
    decoded = Decoded(material.truncated(whole, tmp_path / "part.mkv", 0.5))
    assert 0 < decoded.stats.frame_count < 225
    assert any("cut off" in warning for warning in decoded.stats.warnings)


def test_damaged_packets_are_skipped_and_the_rest_is_decoded(tmp_path: Path) -> None:
    whole = material.shots_video(tmp_path / "whole.mkv", [3.0, 3.0, 3.0])
    data = bytearray(whole.read_bytes())
    rng = np.random.default_rng(3)
    for place in rng.integers(len(data) // 3, len(data), 200):
        data[place] ^= 0xFF
    damaged = tmp_path / "damaged.mkv"
    damaged.write_bytes(data)
    decoded = Decoded(damaged)
    assert decoded.stats.frame_count > 75
    assert np.all(np.diff(decoded.times_s) > 0)


def test_a_stream_that_appears_in_the_middle_of_a_file_ends_nothing() -> None:
    class Container:
        """Fails once, as PyAV does at the first packet of such a stream."""

        packets = iter([1, None, 2, 3])

        def demux(self, streams: object) -> Iterator[int]:
            for packet in self.packets:
                if packet is None:
                    raise IndexError
                yield packet

    assert list(read_packets(cast("InputContainer", Container()), [])) == [1, 2, 3]


def test_another_audio_track_can_be_selected(tmp_path: Path) -> None:
    frames = [np.zeros((120, 160, 3), np.uint8)] * 25
    tracks = [material.silence(1.0), material.tone(1.0)]
    film = write_video(tmp_path / "two.mkv", frames, audio=tracks)
    assert np.abs(Decoded(film).sound).max() < 0.01
    assert np.abs(Decoded(film, MediaConfig(audio_track=1)).sound).max() > 0.1
    assert np.abs(Decoded(film, MediaConfig(audio_track=7)).sound).max() < 0.01


@pytest.mark.parametrize(
    ("limits", "kind"),
    [
        (LimitsConfig(max_duration_s=1.0), ErrorKind.TOO_LARGE),
        (LimitsConfig(max_pixels=100), ErrorKind.TOO_LARGE),
        (LimitsConfig(timeout_s=1e-9, timeout_factor=0), ErrorKind.TIMEOUT),
    ],
)
def test_a_file_over_a_limit_fails_with_the_name_of_the_limit(
    tmp_path: Path, limits: LimitsConfig, kind: ErrorKind
) -> None:
    film = material.shots_video(tmp_path / "film.mp4", [3.0])
    with pytest.raises(MediaError, match=r"limits\.") as raised:
        Decoded(film, limits=limits)
    assert raised.value.kind == kind


@pytest.mark.slow
def test_items_in_flight_do_not_grow_with_the_length_of_the_video(tmp_path: Path) -> None:
    film = material.shots_video(tmp_path / "film.mp4", [4.0] * 7, size=(160, 90))
    info = probe(str(film), MediaConfig(), LimitsConfig())
    items = decode(
        str(film), info, MediaConfig(), LimitsConfig(), wanted=lambda *_: False, threads=1, stats=DecodeStats()
    )
    sizes = [item.small.nbytes for item in items if isinstance(item, FrameBatch)]
    assert len(sizes) > 10
    assert max(sizes) <= 64 * 81 * 144 * 3
