"""The lake's tables as Arrow schemas. Every field carries its meaning in its metadata (`description`, `unit`)."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

FORMAT_VERSION = 2
"""Version of the tables; raised when a reader would have to change."""


def _field(name: str, kind: pa.DataType, description: str, *, unit: str = "", nullable: bool = False) -> pa.Field:
    metadata = {"description": description} | ({"unit": unit} if unit else {})
    return pa.field(name, kind, nullable=nullable, metadata=metadata)


def _text(name: str, description: str, *, nullable: bool = False) -> pa.Field:
    return _field(name, pa.string(), description, nullable=nullable)


def _int(name: str, description: str, *, unit: str = "", kind: pa.DataType | None = None) -> pa.Field:
    return _field(name, kind or pa.int32(), description, unit=unit)


def _score(name: str, description: str) -> pa.Field:
    return _field(name, pa.float32(), description)


def _seconds(name: str, description: str) -> pa.Field:
    return _field(name, pa.float64(), description, unit="s")


def _list(name: str, item: pa.DataType, description: str) -> pa.Field:
    return _field(name, pa.list_(pa.field("item", item, nullable=False)), description)


def _embedding(name: str, dimensions: int, model: str, space: str, description: str) -> pa.Field:
    kind = pa.list_(pa.field("item", pa.float32(), nullable=False), dimensions)
    field = _field(name, kind, description)
    return field.with_metadata(field.metadata | {b"model": model.encode(), b"space": space.encode()})


Encoder = tuple[str, int]
"""Id of a model, or of the space that several make, and dimensions of its vectors."""

NO_ENCODER: Encoder = ("none", 1)

_SPAN = [
    _seconds("start_s", "First moment, from the start of the video."),
    _seconds("end_s", "Moment after the last one."),
]
_KEYS = [
    _text("video_id", "Digest of the file's content: copies and renamed files are the same video."),
    _text("revision", "Digest of the configuration and models that made the row."),
    _text("shard", "Commit that wrote the row; readers take a video's rows of its newest commit."),
]
LABEL = pa.struct([pa.field("label", pa.string(), nullable=False), pa.field("score", pa.float32(), nullable=False)])
WORD = pa.struct(
    [
        pa.field("word", pa.string(), nullable=False),
        pa.field("start_s", pa.float64(), nullable=False),
        pa.field("end_s", pa.float64(), nullable=False),
        pa.field("probability", pa.float32(), nullable=False),
    ]
)
TEXT_LINE = pa.struct(
    [
        pa.field("text", pa.string(), nullable=False),
        pa.field("box", pa.list_(pa.field("item", pa.float32(), nullable=False), 4), nullable=False),
        pa.field("score", pa.float32(), nullable=False),
    ]
)
EVIDENCE = pa.struct(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("start_s", pa.float64(), nullable=False),
        pa.field("end_s", pa.float64(), nullable=False),
    ]
)
SENTENCE = pa.struct(
    [
        pa.field("text", pa.string(), nullable=False),
        pa.field("score", pa.float32(), nullable=False),
        pa.field("evidence", pa.list_(pa.field("item", EVIDENCE, nullable=False)), nullable=False),
    ]
)
CHAPTER = pa.struct(
    [
        pa.field("title", pa.string(), nullable=False),
        pa.field("start_s", pa.float64(), nullable=False),
        pa.field("end_s", pa.float64(), nullable=False),
    ]
)
HIGHLIGHT = pa.struct(
    [
        pa.field("start_s", pa.float64(), nullable=False),
        pa.field("end_s", pa.float64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("score", pa.float32(), nullable=False),
    ]
)
SECONDS_BY_STEP = pa.map_(pa.string(), pa.float64())
TEXT_BY_NAME = pa.map_(pa.string(), pa.string())

TABLE_NAMES = ("videos", "shots", "frames", "utterances", "scenes", "summaries", "errors", "runs", "sources")
VIDEO_TABLES = ("shots", "frames", "utterances", "scenes", "summaries", "errors", "videos")
"""The tables that a shard writes, in the order they are published: `videos` last."""

DESCRIPTIONS: Mapping[str, str] = {
    "videos": "One row a video and revision: what the file is, and what became of its analysis.",
    "shots": "One row a shot: the run of frames between two transitions.",
    "frames": "One row a kept keyframe, with its thumbnail, labels, on-screen text and embedding.",
    "utterances": "One row a segment of speech, with its words and embedding.",
    "scenes": "One row a scene: shots that belong together, fused with what is said in them.",
    "summaries": "One row a video: headline, summary with evidence, chapters, highlights.",
    "errors": "One row a video that could not be analysed, with the reason.",
    "runs": "One row a flow run: configuration, versions, models, counts and costs.",
    "sources": "One row a place and the content found there, so that unchanged files are not read again.",
}

_VIDEOS = [
    *_KEYS,
    _text("status", "`ok`, or `failed` (the reason is in `errors`)."),
    _text("uri", "Where the video was first seen."),
    _list("uris", pa.string(), "Every place where this content was found."),
    _int("size_bytes", "Size of the file.", unit="byte", kind=pa.int64()),
    _int("mtime_ns", "Modification time at `uri` when it was read; 0 if unknown.", unit="ns", kind=pa.int64()),
    _text("container", "Container format as FFmpeg names it; empty where the probe failed."),
    _text("video_codec", "Codec of the picture.", nullable=True),
    _text("audio_codec", "Codec of the sound track that was transcribed.", nullable=True),
    _int("audio_tracks", "Sound tracks in the file."),
    _int("width", "Width as shown; 0 without picture.", unit="pixel"),
    _int("height", "Height as shown; 0 without picture.", unit="pixel"),
    _field("fps", pa.float64(), "Average frames a second; 0 if unknown.", unit="1/s"),
    _int("rotation", "Clockwise turn that shows the picture upright.", unit="degree"),
    _seconds("duration_s", "Length, measured by decoding."),
    _int("frame_count", "Frames decoded.", kind=pa.int64()),
    _int("corrupt_packets", "Packets skipped because they could not be decoded."),
    _field("has_video", pa.bool_(), "Whether there are moving pictures (an attached cover is none)."),
    _field("has_audio", pa.bool_(), "Whether there is sound."),
    _text("language", "Spoken language (ISO 639-1); null where nobody speaks.", nullable=True),
    _score("language_probability", "How sure the model is of the language; 0 where nobody speaks."),
    _seconds("speech_s", "Seconds of speech found."),
    _int("shots", "Rows in `shots`."),
    _int("frames", "Rows in `frames`."),
    _int("utterances", "Rows in `utterances`."),
    _int("words", "Words spoken."),
    _int("scenes", "Rows in `scenes`."),
    _int("speakers", "Different voices that were told apart; 0 where nobody speaks or voices are not compared."),
    _text("text_model", "Text encoder of the video's text vectors; empty where the analysis failed."),
    _list("warnings", pa.string(), "What a reader of this video's rows should know."),
    _field("timings_s", SECONDS_BY_STEP, "Seconds of compute, by step.", unit="s"),
    _field("committed_at", pa.timestamp("us", tz="UTC"), "When the row was written."),
]

_SHOTS = [
    *_KEYS,
    _int("shot_index", "Place in the video, from 0."),
    *_SPAN,
    _text("transition", "How the shot begins: `start`, `cut`, `gradual` or `slide`."),
    _score("score", "Confidence in that transition, 0 to 1."),
]

_ERRORS = [
    *_KEYS,
    _text("uri", "Where the video was seen."),
    _text("stage", "Step that failed."),
    _text("kind", "Why, as one of a fixed set (see `schemas.errors.ErrorKind`)."),
    _text("message", "What happened and what to do."),
    _text("traceback", "For developers; empty for expected failures."),
    _int("attempts", "How often it was tried in that run."),
    _field("failed_at", pa.timestamp("us", tz="UTC"), "When."),
]

_RUNS = [
    _text("run_id", "Name of the run."),
    _text("revision", "Revision this run wrote."),
    _field("started_at", pa.timestamp("us", tz="UTC"), "Start."),
    _field("finished_at", pa.timestamp("us", tz="UTC"), "End."),
    _text("state", "`completed`, `completed_with_errors`, `stopped` or `failed`."),
    _list("archive", pa.string(), "The archive as it was named."),
    _text("configuration", "The whole configuration, JSON."),
    _field("versions", TEXT_BY_NAME, "Versions of Videolake, Python and the libraries that matter."),
    _list(
        "models",
        pa.struct([pa.field(name, pa.string(), nullable=False) for name in ("role", "id", "licence", "digest")]),
        "Models that were used, with licence and digest of their weights.",
    ),
    _int("videos_found", "Distinct contents in the archive."),
    _int("videos_skipped", "Already in the lake at this revision."),
    _int("videos_ok", "Analysed by this run."),
    _int("videos_failed", "Failed in this run."),
    _seconds("video_s", "Seconds of video analysed."),
    _seconds("wall_s", "Seconds the run took."),
    _field("compute_s", SECONDS_BY_STEP, "Seconds of compute, by step, over all workers.", unit="s"),
    _text("prefect_flow_run_id", "Flow run in Prefect; null where it ran without.", nullable=True),
]

_SOURCES = [
    _text("uri", "The place."),
    _int("size_bytes", "Size of the file then.", unit="byte", kind=pa.int64()),
    _int("mtime_ns", "Modification time then; 0 if unknown.", unit="ns", kind=pa.int64()),
    _text("video_id", "Digest of the content that was there."),
    _field("seen_at", pa.timestamp("us", tz="UTC"), "When it was read; the newest row of a place counts."),
]


def _frames(text: Encoder, vision: Encoder, coordinated: Encoder, fused: Encoder) -> list[pa.Field]:
    del fused
    return [
        *_KEYS,
        _text("frame_id", "Name of the keyframe across tables."),
        _int("frame_index", "Place among the video's keyframes, from 0."),
        _seconds("time_s", "Presentation time."),
        _int("shot_index", "Shot it stands for."),
        _score("sharpness", "Variance of the Laplacian at 320 pixels wide; larger is sharper."),
        _int("phash", "64-bit perceptual hash; near-duplicates differ in few bits.", kind=pa.uint64()),
        _int("width", "Width of the frame the models saw.", unit="pixel"),
        _int("height", "Height of it.", unit="pixel"),
        _field("thumbnail", pa.binary(), "JPEG."),
        _list("labels", LABEL, "What the vision model sees, most probable first."),
        _list("text_lines", TEXT_LINE, "Lines of text on screen; boxes are x0, y0, x1, y1 as fractions."),
        _text("text", "The lines joined."),
        _text("caption", "One sentence about the picture."),
        _text("caption_source", "`composed`, or `model:<id>`."),
        _embedding("embedding", vision[1], vision[0], "vision", "Unit vector of the picture."),
        _embedding(
            "text_embedding", text[1], text[0], "text", "Unit vector of the text on screen; zeros if there is none."
        ),
        _embedding(
            "coordinated_embedding",
            coordinated[1],
            coordinated[0],
            "coordinated",
            "Unit vector of the picture in a space that it shares with texts; zeros if nothing was recognised.",
        ),
    ]


def _utterances(text: Encoder, vision: Encoder, coordinated: Encoder, fused: Encoder) -> list[pa.Field]:
    del vision, coordinated, fused
    return [
        *_KEYS,
        _text("utterance_id", "Name of the utterance across tables."),
        _int("utterance_index", "Place in the video, from 0."),
        *_SPAN,
        _text("text", "What was said."),
        _text("translation", "The same in English; null unless it was asked for.", nullable=True),
        _text("language", "ISO 639-1."),
        _text("speaker", "Who spoke, if known.", nullable=True),
        _list("words", WORD, "Words with their times; empty where they were not aligned."),
        _score("avg_logprob", "Mean log-probability of the tokens."),
        _score("no_speech_prob", "Whisper's probability that nobody speaks."),
        _score("compression_ratio", "zlib ratio of the text; above 2.4 it repeats itself."),
        _list("flags", pa.string(), "Reasons to doubt the text; empty where there are none."),
        _embedding("embedding", text[1], text[0], "text", "Unit vector of the text."),
    ]


def _scenes(text: Encoder, vision: Encoder, coordinated: Encoder, fused: Encoder) -> list[pa.Field]:
    return [
        *_KEYS,
        _int("scene_index", "Place in the video, from 0."),
        *_SPAN,
        _list("shot_indices", pa.int32(), "Shots of the scene."),
        _text("text", "What is said and written in it."),
        _text("caption", "One sentence about it."),
        _list(
            "topics",
            LABEL,
            "Topics of the taxonomy that it is about, strongest first. Scores are probabilities: of texts calibrated "
            "on the taxonomy itself, of pictures only as good as the labels' (docs/understanding.md).",
        ),
        _list(
            "keyphrases",
            LABEL,
            "Phrases of what is said and written that say what it is about. Scores are cosines, not calibrated.",
        ),
        _list(
            "labels",
            LABEL,
            "What its pictures show, strongest first. Scores are means over its frames, not calibrated.",
        ),
        _embedding(
            "text_embedding", text[1], text[0], "text", "Unit vector of what is said and written; zeros if none."
        ),
        _embedding("vision_embedding", vision[1], vision[0], "vision", "Unit vector of its pictures; zeros if none."),
        _embedding("fused_embedding", fused[1], fused[0], "fused", "Both, weighted and joined, as one unit vector."),
        _embedding(
            "coordinated_embedding",
            coordinated[1],
            coordinated[0],
            "coordinated",
            "Unit vector of its pictures in a space that they share with texts; zeros if none.",
        ),
        _score("text_weight", "Weight of the text in the fused vector, 0 to 1."),
        _score("vision_weight", "Weight of the picture, 0 to 1."),
    ]


_SUMMARIES = [
    *_KEYS,
    _text("headline", "The video in one line."),
    _list("sentences", SENTENCE, "Summary in order of time, each sentence with the evidence it rests on."),
    _list("chapters", CHAPTER, "Titled stretches; they start at 0 and cover the video."),
    _list("highlights", HIGHLIGHT, "Moments worth jumping to, and why."),
    _list("keyframe_ids", pa.string(), "Storyboard, in order of time."),
    _list(
        "topics",
        LABEL,
        "Topics of the taxonomy that it is about, strongest first. Scores are those of its surest scene, less where "
        "the topic fills under a fifth of the video; as such not calibrated.",
    ),
    _list(
        "keyphrases",
        LABEL,
        "Phrases of what is said and written that say what it is about. Scores are cosines, not calibrated.",
    ),
    _list(
        "labels", LABEL, "What its pictures show, strongest first. Scores are means over its frames, not calibrated."
    ),
    _list("abstract", SENTENCE, "Summary in a model's own words, with evidence; empty unless a model was asked for."),
    _text("abstract_source", "`model:<id>`; empty where there is no abstract."),
    _int("abstract_dropped", "Sentences of the model that its evidence did not support, and that were left out."),
]


def table_schema(
    table: str,
    *,
    text: Encoder = NO_ENCODER,
    vision: Encoder = NO_ENCODER,
    coordinated: Encoder = NO_ENCODER,
    fused: Encoder | None = None,
) -> pa.Schema:
    """Return the Arrow schema of a table.

    Args:
        table: One of `TABLE_NAMES`.
        text: Id and dimensions of the text encoder.
        vision: Id and dimensions of the frame encoder.
        coordinated: Id and dimensions of the space that frames share with texts.
        fused: Id and dimensions of the joint vectors; default: those of text and vision one after the other.

    Raises:
        KeyError: There is no such table.
    """
    fixed: dict[str, list[pa.Field]] = {
        "videos": _VIDEOS, "shots": _SHOTS, "summaries": _SUMMARIES, "errors": _ERRORS, "runs": _RUNS,
        "sources": _SOURCES,
    }  # fmt: skip
    fused = fused or (f"{text[0]} + {vision[0]}", text[1] + vision[1])
    shaped = {"frames": _frames, "utterances": _utterances, "scenes": _scenes}
    fields = fixed[table] if table in fixed else shaped[table](text, vision, coordinated, fused)
    metadata: dict[str, Any] = {
        "videolake.table": table,
        "videolake.format": str(FORMAT_VERSION),
        "description": DESCRIPTIONS[table],
    }
    return pa.schema(fields, metadata=metadata)
