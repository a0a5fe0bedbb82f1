"""The models of a worker: loaded for a video or a run, or ahead of the run that will need them."""

import time
from collections.abc import Collection
from dataclasses import dataclass

from pipeline.analysis.video import Models, load_models
from pipeline.models import choose_device, settle
from schemas.config import Config
from schemas.outcome import LogLine
from schemas.stages import Stage
from workers.log_capture import captured_logs


@dataclass(frozen=True, slots=True)
class Loaded:
    """Models, and what it cost to load them."""

    models: Models
    config: Config
    threads: int
    load_s: float
    log: tuple[LogLine, ...]


_ahead: list[Loaded] = []
"""What was loaded ahead and is not used yet: at most one."""


def load(config: Config, threads: int, stages: Collection[Stage]) -> Loaded:
    """Load the models of some stages, or take them if they were loaded ahead.

    Args:
        config: The whole configuration, with `auto` settled.
        threads: Threads of each model.
        stages: The stages to run.

    Raises:
        ModelError: A model cannot be found or loaded.
        DeviceError: The GPU is broken.
        ConfigurationError: The taxonomy or the gazetteer cannot be read.
    """
    found = _ahead.pop() if _ahead else None
    if found and (found.config, found.threads) == (config, threads) and found.models.stages >= frozenset(stages):
        return found
    del found  # not both in memory
    started = time.perf_counter()
    with captured_logs() as log:
        device = choose_device(config.workers.device)
        models = load_models(config, device=device, threads=threads, stages=stages)
    return Loaded(models, config, threads, time.perf_counter() - started, tuple(log))


def load_ahead(config: Config, threads: int, stages: Collection[Stage]) -> None:
    """Load models that a run will most likely need; see `load`."""
    _ahead.append(load(settle(config), threads, stages))
