"""Accuracy of times: transitions between shots, and boundaries of chapters."""

from collections.abc import Sequence


def matches(found_s: Sequence[float], known_s: Sequence[float], tolerance_s: float) -> int:
    """Return how many known times were found; each found time counts once."""
    found, known, matched = sorted(found_s), sorted(known_s), 0
    index = 0
    for time_s in known:
        while index < len(found) and found[index] < time_s - tolerance_s:
            index += 1
        if index < len(found) and found[index] <= time_s + tolerance_s:
            matched += 1
            index += 1
    return matched


def f1(right: int, found: int, known: int) -> float:
    """Return the harmonic mean of precision and recall; 1 if there was nothing to find and nothing was found."""
    return 2 * right / (found + known) if found + known else 1.0


def boundary_errors(known_s: Sequence[float], found_s: Sequence[float], duration_s: float) -> tuple[float, float]:
    """Compare two segmentations of a video, by second.

    Args:
        known_s: Starts of the true segments; at least one is not 0.
        found_s: Starts of the found segments.
        duration_s: Length of the video.

    Returns:
        Pk (Beeferman, Berger and Lafferty 1999) and WindowDiff (Pevzner and Hearst 2002), 0 for equal segmentations.
        The window is half the mean length of a true segment.
    """
    from nltk.metrics import pk, windowdiff

    known, found = _marks(known_s, duration_s), _marks(found_s, duration_s)
    window = max(2, round(len(known) / (known.count("1") + 1) / 2))
    return float(pk(known, found, window)), float(windowdiff(known, found, window))


def _marks(starts_s: Sequence[float], duration_s: float) -> str:
    seconds = {round(start_s) for start_s in starts_s} - {0}
    return "".join("1" if second in seconds else "0" for second in range(round(duration_s)))
