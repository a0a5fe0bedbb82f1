"""Turn ranked moments into hits: texts, keyframes, and the reasons why they were found."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from pipeline.search.highlights import excerpt
from pipeline.search.lexical import searched_text
from pipeline.search.ranking import RETRIEVERS, Candidate, RankedMoment
from pipeline.search.segment import Segment
from schemas.search import Hit, Reason

_REASON = pa.struct(
    [
        ("kind", pa.string()),
        ("retriever", pa.string()),
        ("text", pa.string()),
        ("score", pa.float64()),
        ("rank", pa.int32()),
        ("source", pa.string()),
        ("spans", pa.list_(pa.list_(pa.int32()))),
    ]
)
HIT_SCHEMA = pa.schema(
    [
        ("video_id", pa.string()),
        ("uri", pa.string()),
        ("headline", pa.string()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("text", pa.string()),
        ("frame_id", pa.string()),
        ("score", pa.float64()),
        ("reasons", pa.list_(_REASON)),
    ]
)

WEAK = "Nothing matches well. These are the closest moments."
_MIN_GOOD = 0.12
"""If the best hit of a text query scores less, probably none is right: so for 17 of 25 queries about things that
the films of benchmarks/quality.py do not have, but also for 2 of 40 queries that found the right moment first."""

_COLUMNS = ("kind", "start_s", "end_s", "text", "translation", "frame_id", "source")

_PLAIN = {"object": 1, "frame": 2}
"""Kinds of moments whose text is no sentence."""


def hits_of(
    moments: Sequence[RankedMoment],
    segments: Sequence[Segment],
    videos: Mapping[str, tuple[str, str]],
    words: Collection[str] = (),
) -> list[Hit]:
    """Make hits from ranked moments.

    Args:
        moments: Best best.
        segments: The segments that their candidates come from.
        videos: URI and headline of each video.
        words: Words of the query, to highlight.
    """
    rows = _rows_of([each for moment in moments for each in moment.candidates], segments)
    return [_hit(moment, rows, videos, words) for moment in moments]


def _rows_of(candidates: Sequence[Candidate], segments: Sequence[Segment]) -> dict[tuple[int, int], dict[str, Any]]:
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    for number, segment in enumerate(segments):
        indices = sorted({each.row for each in candidates if each.segment == number})
        found = segment.take(_COLUMNS, indices).to_pylist()
        rows |= {(number, index): row for index, row in zip(indices, found, strict=True)}
    return rows


def _hit(
    moment: RankedMoment,
    rows: Mapping[tuple[int, int], dict[str, Any]],
    videos: Mapping[str, tuple[str, str]],
    words: Collection[str],
) -> Hit:
    best = moment.best
    reasons: dict[tuple[str, str], Reason] = {}
    shown: list[dict[str, Any]] = []
    for each in sorted(moment.candidates, key=lambda each: (each.rank, RETRIEVERS.index(each.retriever))):
        row = rows[each.segment, each.row]
        shown.append(row)
        key = (row["kind"], each.retriever)
        if key not in reasons:
            text, spans = excerpt(
                searched_text(row["text"], row["translation"]), words if each.retriever == "lexical" else ()
            )
            reasons[key] = Reason(row["kind"], each.retriever, text, each.score, each.rank, spans, row["source"])
    # A sentence tells a reader more than the objects or the labels of a frame.
    line = min(shown, key=lambda row: _PLAIN.get(row["kind"], 0))
    frame_id = rows[best.segment, best.row]["frame_id"]
    uri, headline = videos.get(best.video_id, ("", ""))
    return Hit(
        video_id=best.video_id,
        uri=uri,
        headline=headline,
        start_s=best.start_s,
        end_s=best.end_s,
        text=excerpt(line["text"], words)[0],
        frame_id=frame_id or next((row["frame_id"] for row in shown if row["frame_id"]), None),
        score=moment.score,
        reasons=tuple(reasons.values()),
    )


def weak_note(hits: Sequence[Hit]) -> str | None:
    """Return what to tell a user whose query nothing matches well; None if something does, or nothing was found.

    Args:
        hits: The result of a text query, best first.
    """
    return WEAK if hits and hits[0].score < _MIN_GOOD else None


def hits_table(hits: Sequence[Hit]) -> pa.Table:
    """Return hits as a table, best first, with a column for each field of `Hit`."""
    return pa.Table.from_pylist([asdict(hit) for hit in hits], HIT_SCHEMA)
