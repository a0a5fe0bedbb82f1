"""A video's timeline as shapes: chapters, scenes, shots, amount of speech, sounds, highlights and hits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.lake import VideoRecord
from pipeline.view import percent, sound_lengths
from schemas.search import Hit

_BINS = 120
_MAX_CUTS = 600
_MAX_SCENES = 240
"""Above this number, neighbours are drawn together, because each would be narrower than a cut."""
_DENSITY_PX = 30.0
_MAX_SOUND_ROWS = 4


@dataclass(frozen=True, slots=True)
class Block:
    """A time range, in percent of the width as in SVG."""

    x: str
    width: str
    start_s: float
    title: str


@dataclass(frozen=True, slots=True)
class Bar:
    """The share of speech in a time range."""

    x: str
    width: str
    height_px: float
    start_s: float


@dataclass(frozen=True, slots=True)
class SoundRow:
    """When one kind of sound is heard."""

    label: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Shapes of a timeline."""

    chapters: tuple[Block, ...]
    scenes: tuple[Block, ...]
    cuts: tuple[str, ...]
    speech: tuple[Bar, ...]
    sounds: tuple[SoundRow, ...]
    highlights: tuple[Block, ...]
    hits: tuple[Block, ...]


def make_timeline(video: VideoRecord, hits: Sequence[Hit] = ()) -> Timeline:
    """Lay out a video's timeline; empty for a video without duration.

    Args:
        video: The video.
        hits: Search hits in this video.
    """
    length_s = video.duration_s
    if not np.isfinite(length_s) or length_s <= 0:
        return Timeline((), (), (), (), (), (), ())
    cuts = dict.fromkeys(percent(round(shot.start_s / length_s, 4)) for shot in video.shots[1:])
    return Timeline(
        chapters=tuple(_block(each.start_s, each.end_s, each.title, length_s) for each in video.chapters),
        scenes=_scenes(video, length_s),
        cuts=tuple(cuts)[:: max(1, -(-len(cuts) // _MAX_CUTS))],
        speech=_speech(video, length_s),
        sounds=_sounds(video, length_s),
        highlights=tuple(_block(each.start_s, each.end_s, each.reason, length_s) for each in video.summary.highlights),
        hits=tuple(_block(hit.start_s, hit.end_s, hit.text, length_s) for hit in hits),
    )


def speech_share(starts_s: Sequence[float], ends_s: Sequence[float], length_s: float, bins: int) -> list[float]:
    """Return the share of each of `bins` equal parts that is covered by spans, 0 to 1.

    Args:
        starts_s: Starts of the spans.
        ends_s: Ends of the spans.
        length_s: Duration of the video, above 0.
        bins: Number of parts.
    """
    edges = np.linspace(0.0, length_s, bins + 1)
    starts, ends = np.asarray(starts_s, np.float64), np.asarray(ends_s, np.float64)
    overlap = np.minimum(ends[:, None], edges[None, 1:]) - np.maximum(starts[:, None], edges[None, :-1])
    share = np.maximum(overlap, 0.0).sum(0) / (length_s / bins)
    return [float(value) for value in np.clip(share, 0.0, 1.0)]


def _speech(video: VideoRecord, length_s: float) -> tuple[Bar, ...]:
    if not video.utterances:
        return ()
    share = speech_share(
        [line.start_s for line in video.utterances], [line.end_s for line in video.utterances], length_s, _BINS
    )
    return tuple(
        Bar(percent(number / _BINS), percent(0.7 / _BINS), round(max(1.5, value * _DENSITY_PX), 1),
            number * length_s / _BINS)
        for number, value in enumerate(share) if value > 0
    )  # fmt: skip


def _sounds(video: VideoRecord, length_s: float) -> tuple[SoundRow, ...]:
    rows = []
    for label in list(sound_lengths(video.sounds))[:_MAX_SOUND_ROWS]:
        spans: list[tuple[float, float]] = []
        for sound in video.sounds:
            if sound.label != label:
                continue
            # Gaps that would be narrower than a pixel are not drawn.
            if spans and sound.start_s - spans[-1][1] < length_s / _MAX_CUTS:
                spans[-1] = (spans[-1][0], max(spans[-1][1], sound.end_s))
            else:
                spans.append((sound.start_s, sound.end_s))
        rows.append(SoundRow(label, tuple(_block(start_s, end_s, label, length_s) for start_s, end_s in spans)))
    return tuple(rows)


def _scenes(video: VideoRecord, length_s: float) -> tuple[Block, ...]:
    together = -(-len(video.scenes) // _MAX_SCENES) or 1
    blocks = []
    for first in range(0, len(video.scenes), together):
        group = video.scenes[first : first + together]
        name = (
            f"Scene {first + 1}: {group[0].caption}" if together == 1 else f"Scenes {first + 1} to {first + len(group)}"
        )
        blocks.append(_block(group[0].start_s, group[-1].end_s, name, length_s))
    return tuple(blocks)


def _block(start_s: float, end_s: float, title: str, length_s: float) -> Block:
    return Block(percent(start_s / length_s), percent(max(0.0, end_s - start_s) / length_s), start_s, title)
