"""`train-fusion` and `bert`: models that learn from a lake."""

from pathlib import Path
from typing import Any

import click

from flows.cli.exits import Command, reported
from flows.cli.options import lake_option, machine, on_machine


@click.command("train-fusion")
@lake_option
@click.option(
    "-o", "--output", "folder", required=True, type=click.Path(path_type=Path), help="Folder for the weights."
)
@click.option("--steps", type=click.IntRange(1), default=300, show_default=True, help="Batches of 64 scenes.")
@click.option("--rank", type=click.IntRange(1, 256), default=16, show_default=True, help="Size of what is learned.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Threads of the text encoder.")
@reported
def train_fusion(lake: str, folder: Path, *, steps: int, rank: int, threads: int) -> None:
    """Learn the weights of fusion.method = hybrid from the scenes of a lake, and measure what they are worth.

    No labels are needed: each scene, without one of its parts, must be told from others by that part. See
    docs/fusion.md.
    """
    from flows.commands import train

    train.train_fusion(lake, folder, steps=steps, rank=rank, threads=threads)


@click.group()
def bert() -> None:
    """Train a BERT on your own words, and sort texts into classes with it."""


def _training_options(command: Command) -> Command:
    """Add what `pretrain` and `finetune` share."""
    options = [
        click.option("-o", "--output", "folder", required=True, type=click.Path(path_type=Path), help="New folder."),
        click.option("--from", "base", metavar="MODEL", help="BERT to begin with (default embedded:minilm)."),
        click.option("--epochs", type=click.IntRange(1), default=3, show_default=True, help="Times all is read."),
        click.option("--batch-size", type=click.IntRange(1), default=16, show_default=True),
        click.option("--learning-rate", type=click.FloatRange(0, min_open=True), default=5e-5, show_default=True),
        click.option("--held-out", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.1,
                     show_default=True, help="Share that is not learnt from, but measured on."),
        click.option("--max-tokens", type=click.IntRange(8, 512), default=128, show_default=True),
        click.option("--seed", type=int, default=7, show_default=True),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return on_machine(command)


@bert.command()
@click.option("--lake", metavar="LAKE", help="Learn from what is said in this lake's videos.")
@click.option("--text", multiple=True, type=click.Path(path_type=Path),
              help="Learn from this file: a sentence a line, an empty line between documents.")  # fmt: skip
@click.option("--size", type=click.Choice(["tiny", "mini", "small", "medium", "base", "large"]),
              help="Begin with a new BERT of this size, and a vocabulary of these texts in any language.")  # fmt: skip
@_training_options
@reported
def pretrain(
    lake: str | None, text: tuple[Path, ...], size: Any, folder: Path, base: str | None, **options: Any
) -> None:
    """Go on with the pre-training of a BERT on your own texts: masked words and next sentences (MLM, NSP).

    \b
      videolake bert pretrain --lake LAKE -o my-bert
      videolake run ARCHIVE --lake LAKE2 --set text.model=my-bert
    """
    from flows.commands.bert import run_pretrain
    from schemas.training import TrainingOptions

    where = machine(options)
    run_pretrain(folder, lake=lake, text=text, base=base, size=size, options=TrainingOptions(**options), **where)


@bert.command()
@click.argument("examples", type=click.Path(path_type=Path))
@click.option("--lake", metavar="LAKE", help="Where utterance_id or frame_id are looked up.")
@_training_options
@reported
def finetune(examples: Path, lake: str | None, folder: Path, base: str | None, **options: Any) -> None:
    """Teach a BERT to sort texts into classes, from EXAMPLES: a .csv, .jsonl or .parquet with `text` and `label`.

    Instead of `text` there may be `utterance_id` or `frame_id`, of texts in --lake.
    """
    from flows.commands.bert import run_finetune
    from schemas.training import TrainingOptions

    where = machine(options)
    run_finetune(examples, folder, lake=lake, base=base, options=TrainingOptions(**options), **where)


@bert.command()
@click.argument("model")
@lake_option
@click.option("--of", "unit", type=click.Choice(["utterances", "frames", "scenes"]), default="utterances",
              show_default=True, help="What is sorted, by its text.")  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json", "jsonl"]), default="table", show_default=True
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A .parquet, .csv, .json or .jsonl file.")
@on_machine
@reported
def classify(model: str, lake: str, unit: Any, form: str, output: Path | None, **options: Any) -> None:
    """Sort the texts of a lake into the classes of MODEL, as `videolake bert finetune` makes it.

    The answer has the ids and times of the lake's rows, so that it joins them.
    """
    from flows.commands.bert import run_classify

    run_classify(model, lake, unit=unit, form=form, output=output, **machine(options))
