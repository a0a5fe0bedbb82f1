"""`videolake explain`: why a moment matches a query."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from pipeline.export import check_text_output, one_line, whole_file
from pipeline.extras.explain import Explainer, explanation_html
from pipeline.lake import Lake
from pipeline.language import format_time, parse_video_time
from schemas.explain import WordWeight
from schemas.export import STDOUT

_BAR_WIDTH = 24
_MAX_WORDS = 6


def print_explanation(query: str, moment: str, lake: str, *, output: Path | None) -> None:
    """Print why a moment is similar to a query, and optionally write a page about it.

    Args:
        query: Text that was searched for.
        moment: The moment, `VIDEO@TIME`.
        lake: The lake.
        output: The page to write; None writes none.

    Raises:
        ConfigurationError: `moment` is invalid, or `output` would overwrite an original.
        LakeError: There is no such moment.
        ExportError: The page cannot be written.
        ModelError: A model that made the lake's vectors is not installed.
    """
    parsed = parse_video_time(moment)
    opened = Lake(lake)
    if output:
        check_text_output(opened, output, "an explanation", ".html")
    found = Explainer(opened).explain(query, parsed.video, parsed.time_s)
    say = partial(click.echo, err=output == STDOUT)
    say(click.style(f"{one_line(found.uri.rsplit('/', 1)[-1])} at {format_time(found.time_s)}", bold=True))
    for share in found.shares:
        bar = "█" * round(_BAR_WIDTH * max(0.0, min(1.0, share.contribution)))
        say(
            f"  {share.modality:<8} {share.contribution:+.2f} = weight {share.weight:.2f} x similarity "
            f"{share.similarity:+.2f}  {bar}"
        )
    for text in found.texts:
        kind = "said" if text.kind == "speech" else "written"
        say(f"\n  {kind} at {format_time(text.start_s)}, similarity {text.similarity:.2f}")
        say(f"    {one_line(' '.join(word.word for word in text.text_words))}")
        say(f"    words of the text   {_strongest(text.text_words)}")
        say(f"    words of the query  {_strongest(text.query_words)}")
    if found.frame:
        labels = (
            ", ".join(f"{label} ({score:.2f})" for label, score in found.frame.labels) or "none above the threshold"
        )
        say(f"\n  shown at {format_time(found.frame.time_s)}, similarity {found.frame.similarity:.2f}: {labels}")
    if output:
        with whole_file(output) as path:
            path.write_text(explanation_html(found), encoding="utf-8")
        if output != STDOUT:
            say(f"\nwritten to {output}")


def _strongest(words: Sequence[WordWeight]) -> str:
    ordered = sorted(words, key=lambda each: -abs(each.weight))[:_MAX_WORDS]
    return one_line(", ".join(f"{each.word} {each.weight:+.2f}" for each in ordered))
