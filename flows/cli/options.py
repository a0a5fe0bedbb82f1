"""Options that several commands share."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.cli.exits import Command
from pipeline.locations import location_of
from schemas.entities import ENTITY_KINDS
from schemas.export import STDOUT
from schemas.search import MOMENT_KINDS

if TYPE_CHECKING:  # importing it takes longer than everything else here
    from schemas.config import Config


class _Lake(click.ParamType[str]):
    name = "lake"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the location of a lake. Parquet engines and Prefect only take locations in UTF-8."""
        if location_of(value) != value:
            self.fail(f"the path of a lake must be valid UTF-8, unlike {location_of(value)}.", param, ctx)
        return value


lake_option = click.option(
    "--lake",
    type=_Lake(),
    required=True,
    envvar="VIDEOLAKE_LAKE",
    metavar="LAKE",
    help="Folder or URI of the lake. Default: VIDEOLAKE_LAKE.",
)


class _Output(click.ParamType[Path]):
    """A file or folder to write. `-` is standard output, where the command can write one file."""

    name = "path"

    def __init__(self, folder: bool) -> None:
        self._folder = folder

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path, or `STDOUT`."""
        if self._folder and value == str(STDOUT):
            self.fail("this command writes a folder, which standard output cannot hold.", param, ctx)
        path = Path(value)
        return path.absolute() if path == STDOUT and value != str(STDOUT) else path


def output_option(text: str, *, required: bool = False, folder: bool = False) -> Callable[[Command], Command]:
    """Return the option `-o`, whose value a command gets as `output`, or as `folder`.

    Args:
        text: Help, without how to name standard output.
        required: Whether the option must be given.
        folder: Whether the command writes a folder of files.
    """
    name, more = ("folder", "") if folder else ("output", " `-` is standard output.")
    return click.option("-o", "--output", name, type=_Output(folder), required=required, help=text + more)


def configured(command: Command) -> Command:
    """Add the configuration options. The command gets `configure`, which loads the configuration with its overrides."""

    @click.option(
        "--profile",
        metavar="NAME",
        help="Built-in set of settings: embedded (default), fast, network or gpu.",
    )
    @click.option(
        "--config",
        "file",
        type=click.Path(path_type=Path),
        help="TOML file with settings, in the format that `videolake config` prints.",
    )
    @click.option(
        "--set", "settings", multiple=True, metavar="SECTION.KEY=VALUE", help="Change one setting. Can be repeated."
    )
    @wraps(command)
    def run(*args: Any, profile: str | None, file: Path | None, settings: tuple[str, ...], **options: Any) -> Any:
        def configure(overrides: dict[str, Any], instead: str | None = None) -> "Config":
            """Load the configuration, with the profile `instead` of the given one."""
            from pipeline.run import load_config

            return load_config(profile=instead or profile, file=file, settings=settings, overrides=overrides)

        return command(*args, configure=configure, **options)

    return run


_FILTERS = {
    "videos": click.option("--video", "videos", multiple=True, metavar="VIDEO",
                           help="Only this video, by id, path or file name."),
    "languages": click.option("--language", "languages", multiple=True, metavar="CODE",
                              help="Only this language, such as `en`."),
    "topics": click.option("--topic", "topics", multiple=True, metavar="TOPIC",
                           help="Only scenes and videos about this topic."),
    "speakers": click.option("--speaker", "speakers", multiple=True, metavar="NAME",
                             help="Only speech of this speaker."),
    "objects": click.option("--object", "objects", multiple=True, metavar="LABEL[:COUNT]",
                            help="Only moments whose keyframe shows this object, such as `person`; `person:3` is at "
                                 "least 3 of them. Can be repeated, for keyframes that show all of them."),
    "sounds": click.option("--sound", "sounds", multiple=True, metavar="LABEL",
                           help="Only moments during which this sound is heard, such as `music` or `applause`."),
    "kinds": click.option("--kind", "kinds", multiple=True, type=click.Choice(MOMENT_KINDS),
                          help="Only moments of this kind."),
    "entities": click.option("--entity", "entities", multiple=True, metavar="NAME",
                             help="Only moments that mention this person, place, organisation, date or work, by any of "
                                  "its spellings or its Wikidata id."),
    "entity_kinds": click.option("--entity-kind", "entity_kinds", multiple=True, type=click.Choice(ENTITY_KINDS),
                                 help="Only moments that mention a name of this kind."),
    "from_s": click.option("--from", "from_s", metavar="TIME",
                           help="Only moments that end after this time in the video, such as 83 or 1:23."),
    "to_s": click.option("--to", "to_s", metavar="TIME",
                         help="Only moments that start before this time in the video."),
}  # fmt: skip
"""Options by the fields of `schemas.search.Filter`."""


def filtered(command: Command) -> Command:
    """Add the search filters."""
    for option in reversed(_FILTERS.values()):
        command = option(command)
    return command


def filters_of(options: dict[str, Any]) -> dict[str, Any]:
    """Remove the search filters from the options and return those that were given, for `make_filter`."""
    given = {name: options.pop(name) for name in _FILTERS}
    return {name: value for name, value in given.items() if value not in (None, ())}


def on_machine(command: Command) -> Command:
    """Add `--device` and `--threads`, which decide where a model runs."""
    device = click.Choice(["auto", "cpu", "cuda"])
    command = click.option("--threads", type=click.IntRange(1), help="CPU threads. Default: all cores.")(command)
    return click.option("--device", type=device, default="auto", show_default=True, help="Where the model runs.")(
        command
    )


def machine(options: dict[str, Any]) -> dict[str, Any]:
    """Remove the options of `on_machine` and return the device and the number of threads that they mean."""
    from pipeline.models import choose_device, default_threads

    return {"device": choose_device(options.pop("device")), "threads": options.pop("threads") or default_threads()}
