"""`train-fusion` and `bert`: commands that train models on a lake."""

from pathlib import Path
from typing import Any

import click

from flows.cli.exits import Command, reported
from flows.cli.options import lake_option, machine, on_machine, output_option
from schemas.export import TABLE_FORMATS


@click.command("train-fusion")
@lake_option
@output_option("Folder for the weights.", required=True, folder=True)
@click.option("--steps", type=click.IntRange(1), default=300, show_default=True, help="Training steps of 64 scenes.")
@click.option("--rank", type=click.IntRange(1, 256), default=16, show_default=True, help="Rank of the learned weights.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Threads of the text encoder.")
@reported
def train_fusion(lake: str, folder: Path, *, steps: int, rank: int, threads: int) -> None:
    """Train the weights of fusion.method = hybrid on a lake.

    Needs no labels: the model learns to match a part of a scene with the rest of the same scene. Prints an evaluation
    on scenes that it was not trained on. See docs/fusion.md.
    """
    from flows.commands import train

    train.train_fusion(lake, folder, steps=steps, rank=rank, threads=threads)


@click.group()
def bert() -> None:
    """Train a BERT on your own texts, and classify texts with it."""


def _training_options(command: Command) -> Command:
    """Add the options that `pretrain` and `finetune` share."""
    options = [
        output_option("New folder for the model.", required=True, folder=True),
        click.option("--from", "base", metavar="MODEL", help="BERT to start from (default embedded:minilm)."),
        click.option("--epochs", type=click.IntRange(1), default=3, show_default=True,
                     help="Passes over the training texts."),
        click.option("--batch-size", type=click.IntRange(1), default=16, show_default=True, help="Texts per batch."),
        click.option("--learning-rate", type=click.FloatRange(0, min_open=True), default=5e-5, show_default=True,
                     help="Peak learning rate."),
        click.option("--held-out", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.1,
                     show_default=True, help="Share of the texts kept for evaluation."),
        click.option("--max-tokens", type=click.IntRange(8, 512), default=128, show_default=True,
                     help="Maximum length of a text; longer texts are cut."),
        click.option("--seed", type=int, default=7, show_default=True, help="Random seed."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return on_machine(command)


@bert.command()
@click.option("--lake", metavar="LAKE", help="Train on the speech in this lake.")
@click.option("--text", multiple=True, type=click.Path(path_type=Path),
              help="Train on this file: one sentence per line, with an empty line between documents. Can be repeated.",
              )  # fmt: skip
@click.option("--size", type=click.Choice(["tiny", "mini", "small", "medium", "base", "large"]),
              help="Start a new BERT of this size, with a vocabulary learned from the texts, in any language.",
              )  # fmt: skip
@_training_options
@reported
def pretrain(
    lake: str | None, text: tuple[Path, ...], size: Any, folder: Path, base: str | None, **options: Any
) -> None:
    """Continue pre-training a BERT on your own texts.

    It learns to predict masked words and next sentences (MLM, NSP).


    \b
      videolake bert pretrain --lake LAKE -o my-bert
      videolake run ARCHIVE --lake LAKE2 --set text.model=my-bert
    """
    from flows.commands.bert import run_pretrain
    from schemas.training import TrainingOptions

    target = machine(options)
    run_pretrain(folder, lake=lake, text=text, base=base, size=size, options=TrainingOptions(**options), **target)


@bert.command()
@click.argument("examples", type=click.Path(path_type=Path))
@click.option("--lake", metavar="LAKE", help="Lake in which utterance_id or frame_id are looked up.")
@_training_options
@reported
def finetune(examples: Path, lake: str | None, folder: Path, base: str | None, **options: Any) -> None:
    """Fine-tune a BERT to classify texts.

    EXAMPLES is a .csv, .jsonl or .parquet file with columns `text` and `label`. Instead of `text`, it can have
    `utterance_id` or `frame_id`, which refer to rows in --lake.

    """
    from flows.commands.bert import run_finetune
    from schemas.training import TrainingOptions

    target = machine(options)
    run_finetune(examples, folder, lake=lake, base=base, options=TrainingOptions(**options), **target)


@bert.command()
@click.argument("model")
@lake_option
@click.option("--of", "unit", type=click.Choice(["utterances", "frames", "scenes"]), default="utterances",
              show_default=True, help="Table whose texts are classified.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(TABLE_FORMATS), default="table", show_default=True)
@output_option("Write a .parquet, .csv, .json or .jsonl file instead.")
@on_machine
@reported
def classify(model: str, lake: str, unit: Any, form: str, output: Path | None, **options: Any) -> None:
    """Classify the texts of a lake.

    MODEL is a folder written by `videolake bert finetune`. The result has the ids and times of the lake's rows, so you
    can join it with them.

    """
    from flows.commands.bert import run_classify

    run_classify(model, lake, unit=unit, form=form, output=output, **machine(options))
