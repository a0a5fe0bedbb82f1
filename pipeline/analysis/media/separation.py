"""Tell two voices on two channels (interviews, calls) from one recording in stereo, and mute what bleeds between them.

All energies are of the first difference of the samples, per hop of 20 ms, in shape (hops, channels).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Energies = NDArray[np.float64]

_QUIET = 1e-3
"""Hops this much quieter than the loudest around them, in power, are pauses."""
_ONE_SIDED = 8.0
"""In a hop that is this much louder on one channel, in power, only that channel has its voice."""
_MOSTLY_ONE_SIDED = 0.5
_PARTLY_ONE_SIDED = 0.25
_MAX_CORRELATION = 0.4
"""Voices that overlap rise and fall independently. Music, and one voice before two microphones, do so together."""
_ENTER_SHARE, _LEAVE_SHARE = 0.8, 0.5
"""Share of steps with separate voices from which channels are separated, and below which they are mixed again."""
_MIN_STEPS = 4
_BLEED_QUANTILE = 0.15
"""While another channel is loud, the quietest hops of a channel hold only what bleeds from there."""
_BLEED_MARGIN = 7.5
"""Up to this much above the usual bleed, in power, it is still bleed. Channels that bleed more are left as they are."""
_LOUD = 0.1
_ECHO_HOPS, _AHEAD_HOPS = 8, 2
_KEPT_HOPS = 3
"""A channel opens this long before and after its own voice."""
_SMOOTH = np.ones(5) / 5


def are_separate(energies: Energies) -> bool | None:
    """Return whether two channels hold different voices in about 2.5 s; None if nothing is heard.

    Args:
        energies: (hops, 2).
    """
    loudest = float(energies.max())
    if loudest <= 0:
        return None
    low, high = energies.min(axis=1), energies.max(axis=1)
    amplitude = np.sqrt(high)
    one_sided = float(amplitude[high > _ONE_SIDED * low].sum() / amplitude.sum())
    if one_sided >= _MOSTLY_ONE_SIDED:
        return True
    return one_sided >= _PARTLY_ONE_SIDED and _correlation(energies, loudest) < _MAX_CORRELATION


def stay_separate(steps: Sequence[bool | None], now: int, *, separate: bool) -> bool:
    """Return whether the channels are separated in a step.

    Args:
        steps: Results of `are_separate` for the steps around it.
        now: Its index.
        separate: Whether they were separated in the step before.
    """
    known = [step for step in (steps if separate else steps[now:]) if step is not None]
    if len(known) < _MIN_STEPS:
        return separate
    return sum(known) >= (_LEAVE_SHARE if separate else _ENTER_SHARE) * len(known)


def own_voices(energies: Energies) -> NDArray[np.bool_]:
    """Return in which hops each channel has a voice of its own, rather than bleed from another one, (hops, channels).

    Args:
        energies: (hops, channels) of several seconds.
    """
    smooth = np.stack([np.convolve(energy, _SMOOTH, mode="same") for energy in energies.T], axis=1)
    own = np.ones(energies.shape, bool)
    for channel in range(energies.shape[1]):
        mine, others = smooth[:, channel], np.delete(smooth, channel, axis=1).max(axis=1)
        loud = others > _LOUD * np.quantile(others, 0.95)
        bleed = np.quantile(mine[loud] / others[loud], _BLEED_QUANTILE) if loud.any() else 0.0
        if bleed * _BLEED_MARGIN < 1:
            echo = _running_max(others, _ECHO_HOPS, _AHEAD_HOPS)
            heard = (mine > _BLEED_MARGIN * bleed * echo) | (mine > echo)
            own[:, channel] = _running_max(heard, _KEPT_HOPS, _KEPT_HOPS)
    return own


def _correlation(energies: Energies, loudest: float) -> float:
    levels = np.log(energies + _QUIET * loudest)
    levels -= levels.mean(axis=0)
    product = np.sqrt((levels**2).sum(axis=0).prod())
    return float(levels.prod(axis=1).sum() / product) if product > 0 else 1.0


def _running_max(values: NDArray, before: int, after: int) -> NDArray:  # type: ignore[type-arg]
    padded = np.pad(values, (before, after))
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, before + after + 1).max(axis=1))
