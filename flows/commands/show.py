"""`videolake show`: what the lake says of one video, for people."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import click

from pipeline.export import one_line
from pipeline.lake import Lake, VideoDescription, clock, describe_video
from schemas.records import Label, SummarySentence

_MAX_LINES = 40


def print_video(video: str, lake: str, *, as_json: bool) -> None:
    """Print the description of a video.

    Raises:
        LakeError: There is no such video, or the lake cannot be read.
    """
    description = describe_video(Lake(lake), video)
    if as_json:
        click.echo(json.dumps(asdict(description), ensure_ascii=False, indent=2))
        return
    _print_head(description)
    if description.error:
        _heading("Error")
        error = description.error
        click.echo(one_line(f"{error.kind} in {error.stage}: {error.message}"))
        return
    _print_moments("Summary", [(_begin(sentence), sentence.text) for sentence in description.summary])
    _print_abstract(description)
    _print_moments("Chapters", [(chapter.start_s, chapter.title) for chapter in description.chapters])
    _print_moments("Highlights", [(highlight.start_s, highlight.reason) for highlight in description.highlights])
    _print_labels("Topics", description.topics)
    _print_labels("Keyphrases", description.keyphrases)
    _print_labels("Seen", description.labels)
    _print_transcript(description)
    for warning in description.warnings:
        click.echo(click.style("note: ", fg="yellow") + one_line(warning))


def _print_head(description: VideoDescription) -> None:
    click.echo(click.style(one_line(description.headline or description.uri), bold=True))
    click.echo(one_line(description.uri))
    for other in description.uris[1:]:
        click.echo(f"also {one_line(other)}")
    click.echo(description.video_id)
    click.echo()
    for name, value in description.facts:
        click.echo(f"  {name:<12} {one_line(value)}")


def _print_abstract(description: VideoDescription) -> None:
    if not description.abstract_source:
        return
    _heading(f"Abstract, by {one_line(description.abstract_source.removeprefix('model:'))}")
    for sentence in description.abstract:
        click.echo(f"  {clock(_begin(sentence)):>8}  {one_line(sentence.text)}")
    if description.abstract_dropped:
        number = f"{description.abstract_dropped} sentences" if description.abstract_dropped > 1 else "1 sentence"
        click.echo(click.style(f"  ({number} left out that the video does not support)", dim=True))


def _print_transcript(description: VideoDescription) -> None:
    if not description.transcript:
        return
    _heading("Transcript")
    for line in description.transcript[:_MAX_LINES]:
        doubt = click.style(f"  ({one_line(', '.join(line.flags))})", dim=True) if line.flags else ""
        speaker = f"{line.speaker}: " if line.speaker else ""
        click.echo(f"  {clock(line.start_s):>8}  {one_line(speaker + line.text)}{doubt}")
    if len(description.transcript) > _MAX_LINES:
        click.echo(f"  … {len(description.transcript) - _MAX_LINES} more lines; --json has them all")


def _print_labels(title: str, labels: Sequence[Label]) -> None:
    if labels:
        _heading(title)
        click.echo("  " + one_line(", ".join(f"{label.label} ({label.score:.2f})" for label in labels)))


def _print_moments(title: str, moments: Sequence[tuple[float, str]]) -> None:
    if moments:
        _heading(title)
    for start_s, text in moments:
        click.echo(f"  {clock(start_s):>8}  {one_line(text)}")


def _begin(sentence: SummarySentence) -> float:
    said = [evidence for evidence in sentence.evidence if evidence.kind == "utterance"]
    return min((evidence.start_s for evidence in said or sentence.evidence), default=0.0)


def _heading(text: str) -> None:
    click.echo()
    click.echo(click.style(text, bold=True))
