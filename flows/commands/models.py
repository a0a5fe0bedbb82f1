"""`videolake models`: list the models of a configuration, or download, verify and load them all."""

import resource
import sys
import time
from collections.abc import Iterable

import click

from flows.terminal import harmless
from pipeline.analysis.video import load_models
from pipeline.models import ModelInfo, choose_device, default_threads, fetch, roster_of, settle
from pipeline.run import models_of
from pipeline.view import format_size
from schemas.config import Config


def print_models(config: Config) -> None:
    """List the models of a configuration. What is missing is downloaded first.

    Raises:
        ModelError: A model cannot be found.
    """
    _print(models_of(config))


def fetch_models(config: Config) -> None:
    """Download all models of a configuration, compare them with the Hub's checksums, and load each once.

    Raises:
        ModelError: A model cannot be found, downloaded, verified or loaded.
    """
    config = settle(config)
    needed = roster_of(config).ids
    for number, (role, model_id) in enumerate(needed, 1):
        click.echo(f"{number}/{len(needed)} {role}: {harmless(model_id)}", err=True)
        fetch(role, model_id)
    models = models_of(config)
    _print(models)
    begun = time.perf_counter()
    load_models(config, device=choose_device(config.workers.device), threads=default_threads())
    click.echo(
        f"All {len(models)} are here, {format_size(sum(model.size_bytes for model in models))}, and load: in "
        f"{time.perf_counter() - begun:.0f} s, with {format_size(_peak_memory())} of memory for one worker."
    )


def _print(models: Iterable[ModelInfo]) -> None:
    for model in models:
        size = format_size(model.size_bytes) if model.size_bytes else ""
        click.echo(f"{model.role:<9} {model.id:<40} {model.licence:<14} {size:>8}  {model.digest[:12]}  {model.path}")


def _peak_memory() -> int:
    """Return the largest memory of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
