"""Mix the channels of a track to mono so that a voice on any of them can be heard.

Only the signal decides, because stated layouts are missing or wrong too often: recorders label six microphones "5.1".
All statistics are of the first difference of the samples, which hears speech rather than hum and bass.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.media import SAMPLE_RATE_HZ

STEP_SAMPLES = SAMPLE_RATE_HZ // 2
"""The gains change at most once per step, with a crossfade as long as the step."""
_HOP_SAMPLES = SAMPLE_RATE_HZ // 50
_NEAR_STEPS = 2
"""The gains of a step depend on this many steps before and after it."""
_GROUP_STEPS = 8
"""Steps mixed at once."""
_AUDIBLE_RMS = 1e-4
"""Quieter audio does not count: it is dither or the noise of a converter."""
_OPPOSITE = -0.3
"""Two channels cancel in a hop below this correlation, weighted by their balance; it is -1 for exact opposites."""
_MIN_OPPOSITE_SHARE = 0.15
"""Smallest share of the audio in which two channels cancel each other for one of them to be left out. A voice that
cancels, with music that does not, needs no more."""
_WARN_OPPOSITE = -0.6
_WARN_STEPS = 2
"""A warning needs so many steps whose surroundings are this opposite."""
_MIN_RELATIVE_LEVEL = 0.1
"""Of more than two channels, those this much quieter than the loudest are left out: they hold noise."""
_MIN_LFE_LEVEL = 0.5
"""The same for a channel that is stated to hold bass."""
_MAX_SCALE = 4.0
_ROLE_WEIGHTS = {"FC": 1.0, "FL": 0.707, "FR": 0.707}
_OTHER_ROLE_WEIGHT = 0.5
"""Weights in a surround mix with a centre channel, as in ITU-R BS.775."""

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """Statistics of one step."""

    gram: NDArray[np.float64]
    """(n, n) energy each pair of channels has in common."""
    opposite: NDArray[np.float64]
    """(n, n) amplitude, summed over the hops in which a pair cancels."""
    amplitude: NDArray[np.float64]
    """(n, n) amplitude, summed over all audible hops."""


class ChannelMixer:
    """Mixes a stream of two or more channels to mono, in bounded memory.

    Two channels become their mean. More become a sum as loud as the loudest of them, so that a voice on one of 60 is
    not divided by 60. Where channels cancel each other, only the loudest of them is used.

    Args:
        roles: Name of each channel, such as `FC`, or `NONE`.
        warn: Called with a message if channels cancel each other.
    """

    def __init__(self, roles: Sequence[str], warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._weights = _weights(roles)
        self._min_relative_level = [_MIN_LFE_LEVEL if role.startswith("LFE") else _MIN_RELATIVE_LEVEL for role in roles]
        self._arrived: list[Samples] = []
        self._held_samples = 0
        self._steps: deque[_Step] = deque()
        """The steps held, after up to `_NEAR_STEPS` that are mixed already."""
        self._mixed_steps = 0
        self._gains: Samples | None = None
        self._opposite_steps = 0

    def add(self, samples: Samples) -> Samples:
        """Add samples, (m, n), and return the mono samples that are now final, (k,)."""
        self._arrived.append(samples)
        self._held_samples += len(samples)
        if self._held_samples < (_GROUP_STEPS + _NEAR_STEPS) * STEP_SAMPLES:
            return np.zeros(0, np.float32)
        return self._mix(_NEAR_STEPS)

    def finish(self) -> Samples:
        """Return the remaining mono samples, (k,)."""
        count = self._held_samples
        self._arrived.append(np.zeros((-count % STEP_SAMPLES, len(self._weights)), np.float32))
        mixed = self._mix(0)[:count]
        self._arrived, self._held_samples, self._mixed_steps = [], 0, 0
        self._steps.clear()
        return mixed

    def _mix(self, kept_steps: int) -> Samples:
        """Mix all whole steps but the last `kept_steps`."""
        held = np.concatenate(self._arrived)
        measured = len(self._steps) - self._mixed_steps
        whole = len(held) // STEP_SAMPLES
        self._steps.extend(_measure(held[: whole * STEP_SAMPLES], measured))
        count = max(0, whole - kept_steps)
        before = self._gains
        gains = [self._next_gains() for _ in range(count)]
        if not gains:
            return np.zeros(0, np.float32)
        ready, rest = held[: count * STEP_SAMPLES], held[count * STEP_SAMPLES :]
        self._arrived, self._held_samples = [rest.copy()], len(rest)
        # (steps, n, 2): the gains at the start and at the end of each step
        edges = np.stack([np.stack([gains[0] if before is None else before, *gains[:-1]]), np.stack(gains)], axis=2)
        mixed = ready.reshape(count, STEP_SAMPLES, -1) @ edges
        ramp = np.linspace(0, 1, STEP_SAMPLES, endpoint=False, dtype=np.float32)
        return np.asarray(mixed[..., 0] + ramp * (mixed[..., 1] - mixed[..., 0])).reshape(-1)

    def _next_gains(self) -> Samples:
        """Return the gain of each channel at the end of the next step, (n,)."""
        near = list(self._steps)[: self._mixed_steps + _NEAR_STEPS + 1]
        if self._mixed_steps == _NEAR_STEPS:
            self._steps.popleft()
        else:
            self._mixed_steps += 1
        gram = sum((step.gram for step in near[1:]), near[0].gram)
        amplitude = sum((step.amplitude for step in near[1:]), near[0].amplitude)
        opposite = sum((step.opposite for step in near[1:]), near[0].opposite)
        self._report(gram, amplitude)
        self._gains = self._choose(gram, opposite > _MIN_OPPOSITE_SHARE * amplitude)
        return self._gains

    def _choose(self, gram: NDArray[np.float64], cancels: NDArray[np.bool_]) -> Samples:
        level = np.sqrt(np.diag(gram))
        two = len(level) == 2
        # A channel in use is preferred, because changes between opposite channels cancel during the crossfade.
        preferred = level if self._gains is None else level * np.where(self._gains > 0, 2.0, 1.0)
        used: list[int] = []
        for channel in np.argsort(-preferred, kind="stable").tolist():
            loud = two or level[channel] > self._min_relative_level[channel] * level.max()
            if loud and not cancels[channel, used].any():
                used.append(channel)
        gains = np.zeros(len(level))
        if two:
            gains[used] = 1 / len(used)
        elif used:
            gains[used] = self._weights[used]
            gains *= min(level.max() / np.sqrt(max(float(gains @ gram @ gains), 1e-30)), _MAX_SCALE)
        elif self._gains is not None:
            return self._gains
        return gains.astype(np.float32)

    def _report(self, gram: NDArray[np.float64], amplitude: NDArray[np.float64]) -> None:
        energy = np.diag(gram)
        opposite = 2 * gram < _WARN_OPPOSITE * (energy[:, None] + energy)
        self._opposite_steps += bool((opposite & (amplitude > 0)).any())
        if self._opposite_steps == _WARN_STEPS:
            self._warn("Channels that cancel each other were not mixed: the louder one was used.")


def _weights(roles: Sequence[str]) -> NDArray[np.float64]:
    if "FC" not in roles:
        return np.ones(len(roles))
    return np.array([_ROLE_WEIGHTS.get(role, _OTHER_ROLE_WEIGHT) for role in roles])


def _measure(held: Samples, measured: int) -> list[_Step]:
    """Return the statistics of all whole steps but the first `measured`.

    Args:
        held: (m, n) samples, whole steps.
        measured: Number of steps that are measured already.
    """
    first, channels = measured * STEP_SAMPLES, held.shape[1]
    if first == len(held):
        return []
    before = held[first - 1 : first] if first else np.zeros((1, channels), np.float32)
    change = np.diff(held[first:], axis=0, prepend=before)
    hops = change.reshape(-1, STEP_SAMPLES // _HOP_SAMPLES, _HOP_SAMPLES, channels)
    gram = (hops.swapaxes(-1, -2) @ hops).astype(np.float64)  # (steps, hops, n, n)
    energy = np.diagonal(gram, axis1=-2, axis2=-1)
    both = energy[..., :, None] + energy[..., None, :]
    amplitude = np.sqrt(np.where(both > 2 * _HOP_SAMPLES * _AUDIBLE_RMS**2, both, 0.0))
    opposite = np.where(2 * gram < _OPPOSITE * both, amplitude, 0.0)
    return [_Step(*parts) for parts in zip(gram.sum(1), opposite.sum(1), amplitude.sum(1), strict=True)]
