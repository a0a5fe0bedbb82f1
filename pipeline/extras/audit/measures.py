"""Measures of each video: failures, confidence of the models, missing results, and word errors."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from pipeline.lake import Lake
from schemas.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Measure:
    """A number for each video, or NULL if it does not apply."""

    name: str
    meaning: str
    better: str
    """`higher`, `lower`, or empty."""
    sql: str
    """One row per video: `video_id`, `value`."""


MEASURES = (
    Measure(
        "failed", "share of videos that could not be analysed", "lower",
        "SELECT video_id, (status = 'failed')::DOUBLE AS value FROM videos",
    ),
    Measure(
        "language_probability", "probability of the detected language", "higher",
        "SELECT video_id, language_probability::DOUBLE AS value FROM videos WHERE language IS NOT NULL",
    ),
    Measure(
        "speech_logprob", "mean log-probability of the recognised words: the confidence of the speech model", "higher",
        "SELECT video_id, sum(avg_logprob * len(text)) / sum(len(text)) AS value FROM utterances "
        "WHERE text <> '' GROUP BY ALL",
    ),
    Measure(
        "doubtful_speech", "share of utterances that are flagged as doubtful", "lower",
        "SELECT video_id, avg((len(flags) > 0)::DOUBLE) AS value FROM utterances GROUP BY ALL",
    ),
    Measure(
        "words_a_minute", "recognised words per minute of speech; very few words mean that speech was dropped", "",
        "SELECT video_id, words * 60.0 / speech_s AS value FROM videos WHERE speech_s >= 5",
    ),
    Measure(
        "label_score", "probability of the best label of each keyframe", "higher",
        "SELECT video_id, avg(coalesce(labels[1].score, 0))::DOUBLE AS value FROM frames GROUP BY ALL",
    ),
    Measure(
        "unrecognised_frames", "share of keyframes without labels and without text", "lower",
        "SELECT video_id, avg((len(labels) = 0 AND text = '')::DOUBLE) AS value FROM frames GROUP BY ALL",
    ),
    Measure(
        "screen_text_score", "confidence of the recognised on-screen text", "higher",
        "SELECT video_id, avg(line.score)::DOUBLE AS value "
        "FROM (SELECT video_id, unnest(text_lines) AS line FROM frames) GROUP BY ALL",
    ),
)  # fmt: skip
"""All but the first measure the models' own confidence. Only references show where a confident model is wrong."""

WORD_ERRORS = Measure("word_error_rate", "share of wrong, missing and extra words, compared to references", "lower", "")


def measure_videos(lake: Lake) -> dict[str, dict[str, float]]:
    """Measure every video of a lake.

    Returns:
        By name of measure, then by video id, without videos to which a measure does not apply.
    """
    found = {}
    for measure in MEASURES:
        rows: pa.Table = lake.sql(measure.sql)
        pairs = zip(rows["video_id"].to_pylist(), rows["value"].to_pylist(), strict=True)
        found[measure.name] = {video_id: value for video_id, value in pairs if value is not None}
    return found


def word_error_rates(lake: Lake, references: Mapping[str, str]) -> dict[str, float]:
    """Compare transcripts with references, both normalised like in the Whisper paper (Radford et al. 2022).

    Args:
        lake: The lake.
        references: The spoken words, by video id.

    Returns:
        Word error rate by video id.

    Raises:
        ConfigurationError: jiwer is not installed.
    """
    try:
        import jiwer
    except ImportError as error:
        raise ConfigurationError("Word error rates need jiwer. Run: pip install 'videolake[audit]'") from error
    from whisper.normalizers import BasicTextNormalizer, EnglishTextNormalizer

    rows = lake.sql(
        "SELECT v.video_id, v.language, coalesce(string_agg(u.text, ' ' ORDER BY u.start_s), '') AS text "
        "FROM videos v LEFT JOIN utterances u USING (video_id) GROUP BY ALL"
    )
    english, other = EnglishTextNormalizer(), BasicTextNormalizer(split_letters=False)
    found = {}
    for row in rows.to_pylist():
        reference = references.get(row["video_id"])
        normalize = english if row["language"] in {"en", None} else other
        if reference is not None and normalize(reference):
            found[row["video_id"]] = float(jiwer.wer(normalize(reference), normalize(row["text"])))
    return found
