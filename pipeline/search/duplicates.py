"""Videos that show the same, at least in part: keyframes that look alike, at times that keep one distance."""

import duckdb

from pipeline.lake import Lake, find_video
from schemas.search import Duplicate

MIN_OVERLAP = 0.2

_DISTANCE = 6
"""Bits of 64 in which the perceptual hashes of two pictures of the same may differ."""
_MIN_SHARP = 20.0
"""Flatter pictures, as black ones, are alike in all videos and say nothing."""
_MAX_ALIKE = 500
"""A hash, or a part of one, that more keyframes share is that of pictures as common as a title card: they say nothing,
and comparing each with each would take hours. In a lake of few keyframes, parts are short, and more may share one."""
_MIN_COSINE = 0.75
"""Of the pictures' vectors, on average: hashes of text on one colour are alike by chance."""
_FEW_FRAMES = 20_000
"""Up to so many keyframes, hashes are compared if any 8 bits are the same, which misses hardly any; beyond, any 16."""

_DUPLICATES = """
WITH prints AS (
    SELECT video_id, frame_id, time_s, phash FROM frames
    WHERE sharpness >= $min_sharp AND bit_count(phash) BETWEEN 8 AND 56
    QUALIFY count(*) OVER (PARTITION BY phash) <= $most_same
), parts AS (
    SELECT *, band, (phash >> (band * $bits)::UBIGINT) & ((1::UBIGINT << $bits::UBIGINT) - 1) AS part
    FROM prints, range(64 // $bits) AS bands(band)
    QUALIFY count(*) OVER (PARTITION BY band, part) <= $most_alike
), pairs AS (
    SELECT DISTINCT one.video_id, other.video_id AS other_id, one.frame_id, other.frame_id AS other_frame_id,
        other.time_s - one.time_s AS offset_s
    FROM parts AS one JOIN parts AS other ON one.band = other.band AND one.part = other.part
        AND one.video_id <> other.video_id
    WHERE bit_count(xor(one.phash, other.phash)) <= $distance AND ($video IS NULL OR one.video_id = $video)
), votes AS (
    SELECT *, count(DISTINCT frame_id) OVER near AS agreeing, median(offset_s) OVER near AS middle_s
    FROM pairs
    WINDOW near AS (PARTITION BY video_id, other_id ORDER BY offset_s RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING)
), agreed AS (
    SELECT video_id, other_id, max(agreeing) AS agreeing, arg_max(middle_s, agreeing) AS offset_s
    FROM votes GROUP BY ALL
), checked AS (
    SELECT agreed.video_id, agreed.other_id, agreed.agreeing, agreed.offset_s
    FROM agreed JOIN pairs ON agreed.video_id = pairs.video_id AND agreed.other_id = pairs.other_id
        AND abs(pairs.offset_s - agreed.offset_s) <= 1
    JOIN frames AS one ON pairs.frame_id = one.frame_id JOIN frames AS other ON pairs.other_frame_id = other.frame_id
    GROUP BY ALL
    HAVING coalesce(avg(array_cosine_similarity(one.embedding, other.embedding)), 1) >= $min_cosine
), counts AS (
    SELECT video_id, count(*) AS all_frames FROM prints GROUP BY ALL
)
SELECT video_id, other_id, one.uri, other.uri, agreeing / all_frames AS overlap, offset_s
FROM checked JOIN counts USING (video_id) JOIN videos AS one USING (video_id)
JOIN videos AS other ON checked.other_id = other.video_id
WHERE agreeing >= least(2, all_frames) AND agreeing / all_frames >= $min_overlap
QUALIFY $video IS NOT NULL OR row_number() OVER (
    PARTITION BY least(video_id, other_id), greatest(video_id, other_id) ORDER BY overlap DESC, video_id
) = 1
ORDER BY overlap DESC, agreeing DESC, video_id, other_id
"""


def find_duplicates(lake: Lake, video: str | None = None, *, min_overlap: float = MIN_OVERLAP) -> list[Duplicate]:
    """Find videos that show the same, as copies in another format, cuts of one another, or with parts in common.

    Two keyframes show the same if their perceptual hashes differ in at most 6 of 64 bits. Two videos do if enough
    pairs of such keyframes agree, to a second, on how far one video is ahead of the other, and if the vectors of
    these pictures are alike too.

    Args:
        lake: The lake.
        video: Only those of this video, as the first of each pair: id, start of an id, file name, path or URI.
        min_overlap: Share of the first one's keyframes that the other one has, at least.

    Returns:
        Each pair once, first the video of which the greater share is in the other; the greatest overlap first.

    Raises:
        LakeError: There is no such video, or the lake cannot be read.
    """

    def compare(connection: duckdb.DuckDBPyConnection) -> list[Duplicate]:
        video_id = find_video(connection, video) if video else None
        [count] = connection.execute("SELECT count(*) FROM frames").fetchone() or (0,)
        found = connection.execute(
            _DUPLICATES,
            {
                "video": video_id,
                "bits": 8 if count <= _FEW_FRAMES else 16,
                "distance": _DISTANCE,
                "min_sharp": _MIN_SHARP,
                "most_same": _MAX_ALIKE,
                "most_alike": _MAX_ALIKE if count > _FEW_FRAMES else _FEW_FRAMES // 10,
                "min_cosine": _MIN_COSINE,
                "min_overlap": min_overlap,
            },
        )
        return [Duplicate(*row) for row in found.fetchall()]

    return lake.read(compare)
