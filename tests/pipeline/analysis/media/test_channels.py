"""A voice on any channel of a track is heard, whatever the other channels hold and whatever layout is stated."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.analysis.media import DecodeStats, decode, probe
from pipeline.analysis.media.audio import AudioBlockBuilder
from pipeline.analysis.media.channels import ChannelMixer
from pipeline.analysis.media.timeline import Timeline
from schemas.config import ChannelMode, LimitsConfig, MediaConfig
from schemas.media import SAMPLE_RATE_HZ, AudioBlock

Audio = NDArray[np.float32]
RNG = np.random.default_rng(7)


def noise(seconds: float, level: float = 0.1) -> Audio:
    return (level * RNG.standard_normal(round(seconds * SAMPLE_RATE_HZ))).astype(np.float32)


def voice(seconds: float, level: float = 0.1) -> Audio:
    """Noise in bursts of 0.3 s, with pauses of 0.2 s."""
    time_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return noise(seconds, level) * (time_s % 0.5 < 0.3)


def mix(channels: list[Audio], sizes: tuple[int, ...] = (4000,), roles: list[str] | None = None) -> tuple[Audio, list]:
    """Return the mix, and the warnings."""
    warnings: list[str] = []
    mixer = ChannelMixer(roles or ["NONE"] * len(channels), "mix", warnings.append)
    samples, mixed, done, turn = np.stack(channels, axis=1), [], 0, 0
    while done < len(samples):
        size = sizes[turn % len(sizes)]
        mixed.append(mixer.add(samples[done : done + size]))
        done, turn = done + size, turn + 1
    mixed.append(mixer.finish())
    assert sum(map(len, mixed)) == len(samples)
    return np.concatenate(mixed)[:, 0], warnings


def level_of(part: Audio, mixed: Audio) -> float:
    """Return how loud a part is in a mix; 1.0 as loud as by itself."""
    return abs(float(part @ mixed / (part @ part)))


def test_ordinary_stereo_becomes_the_mean_of_its_sides() -> None:
    centre, left, right = voice(9), noise(9, 0.05), noise(9, 0.05)
    mixed, warnings = mix([centre + left, centre + right])
    assert np.allclose(mixed, centre + (left + right) / 2, atol=1e-6)
    assert not warnings


def test_a_mix_does_not_depend_on_the_sizes_of_the_pieces() -> None:
    said = voice(13)
    channels = [said, -said * (np.arange(len(said)) > 5 * SAMPLE_RATE_HZ), noise(13, 0.01)]
    whole, _ = mix(channels, (len(said),))
    for sizes in ((333,), (7000, 1, 90_000)):
        assert np.allclose(mix(channels, sizes)[0], whole, atol=1e-5)


@pytest.mark.parametrize("other", [-1.0, -0.6])
def test_sides_that_cancel_each_other_cost_no_voice(other: float) -> None:
    said = voice(9)
    mixed, warnings = mix([said, other * said])
    assert level_of(said, mixed) > 0.95
    assert len(warnings) == 1


def test_sides_that_cancel_at_times_cost_no_voice_at_any_time() -> None:
    said, second = voice(20), SAMPLE_RATE_HZ
    other = said.copy()
    other[5 * second : 12 * second] *= -1
    mixed, warnings = mix([said, other])
    loud = [level_of(said[at : at + second // 2], mixed[at : at + second // 2]) for at in range(0, 20 * second, second)]
    assert min(loud) > 0.95
    assert warnings


def test_a_voice_that_cancels_is_heard_beside_music_that_does_not() -> None:
    said, music = voice(9), noise(9, 0.06)
    mixed, _ = mix([music + said, music - said])
    assert level_of(said, mixed) > 0.9
    assert level_of(music, mixed) > 0.9


@pytest.mark.parametrize("count", [3, 4, 6, 8, 10, 60])
def test_a_voice_on_any_one_of_many_channels_is_as_loud_as_it_is_there(count: int) -> None:
    said = voice(2)
    for place in {2, count - 1}:
        channels = [noise(2, 0.001) for _ in range(count)]
        channels[place] = said
        mixed, warnings = mix(channels)
        assert level_of(said, mixed) == pytest.approx(1.0, abs=0.02)
        assert np.abs(mixed - said).std() < 0.01
        assert not warnings


def test_voices_that_take_turns_on_many_channels_are_all_heard() -> None:
    turns = np.split(voice(18), 6)
    channels = []
    for place, turn in enumerate(turns):
        channel = noise(18, 0.001)
        channel[place * len(turn) : (place + 1) * len(turn)] += turn
        channels.append(channel)
    mixed, _ = mix(channels)
    assert min(level_of(turn, part) for turn, part in zip(turns, np.split(mixed, 6), strict=True)) > 0.5


def test_channels_that_cancel_within_surround_cost_no_voice() -> None:
    said, bass = voice(9), np.sin(np.arange(9 * SAMPLE_RATE_HZ) * 2 * np.pi * 40 / SAMPLE_RATE_HZ).astype(np.float32)
    roles = ["FL", "FR", "FC", "LFE", "BL", "BR"]
    mixed, warnings = mix([said, -said, said * 0, bass, noise(9, 0.001), noise(9, 0.001)], roles=roles)
    assert level_of(said, mixed) > 0.9
    assert abs(float(bass @ mixed / (bass @ bass))) < 0.05, "no rumble drowns it"
    assert warnings


def test_silence_and_hum_give_no_warning() -> None:
    time_s = np.arange(9 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    hum = (0.003 * np.sin(2 * np.pi * 50 * time_s)).astype(np.float32)
    for channels in ([hum, -hum], [hum * 0] * 2, [hum * 0] * 60):
        mixed, warnings = mix(channels)
        assert not warnings
        assert np.isfinite(mixed).all()


def wav(path: Path, channels: list[Audio]) -> Path:
    """Write a WAV file of 16 bits with no layout, as field recorders do."""
    body = (np.stack(channels, axis=1) * 32767).astype("<i2").tobytes()
    count = len(channels)
    pcm = bytes.fromhex("0100000000001000800000aa00389b71")
    form = struct.pack("<HHIIHHHHI", 0xFFFE, count, 16_000, 32_000 * count, 2 * count, 16, 22, 16, 0) + pcm
    head = b"RIFF" + struct.pack("<I", 60 + len(body)) + b"WAVEfmt " + struct.pack("<I", len(form)) + form
    path.write_bytes(head + b"data" + struct.pack("<I", len(body)) + body)
    return path


@pytest.mark.parametrize("count", [1, 2, 3, 6, 8, 10, 60, 100])
def test_a_file_of_any_number_of_channels_is_heard(tmp_path: Path, count: int) -> None:
    said = voice(1)
    channels = [said * 0] * count
    channels[min(3, count - 1)] = said
    path = str(wav(tmp_path / "poly.wav", channels))
    info, stats = probe(path, MediaConfig(), LimitsConfig()), DecodeStats()
    items = decode(path, info, MediaConfig(), LimitsConfig(), wanted=lambda *_: False, threads=1, stats=stats)
    heard = np.concatenate([item.samples for item in items if isinstance(item, AudioBlock)])
    assert level_of(said, heard) > 0.45
    assert not stats.warnings


def frame(layout: str, at_s: float, rate_hz: int = SAMPLE_RATE_HZ, seconds: float = 0.5) -> av.AudioFrame:
    """Return a frame with a voice on every channel."""
    count = av.AudioLayout(layout).nb_channels
    samples = np.repeat(voice(seconds), count).reshape(1, -1)
    made = av.AudioFrame.from_ndarray(samples, format="flt", layout=layout)
    made.sample_rate, made.pts, made.time_base = rate_hz, round(at_s * 1000), Fraction(1, 1000)
    return made


def test_a_file_may_change_its_layout_and_rate_at_any_time() -> None:
    stats = DecodeStats()
    builder = AudioBlockBuilder(0, Timeline(origin_s=0.0, frame_s=0.0, warn=stats.warn), "mix", stats.warn)
    layouts = ["mono", "stereo", "ambisonic 1", "60 channels", "5.1", "3 channels", "mono"]
    frames = [frame(layout, number / 2) for number, layout in enumerate(layouts)]
    blocks = [block for each in frames for block in builder.add(each)] + list(builder.finish())
    heard = np.concatenate([block.samples for block in blocks])
    assert len(heard) == len(layouts) * SAMPLE_RATE_HZ // 2
    assert all(np.abs(part).max() > 0.1 for part in np.split(heard, len(layouts)))
    assert not stats.warnings


@pytest.mark.parametrize("mode", ["auto", "mix", "split"])
def test_gaps_and_layouts_change_nothing_about_the_times(mode: ChannelMode) -> None:
    stats = DecodeStats()
    builder = AudioBlockBuilder(0, Timeline(origin_s=0.0, frame_s=0.0, warn=stats.warn), mode, stats.warn)
    frames = [frame("stereo", at_s) for at_s in (0.0, 0.5, 2.0, 2.5, 40.0)] + [frame("mono", 40.5), frame("5.1", 42.0)]
    blocks = [block for each in frames for block in builder.add(each)] + list(builder.finish())
    first = [block for block in blocks if not block.lane]
    heard = np.concatenate([block.samples for block in first])
    assert len(heard) == 42.5 * SAMPLE_RATE_HZ
    loud = np.abs(heard[: 42 * SAMPLE_RATE_HZ].reshape(-1, SAMPLE_RATE_HZ // 2)).max(axis=1) > 0.05
    assert np.flatnonzero(loud).tolist() == [0, 1, 4, 5, 80, 81]
    edges_s = np.cumsum([0, *(len(block.samples) for block in first)]) / SAMPLE_RATE_HZ
    assert [block.start_s for block in first] == pytest.approx(edges_s[:-1])


def test_audio_that_cannot_be_resampled_costs_a_warning_and_moves_nothing() -> None:
    stats = DecodeStats()
    builder = AudioBlockBuilder(0, Timeline(origin_s=0.0, frame_s=0.0, warn=stats.warn), "mix", stats.warn)
    frames = [frame("mono", 0.0), frame("65 channels", 0.5), frame("mono", 1.0)]
    assert not frames[1].format.is_planar
    blocks = [block for each in frames for block in builder.add(each)] + list(builder.finish())
    assert sum(len(block.samples) for block in blocks) == 1.5 * SAMPLE_RATE_HZ
