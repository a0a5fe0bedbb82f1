"""Find the voice of a speaker in other videos, to suggest the same name. Nothing is named without being asked."""

from dataclasses import dataclass

from pipeline.lake import Lake

MIN_SIMILARITY = 0.6
"""Cosine of two voices that may be one person; within a video, windows of one voice have 0.35 on average."""
MIN_SPEECH_S = 3.0
"""With less speech, a voice is not compared."""

_SAME = """
WITH voices AS (
    SELECT video_id, uri, voice.speaker AS auto, voice.embedding, voice.speech_s, voice.model
    FROM (SELECT video_id, uri, unnest(speaker_voices) AS voice FROM videos WHERE status = 'ok')
    WHERE voice.speech_s >= $least
),
own AS (
    SELECT embedding, model FROM voices
    WHERE video_id = $video AND (auto = $speaker OR auto IN (
        SELECT coalesce(auto_speaker, speaker) FROM utterances WHERE video_id = $video AND speaker = $speaker
    ))
),
same AS (
    SELECT video_id, auto, any_value(uri) AS uri, any_value(speech_s) AS speech_s,
        max(list_cosine_similarity(voices.embedding, own.embedding)) AS similarity
    FROM voices JOIN own ON voices.model = own.model AND len(voices.embedding) = len(own.embedding)
    WHERE video_id <> $video GROUP BY ALL HAVING similarity >= $similar
    ORDER BY similarity DESC, video_id, auto LIMIT $limit
),
names AS (
    SELECT video_id, coalesce(auto_speaker, speaker) AS auto, mode(speaker) AS speaker
    FROM utterances SEMI JOIN same USING (video_id) WHERE speaker IS NOT NULL GROUP BY ALL
)
SELECT video_id, uri, coalesce(names.speaker, auto) AS speaker, similarity, speech_s
FROM same LEFT JOIN names USING (video_id, auto) ORDER BY similarity DESC, video_id, auto
"""


@dataclass(frozen=True, slots=True)
class SameVoice:
    """A speaker of another video who may be the same person."""

    video_id: str
    uri: str
    speaker: str
    """The present name."""
    similarity: float
    """Cosine of both voices."""
    speech_s: float


def same_voice(lake: Lake, video_id: str, speaker: str, *, limit: int = 10) -> list[SameVoice]:
    """Return who has the voice of a speaker in other videos, the most similar first.

    Args:
        lake: The lake.
        video_id: The video.
        speaker: The automatic or present name.
        limit: Maximum number of results.

    Raises:
        LakeError: The lake cannot be read.
    """
    about = {"video": video_id, "speaker": speaker, "least": MIN_SPEECH_S, "similar": MIN_SIMILARITY, "limit": limit}
    return [SameVoice(**row) for row in lake.sql(_SAME, about).to_pylist()]
