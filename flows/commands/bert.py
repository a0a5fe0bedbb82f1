"""`videolake bert`: pre-train or fine-tune a BERT on the text of a lake, and classify with it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from flows.commands.query import print_answer
from flows.terminal import unguarded
from pipeline.extras.bert import (
    TextClassifier,
    Unit,
    documents_of_file,
    documents_of_lake,
    finetune,
    pretrain,
    read_examples,
)
from pipeline.lake import Lake
from schemas.errors import ConfigurationError
from schemas.training import BertSize, PretrainingScore, TrainingOptions

_DEFAULT = "embedded:minilm"


def run_pretrain(
    folder: Path,
    *,
    lake: str | None,
    text: tuple[Path, ...],
    base: str | None,
    size: BertSize | None,
    options: TrainingOptions,
    device: str,
    threads: int,
) -> None:
    """Pre-train, and print scores on held-out text before and after.

    Raises:
        VideolakeError: There is no text, or the model cannot be loaded or saved.
    """
    if base and size:
        raise ConfigurationError(
            "Give either --from to continue training a model, or --size to train a new one, not both."
        )
    documents = [document for file in text for document in documents_of_file(file)]
    documents += documents_of_lake(Lake(lake)) if lake else []
    if not documents:
        raise ConfigurationError("There is no text to train on. Give --lake with videos that have speech, or --text.")
    sentences = sum(map(len, documents))
    click.echo(f"{len(documents)} documents, {sentences} sentences", err=True)
    with _progress() as progress:
        report = pretrain(
            documents, folder, base=size or base or _DEFAULT, scratch=size is not None, options=options,
            device=device, threads=threads, progress=progress,
        )  # fmt: skip
    click.echo(f"{'on held-out text':<28}{'before':>10}{'after':>10}")
    rows: list[tuple[str, Callable[[PretrainingScore], float | None]]] = [
        ("masked word loss (nats)", lambda score: score.mlm_loss),
        ("masked word accuracy", lambda score: score.mlm_accuracy),
        ("next sentence accuracy", lambda score: score.nsp_accuracy),
    ]
    for name, value in rows:
        before, after = value(report.before), value(report.after)
        if before is not None and after is not None:
            click.echo(f"{name:<28}{before:>10.3f}{after:>10.3f}")
    click.echo(f"\nUse it: videolake run ARCHIVE --lake LAKE --set text.model={folder}")


def run_finetune(
    examples: Path,
    folder: Path,
    *,
    lake: str | None,
    base: str | None,
    options: TrainingOptions,
    device: str,
    threads: int,
) -> None:
    """Fine-tune a classifier, and print its scores on held-out examples.

    Raises:
        VideolakeError: There are too few examples, they cannot be read, or the model cannot be loaded or saved.
    """
    found = read_examples(examples, Lake(lake) if lake else None)
    with _progress() as progress:
        report = finetune(
            found, folder, base=base or _DEFAULT, options=options, device=device, threads=threads, progress=progress
        )
    click.echo(
        f"accuracy {report.accuracy:.3f}, macro F1 {report.macro_f1:.3f} on {report.measured_on} held-out examples "
        f"(baseline, always the most frequent class: {report.majority_accuracy:.3f})\n"
    )
    click.echo(f"{'class':<24}{'precision':>10}{'recall':>10}{'F1':>10}{'examples':>10}")
    for each in report.classes:
        click.echo(f"{each.label:<24}{each.precision:>10.3f}{each.recall:>10.3f}{each.f1:>10.3f}{each.examples:>10}")
    click.echo(f"\nUse it: videolake bert classify {folder} --lake LAKE")


def run_classify(
    model: str, lake: str, *, unit: Unit, form: str, output: Path | None, device: str, threads: int
) -> None:
    """Classify all texts of one table in a lake, and print or write the result.

    Raises:
        VideolakeError: The lake or the model cannot be read, or the file cannot be written.
    """
    rows = TextClassifier(model, device=device, threads=threads).classify(Lake(lake), unit)
    print_answer(rows, form=form, output=output)


@contextmanager
def _progress() -> Iterator[Callable[[int, int, float], None]]:
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    with Progress(*Progress.get_default_columns(), TextColumn("loss {task.fields[loss]:.3f}"), transient=True,
                  console=Console(file=unguarded(sys.stderr))) as bar:  # fmt: skip
        row = bar.add_task("training", total=None, loss=float("nan"))
        yield lambda step, steps, loss: bar.update(row, completed=step, total=steps, loss=loss)
