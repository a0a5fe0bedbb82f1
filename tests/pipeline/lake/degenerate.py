"""Lakes at the edges of what can be: nothing in them, nothing said, nothing seen, no length, and texts that attack."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from pipeline.lake import Lake, Origin, failure_tables, video_tables
from schemas.records import Analysis, Chapter, Failure, Label, Shot, Summary, TextLine, Transcript, VideoTask
from tests.pipeline.lake.lakes import (
    COORDINATED,
    NOON,
    REVISION,
    TEXT,
    VISION,
    analysis,
    pictureless,
    publish,
    wordless,
)

EVIL = (
    "EVIL\nFORGED\r\x1b]0;owned\x07\x1b[8m\0 <script>alert(1)</script>'\"; DROP TABLE videos;-- \u202e\u05d0\U0001f4a9 "
    "\ud800 {{7*7}} %s =1+1 [b] --> </style>"
)
_NEW_IN_FORMAT_2 = {
    "videos": ["speakers", "text_model"],
    "frames": ["text_embedding", "coordinated_embedding"],
    "utterances": ["translation"],
    "scenes": ["keyphrases", "labels", "coordinated_embedding"],
    "summaries": ["keyphrases", "labels", "abstract", "abstract_source", "abstract_dropped"],
}


def shortest(video_id: str) -> Analysis:
    """Make up a film of one frame of which nothing can be said."""
    full = analysis(video_id)
    without = {"text_embedding": None, "coordinated_embedding": None, "caption": "", "labels": ()}
    frame = replace(full.keyframes[0], time_s=0.0, text_lines=(), embedding=None, **without)
    scene = replace(
        full.scenes[0], end_s=0.04, text="", topics=(), keyphrases=(), vision_embedding=None, fused_embedding=None,
        text_weight=0.0, vision_weight=0.0, **without,
    )  # fmt: skip
    return replace(
        full, duration_s=0.04, frame_count=1, keyframes=(frame,), scenes=(scene,),
        shots=(Shot(0, 0.0, 0.04, "start", 1.0),), transcript=Transcript(None, 0.0, 0.0, (), ""),
        summary=Summary("", (), (), (), (), (), (), (), (), "", 0), text_model="", timings_s={}, warnings={},
    )  # fmt: skip


def lengthless(video_id: str) -> Analysis:
    """Make up a film of no length with a shot, a scene and a chapter of none, and a word in it."""
    made = shortest(video_id)
    said = replace(analysis(video_id).transcript.utterances[0], end_s=0.0, words=())
    return replace(
        made, duration_s=0.0, frame_count=0, shots=(Shot(0, 0.0, 0.0, "start", 1.0),),
        scenes=(replace(made.scenes[0], end_s=0.0),), summary=replace(made.summary, chapters=(Chapter("", 0.0, 0.0),)),
        transcript=Transcript("en", 0.5, 0.0, (said,), ""),
    )  # fmt: skip


def nothing(video_id: str) -> Analysis:
    """Make up what is known of a file in which there is neither picture nor sound nor time."""
    made = shortest(video_id)
    info = replace(made.info, duration_s=0.0, video=None, audio=None)
    return replace(made, info=info, duration_s=0.0, frame_count=0, keyframes=(), shots=(), scenes=())


def evil(video_id: str, text: str = EVIL) -> Analysis:
    """Make up a film all of whose texts are an attack."""
    made = analysis(video_id)
    label = (Label(text, 0.5),)
    lines = (TextLine(text, (0.0, 0.0, 1.0, 1.0), 0.5),)
    said = tuple(
        replace(each, text=f"{text} sentence", speaker=text, translation=text, flags=(text,))
        for each in made.transcript.utterances
    )
    summary = made.summary
    return replace(
        made,
        keyframes=tuple(replace(each, caption=text, labels=label, text_lines=lines) for each in made.keyframes),
        transcript=replace(made.transcript, language=text, utterances=said),
        scenes=tuple(replace(each, text=text, caption=text, topics=label, labels=label) for each in made.scenes),
        summary=replace(
            summary, headline=text, topics=label, keyphrases=label, labels=label, abstract_source=text,
            sentences=tuple(replace(each, text=text) for each in summary.sentences),
            abstract=tuple(replace(each, text=text) for each in summary.abstract),
            chapters=(Chapter(text, 0.0, 15.0), Chapter(text, 15.0, 30.0)),
            highlights=tuple(replace(each, reason=text) for each in summary.highlights),
        ),
        warnings={text: "file"},
    )  # fmt: skip


def _hostile(lake: Lake) -> None:
    origin = Origin(revision=REVISION, shard="01", text=TEXT, vision=VISION, coordinated=COORDINATED, committed_at=NOON)
    places = [f"/archive/{EVIL}.mp4", f"/archive/{'long ' * 1000}.mp4", f"s3://bucket/{EVIL}?#%00", "/"]
    for number, place in enumerate(places, 1):
        made = evil(f"v0{number}", "long " * 1000 if number == 2 else EVIL)
        lake.stage("01", f"v0{number}", video_tables(VideoTask(f"v0{number}", (place,), 9, 0), made, origin))
    failure = Failure("probe", "corrupt", EVIL, EVIL, 1)
    lake.stage("01", "v09", failure_tables(VideoTask("v09", (f"/{EVIL}",), 9, 0), failure, None, origin))
    lake.commit("01", REVISION)


def _older(lake: Lake) -> None:
    publish(lake, "01", ["v01", "v02"], failed=["v02"])
    for table, columns in _NEW_IN_FORMAT_2.items():
        for path in Path(lake.uri, table).glob("*.parquet"):
            pq.write_table(pq.read_table(path).drop_columns(columns), path)
    Path(lake.uri, "_videolake.json").write_text(json.dumps({"format": 1}))


def _mixed(lake: Lake) -> None:
    publish(lake, "01", ["v01", "v02"])
    publish(lake, "02", ["v02", "v03"], revision="b" * 16, minutes=1, text=("other", 8), vision=("clip", 3))


def _hardly_anything(lake: Lake) -> None:
    made = {"v01": lengthless, "v02": nothing, "v03": shortest}
    publish(lake, "01", made, made_up=lambda video_id: made[video_id](video_id))


def _made(by: Callable[[str], Analysis]) -> Callable[[Lake], None]:
    return lambda lake: publish(lake, "01", ["v01", "v02"], made_up=by)


KINDS: Mapping[str, Callable[[Lake], None]] = {
    "empty": lambda _lake: None,
    "failed": lambda lake: publish(lake, "01", ["v01", "v02"], failed=["v01", "v02"]),
    "wordless": _made(wordless),
    "pictureless": _made(pictureless),
    "hardly anything": _hardly_anything,
    "models mixed": _mixed,
    "hostile": _hostile,
    "older format": _older,
}
"""How each is filled; the originals of all are gone."""
