"""The lake's tables as Arrow schemas. Every field has its meaning in its metadata (`description`, `unit`).

To add a column: describe it here, fill it in `pipeline.lake.rows`, read it in `pipeline.lake.records`, and run
`make docs` for the reference. Files without the column are read with NULL.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import pyarrow as pa

FORMAT_VERSION = 2
"""Version of the tables. It increases when readers have to change."""


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


def _list(name: str, item: pa.DataType, description: str, *, nullable: bool = False) -> pa.Field:
    return _field(name, pa.list_(pa.field("item", item, nullable=False)), description, nullable=nullable)


def _embedding(name: str, dimensions: int, model: str, space: str, description: str) -> pa.Field:
    kind = pa.list_(pa.field("item", pa.float32(), nullable=False), dimensions)
    field = _field(name, kind, description)
    return field.with_metadata(field.metadata | {b"model": model.encode(), b"space": space.encode()})


Encoder = tuple[str, int]
"""Id of a model, or of a space that several models share, and the dimensions of its vectors."""

NO_ENCODER: Encoder = ("none", 1)

_SPAN = [
    _seconds("start_s", "Start, from the start of the video."),
    _seconds("end_s", "End, exclusive."),
]
_KEYS = [
    _text("video_id", "Digest of the file's content. Copies and renamed files are the same video."),
    _text("revision", "Digest of the configuration and models that made the row."),
    _text("shard", "Commit that wrote the row. Readers take the rows of a video's newest commit."),
]
LABEL = pa.struct([pa.field("label", pa.string(), nullable=False), pa.field("score", pa.float32(), nullable=False)])
LANGUAGE_SHARE = pa.struct(
    [pa.field("language", pa.string(), nullable=False), pa.field("share", pa.float32(), nullable=False)]
)
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
BOX = pa.struct([pa.field(name, pa.float32(), nullable=False) for name in ("x0", "y0", "x1", "y1")])
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
OCCURRENCE = pa.struct(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("start_s", pa.float64(), nullable=False),
        pa.field("end_s", pa.float64(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
    ]
)
TRACK = pa.struct(
    [
        pa.field("index", pa.int32(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("codec", pa.string()),
        pa.field("language", pa.string()),
        pa.field("channels", pa.int32()),
        pa.field("title", pa.string()),
        pa.field("default", pa.bool_(), nullable=False),
    ]
)
SUBTITLE_FILE = pa.struct(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("size_bytes", pa.int64(), nullable=False),
        pa.field("mtime_ns", pa.int64(), nullable=False),
    ]
)
STAGE = pa.struct(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("revision", pa.string(), nullable=False),
        pa.field("error", pa.string()),
    ]
)
RUN_STAGE = pa.struct(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("revision", pa.string(), nullable=False),
        pa.field("version", pa.int32(), nullable=False),
    ]
)
SPAN = pa.struct([pa.field("start_s", pa.float64(), nullable=False), pa.field("end_s", pa.float64(), nullable=False)])
VOICE = pa.struct(
    [
        pa.field("speaker", pa.string(), nullable=False),
        pa.field("embedding", pa.list_(pa.field("item", pa.float32(), nullable=False)), nullable=False),
        pa.field("speech_s", pa.float64(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
    ]
)
SECONDS_BY_STEP = pa.map_(pa.string(), pa.float64())
TEXT_BY_NAME = pa.map_(pa.string(), pa.string())

TABLE_NAMES = (
    "videos",
    "shots",
    "frames",
    "objects",
    "utterances",
    "sounds",
    "subtitles",
    "scenes",
    "entities",
    "summaries",
    "errors",
    "runs",
    "sources",
    "forgotten",
    "corrections",
)
VIDEO_TABLES = (
    "shots", "frames", "objects", "utterances", "sounds", "subtitles", "scenes", "entities", "summaries", "errors",
    "videos",
)  # fmt: skip
"""The tables that a shard writes, in the order of publishing: `videos` last."""

DESCRIPTIONS: Mapping[str, str] = {
    "videos": "One row per video and revision: the file, and the result of its analysis.",
    "shots": "One row per shot: the frames between two transitions.",
    "frames": "One row per keyframe, with its thumbnail, labels, on-screen text and embeddings.",
    "objects": "One row per object detected in a keyframe.",
    "utterances": "One row per segment of speech, with its words and embedding.",
    "sounds": "One row per span with one kind of sound, such as speech, music, singing or silence.",
    "subtitles": "One row per line of subtitles that came with a video, in a text track or a subtitle file.",
    "scenes": "One row per scene: shots that belong together, fused with their speech.",
    "entities": "One row per video and name in it: a person, place, organisation, date or work, with all its mentions.",
    "summaries": "One row per video: headline, summary with evidence, chapters, highlights.",
    "errors": "One row per video whose analysis failed, and per stage of a video that failed, with the reason.",
    "runs": "One row per flow run: configuration, versions, models, counts and compute.",
    "sources": "One row per location and the content found there, so that unchanged files are not read again.",
    "forgotten": "One row per video that was forgotten, so that no run brings it back (docs/forget.md).",
    "corrections": "One row per correction that somebody made, or took back. Rows are never changed.",
}

_VIDEOS = [
    *_KEYS,
    _text("status", "`ok`, or `failed` (the reason is in `errors`)."),
    _text("uri", "First of `uris`: a path, or a URI (docs/archives.md)."),
    _list(
        "uris",
        pa.string(),
        "In the files: its locations when it was analysed. In the views: its locations now, or the last known ones if "
        "it is missing.",
    ),
    _int("size_bytes", "Size of the file.", unit="byte", kind=pa.int64()),
    _int("mtime_ns", "Modification time of `uri` when it was read; 0 if unknown.", unit="ns", kind=pa.int64()),
    _text("container", "Container format as FFmpeg names it; empty if the probe failed."),
    _text("video_codec", "Codec of the video stream, as FFmpeg names codecs.", nullable=True),
    _text("audio_codec", "Codec of the audio track that was transcribed.", nullable=True),
    _int("audio_tracks", "Audio tracks in the file."),
    _field(
        "audio_track",
        pa.int32(),
        "Number of the audio track that was transcribed, from 0, as in `media.audio_track`; null without audio.",
        nullable=True,
    ),
    _int("width", "Displayed width; 0 without video.", unit="pixel"),
    _int("height", "Displayed height; 0 without video.", unit="pixel"),
    _field(
        "fps",
        pa.float64(),
        "Frames per second, measured from timestamps: of the usual frame, or the average if `fps_varies`; 0 if "
        "unknown.",
        unit="1/s",
    ),
    _field("fps_varies", pa.bool_(), "Whether the frames are not evenly spaced, apart from gaps and rounding."),
    _int(
        "rotation",
        "Clockwise rotation that shows the frames upright; a mirrored video is first mirrored sideways.",
        unit="degree",
    ),
    _seconds("duration_s", "Duration, measured by decoding."),
    _field(
        "stated_duration_s",
        pa.float64(),
        "Duration as the file states it, or as FFmpeg guesses it from the bit rate; null without either.",
        unit="s",
        nullable=True,
    ),
    _text("timecode", "Timecode of the first frame; null without one.", nullable=True),
    _field(
        "created_at",
        pa.timestamp("us", tz="UTC"),
        "Creation time as the file states it, in UTC if it names no time zone; null without a plausible one.",
        nullable=True,
    ),
    _list("file_chapters", CHAPTER, "Chapters that the file states. `summaries` has those that were found."),
    _list("tracks", TRACK, "All tracks of the file, analysed or not, as the file describes them."),
    _int("frame_count", "Decoded frames.", kind=pa.int64()),
    _int("corrupt_packets", "Packets that could not be decoded and were skipped."),
    _int("clock_jumps", "Jumps of the file's clock, as where recordings were joined."),
    _field("has_video", pa.bool_(), "Whether the file has a video stream. Cover art does not count."),
    _field("has_audio", pa.bool_(), "Whether the file has an audio stream."),
    _text("language", "Language spoken longest (ISO 639-1); null without speech.", nullable=True),
    _score("language_probability", "Mean probability of that language where it is spoken; 0 without speech."),
    _list(
        "languages", LANGUAGE_SHARE, "All spoken languages with their shares of the seconds of speech, largest first."
    ),
    _seconds("speech_s", "Total duration of speech."),
    _int("shots", "Rows in `shots`."),
    _int("frames", "Rows in `frames`."),
    _int("objects", "Rows in `objects`."),
    _int("utterances", "Rows in `utterances`."),
    _int("words", "Spoken words."),
    _int("subtitles", "Rows in `subtitles`."),
    _list("subtitle_files", SUBTITLE_FILE, "Subtitle files beside the video. If they change, it is analysed again."),
    _int("scenes", "Rows in `scenes`."),
    _int("speakers", "Number of speakers; 0 without speech, or if speakers were not distinguished."),
    _list("speaker_voices", VOICE, "Unit vector of each speaker's voice, by the automatic name (docs/corrections.md)."),
    _text("text_model", "Text encoder of the video's text vectors; empty if the analysis failed."),
    _list("warnings", pa.string(), "Notes for readers of this video's rows."),
    _list(
        "warning_parts",
        pa.string(),
        "What each of `warnings` is about, in the same order: `file`, `images`, `audio` or `subtitles`.",
    ),
    _field("timings_s", SECONDS_BY_STEP, "Seconds of compute per step, of the stages that ran last.", unit="s"),
    _list(
        "stages",
        STAGE,
        "The stages (`picture`, `sound`, `text`, `understanding`), each with the digest of what made its results, and "
        "the kind of error if its last attempt failed: then it has no results, or those of before. Null in rows of "
        "older versions.",
    ),
    _field("committed_at", pa.timestamp("us", tz="UTC"), "Time when the row was written."),
    _text("corrections_digest", "The corrections that the rows were made with; null without any.", nullable=True),
    _field(
        "analysed_at",
        pa.timestamp("us", tz="UTC"),
        "Time of the analysis, if the rows were made again since because of corrections; otherwise null.",
        nullable=True,
    ),
]

_SHOTS = [
    *_KEYS,
    _int("shot_index", "Index in the video, from 0."),
    *_SPAN,
    _text("transition", "How the shot starts: `start`, `cut`, `gradual` or `slide`."),
    _score("score", "Confidence in that transition, 0 to 1."),
]

_OBJECTS = [
    *_KEYS,
    _text("frame_id", "The keyframe, as in `frames`."),
    _int("frame_index", "Index of the keyframe among the video's keyframes, from 0."),
    _int("shot_index", "Index of the shot that the keyframe represents."),
    _seconds("time_s", "Presentation timestamp of the keyframe."),
    _int("object_index", "Index among the objects of the keyframe, from 0; the best score first."),
    _text("label", "Class of the object, such as `person`, as the model names it."),
    _score("score", "Score of the model, 0 to 1."),
    _field("box", BOX, "Where it is, as fractions of width and height; `x0`, `y0` is the upper left corner."),
]

_ENTITIES = [
    *_KEYS,
    _int("entity_index", "Index in the video, from 0, in order of the first mention."),
    _text("text", "The name in its fullest form."),
    _text("kind", "`person`, `place`, `organisation`, `date` or `work`."),
    _text(
        "normal",
        "What is equal for the same name in all videos: lower case, without article and title. For a date, ISO 8601 "
        "where possible (`2021-05-03`, `2021-05`, `2021`, `--05-03`, `--05`, `196` for a decade).",
    ),
    _text("wikidata_id", "Id in Wikidata, from the gazetteer of the configuration; null if unknown.", nullable=True),
    _list(
        "occurrences",
        OCCURRENCE,
        "Where it is said or written, in order of time. `source` is `speech`, `screen` or `subtitle`; `id` is the "
        "`utterance_id`, `frame_id` or `subtitle_id`; `text` is the name as it is there.",
    ),
    _field(
        "doubtful",
        pa.bool_(),
        "Whether the name may be misheard: it is said once, with a word whose probability is below 0.5, and is neither "
        "written on screen, nor in subtitles, nor in the gazetteer. Null in rows of older versions.",
        nullable=True,
    ),
]

_ERRORS = [
    *_KEYS,
    _text("uri", "Location of the video."),
    _text("stage", "The step that failed; if the rest of the video was analysed, the stage, as in `videos.stages`."),
    _text("kind", "Kind of error, one of `schemas.errors.ErrorKind`."),
    _text("message", "What happened and what to do."),
    _text("traceback", "Traceback for developers; empty for expected failures."),
    _int("attempts", "Number of attempts in that run."),
    _field("failed_at", pa.timestamp("us", tz="UTC"), "Time of the failure."),
]

_RUNS = [
    _text("run_id", "Name of the run."),
    _text("revision", "Revision that this run wrote."),
    _list("stages", RUN_STAGE, "Digest and version of each stage, as in `videos.stages`."),
    _field("started_at", pa.timestamp("us", tz="UTC"), "Start."),
    _field("finished_at", pa.timestamp("us", tz="UTC"), "End."),
    _text("state", "`completed`, `completed_with_errors`, `stopped` or `failed`."),
    _list("archive", pa.string(), "The archive as the user named it."),
    _text("configuration", "The whole configuration as JSON."),
    _field("versions", TEXT_BY_NAME, "Versions of Videolake, Python and the main libraries."),
    _list(
        "models",
        pa.struct([pa.field(name, pa.string(), nullable=False) for name in ("role", "id", "licence", "digest")]),
        "Models of the run, with the licence and digest of their weights.",
    ),
    _int("videos_found", "Videos in the archive; copies count once."),
    _int("videos_skipped", "Videos that were already in the lake at this revision."),
    _int("videos_ok", "Videos that this run analysed."),
    _int("videos_failed", "Videos that failed in this run."),
    _seconds("video_s", "Total duration of the analysed videos."),
    _seconds("wall_s", "Duration of the run."),
    _field("compute_s", SECONDS_BY_STEP, "Seconds of compute per step, over all workers.", unit="s"),
    _field(
        "stage_video_s",
        SECONDS_BY_STEP,
        "Total duration of the videos of which each stage was made or redone; null in runs of older versions, which "
        "made all stages.",
        unit="s",
        nullable=True,
    ),
    _text("prefect_flow_run_id", "Flow run in Prefect; null for a run without Prefect.", nullable=True),
]

_SOURCES = [
    _text("uri", "The location."),
    _int("size_bytes", "Size of the file at that time.", unit="byte", kind=pa.int64()),
    _int("mtime_ns", "Modification time of the file; 0 if unknown.", unit="ns", kind=pa.int64()),
    _text("etag", "Version of the file as its store states it (ETag); null without one.", nullable=True),
    _text("video_id", "Digest of the content found there."),
    _text("digest", "What the digest is of: `full` or `sampled` (docs/archives.md); null if unknown.", nullable=True),
    _field("seen_at", pa.timestamp("us", tz="UTC"), "Time when it was read. The newest row of a location counts."),
    _field(
        "missing_since",
        pa.timestamp("us", tz="UTC"),
        "Time when a run found the file gone; null while it is there.",
        nullable=True,
    ),
]

_COMPUTED: Mapping[str, list[pa.Field]] = {
    "videos": [
        _field(
            "missing_since",
            pa.timestamp("us", tz="UTC"),
            "Time when a run found its last file gone; null while one is there. Only in the view.",
            nullable=True,
        ),
    ],
}
"""Columns that the views compute. The files do not have them."""

_FORGOTTEN = [
    _text("video_id", "Digest of the video's content. Nothing else of it is kept."),
    _field("read_whole", pa.bool_(), "Whether the id of this large file is a digest of all its bytes, not of samples."),
    _field("forgotten_at", pa.timestamp("us", tz="UTC"), "Time when it was forgotten."),
]

_CORRECTIONS = [
    _text("correction_id", "Id of the correction."),
    _text("video_id", "Digest of the file's content."),
    _text("field", "`text`, `speaker`, `headline`, `chapter_title` or `topics`."),
    _field(
        "start_s",
        pa.float64(),
        "Start of the utterance or chapter; null for what applies to the whole video.",
        unit="s",
        nullable=True,
    ),
    _field("end_s", pa.float64(), "Its end.", unit="s", nullable=True),
    _list("spans", SPAN, "Where the speaker spoke then, longest first; empty for all other fields."),
    _text(
        "from_value",
        "The automatic value at that time, or the automatic name of the speaker; null for an added topic.",
        nullable=True,
    ),
    _text("to_value", "The right value; null for a topic that does not apply.", nullable=True),
    _text("author", "Who made it."),
    _field("made_at", pa.timestamp("us", tz="UTC"), "When it was made."),
    _text("undoes", "Id of the correction that this one takes back; null for all others.", nullable=True),
]


_SOUNDS = [
    *_KEYS,
    _text("sound_id", "Id of the span in all tables."),
    _int("sound_index", "Index in the video, from 0."),
    *_SPAN,
    _text(
        "label",
        "What is heard: `speech`, `music`, `singing` or `silence` with the embedded model. Spans of different labels "
        "may overlap.",
    ),
    _score("score", "Mean score of the span, 0 to 1, not calibrated; 1 for silence, which is measured."),
]


def _frames(text: Encoder, vision: Encoder, coordinated: Encoder, fused: Encoder) -> list[pa.Field]:
    del fused
    return [
        *_KEYS,
        _text("frame_id", "Id of the keyframe in all tables."),
        _int("frame_index", "Index among the video's keyframes, from 0."),
        _seconds("time_s", "Presentation timestamp."),
        _int("shot_index", "Index of the shot that the keyframe represents."),
        _score("sharpness", "Variance of the Laplacian at 320 pixels wide; larger is sharper."),
        _int("phash", "64-bit perceptual hash; near-duplicates differ in few bits.", kind=pa.uint64()),
        _int("width", "Width of the frame that the models saw.", unit="pixel"),
        _int("height", "Height of that frame.", unit="pixel"),
        _field("thumbnail", pa.binary(), "JPEG."),
        _list("labels", LABEL, "Labels of the vision model, most probable first."),
        _list(
            "text_lines",
            TEXT_LINE,
            "Lines of on-screen text. Boxes are x0, y0, x1, y1 as fractions of width and height.",
        ),
        _text("text", "All lines of on-screen text."),
        _text("caption", "One sentence about the frame."),
        _text("caption_source", "`composed`, or `model:<id>`."),
        _embedding("embedding", vision[1], vision[0], "vision", "Unit vector of the frame."),
        _embedding(
            "text_embedding", text[1], text[0], "text", "Unit vector of the on-screen text; zeros without text."
        ),
        _embedding(
            "coordinated_embedding",
            coordinated[1],
            coordinated[0],
            "coordinated",
            "Unit vector of the frame in a space that frames and texts share; zeros if nothing was recognised.",
        ),
        _field(
            "classes",
            pa.list_(pa.field("item", pa.int32(), nullable=False)),
            "Indexes of the vision model's most probable classes, from which `coordinated_embedding` is made; null for "
            "a model that needs none.",
            nullable=True,
        ),
        _field(
            "class_probabilities",
            pa.list_(pa.field("item", pa.float32(), nullable=False)),
            "Probabilities of `classes`, in the same order.",
            nullable=True,
        ),
    ]


def _utterances(text: Encoder, vision: Encoder, coordinated: Encoder, fused: Encoder) -> list[pa.Field]:
    del vision, coordinated, fused
    return [
        *_KEYS,
        _text("utterance_id", "Id of the utterance in all tables."),
        _int("utterance_index", "Index in the video, from 0."),
        *_SPAN,
        _text("text", "The spoken text."),
        _text("translation", "Translation into English; null unless the configuration asks for it.", nullable=True),
        _text("language", "Language of the text (ISO 639-1)."),
        _text("speaker", "The speaker; null if unknown.", nullable=True),
        _list("words", WORD, "Words with timestamps; empty if they were not aligned."),
        _score("avg_logprob", "Mean log-probability of the tokens."),
        _score("no_speech_prob", "Whisper's probability that there is no speech."),
        _score("compression_ratio", "zlib compression ratio of the text. Above 2.4 the text repeats itself."),
        _list("flags", pa.string(), "Reasons to doubt the text; usually empty, and always for a corrected text."),
        _text("auto_text", "The recognised text, if `text` was corrected; otherwise null.", nullable=True),
        _list("auto_words", WORD, "The recognised words, if the text was corrected; otherwise null.", nullable=True),
        _list("auto_flags", pa.string(), "Reasons to doubt `auto_text`; null if not corrected.", nullable=True),
        _text(
            "auto_speaker",
            "The automatic name, if the speaker was named; empty if it was unknown; otherwise null.",
            nullable=True,
        ),
        _text(
            "heard_text",
            "The automatic text as it was heard, if names in it were respelled as they are on screen; otherwise null.",
            nullable=True,
        ),
        _list("heard_words", WORD, "The words of `heard_text`; null if nothing was respelled.", nullable=True),
        _field("sung", pa.bool_(), "Whether it is sung, as lyrics are; null in rows of older versions.", nullable=True),
        _embedding("embedding", text[1], text[0], "text", "Unit vector of the text."),
    ]


def _subtitles(text: Encoder, vision: Encoder, coordinated: Encoder, fused: Encoder) -> list[pa.Field]:
    del vision, coordinated, fused
    return [
        *_KEYS,
        _text("subtitle_id", "Id of the line in all tables."),
        _int(
            "subtitle_index",
            "Index in the video, from 0: the lines of a source in order of time, then the next source.",
        ),
        *_SPAN,
        _text("text", "The text without markup."),
        _text(
            "language", "Language (ISO 639-1) as the track or the file name states it; null if unknown.", nullable=True
        ),
        _text("source", "`track 2`, with the title of the track if it has one, or the name of the subtitle file."),
        _field("track", pa.int32(), "Index of the track in `videos.tracks`; null for a subtitle file.", nullable=True),
        _embedding("embedding", text[1], text[0], "text", "Unit vector of the text."),
    ]


def _scenes(text: Encoder, vision: Encoder, coordinated: Encoder, fused: Encoder) -> list[pa.Field]:
    return [
        *_KEYS,
        _int("scene_index", "Index in the video, from 0."),
        *_SPAN,
        _list("shot_indices", pa.int32(), "Shots of the scene."),
        _text("text", "Speech and on-screen text of the scene."),
        _text("caption", "One sentence about the scene."),
        _list(
            "topics",
            LABEL,
            "Topics from the taxonomy, strongest first. Scores are probabilities: for text, calibrated on "
            "known texts; for frames, only as good as those of the labels (docs/understanding.md).",
        ),
        _list("auto_topics", LABEL, "The automatic topics, if some were corrected; otherwise null.", nullable=True),
        _list(
            "keyphrases",
            LABEL,
            "Phrases that tell what the text is about. Scores are cosines, not calibrated.",
        ),
        _list(
            "labels",
            LABEL,
            "Labels of its frames, strongest first. Scores are means over its frames, not calibrated.",
        ),
        _embedding("text_embedding", text[1], text[0], "text", "Unit vector of the text; zeros without text."),
        _embedding(
            "vision_embedding", vision[1], vision[0], "vision", "Unit vector of its keyframes; zeros without keyframes."
        ),
        _embedding(
            "fused_embedding",
            fused[1],
            fused[0],
            "fused",
            "Text and vision vectors, weighted and joined, as one unit vector.",
        ),
        _embedding(
            "coordinated_embedding",
            coordinated[1],
            coordinated[0],
            "coordinated",
            "Unit vector of its keyframes in a space that frames and texts share; zeros without keyframes.",
        ),
        _score("text_weight", "Weight of the text in the fused vector, 0 to 1."),
        _score("vision_weight", "Weight of the frames in the fused vector, 0 to 1."),
    ]


_SUMMARIES = [
    *_KEYS,
    _text("headline", "One line about the video."),
    _text("auto_headline", "The automatic headline, if it was corrected; otherwise null.", nullable=True),
    _list("sentences", SENTENCE, "Summary in order of time. Each sentence comes with its evidence."),
    _list("chapters", CHAPTER, "Titled chapters. The first starts at 0, and together they cover the video."),
    _list("auto_chapters", CHAPTER, "The automatic chapters, if titles were corrected; otherwise null.", nullable=True),
    _list("highlights", HIGHLIGHT, "Moments worth jumping to, with the reason."),
    _list("keyframe_ids", pa.string(), "Keyframes of the storyboard, in order of time."),
    _list(
        "topics",
        LABEL,
        "Topics from the taxonomy, strongest first. A score is that of the most certain scene, reduced if the "
        "topic covers less than a fifth of the video. Not calibrated. A topic that somebody added has 1.0.",
    ),
    _list("auto_topics", LABEL, "The automatic topics, if some were corrected; otherwise null.", nullable=True),
    _list(
        "keyphrases",
        LABEL,
        "Phrases that tell what the text is about. Scores are cosines, not calibrated.",
    ),
    _list("labels", LABEL, "Labels of its frames, strongest first. Scores are means over its frames, not calibrated."),
    _list("abstract", SENTENCE, "Summary written by a model, with evidence; empty unless a model is configured."),
    _text("abstract_source", "`model:<id>`; empty without an abstract."),
    _int("abstract_dropped", "Sentences of the model that were dropped because the evidence did not support them."),
]


@lru_cache(maxsize=256)
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
        fused: Id and dimensions of the joint vectors; default: those of text and vision, concatenated.

    Raises:
        KeyError: There is no such table.
    """
    fixed: dict[str, list[pa.Field]] = {
        "entities": _ENTITIES,
        "videos": _VIDEOS, "shots": _SHOTS, "objects": _OBJECTS, "sounds": _SOUNDS, "summaries": _SUMMARIES,
        "errors": _ERRORS, "runs": _RUNS, "sources": _SOURCES, "forgotten": _FORGOTTEN, "corrections": _CORRECTIONS,
    }  # fmt: skip
    fused = fused or (f"{text[0]} + {vision[0]}", text[1] + vision[1])
    shaped = {"frames": _frames, "utterances": _utterances, "subtitles": _subtitles, "scenes": _scenes}
    fields = fixed[table] if table in fixed else shaped[table](text, vision, coordinated, fused)
    metadata: dict[str, Any] = {
        "videolake.table": table,
        "videolake.format": str(FORMAT_VERSION),
        "description": DESCRIPTIONS[table],
    }
    return pa.schema(fields, metadata=metadata)


def view_schema(table: str) -> pa.Schema:
    """Return the schema of a table as its view shows it: with the columns that only the view has.

    Raises:
        KeyError: There is no such table.
    """
    schema = table_schema(table)
    return pa.schema([*schema, *_COMPUTED.get(table, ())], metadata=schema.metadata)
