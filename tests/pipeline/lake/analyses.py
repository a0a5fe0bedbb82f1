"""Analyses of any content, invented by hypothesis."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from schemas.entities import ENTITY_KINDS
from schemas.media import Track, VideoStream
from schemas.records import (
    WARNING_PARTS,
    Analysis,
    Chapter,
    ClassScores,
    DetectedObject,
    Entity,
    Evidence,
    Highlight,
    Keyframe,
    Label,
    Occurrence,
    Scene,
    Shot,
    Sound,
    Subtitle,
    SubtitleFile,
    Summary,
    SummarySentence,
    TextLine,
    Transcript,
    Utterance,
    Word,
)
from tests.pipeline.lake.lakes import COORDINATED, TEXT, VISION, media_info

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
score = st.floats(0, 1, width=32)
number = st.floats(-1e6, 1e6, width=32)
index = st.integers(0, 2**31 - 1)


def records(kind: type, /, **fields: Any) -> st.SearchStrategy[Any]:
    return st.builds(kind, **fields)


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(strategy, max_size=3).map(tuple)


def spans(kind: type, /, **fields: Any) -> st.SearchStrategy[Any]:
    times = st.tuples(st.floats(0, 1e5), st.floats(0, 1e5)).map(sorted)
    return st.tuples(times, st.fixed_dictionaries(fields)).map(
        lambda drawn: kind(start_s=drawn[0][0], end_s=drawn[0][1], **drawn[1])
    )


def vectors(dimensions: int) -> st.SearchStrategy[Any]:
    return hnp.arrays(np.float32, dimensions, elements=st.floats(-1, 1, width=32))


class_scores = st.dictionaries(st.integers(0, 999), score, max_size=3).map(
    lambda found: ClassScores(np.array(list(found), np.int32), np.array(list(found.values()), np.float32))
)
label = records(Label, label=text, score=score)
evidence = spans(Evidence, kind=st.sampled_from(["utterance", "frame"]), id=text)
streams = st.builds(
    replace,
    st.just(media_info("x")),
    duration_s=st.floats(0, 1e6),
    audio=st.none() | st.just(media_info("x").audio),
    video=st.none()
    | records(
        VideoStream,
        index=st.just(0),
        codec=text,
        width=index,
        height=index,
        fps=st.floats(0, 1000),
        rotation=st.sampled_from([0, 90, 180, 270]),
        pixel_format=text,
        fps_varies=st.booleans(),
    ),
    tracks=some(
        records(
            Track,
            index=index,
            kind=st.sampled_from(["video", "audio", "cover"]),
            codec=st.none() | text,
            language=st.none() | text,
            channels=st.none() | index,
            title=st.none() | text,
            default=st.booleans(),
        )
    ),
    timecode=st.none() | text,
    created_at=st.none() | st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
)
analyses = st.builds(
    Analysis,
    info=streams,
    duration_s=st.floats(0, 1e6),
    frame_count=index,
    corrupt_packets=index,
    shots=some(spans(Shot, index=index, transition=st.sampled_from(["cut", "slide"]), score=score)),
    keyframes=some(
        records(
            Keyframe,
            index=index,
            time_s=st.floats(0, 1e5),
            shot_index=index,
            sharpness=number,
            phash=st.integers(0, 2**64 - 1),
            width=index,
            height=index,
            thumbnail=st.binary(max_size=20),
            labels=some(label),
            text_lines=some(
                records(TextLine, text=text, box=st.tuples(score, score, score, score), score=score),
            ),
            objects=some(records(DetectedObject, label=text, box=st.tuples(score, score, score, score), score=score)),
            caption=text,
            caption_source=text,
            embedding=vectors(VISION[1]),
            text_embedding=vectors(TEXT[1]),
            coordinated_embedding=vectors(COORDINATED[1]),
            classes=st.none() | class_scores,
        )
    ),
    transcript=st.builds(
        Transcript,
        language=st.none() | st.just("de"),
        language_probability=score,
        speech_s=st.floats(0, 1e5),
        utterances=some(
            spans(
                Utterance,
                index=index,
                text=text,
                language=st.just("de"),
                speaker=st.none() | text,
                words=some(spans(Word, word=text, probability=score)),
                avg_logprob=number,
                no_speech_prob=score,
                compression_ratio=number,
                flags=some(text),
                embedding=st.none() | vectors(TEXT[1]),
                translation=st.none() | text,
                heard_text=st.none() | text,
                heard_words=st.none() | some(spans(Word, word=text, probability=score)),
                sung=st.booleans(),
            )
        ),
        engine=text,
    ),
    scenes=some(
        spans(
            Scene,
            index=index,
            shot_indices=some(index),
            text=text,
            caption=text,
            topics=some(label),
            text_embedding=vectors(TEXT[1]),
            vision_embedding=vectors(VISION[1]),
            fused_embedding=vectors(TEXT[1] + VISION[1]),
            text_weight=score,
            vision_weight=score,
            keyphrases=some(label),
            labels=some(label),
            coordinated_embedding=vectors(COORDINATED[1]),
        )
    ),
    summary=st.builds(
        Summary,
        headline=text,
        sentences=some(records(SummarySentence, text=text, score=score, evidence=some(evidence))),
        chapters=some(spans(Chapter, title=text)),
        highlights=some(spans(Highlight, reason=text, score=score)),
        keyframe_ids=some(text),
        topics=some(label),
        keyphrases=some(label),
        labels=some(label),
        abstract=some(records(SummarySentence, text=text, score=score, evidence=some(evidence))),
        abstract_source=text,
        abstract_dropped=index,
    ),
    text_model=text,
    timings_s=st.dictionaries(text, st.floats(0, 1e6), max_size=3),
    clock_jumps=index,
    file_chapters=some(spans(Chapter, title=text)),
    subtitle_files=some(
        records(SubtitleFile, uri=st.just(""), name=text, language=st.none(), size_bytes=index, mtime_ns=index)
    ),
    subtitles=some(
        spans(
            Subtitle,
            index=index,
            text=text,
            language=st.none() | st.just("de"),
            source=text,
            track=st.none() | index,
            embedding=vectors(TEXT[1]),
        )
    ),
    entities=some(
        records(
            Entity,
            index=index,
            text=text,
            kind=st.sampled_from(ENTITY_KINDS),
            normal=text,
            wikidata_id=st.none() | st.just("Q567"),
            occurrences=some(
                spans(Occurrence, source=st.sampled_from(["speech", "screen", "subtitle"]), id=text, text=text)
            ),
        )
    ),
    sounds=some(spans(Sound, index=index, label=text, score=score)),
    warnings=st.dictionaries(text, st.sampled_from(WARNING_PARTS), max_size=3),
)
