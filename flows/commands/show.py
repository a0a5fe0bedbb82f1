"""`videolake show`: what the lake knows about one video, for people."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from pipeline.export import NOTE, one_line
from pipeline.lake import Lake, VideoRecord, read_video, some_names
from pipeline.language import format_time
from pipeline.view import evidence_start_s, format_score, video_facts
from schemas.errors import ConfigurationError
from schemas.records import Label

_MAX_LINES = 40


def print_video(video: str | None, lake: str, *, as_json: bool) -> None:
    """Print what the lake knows about a video.

    Raises:
        LakeError: There is no such video, or the lake cannot be read.
        ConfigurationError: No video is named; the message names some.
    """
    opened = Lake(lake)
    if video is None:
        names = opened.read(some_names, moments=False)
        has = f"The lake has {names}, …" if names else "The lake has none yet"
        raise ConfigurationError(f'Name a video. {has}; `videolake sql "SELECT uri FROM videos"` lists all.')  # noqa: S608
    found = read_video(opened, video, parts={"shots", "utterances", "subtitles", "sounds"}, allow_failed=True)
    if as_json:
        click.echo(json.dumps(_document(found), ensure_ascii=False, indent=2))
        return
    _print_head(found)
    for error in found.errors:
        part = "" if found.status == "failed" else ", the rest of the video was analysed"
        _heading("Error")
        click.echo(one_line(f"{error.kind} in {error.stage}{part}: {error.message}"))
    if found.status == "failed":
        return
    summary = found.summary
    _print_moments("Summary", [(evidence_start_s(sentence), sentence.text) for sentence in summary.sentences])
    _print_abstract(found)
    _print_moments("Chapters", [(chapter.start_s, chapter.title) for chapter in summary.chapters])
    _print_moments("Chapters of the file", [(chapter.start_s, chapter.title) for chapter in found.file_chapters])
    _print_moments("Highlights", [(highlight.start_s, highlight.reason) for highlight in summary.highlights])
    _print_labels("Topics", summary.topics)
    _print_labels("Keyphrases", summary.keyphrases)
    _print_labels("Seen", summary.labels)
    _print_transcript(found)
    _print_subtitles(found)
    for warning in found.row["warnings"]:
        click.echo(click.style("note: ", fg="yellow") + one_line(warning))


def _document(video: VideoRecord) -> dict[str, Any]:
    summary = asdict(video.summary)
    return {
        "video_id": video.video_id,
        "uri": video.uri,
        "uris": video.uris,
        "missing_since": video.missing_since.isoformat() if video.missing_since else None,
        "status": video.status,
        "headline": video.headline,
        "facts": list(video_facts(video).items()),
        "languages": [asdict(each) for each in video.languages],
        "chapters": summary["chapters"],
        "file_chapters": [asdict(chapter) for chapter in video.file_chapters],
        "summary": summary["sentences"],
        **{name: summary[name] for name in ("abstract", "abstract_source", "abstract_dropped")},
        **{name: summary[name] for name in ("highlights", "topics", "keyphrases", "labels")},
        "transcript": [
            {"start_s": each.start_s, "end_s": each.end_s, "text": each.text, "language": each.language,
             "speaker": each.speaker, "flags": each.flags, "sung": each.sung}
            for each in video.utterances
        ],
        "subtitles": [
            {"start_s": each.start_s, "end_s": each.end_s, "text": each.text, "language": each.language,
             "source": each.source}
            for each in video.subtitles
        ],
        "sounds": [asdict(sound) for sound in video.sounds],
        "shots": [asdict(shot) for shot in video.shots],
        "warnings": video.row["warnings"],
        "errors": [asdict(error) for error in video.errors],
    }  # fmt: skip


def _print_head(video: VideoRecord) -> None:
    click.echo(click.style(one_line(video.headline or video.uri), bold=True))
    click.echo(one_line(video.uri))
    for other in video.uris[1:]:
        click.echo(f"also {one_line(other)}")
    click.echo(video.video_id)
    click.echo()
    for name, value in video_facts(video).items():
        click.echo(f"  {name:<12} {one_line(value)}")


def _print_abstract(video: VideoRecord) -> None:
    summary = video.summary
    if not summary.abstract_source:
        return
    _heading(f"Abstract, by {one_line(summary.abstract_source.removeprefix('model:'))}")
    for sentence in summary.abstract:
        click.echo(f"  {format_time(evidence_start_s(sentence)):>8}  {one_line(sentence.text)}")
    if summary.abstract_dropped:
        number = f"{summary.abstract_dropped} sentences" if summary.abstract_dropped > 1 else "1 sentence"
        click.echo(click.style(f"  ({number} left out that the video does not support)", dim=True))


def _print_transcript(video: VideoRecord) -> None:
    if not video.utterances:
        return
    _heading("Transcript")
    for each in video.utterances[:_MAX_LINES]:
        doubt = click.style(f"  ({one_line(', '.join(each.flags))})", dim=True) if each.flags else ""
        speaker = f"{each.speaker}: " if each.speaker else ""
        language = f"[{each.language}] " if len(video.languages) > 1 else ""
        text = f"{NOTE} {each.text} {NOTE}" if each.sung else each.text
        click.echo(f"  {format_time(each.start_s):>8}  {one_line(language + speaker + text)}{doubt}")
    if len(video.utterances) > _MAX_LINES:
        click.echo(f"  … {len(video.utterances) - _MAX_LINES} more lines; --json has them all")


def _print_subtitles(video: VideoRecord) -> None:
    if not video.subtitles:
        return
    _heading("Subtitles that came with the video")
    for source, language in video.subtitle_sources.items():
        count = sum(line.source == source for line in video.subtitles)
        click.echo(f"  {one_line(source)}: {language or 'language unknown'}, {count} line{'s' * (count != 1)}")
    click.echo(click.style("  `videolake export --format txt --source NAME` writes one of them.", dim=True))


def _print_labels(title: str, labels: Sequence[Label]) -> None:
    if labels:
        _heading(title)
        click.echo("  " + one_line(", ".join(f"{label.label} ({format_score(label.score)})" for label in labels)))


def _print_moments(title: str, moments: Sequence[tuple[float, str]]) -> None:
    if moments:
        _heading(title)
    for start_s, text in moments:
        click.echo(f"  {format_time(start_s):>8}  {one_line(text)}")


def _heading(text: str) -> None:
    click.echo()
    click.echo(click.style(text, bold=True))
