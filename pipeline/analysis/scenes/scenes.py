"""Scenes: neighbouring shots with similar speech, on-screen text and images."""

import itertools
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from pipeline.analysis.description import NAMES_OF_TEXT, Confirmed, caption_scene, find_sights, without_running_lines
from pipeline.analysis.fusion import Fused, weighted_mean
from pipeline.analysis.scenes.content import Dimensions, SceneContent, VideoContent
from pipeline.analysis.scenes.segmentation import segment
from pipeline.analysis.scenes.spans import TextSpan
from pipeline.analysis.scenes.subjects import Subject
from pipeline.analysis.scenes.units import Unit, fused_units, make_units
from pipeline.language import joined
from schemas.config import ScenesConfig
from schemas.records import Embedding, Keyframe, Label, Scene, Shot

_WITHIN_SHOT = 3.0
"""Factor of the price of a boundary inside a shot, or between shots with the same title."""
_TEXT_WEIGHT = 0.5
"""Text and images count equally in finding boundaries, whatever their weights in a scene's fused vector."""
_AT_SLIDE = 0.15
"""Factor of the price of a boundary where the slide or the title changes."""
_CALM_S, _MAX_RHYTHM = 2.5, 1.6
_MAX_LABELS = 5
_MIN_LABEL = 0.05


def find_scenes(
    video: VideoContent,
    *,
    dimensions: Dimensions,
    config: ScenesConfig,
    text_part: Callable[[Embedding], Embedding] = lambda vectors: vectors,
) -> list[SceneContent]:
    """Group a video's shots into scenes.

    Args:
        video: What was seen and heard.
        dimensions: Of its vectors.
        config: How long scenes are, and how similar inside.
        text_part: Takes the part of text vectors (n, d) by which the parts of the video are compared.

    Returns:
        Scenes that cover the video from 0.0 to `duration_s`; none if it has no length.
    """
    if video.duration_s <= 0:
        return []
    texts = sorted(video.texts, key=lambda text: text.start_s)
    units = make_units(video.shots, video.keyframes, texts, duration_s=video.duration_s, dimensions=dimensions)
    # Two units of ten seconds with cosine s have a scatter of (1 - s) * sqrt(10): the price of their boundary.
    price = (1 - config.similarity) * 10**0.5 * _rhythm(video.shots)
    starts = segment(
        fused_units(units, _TEXT_WEIGHT, text_part),
        [unit.end_s - unit.start_s for unit in units],
        penalties=_prices(units, price),
        min_s=config.min_scene_s,
        max_s=config.max_scene_s,
    )
    texts.sort(key=_middle_s)
    groups = (units[start:end] for start, end in itertools.pairwise([*starts, len(units)]))
    keyframes = without_running_lines(video.keyframes)
    of_video = Confirmed.of(find_sights(keyframes))
    return [_scene(group, keyframes, of_video, texts, dimensions) for group in groups]


def build_scenes(
    scenes: Sequence[SceneContent], subjects: Sequence[Subject], fused: Sequence[Fused]
) -> tuple[Scene, ...]:
    """Put together what was found about each scene.

    Args:
        scenes: In order of time.
        subjects: Of each scene.
        fused: Fused vector of each scene, with its weights.
    """
    return tuple(
        Scene(
            index=index,
            start_s=scene.start_s,
            end_s=scene.end_s,
            shot_indices=scene.shot_indices,
            text=scene.text,
            caption=scene.caption,
            topics=subject.topics,
            text_embedding=scene.text_embedding,
            vision_embedding=scene.vision_embedding,
            fused_embedding=vector,
            text_weight=text_weight,
            vision_weight=vision_weight,
            keyphrases=subject.keyphrases,
            labels=scene.labels,
            coordinated_embedding=scene.coordinated_embedding,
        )
        for index, (scene, subject, (vector, text_weight, vision_weight)) in enumerate(
            zip(scenes, subjects, fused, strict=True)
        )
    )


def aggregate_labels(keyframes: Sequence[Keyframe]) -> tuple[Label, ...]:
    """Return the labels of several frames with their mean scores, the strongest first; not calibrated.

    Labels that only name a page of text, such as `website`, are left out if the text itself was read.
    """
    totals: defaultdict[str, float] = defaultdict(float)
    for frame in keyframes:
        for label in frame.labels:
            if not (frame.text_lines and label.label in NAMES_OF_TEXT):
                totals[label.label] += label.score
    means = [Label(name, total / len(keyframes)) for name, total in totals.items()]
    ordered = sorted(means, key=lambda label: (-label.score, label.label))
    return tuple(label for label in ordered[:_MAX_LABELS] if label.score >= _MIN_LABEL)


def _rhythm(shots: Sequence[Shot]) -> float:
    """Return how much more boundaries cost if the video cuts every few seconds.

    In a music video or a trailer, the images change with the rhythm more than with the meaning.
    """
    if not shots:
        return 1.0
    middle_s = float(np.median([shot.end_s - shot.start_s for shot in shots]))
    return float(np.clip(_CALM_S / max(middle_s, 1e-3), 1.0, _MAX_RHYTHM))


def _prices(units: Sequence[Unit], price: float) -> list[float]:
    """Return the price of a boundary before each unit; slides and titles decide where there are any."""
    prices = [price]
    for before, unit in itertools.pairwise(units):
        titled = bool(before.titles and unit.titles)
        same_title = titled and before.titles[-1] == unit.titles[0]
        if not unit.begins_shot or same_title:
            prices.append(price * _WITHIN_SHOT)
        elif titled or unit.transition == "slide":
            prices.append(price * _AT_SLIDE)
        else:
            prices.append(price)
    return prices


def _scene(
    units: Sequence[Unit],
    keyframes: Sequence[Keyframe],
    of_video: Confirmed,
    texts: Sequence[TextSpan],
    dimensions: Dimensions,
) -> SceneContent:
    start_s, end_s = units[0].start_s, units[-1].end_s
    lengths_s = [unit.end_s - unit.start_s for unit in units]
    text = weighted_mean([unit.text for unit in units], lengths_s, dimensions.text)
    vision = weighted_mean([unit.vision for unit in units], lengths_s, dimensions.vision)
    first_at = partial(bisect_left, keyframes, key=lambda frame: frame.time_s)
    frames = keyframes[first_at(start_s) : first_at(end_s)]
    labels = aggregate_labels(frames)
    low, high = (bisect_left(texts, edge_s, key=_middle_s) for edge_s in (start_s, end_s))
    inside = sorted(texts[low:high], key=lambda span: span.start_s)
    shot_indices = sorted({unit.shot_index for unit in units if unit.shot_index is not None})
    return SceneContent(
        start_s=start_s,
        end_s=end_s,
        shot_indices=tuple(shot_indices),
        text=_joined_text(inside),
        caption=caption_scene(frames, of_video, vision, _most_typical(inside, text), has_images=bool(shot_indices)),
        labels=labels,
        text_embedding=text,
        vision_embedding=vision,
        coordinated_embedding=weighted_mean([unit.coordinated for unit in units], lengths_s, dimensions.coordinated),
    )


def _joined_text(inside: Sequence[TextSpan]) -> str:
    """Return the speech, then the on-screen text, of the spans whose middle lies in a scene."""
    said = joined(text.text for text in inside if text.kind == "speech")
    written = dict.fromkeys(line for text in inside if text.kind == "screen" for line in text.text.splitlines())
    return "\n".join(part for part in (said, *written) if part)


def _most_typical(inside: Sequence[TextSpan], text: Embedding) -> str:
    """Return the speech nearest to the mean of all speech and on-screen text."""
    said = [span for span in inside if span.kind == "speech" and np.any(span.embedding)]
    return max(said, key=lambda span: float(span.embedding @ text)).text if said else ""


def _middle_s(text: TextSpan) -> float:
    return (text.start_s + text.end_s) / 2
