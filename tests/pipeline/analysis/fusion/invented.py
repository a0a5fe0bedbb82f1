"""A lake of invented videos whose vectors a worker could have made: for what reads the spaces of a lake."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.lake import Lake, Origin, video_tables
from pipeline.search.query_encoder import QueryEncoder, Spaces
from schemas.records import Analysis, Label
from tests.pipeline.lake.lakes import NOON, REVISION, analysis, task

THINGS = (
    ("espresso", "She orders a coffee.", "The cup is still hot."),
    ("tabby cat", "The cat sleeps all day.", "He hears a kitten."),
    ("moped", "They ride through the town.", "Its engine needs oil."),
    ("space shuttle", "The rocket starts at dawn.", "Astronauts are on board."),
    ("castle", "A king lived in these walls.", "The tower is very old."),
    ("daisy", "In spring the meadow is full of flowers.", "Bees come to the blossom."),
    ("grand piano", "She plays a sonata.", "The concert begins at eight."),
    ("soccer ball", "He shoots and scores a goal.", "The match ends in a draw."),
)
SPACES = Spaces(
    ("embedded:minilm", 384), ("embedded:efficientnet-lite0", 1280),
    ("conse:embedded:minilm+embedded:efficientnet-lite0", 384), ("embedded:minilm + embedded:efficientnet-lite0", 1664),
)  # fmt: skip


def publish_invented(folder: Path, *, videos: int) -> Lake:
    """Make a lake of videos of two scenes, each with two utterances and a frame, about two of `THINGS`."""
    encoder = QueryEncoder(SPACES)
    said = encoder.texts([sentence for _, *sentences in THINGS for sentence in sentences]).text.reshape(-1, 2, 384)
    shown = encoder.texts([label for label, *_ in THINGS]).coordinated
    lake = Lake.create(str(folder))
    origin = Origin(
        revision=REVISION, shard="01", text=SPACES.text, vision=SPACES.vision, coordinated=SPACES.coordinated,
        committed_at=NOON,
    )  # fmt: skip
    for number in range(videos):
        video_id = f"v{number:03d}"
        about = [number % len(THINGS), (number * 3 + 1) % len(THINGS)]
        lake.stage("01", video_id, video_tables(task(video_id), _video(video_id, about, said, shown), origin))
    lake.commit("01", REVISION)
    return lake


def _video(video_id: str, about: list[int], said: np.ndarray, shown: np.ndarray) -> Analysis:
    plain = analysis(video_id, shots=2, text=384, vision=1280)
    fused = np.zeros(1664, np.float32)
    frames = tuple(
        replace(
            frame, labels=(Label(THINGS[thing][0], 0.8),), text_lines=(), text_embedding=None,
            coordinated_embedding=shown[thing],
        )
        for frame, thing in zip(plain.keyframes, about, strict=True)
    )  # fmt: skip
    spoken = tuple(
        replace(
            plain.transcript.utterances[0], index=2 * place + turn, text=THINGS[thing][1 + turn], flags=(), words=(),
            start_s=10.0 * place + 4 * turn, end_s=10.0 * place + 4 * turn + 3, embedding=said[thing, turn],
        )
        for place, thing in enumerate(about)
        for turn in range(2)
    )  # fmt: skip
    scenes = tuple(
        replace(scene, fused_embedding=fused, coordinated_embedding=shown[thing])
        for scene, thing in zip(plain.scenes, about, strict=True)
    )
    return replace(
        plain, keyframes=frames, scenes=scenes, transcript=replace(plain.transcript, utterances=spoken),
    )  # fmt: skip
