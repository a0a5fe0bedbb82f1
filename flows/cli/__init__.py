"""The `videolake` command line: a thin layer over the Python API."""

import gc

import click

from flows.cli import archive, correcting, exporting, reading, searching, settings, training


class _Group(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in the order of a typical session, not alphabetically."""
        del ctx
        return list(self.commands)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="videolake", prog_name="videolake")
def main() -> None:
    """Footage in, tables out: turn an archive of videos into Parquet tables that you can query.

    \b
    videolake sample ./videos                    make a small archive to try it on
    videolake run ./videos --lake ./lake         analyse it
    videolake search "a red car" --lake ./lake   find a moment
    videolake sql "FROM videos" --lake ./lake    query the tables
    """
    from flows.interrupts import keep_interrupts
    from flows.terminal import guard

    # Imports make hundreds of thousands of objects and no garbage, so looking for it a hundred times is in vain.
    gc.set_threshold(100_000, 20, 20)
    guard()
    keep_interrupts()


for command in (
    archive.run,
    archive.serve,
    archive.automations,
    reading.runs,
    reading.sql,
    searching.search,
    searching.explain,
    searching.index,
    searching.duplicates,
    reading.show,
    exporting.export,
    exporting.clip,
    correcting.correct,
    reading.browse,
    reading.report,
    reading.audit,
    archive.sample,
    settings.config,
    settings.taxonomy,
    settings.models,
    training.train_fusion,
    archive.compact,
    archive.forget,
    training.bert,
):
    main.add_command(command)
