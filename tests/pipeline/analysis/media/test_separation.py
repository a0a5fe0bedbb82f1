"""Two voices on two channels are kept apart; stereo is mixed."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.analysis.media.channels import ChannelMixer
from schemas.config import ChannelMode
from schemas.media import SAMPLE_RATE_HZ

Audio = NDArray[np.float32]
RNG = np.random.default_rng(11)
SECOND = SAMPLE_RATE_HZ


def noise(seconds: float, level: float) -> Audio:
    return (level * RNG.standard_normal(round(seconds * SECOND))).astype(np.float32)


def voice(seconds: float, *spoken_s: tuple[float, float]) -> Audio:
    """Syllables of random lengths and levels in some time ranges, or all the time."""
    gains = np.repeat(RNG.choice([0.0, 0.3, 1.0], round(seconds / 0.1)), SECOND // 10)
    said = noise(seconds, 0.1) * gains.astype(np.float32)
    time_s = np.arange(len(said)) / SECOND
    inside = [(time_s >= start) & (time_s < end) for start, end in spoken_s]
    return said * np.any(inside, axis=0) if spoken_s else said


def lanes(left: Audio, right: Audio, mode: ChannelMode = "auto", size: int = 5000) -> Audio:
    """Return the lanes, (n, lanes)."""
    mixer = ChannelMixer(["FL", "FR"], mode, lambda _: None)
    both = np.stack([left, right], axis=1)
    pieces = [mixer.add(both[at : at + size]) for at in range(0, len(both), size)]
    return np.concatenate([*pieces, mixer.finish()])


def part(said: Audio, lane: Audio) -> float:
    """Return how loud a voice is in a lane; 1.0 as loud as by itself."""
    return abs(float(said @ lane / (said @ said)))


def test_voices_that_take_turns_are_kept_apart() -> None:
    first, second = voice(30, (0, 8), (20, 30)), voice(30, (7, 21))
    heard = lanes(first + noise(30, 0.001), second + noise(30, 0.001))
    assert part(first, heard[:, 0]) == pytest.approx(1.0, abs=0.03)
    assert part(second, heard[:, 1]) == pytest.approx(1.0, abs=0.03)
    assert max(part(first, heard[:, 1]), part(second, heard[:, 0])) < 0.05


def test_voices_that_overlap_all_the_time_are_kept_apart() -> None:
    first, second = voice(20), voice(20)
    heard = lanes(first, second)
    assert part(first, heard[:, 0]) > 0.95
    assert part(second, heard[:, 1]) > 0.95


@pytest.mark.parametrize("bleed_db", [-14, -25])
def test_what_bleeds_into_the_other_channel_is_muted(bleed_db: float) -> None:
    first, second = voice(30, (0, 9), (20, 30)), voice(30, (8, 21))
    gain = 10 ** (bleed_db / 20)
    heard = lanes(first + gain * np.roll(second, 80), second + gain * np.roll(first, 80))
    assert part(first, heard[:, 0]) > 0.95
    assert part(second, heard[:, 1]) > 0.95
    alone = slice(22 * SECOND, 29 * SECOND)
    assert heard[alone, 1].std() < 0.1 * gain * first[alone].std()


def ordinary() -> dict[str, tuple[Audio, Audio]]:
    said, left, right = voice(30), noise(30, 0.03), noise(30, 0.03)
    beat = np.repeat(np.linspace(1, 0.1, 10), SECOND // 20)
    music = np.resize(beat, len(said)).astype(np.float32)
    return {
        "a voice in the centre, with wide noise": (said + left, said + right),
        "music": (music * left, music * right),
        "one voice before two microphones": (said, 0.8 * np.roll(said, 48)),
        "two voices, panned by 6 dB": (said + 0.5 * left, 0.5 * said + left),
        "applause": (left, right),
        "silence": (said * 0, said * 0),
    }


@pytest.mark.parametrize("name", ordinary())
def test_stereo_is_mixed(name: str) -> None:
    left, right = ordinary()[name]
    heard = lanes(left, right)
    assert np.allclose(heard[:, 0], (left + right) / 2, atol=1e-6)
    assert not heard[:, 1].any()


def test_an_interview_after_music_is_kept_apart_from_its_start() -> None:
    music = noise(30, 0.05)
    first, second = voice(60, (30, 38), (48, 60)), voice(60, (37, 49))
    heard = lanes(first + np.pad(music, (0, len(music))), second + np.pad(music, (0, len(music))))
    assert part(second, heard[:, 1]) > 0.95
    assert np.allclose(heard[: 25 * SECOND, 0], music[: 25 * SECOND], atol=1e-6)


def test_the_setting_decides_if_it_is_not_auto() -> None:
    first, second = voice(10), voice(10)
    assert lanes(first, second, "mix").shape[1] == 1
    assert np.allclose(lanes(first, first, "split"), np.stack([first, first], axis=1))


def test_separation_does_not_depend_on_the_sizes_of_the_pieces() -> None:
    first, second = voice(40, (10, 20), (30, 40)), voice(40, (19, 31))
    whole = lanes(first, second + 0.1 * first, size=len(first))
    assert np.allclose(lanes(first, second + 0.1 * first, size=3333), whole, atol=1e-6)
