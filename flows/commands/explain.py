"""`videolake explain`: why a moment answers a query."""

from collections.abc import Sequence
from pathlib import Path

import click

from pipeline.export import check_text_output, one_line, whole_file
from pipeline.extras.explain import Explainer, explanation_html
from pipeline.lake import Lake
from pipeline.language import format_time, parse_time
from schemas.errors import ConfigurationError
from schemas.explain import WordWeight

_BAR = 24
_SHOWN_WORDS = 6


def print_explanation(query: str, moment: str, lake: str, *, output: Path | None) -> None:
    """Print what makes a moment like a query, and write it as a page where asked.

    Raises:
        ConfigurationError: `moment` is not written as VIDEO@TIME; or the page is an original, or named as one.
        LakeError: There is no such moment.
        ExportError: The page cannot be written.
        ModelError: A model that made the lake's vectors is not there any more.
    """
    video, _, time = moment.rpartition("@")
    if not video:
        raise ConfigurationError(f"{moment} is no moment: write it as talk.mp4@1:23 or talk.mp4@83.")
    opened = Lake(lake)
    if output:
        check_text_output(opened, output, "an explanation", ".html")
    found = Explainer(opened).explain(query, video, parse_time(time))
    click.echo(click.style(f"{one_line(found.uri.rsplit('/', 1)[-1])} at {format_time(found.time_s)}", bold=True))
    for share in found.shares:
        bar = "█" * round(_BAR * max(0.0, min(1.0, share.contribution)))
        click.echo(
            f"  {share.modality:<8} {share.contribution:+.2f} = weight {share.weight:.2f} x similarity "
            f"{share.similarity:+.2f}  {bar}"
        )
    for text in found.texts:
        kind = "said" if text.kind == "speech" else "written"
        click.echo(f"\n  {kind} at {format_time(text.start_s)}, similarity {text.similarity:.2f}")
        click.echo(f"    {one_line(' '.join(word.word for word in text.text_words))}")
        click.echo(f"    its words     {_strongest(text.text_words)}")
        click.echo(f"    your words    {_strongest(text.query_words)}")
    if found.picture:
        labels = ", ".join(f"{label} ({score:.2f})" for label, score in found.picture.labels) or "nothing sure"
        click.echo(
            f"\n  shown at {format_time(found.picture.time_s)}, similarity {found.picture.similarity:.2f}: {labels}"
        )
    if output:
        with whole_file(output) as path:
            path.write_text(explanation_html(found), encoding="utf-8")
        click.echo(f"\nwith the picture, as a page: {output}")


def _strongest(words: Sequence[WordWeight]) -> str:
    ordered = sorted(words, key=lambda each: -abs(each.weight))[:_SHOWN_WORDS]
    return one_line(", ".join(f"{each.word} {each.weight:+.2f}" for each in ordered))
