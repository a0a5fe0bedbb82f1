"""Word and character error rates."""

from collections.abc import Iterable, Sequence

from pipeline.language.scripts import UNSPACED_LANGUAGES


def word_error_rate(references: Sequence[str], heard: Sequence[str], language: str) -> float:
    """Return the share of wrong, missing and extra words over all pairs.

    Both sides are normalised as in the Whisper paper (Radford et al. 2022, appendix C). Languages without spaces are
    counted by character.
    """
    import jiwer
    from whisper.normalizers import BasicTextNormalizer, EnglishTextNormalizer

    normalize = EnglishTextNormalizer() if language == "en" else BasicTextNormalizer()
    pairs = [(normalize(reference), normalize(text)) for reference, text in zip(references, heard, strict=True)]
    if language in UNSPACED_LANGUAGES:
        pairs = [(" ".join(reference.replace(" ", "")), " ".join(text.replace(" ", ""))) for reference, text in pairs]
    return float(jiwer.wer([reference for reference, _ in pairs], [text for _, text in pairs]))


def character_error_rate(lines: Sequence[str], read: Sequence[Iterable[str]]) -> float:
    """Return the share of characters of drawn lines that were misread.

    Args:
        lines: The drawn lines.
        read: For each drawn line, all lines that were recognised while it was on screen. The nearest one counts. The
            error of a line is at most 100 %.
    """
    import jiwer

    wrong = 0.0
    for line, candidates in zip(lines, read, strict=True):
        nearest = min((jiwer.cer(line, text) for text in candidates if text), default=1.0)
        wrong += min(1.0, float(nearest)) * len(line)
    return wrong / max(1, sum(map(len, lines)))
