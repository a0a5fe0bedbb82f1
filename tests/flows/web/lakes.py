"""A small lake for the pages: a film that plays, videos enough for two pages, hostile names, and what went wrong."""

import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.lake import Lake, Origin, failure_tables, video_tables
from schemas.records import (
    Analysis,
    Chapter,
    Evidence,
    Failure,
    Highlight,
    Label,
    SummarySentence,
    Utterance,
    VideoTask,
    frame_id,
    utterance_id,
)
from tests import material
from tests.pipeline.lake.lakes import COORDINATED, NOON, REVISION, TEXT, VISION, analysis

MANY = 27
TALK, HOSTILE, GONE, PASSWD, SECRET, BROKEN, CHANGED = (
    f"{number:032x}" for number in (0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6, 0xA7)
)
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
TALK_S = 24.0
SAID = (
    (0.5, 3.0, "Good morning to everybody."),
    (4.0, 8.0, "Today we look through a telescope."),
    (9.0, 12.0, "Its mirror is made of glass."),
    (14.0, 18.0, "The stars are far away."),
    (19.0, 23.0, "A telescope collects their light."),
)


def jpeg(seed: int) -> bytes:
    """Return a JPEG of 320 x 180 of one colour."""
    colour = np.random.default_rng(seed).integers(0, 256, 3, dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(np.broadcast_to(colour, (180, 320, 3))).save(sink, "JPEG")
    return sink.getvalue()


def make_lake(folder: Path) -> Lake:
    """Write the lake and its files."""
    archive = folder / "archive"
    archive.mkdir(parents=True)
    talk = material.shots_video(archive / "the talk.mp4", [8.0, 8.0, 8.0], size=(160, 90), audio=material.tone(TALK_S))
    changed = archive / "changed.mp4"
    changed.write_bytes(talk.read_bytes() + b"more")
    secret = archive / "secret.mp4"
    secret.write_text("the password is hunter2\n")
    lake = Lake.create(str(folder / "lake"))
    made = [
        (TALK, talk, talk.stat().st_size, talk_analysis()),
        (HOSTILE, f"/archive/{EVIL}.mp4", 10, hostile_analysis()),
        (GONE, archive / "gone.mp4", 10, video(GONE, "A film that is gone")),
        (PASSWD, "/etc/passwd", Path("/etc/passwd").stat().st_size, video(PASSWD, "No film at all")),
        (SECRET, secret, secret.stat().st_size, video(SECRET, "A text named film")),
        (CHANGED, changed, talk.stat().st_size, video(CHANGED, "A film that changed")),
        *(
            (f"{number:032x}", f"/nowhere/film {number:03}.mp4", 10, video(f"{number:032x}", f"Film {number:03}"))
            for number in range(MANY)
        ),
    ]
    keys = {"revision": REVISION, "shard": "01", "text": TEXT, "vision": VISION, "coordinated": COORDINATED}
    for number, (video_id, uri, size, found) in enumerate(made):
        task = VideoTask(video_id, (str(uri),), size, 0)
        at = NOON - timedelta(minutes=number)
        lake.stage("01", video_id, video_tables(task, found, Origin(committed_at=at, **keys)))
    failure = Failure("probe", "not_media", f"{EVIL} is no video.", f"Traceback: {EVIL}", 1)
    task = VideoTask(BROKEN, (f"/archive/broken {EVIL}.mp4",), 10, 0)
    lake.stage("01", BROKEN, failure_tables(task, failure, None, Origin(committed_at=NOON, **keys)))
    lake.commit("01", REVISION)
    return lake


def video(video_id: str, headline: str) -> Analysis:
    """Make up a video with pictures that can be shown."""
    made = analysis(video_id)
    frames = tuple(replace(frame, thumbnail=jpeg(frame.index)) for frame in made.keyframes)
    return replace(made, keyframes=frames, summary=replace(made.summary, headline=headline))


def talk_analysis() -> Analysis:
    """Say of the film that plays what is said in it, and when."""
    made = video(TALK, "The telescope")
    said = tuple(
        Utterance(index, start_s, end_s, text, "en", "Ada" if index % 2 else "Bob", (), -0.1, 0.0, 1.2,
                  ("low_logprob",) if index == 2 else ())
        for index, (start_s, end_s, text) in enumerate(SAID)
    )  # fmt: skip
    frames = tuple(replace(frame, time_s=8.0 * frame.index + 2) for frame in made.keyframes)
    evidence = Evidence("utterance", utterance_id(TALK, 3), SAID[3][0], SAID[3][1])
    return replace(
        made,
        duration_s=TALK_S,
        keyframes=frames,
        shots=tuple(replace(shot, start_s=8.0 * shot.index, end_s=8.0 * shot.index + 8) for shot in made.shots),
        scenes=tuple(
            replace(scene, start_s=8.0 * scene.index, end_s=8.0 * scene.index + 8, text_weight=0.75, vision_weight=0.25)
            for scene in made.scenes
        ),
        transcript=replace(made.transcript, utterances=said),
        summary=replace(
            made.summary,
            sentences=(SummarySentence("The stars are far away.", 0.9, (evidence,)),),
            chapters=(Chapter("Glass", 0.0, 12.0), Chapter("Light", 12.0, TALK_S)),
            highlights=(Highlight(19.0, 23.0, "Says: “A telescope collects their light.”", 0.9),),
            topics=(Label("astronomy", 0.9),),
        ),
    )


def hostile_analysis() -> Analysis:
    """Make up a video all of whose texts try to get out of where they are put."""
    made = video(HOSTILE, EVIL)
    label = (Label(EVIL, 0.5),)
    frames = tuple(replace(frame, caption=EVIL, labels=label) for frame in made.keyframes)
    said = tuple(replace(each, text=EVIL, speaker=EVIL) for each in made.transcript.utterances)
    evidence = (Evidence("frame", frame_id(HOSTILE, 0), 1.0, 1.0),)
    return replace(
        made,
        keyframes=frames,
        transcript=replace(made.transcript, utterances=said),
        scenes=tuple(replace(scene, caption=EVIL, topics=label, keyphrases=label) for scene in made.scenes),
        summary=replace(
            made.summary,
            headline=EVIL,
            sentences=(SummarySentence(EVIL, 0.5, evidence),),
            abstract=(SummarySentence(EVIL, 0.5, evidence),),
            abstract_source=EVIL,
            chapters=(Chapter(EVIL, 0.0, 15.0), Chapter(EVIL, 15.0, 30.0)),
            highlights=(Highlight(1.0, 2.0, EVIL, 0.5),),
            topics=label,
            keyphrases=label,
            labels=label,
        ),
        warnings={EVIL: "file"},
        file_chapters=(Chapter(EVIL, 0.0, 15.0),),
        subtitles=tuple(replace(each, text=EVIL, source=EVIL) for each in made.subtitles),
    )
