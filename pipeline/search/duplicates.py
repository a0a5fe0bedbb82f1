"""Find videos that share footage: keyframes that look alike, at a constant time offset."""

import duckdb

from pipeline.lake import Lake, find_video
from schemas.search import Duplicate

MIN_OVERLAP = 0.2

_MAX_DISTANCE = 6
"""Two frames match if at most this many of the 64 bits of their perceptual hashes differ."""
_MIN_SHARPNESS = 20.0
"""Flatter frames, such as black ones, look alike in all videos and prove nothing."""
_MAX_SHARED = 500
"""If more keyframes share a hash or a band of it, they are as common as a title card and prove nothing, and comparing
all pairs would take hours. In a lake with few keyframes bands are short, and more keyframes may share one."""
_MIN_COSINE = 0.75
"""Minimum mean cosine of the matching frames' vectors, because hashes of text on a plain background match by chance."""
_FEW_FRAMES = 20_000
"""Up to this many keyframes, two hashes are compared if any band of 8 bits is equal, which misses hardly any; beyond
that, if any band of 16 is."""

_DUPLICATES = """
WITH prints AS (
    SELECT video_id, frame_id, time_s, phash FROM frames
    WHERE sharpness >= $min_sharpness AND bit_count(phash) BETWEEN 8 AND 56
    QUALIFY count(*) OVER (PARTITION BY phash) <= $max_same
), bands AS (
    SELECT *, band, (phash >> (band * $bits)::UBIGINT) & ((1::UBIGINT << $bits::UBIGINT) - 1) AS bits
    FROM prints, range(64 // $bits) AS numbers(band)
    QUALIFY count(*) OVER (PARTITION BY band, bits) <= $max_shared
), pairs AS (
    SELECT DISTINCT one.video_id, other.video_id AS other_id, one.frame_id, other.frame_id AS other_frame_id,
        other.time_s - one.time_s AS offset_s
    FROM bands AS one JOIN bands AS other ON one.band = other.band AND one.bits = other.bits
        AND one.video_id <> other.video_id
    WHERE bit_count(xor(one.phash, other.phash)) <= $max_distance AND ($video IS NULL OR one.video_id = $video)
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
    """Find videos that share footage: copies in another format, cuts of one another, or videos with parts in common.

    Two keyframes match if their perceptual hashes differ in at most 6 of 64 bits. Two videos match if enough pairs of
    matching keyframes agree on the time offset, to a second, and if the vectors of these keyframes are similar too.

    Args:
        lake: The lake.
        video: Only pairs with this video as the first: id, start of an id, file name, path or URI.
        min_overlap: Minimum share of the first video's keyframes that the other one also shows.

    Returns:
        Each pair once, largest overlap first. The first video of a pair is the one with the larger share in the other.

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
                "max_distance": _MAX_DISTANCE,
                "min_sharpness": _MIN_SHARPNESS,
                "max_same": _MAX_SHARED,
                "max_shared": _MAX_SHARED if count > _FEW_FRAMES else _FEW_FRAMES // 10,
                "min_cosine": _MIN_COSINE,
                "min_overlap": min_overlap,
            },
        )
        return [Duplicate(*row) for row in found.fetchall()]

    return lake.read(compare, moments=False)
