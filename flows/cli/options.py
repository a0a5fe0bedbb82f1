"""Options that several commands share."""

import os
from functools import wraps
from pathlib import Path
from typing import Any

import click

from flows.cli.exits import Command
from schemas.config import Config
from schemas.search import MOMENT_KINDS

lake_option = click.option(
    "--lake",
    required=True,
    envvar="VIDEOLAKE_LAKE",
    metavar="LAKE",
    help="Folder or URI of the lake; or set VIDEOLAKE_LAKE.",
)


def configured(command: Command) -> Command:
    """Add the options from which the configuration is made; `configure` makes it, with what the command overrides."""

    @click.option(
        "--profile", metavar="NAME", help="A shipped set of settings: embedded (default), fast, accurate, multilingual."
    )
    @click.option(
        "--config",
        "file",
        type=click.Path(path_type=Path),
        help="A TOML file of settings, as `videolake config` prints.",
    )
    @click.option(
        "--set", "settings", multiple=True, metavar="SECTION.KEY=VALUE", help="One setting; may be given several times."
    )
    @wraps(command)
    def run(*args: Any, profile: str | None, file: Path | None, settings: tuple[str, ...], **options: Any) -> Any:
        def configure(overrides: dict[str, Any]) -> Config:
            from pipeline.run import load_config

            return load_config(profile=profile, file=file, settings=settings, overrides=overrides)

        return command(*args, configure=configure, **options)

    return run


_FILTERS = {
    "videos": click.option("--video", "videos", multiple=True, metavar="VIDEO",
                           help="Only in this video: id, path or file name."),
    "languages": click.option("--language", "languages", multiple=True, metavar="CODE",
                              help="Only in this language, as `en`."),
    "topics": click.option("--topic", "topics", multiple=True, metavar="TOPIC",
                           help="Only in scenes and videos about this topic."),
    "speakers": click.option("--speaker", "speakers", multiple=True, metavar="NAME",
                             help="Only what this speaker says."),
    "kinds": click.option("--kind", "kinds", multiple=True, type=click.Choice(MOMENT_KINDS),
                          help="Only what is said, on screen, captioned, or shown."),
    "from_s": click.option("--from", "from_s", metavar="TIME",
                           help="Only what ends after this time of a video: 83 or 1:23."),
    "to_s": click.option("--to", "to_s", metavar="TIME", help="Only what starts before this time."),
}  # fmt: skip
"""By the fields of `schemas.search.Filter`."""


def filtered(command: Command) -> Command:
    """Add the filters of a search."""
    for option in reversed(_FILTERS.values()):
        command = option(command)
    return command


def filters_of(options: dict[str, Any]) -> dict[str, Any]:
    """Take what `filtered` added out of the options, and return what was given of it, for `make_filter`."""
    given = {name: options.pop(name) for name in _FILTERS}
    return {name: value for name, value in given.items() if value not in (None, ())}


def on_machine(command: Command) -> Command:
    """Add where a model runs."""
    command = click.option("--threads", type=click.IntRange(1), help="Threads on a CPU; default: all cores.")(command)
    return click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)(
        command
    )


def machine(options: dict[str, Any]) -> dict[str, Any]:
    """Take what `on_machine` added out of the options, and return it as a device and a number of threads."""
    from pipeline.models import choose_device

    return {"device": choose_device(options.pop("device")), "threads": options.pop("threads") or os.cpu_count() or 1}
