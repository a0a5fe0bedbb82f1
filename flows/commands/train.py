"""`videolake train-fusion`: train the weights of the hybrid fusion on a lake."""

from pathlib import Path

import click

from schemas.errors import ConfigurationError

_FEW_SCENES = 1000


def train_fusion(lake_uri: str, folder: Path, *, steps: int, rank: int, threads: int) -> None:
    """Train the weights, save them, and print whether they beat the closed form.

    Raises:
        ConfigurationError: The folder holds other files.
        LakeError: The lake cannot be read, or has too few scenes.
        ModelError: A model that made the lake's vectors is not installed.
    """
    from pipeline.analysis.fusion import SETTINGS, save
    from pipeline.extras.fusion_training import TrainingSettings, read_examples, train
    from pipeline.lake import Lake
    from pipeline.search import QueryEncoder

    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / SETTINGS).is_file())):
        raise ConfigurationError(f"{folder} holds other files. Name a new or an empty folder.")
    lake = Lake(lake_uri)
    encoder = QueryEncoder.of_lake(lake, threads=threads)
    scenes = read_examples(lake, encoder)
    click.echo(f"{len(scenes)} scenes")
    module, report = train(scenes, TrainingSettings(steps=steps, rank=rank))
    save(module, folder, space=encoder.spaces.coordinated[0], about=report.as_dict())
    click.echo(f"loss {report.first_loss:.3f} -> {report.last_loss:.3f} on {report.train_scenes} scenes")
    click.echo(
        f"{report.held_out_scenes} scenes of held-out videos, {report.held_out_queries} queries: mean reciprocal rank "
        f"{report.trained_mrr:.3f}, closed form {report.closed_form_mrr:.3f}."
    )
    if report.better:
        if report.train_scenes < _FEW_SCENES:
            click.echo("That is few scenes to train on. Try your own queries before you rely on it (docs/fusion.md).")
        click.echo(f"To use it: --set fusion.method=hybrid --set fusion.hybrid_weights={folder}")
    else:
        click.echo("It does not beat the closed form, which needs no weights. Use that, or train on more scenes.")
