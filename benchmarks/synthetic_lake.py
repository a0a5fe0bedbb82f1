"""Make a lake of synthetic videos, of any size, with rows like real ones, to measure readers."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa

from pipeline.lake import Lake, Origin, shard_id, video_tables
from schemas.media import AudioStream, MediaInfo, VideoStream
from schemas.records import (
    Analysis,
    Chapter,
    Embedding,
    Evidence,
    Highlight,
    Keyframe,
    Label,
    Scene,
    Shot,
    Summary,
    SummarySentence,
    TextLine,
    Transcript,
    Utterance,
    VideoTask,
    Word,
    frame_id,
    utterance_id,
)

REVISION = "0123456789abcdef"
TEXT, VISION, COORDINATED = ("minilm", 384), ("efficientnet", 1280), ("conse", 384)
_SHARD = 500
_SHOT_S, _SPOKEN = 20.0, 4
_SUBJECTS = ("ocean", "city", "kitchen", "football", "museum", "train", "mountain", "laboratory", "market", "garden")
_VERBS = ("shows", "explains", "follows", "opens", "measures", "repairs", "remembers", "compares", "paints", "finds")
_THINGS = ("bridge", "telescope", "bicycle", "recipe", "goal", "painting", "engine", "summit", "molecule", "harvest")
_LANGUAGES = ("en", "en", "en", "es", "de", "fr")


def make_lake(folder: Path, videos: int, *, shots: int = 6) -> Lake:
    """Write a compacted lake.

    Args:
        folder: New or empty folder.
        videos: Number of videos. Each has `shots` shots of 20 s, a keyframe with a 320-pixel thumbnail for each
            shot, four utterances per shot, and a scene for every two shots.
        shots: Shots per video.
    """
    lake = Lake.create(str(folder))
    rng = np.random.default_rng(4)
    thumbnails = [_thumbnail(rng) for _ in range(200)]
    for first in range(0, videos, _SHARD):
        numbers = range(first, min(videos, first + _SHARD))
        ids = [hashlib.sha256(f"video {number}".encode()).hexdigest()[:32] for number in numbers]
        shard = shard_id(REVISION, [(video_id, None) for video_id in ids])
        make = partial(_tables, shard=shard, shots=shots, thumbnails=thumbnails, rng=rng)
        for video_id, number in zip(ids, numbers, strict=True):
            lake.stage(shard, video_id, make(video_id, number))
        lake.commit(shard, REVISION, ids)
    lake.compact()
    return lake


def _tables(
    video_id: str, number: int, *, shard: str, shots: int, thumbnails: Sequence[bytes], rng: np.random.Generator
) -> dict[str, pa.Table]:
    return video_tables(
        VideoTask(video_id, (f"/archive/{number // 100:03}/video {number:05}.mp4",), 40_000_000, 1_700_000_000),
        _analysis(video_id, number, shots, thumbnails, rng),
        Origin(
            revision=REVISION,
            shard=shard,
            text=TEXT,
            vision=VISION,
            coordinated=COORDINATED,
            committed_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
        ),
    )


def _analysis(
    video_id: str, number: int, shots: int, thumbnails: Sequence[bytes], rng: np.random.Generator
) -> Analysis:
    uri, duration_s = f"/archive/{number // 100:03}/video {number:05}.mp4", shots * _SHOT_S
    subject = _SUBJECTS[number % len(_SUBJECTS)]
    language = _LANGUAGES[number % len(_LANGUAGES)]
    topics = (Label(subject, 0.8), Label(_THINGS[number // 7 % len(_THINGS)], 0.5))
    frames = tuple(
        Keyframe(
            index=shot,
            time_s=shot * _SHOT_S + 7,
            shot_index=shot,
            sharpness=float(rng.uniform(10, 1000)),
            phash=int(rng.integers(0, 2**64, dtype=np.uint64)),
            width=1280,
            height=720,
            thumbnail=thumbnails[int(rng.integers(len(thumbnails)))],
            labels=(Label(subject, 0.7), Label("person", 0.2)),
            text_lines=(TextLine(f"Part {shot + 1}", (0.1, 0.1, 0.4, 0.2), 0.9),),
            caption=f"Probably a {subject}.",
            caption_source="composed",
            embedding=_unit(rng, VISION[1]),
            text_embedding=_unit(rng, TEXT[1]),
            coordinated_embedding=_unit(rng, COORDINATED[1]),
        )
        for shot in range(shots)
    )
    spoken = tuple(_utterance(index, language, rng) for index in range(shots * _SPOKEN))
    scenes = tuple(
        Scene(
            index=index,
            start_s=index * 2 * _SHOT_S,
            end_s=min(duration_s, (index + 1) * 2 * _SHOT_S),
            shot_indices=tuple(range(index * 2, min(shots, index * 2 + 2))),
            text=" ".join(each.text for each in spoken[index * 8 : index * 8 + 8]),
            caption=f"The {subject}.",
            topics=topics,
            text_embedding=_unit(rng, TEXT[1]),
            vision_embedding=_unit(rng, VISION[1]),
            fused_embedding=_unit(rng, TEXT[1] + VISION[1]),
            text_weight=0.6,
            vision_weight=0.4,
            keyphrases=(Label(f"{subject} in spring", 0.5),),
            labels=(Label(subject, 0.7),),
            coordinated_embedding=_unit(rng, COORDINATED[1]),
        )
        for index in range((shots + 1) // 2)
    )
    summary = Summary(
        headline=f"The {subject} {_VERBS[number // 10 % 10]} a {_THINGS[number // 100 % 10]}, part {number}",
        sentences=tuple(
            SummarySentence(
                each.text,
                0.5,
                (Evidence("utterance", utterance_id(video_id, each.index), each.start_s, each.end_s),),
            )
            for each in spoken[:: 2 * _SPOKEN]
        ),
        chapters=(Chapter("Beginning", 0.0, duration_s / 2), Chapter("End", duration_s / 2, duration_s)),
        highlights=(Highlight(10.0, 14.0, "The loudest moment", 0.5),),
        keyframe_ids=tuple(frame_id(video_id, shot) for shot in range(shots)),
        topics=topics,
        keyphrases=(Label(f"{subject} in spring", 0.5),),
        labels=(Label(subject, 0.7),),
    )
    return Analysis(
        info=MediaInfo(
            uri,
            40_000_000,
            "mov,mp4,m4a,3gp,3g2,mj2",
            duration_s,
            VideoStream(0, "h264", 1280, 720, 25.0, 0, "yuv420p"),
            AudioStream(1, "aac", 2, 48_000, language, default=True),
            1,
            has_attached_picture=False,
        ),
        duration_s=duration_s,
        frame_count=int(duration_s * 25),
        corrupt_packets=0,
        shots=tuple(
            Shot(shot, shot * _SHOT_S, (shot + 1) * _SHOT_S, "cut" if shot else "start", 1.0) for shot in range(shots)
        ),
        keyframes=frames,
        transcript=Transcript(language, 0.9, duration_s * 0.8, spoken, "faster-whisper"),
        scenes=scenes,
        summary=summary,
        text_model=TEXT[0],
        timings_s={"decode": 1.5, "speech": 2.0},
    )


def _utterance(index: int, language: str, rng: np.random.Generator) -> Utterance:
    start_s = index * _SHOT_S / _SPOKEN
    picked = [str(rng.choice(words)) for words in (_SUBJECTS, _VERBS, _THINGS, _SUBJECTS)]
    text = f"The {picked[0]} {picked[1]} a {picked[2]} near the {picked[3]}."
    times = np.linspace(start_s, start_s + 4, len(text.split()) + 1).tolist()
    return Utterance(
        index=index,
        start_s=start_s,
        end_s=start_s + 4,
        text=text,
        language=language,
        speaker=f"speaker {1 + index % 2}",
        words=tuple(Word(word, times[at], times[at + 1], 0.9) for at, word in enumerate(text.split())),
        avg_logprob=-0.25,
        no_speech_prob=0.0,
        compression_ratio=1.5,
        flags=(),
        embedding=_unit(rng, TEXT[1]),
    )


def _unit(rng: np.random.Generator, dimensions: int) -> Embedding:
    vector = rng.standard_normal(dimensions, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def _thumbnail(rng: np.random.Generator) -> bytes:
    """Return a JPEG of 320 x 180 and about 10 kB: smoothed coarse noise, as detailed as a photograph."""
    image = cv2.resize(rng.integers(0, 256, (45, 80, 3), dtype=np.uint8), (320, 180), interpolation=cv2.INTER_CUBIC)
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1])
