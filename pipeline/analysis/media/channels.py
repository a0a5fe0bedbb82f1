"""Mix the channels of a track to mono so that a voice on any of them can be heard, or keep two voices apart.

Only the signal decides, because stated layouts are missing or wrong too often: recorders label six microphones "5.1".
All statistics are of the first difference of the samples, which hears speech rather than hum and bass.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.media.separation import are_separate, own_voices, stay_separate
from schemas.config import ChannelMode
from schemas.media import SAMPLE_RATE_HZ

STEP_SAMPLES = SAMPLE_RATE_HZ // 2
"""The gains change at most once per step, with a crossfade as long as the step."""
_HOP_SAMPLES = SAMPLE_RATE_HZ // 50
_NEAR_STEPS = 2
"""The gains of a step depend on this many steps before and after it."""
_FAR_STEPS = (20, 24)
"""Steps before and after it that decide whether the channels are separated: 10 s and 12 s."""
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
    energies: NDArray[np.float64]
    """(hops, n) energy of each channel."""


class ChannelMixer:
    """Mixes a stream of two or more channels to one or more lanes of mono audio, in bounded memory.

    Two channels become their mean. More become a sum as loud as the loudest of them, so that a voice on one of 60 is
    not divided by 60. Where channels cancel each other, only the loudest of them is used. The mix is in the first lane;
    while the channels are separated, each has a lane of its own instead, without what bleeds from the others.

    Args:
        roles: Name of each channel, such as `FC`, or `NONE`.
        mode: `mix` never separates the channels, `split` always does, and `auto` separates two channels while they
            hold different voices.
        warn: Called with a message if channels cancel each other.
    """

    def __init__(self, roles: Sequence[str], mode: ChannelMode, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._mode = mode
        self._lanes = 1 if mode == "mix" or (mode == "auto" and len(roles) > 2) else len(roles)
        self._kept_steps, self._ahead_steps = (_NEAR_STEPS, _NEAR_STEPS) if self._lanes == 1 else _FAR_STEPS
        self._weights = _weights(roles)
        self._min_relative_level = [_MIN_LFE_LEVEL if role.startswith("LFE") else _MIN_RELATIVE_LEVEL for role in roles]
        self._arrived: list[Samples] = []
        self._held_samples = 0
        self._steps: deque[_Step] = deque()
        """The steps held, after up to `_kept_steps` that are mixed already."""
        self._separate: deque[bool | None] = deque()
        """For each of these steps, whether the channels hold different voices."""
        self._now = 0
        """Index of the next step to mix."""
        self._gains: Samples | None = None
        self._mono: Samples | None = None
        self._separated = mode == "split"
        self._opposite_steps = 0

    @property
    def channels(self) -> int:
        """Number of channels."""
        return len(self._weights)

    def add(self, samples: Samples) -> Samples:
        """Add samples, (m, n), and return the samples of each lane that are now final, (k, lanes)."""
        self._arrived.append(samples)
        self._held_samples += len(samples)
        if self._held_samples < (_GROUP_STEPS + self._ahead_steps) * STEP_SAMPLES:
            return np.zeros((0, self._lanes), np.float32)
        return self._mix(self._ahead_steps)

    def finish(self) -> Samples:
        """Return the remaining samples, (k, lanes)."""
        count = self._held_samples
        self._arrived.append(np.zeros((-count % STEP_SAMPLES, len(self._weights)), np.float32))
        return self._mix(0)[:count]

    def _mix(self, ahead_steps: int) -> Samples:
        """Mix all whole steps but the last `ahead_steps`."""
        held = np.concatenate(self._arrived)
        whole = len(held) // STEP_SAMPLES
        for step in _measure(held[: whole * STEP_SAMPLES], len(self._steps) - self._now):
            self._append(step)
        count = max(0, whole - ahead_steps)
        if not count:
            return np.zeros((0, self._lanes), np.float32)
        ready, rest = held[: count * STEP_SAMPLES], held[count * STEP_SAMPLES :]
        self._arrived, self._held_samples = [rest.copy()], len(rest)
        before = self._gains
        gains, open_hops = zip(*(self._next_gains() for _ in range(count)), strict=True)
        # (steps, n, lanes): the gains at the start of each step, and at its end
        starts, ends = np.stack([gains[0] if before is None else before, *gains[:-1]]), np.stack(gains)
        mixed = ready.reshape(count, STEP_SAMPLES, -1) @ np.concatenate([starts, ends], axis=2)
        ramp = np.linspace(0, 1, STEP_SAMPLES, endpoint=False, dtype=np.float32)[:, None]
        faded = mixed[..., : self._lanes] + ramp * (mixed[..., self._lanes :] - mixed[..., : self._lanes])
        return _muted(np.asarray(faded).reshape(-1, self._lanes), np.concatenate(open_hops))

    def _append(self, step: _Step) -> None:
        self._steps.append(step)
        separate: bool | None = self._separated
        if self._mode == "auto" and self._lanes > 1:
            recent = list(islice(reversed(self._steps), 2 * _NEAR_STEPS + 1))
            separate = are_separate(np.concatenate([each.energies for each in recent]))
        self._separate.append(separate)

    def _next_gains(self) -> tuple[Samples, NDArray[np.bool_]]:
        """Return the gains at the end of the next step, (n, lanes), and in which hops of it each lane is open."""
        steps, now = list(self._steps), self._now
        mono = self._mono_gains(steps[max(0, now - _NEAR_STEPS) : now + _NEAR_STEPS + 1])
        if self._lanes > 1 and self._mode == "auto":
            self._separated = stay_separate(list(self._separate), now, separate=self._separated)
        gains, hops = np.zeros((len(mono), self._lanes), np.float32), len(steps[now].energies)
        open_hops = np.ones((hops, self._lanes), bool)
        if self._separated:
            np.fill_diagonal(gains, 1.0)
            open_hops = own_voices(np.concatenate([step.energies for step in steps]))[now * hops : (now + 1) * hops]
        else:
            gains[:, 0] = mono
        self._gains = gains
        if self._now == self._kept_steps:
            self._steps.popleft()
            self._separate.popleft()
        else:
            self._now += 1
        return gains, open_hops

    def _mono_gains(self, near: Sequence[_Step]) -> Samples:
        """Return the gain of each channel in the mix, (n,)."""
        gram = sum((step.gram for step in near[1:]), near[0].gram)
        amplitude = sum((step.amplitude for step in near[1:]), near[0].amplitude)
        opposite = sum((step.opposite for step in near[1:]), near[0].opposite)
        self._report(gram, amplitude)
        self._mono = self._choose(gram, opposite > _MIN_OPPOSITE_SHARE * amplitude)
        return self._mono

    def _choose(self, gram: NDArray[np.float64], cancels: NDArray[np.bool_]) -> Samples:
        level = np.sqrt(np.diag(gram))
        two = len(level) == 2
        # A channel in use is preferred, because changes between opposite channels cancel during the crossfade.
        preferred = level if self._mono is None else level * np.where(self._mono > 0, 2.0, 1.0)
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
        elif self._mono is not None:
            return self._mono
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
    parts = zip(gram.sum(1), opposite.sum(1), amplitude.sum(1), energy, strict=True)
    return [_Step(*part) for part in parts]


def _muted(lanes: Samples, open_hops: NDArray[np.bool_]) -> Samples:
    """Fade lanes out in hops in which they are not open.

    Args:
        lanes: (m, lanes) samples.
        open_hops: (m / hop, lanes).
    """
    if open_hops.all():
        return lanes
    ends = open_hops.astype(np.float32)
    starts = np.concatenate([ends[:1], ends[:-1]])
    ramp = np.linspace(0, 1, _HOP_SAMPLES, endpoint=False, dtype=np.float32)[:, None]
    gains = starts[:, None, :] + ramp * (ends - starts)[:, None, :]  # (hops, samples, lanes)
    return np.asarray(lanes * gains.reshape(lanes.shape))
