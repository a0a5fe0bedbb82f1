"""Transcripts, as plain text and as JSON."""

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from pipeline.export.cues import NOTE
from pipeline.export.text import one_line
from pipeline.lake import VideoRecord
from pipeline.language import format_time
from schemas.records import Subtitle, Utterance, subtitle_id, utterance_id

SHAPE = "videolake-transcript/1"
_PAUSE_S = 4.0


def plain(video: VideoRecord, *, translation: bool = False) -> str:
    """Write a transcript as text. A paragraph ends with a scene or speaker, or at a long pause, and has its time.

    What is sung is a paragraph of its own, between notes.

    Args:
        video: The video.
        translation: Write translations of utterances that have one.
    """
    paragraphs = []
    for paragraph in _paragraphs(video):
        said = (each.translation if translation and each.translation is not None else each.text for each in paragraph)
        text = " ".join(filter(None, (one_line(each) for each in said)))
        text = f"{NOTE} {text} {NOTE}" if paragraph[0].sung else text
        speaker = f"{one_line(paragraph[0].speaker)}: " if paragraph[0].speaker else ""
        paragraphs.append(f"[{format_time(paragraph[0].start_s)}] {speaker}{text}\n")
    return "\n".join(paragraphs)


def plain_lines(lines: Sequence[Subtitle]) -> str:
    """Write subtitles that came with a video as text, one line each with its time."""
    return "".join(f"[{format_time(line.start_s)}] {one_line(line.text)}\n" for line in lines)


def as_json(video: VideoRecord) -> str:
    """Write a transcript as JSON, in the format of docs/export.md. It always has translations."""
    return (
        json.dumps(
            {
                "format": SHAPE,
                "video_id": video.video_id,
                "uri": video.uri,
                "language": video.language,
                "languages": [asdict(each) for each in video.languages],
                "duration_s": video.duration_s,
                "headline": video.headline,
                "utterances": [_utterance(video.video_id, each) for each in video.utterances],
                "subtitles": [_subtitle(video.video_id, each) for each in video.subtitles],
            },
            ensure_ascii=False,
            indent=1,
        )
        + "\n"
    )


def _utterance(video_id: str, utterance: Utterance) -> dict[str, object]:
    return {
        "id": utterance_id(video_id, utterance.index),
        "start_s": utterance.start_s,
        "end_s": utterance.end_s,
        "speaker": utterance.speaker,
        "language": utterance.language,
        "text": utterance.text,
        "translation": utterance.translation,
        "words": [asdict(word) for word in utterance.words],
        "avg_logprob": utterance.avg_logprob,
        "no_speech_prob": utterance.no_speech_prob,
        "compression_ratio": utterance.compression_ratio,
        "flags": list(utterance.flags),
        "sung": utterance.sung,
    }


def _subtitle(video_id: str, line: Subtitle) -> dict[str, object]:
    return {
        "id": subtitle_id(video_id, line.index),
        "start_s": line.start_s,
        "end_s": line.end_s,
        "source": line.source,
        "language": line.language,
        "text": line.text,
    }


def _paragraphs(video: VideoRecord) -> Iterator[Sequence[Utterance]]:
    scene_starts_s = [scene.start_s for scene in video.scenes]
    paragraph: list[Utterance] = []
    for utterance in video.utterances:
        if not utterance.text.strip():  # somebody removed what nobody said
            continue
        if paragraph and _apart(paragraph[-1], utterance, scene_starts_s):
            yield paragraph
            paragraph = []
        paragraph.append(utterance)
    if paragraph:
        yield paragraph


def _apart(before: Utterance, after: Utterance, scene_starts_s: Sequence[float]) -> bool:
    scene_begins = bisect_right(scene_starts_s, _middle_s(after)) > bisect_right(scene_starts_s, _middle_s(before))
    differs = before.sung != after.sung or before.speaker != after.speaker
    return scene_begins or differs or after.start_s - before.end_s > _PAUSE_S


def _middle_s(utterance: Utterance) -> float:
    return (utterance.start_s + utterance.end_s) / 2
