"""How sizes, shares, scores, match reasons and modality weights are written for people, in terminals and pages."""

from collections.abc import Iterable

from pipeline.lake import SceneRecord
from schemas.search import MomentKind

KIND_WORDS: dict[MomentKind, str] = {
    "speech": "said",
    "subtitle": "subtitle",
    "screen": "on screen",
    "caption": "caption",
    "object": "detected",
    "frame": "seen",
    "sound": "heard",
}
"""Kinds of moments, as hits name them."""

_RETRIEVER_WORDS = {"lexical": "words", "semantic": "meaning", "visual": "appearance", "scene": "its scene"}


def counted(number: int, noun: str) -> str:
    """Return a number with a regular English noun, such as `1 video` or `1,200 videos`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_size(size_bytes: int) -> str:
    """Write a file size as `1.2 MB` or `1,234 bytes`."""
    return f"{size_bytes / 1e6:,.1f} MB" if size_bytes >= 100_000 else f"{size_bytes:,} bytes"


def format_share(share: float) -> str:
    """Write a share of one as `87%`."""
    return f"{share:.0%}"


def format_score(score: float) -> str:
    """Write a score or similarity as `0.87`."""
    return f"{score:.2f}"


def percent(share: float) -> str:
    """Write a share of one as a coordinate of SVG: between `0%` and `100%`, with up to three decimals."""
    return f"{100 * min(1.0, max(0.0, share)):.3f}".rstrip("0").rstrip(".") + "%"


def spell_duration(seconds: float) -> str:
    """Write a duration in words, for screen readers: `1 hour 2 minutes 3 seconds`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [
        _counted(number, unit) for number, unit in ((hours, "hour"), (minutes, "minute"), (rest, "second")) if number
    ]
    return " ".join(parts) or "0 seconds"


def match_reason(kind: MomentKind, retrievers: Iterable[str], source: str | None = None) -> str:
    """Say what matched a query, and which retrievers found it: `subtitle of film.en.srt, words and meaning`."""
    what = KIND_WORDS[kind] + (f" of {source}" if source else "")
    return f"{what}, {' and '.join(_RETRIEVER_WORDS[each] for each in retrievers)}"


def weights_reason(scene: SceneRecord) -> str:
    """Explain the weights of text and vision in a scene's vector."""
    words = _counted(len(scene.text.split()), "word")
    keyframes = _counted(len(scene.keyframes), "keyframe")
    if scene.text_weight <= 0 and scene.vision_weight <= 0:
        return "This scene has no text and no keyframe to compare."
    if scene.text_weight <= 0:
        return f"This scene has no text, so only its frames count ({keyframes})."
    if scene.vision_weight <= 0:
        return f"This scene has no keyframes, so only its text counts ({words})."
    text, vision = format_share(scene.text_weight), format_share(scene.vision_weight)
    return f"Text counts for {text} ({words}), frames for {vision} ({keyframes})."


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
