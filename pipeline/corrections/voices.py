"""Find the voice of a speaker in other videos, to suggest the same name. Nothing is named without being asked."""

from dataclasses import dataclass, replace

import numpy as np

from pipeline.lake import Lake
from schemas.errors import LakeError

MIN_SIMILARITY = 0.6
"""Cosine of two voices that may be one person; within a video, windows of one voice have 0.35 on average."""
MIN_SPEECH_S = 3.0
"""With less speech, a voice is not compared."""

_VOICES = """
SELECT video_id, uri, voice.speaker, voice.embedding, voice.speech_s, voice.model
FROM (SELECT video_id, uri, unnest(speaker_voices) AS voice FROM videos WHERE status = 'ok')
WHERE voice.speech_s >= $least
"""
_NAMES = """
SELECT DISTINCT video_id, coalesce(auto_speaker, speaker) AS auto, speaker FROM utterances
WHERE speaker IS NOT NULL AND video_id IN (SELECT unnest($ids))
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
    found = lake.sql(_VOICES, {"least": MIN_SPEECH_S})
    if not len(found):
        return []
    ids, autos, models = (found[name].to_pylist() for name in ("video_id", "speaker", "model"))
    present = _present_names(lake, [video_id])
    own = [
        row
        for row, (each, auto) in enumerate(zip(ids, autos, strict=True))
        if each == video_id and speaker in {auto, present.get((each, auto))}
    ]
    vectors = found["embedding"].combine_chunks()
    suggested: list[SameVoice] = []
    for row in own:
        wanted = np.asarray(vectors[row].values, np.float32)
        others = [n for n, each in enumerate(ids) if each != video_id and models[n] == models[row]]
        matrix = np.asarray([vectors[n].values for n in others if len(vectors[n].values) == len(wanted)], np.float32)
        if len(matrix) != len(others):
            raise LakeError(f"Voices by the model {models[row]} have different dimensions.")
        for n, cosine in zip(others, matrix @ wanted if others else (), strict=True):
            if cosine >= MIN_SIMILARITY:
                seconds = found["speech_s"][n].as_py()
                suggested.append(SameVoice(ids[n], found["uri"][n].as_py(), autos[n], float(cosine), seconds))
    suggested.sort(key=lambda each: -each.similarity)
    names = _present_names(lake, list({each.video_id for each in suggested[:limit]}))
    return [replace(each, speaker=names.get((each.video_id, each.speaker), each.speaker)) for each in suggested[:limit]]


def _present_names(lake: Lake, ids: list[str]) -> dict[tuple[str, str], str]:
    rows = lake.sql(_NAMES, {"ids": ids}).to_pylist() if ids else []
    return {(row["video_id"], row["auto"]): row["speaker"] for row in rows}
