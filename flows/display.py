"""Progress in the terminal: a live bar in a terminal, occasional lines in a log file."""

import sys
import time
from types import TracebackType
from typing import Protocol, Self

import click

from flows.progress import Snapshot
from flows.terminal import harmless, unguarded
from pipeline.language import format_time
from schemas.outcome import VideoOutcome

_LINE_INTERVAL_S = 10.0


class Display(Protocol):
    """Shows progress while it is entered."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, snapshot: Snapshot, ended: VideoOutcome | None) -> None:
        """Show the progress of the run."""


def make_display(*, quiet: bool) -> Display:
    """Return the display that suits standard error: a bar in a terminal, lines elsewhere."""
    if quiet:
        return _Silent()
    return _Live() if sys.stderr.isatty() else _Lines()


def describe(snapshot: Snapshot) -> str:
    """Describe the progress of a run in one line."""
    if not snapshot.videos:
        found = f", {snapshot.files_found} files" if snapshot.files_found else ""
        return f"{snapshot.stage}{found}"
    parts = [
        f"{snapshot.done}/{snapshot.videos}{'+' if snapshot.listing else ''} videos",
        f"{format_time(snapshot.video_s)} of video",
    ]
    if snapshot.video_s and snapshot.elapsed_s:
        parts.append(f"{snapshot.speed:.1f} x real time")
    if snapshot.eta_s is not None and snapshot.done < snapshot.videos:
        parts.append(f"about {format_time(snapshot.eta_s)} left")
    if snapshot.failed:
        parts.append(f"{snapshot.failed} failed")
    return ", ".join(parts)


class _Silent:
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, snapshot: Snapshot, ended: VideoOutcome | None) -> None:
        """Show nothing."""


class _Lines(_Silent):
    """Prints a line when a stage starts, when a video fails, for each notice, and every ten seconds."""

    def __init__(self) -> None:
        self._stage = self._notice = ""
        self._printed_s = 0.0

    def show(self, snapshot: Snapshot, ended: VideoOutcome | None) -> None:
        now_s = time.monotonic()
        if ended and ended.status == "failed":
            click.echo(f"failed: {ended.error_message}", err=True)
        if snapshot.notice != self._notice:
            self._notice = snapshot.notice
            click.echo(self._notice, err=True)
        if snapshot.stage != self._stage:
            self._stage, self._printed_s = snapshot.stage, now_s
            click.echo(snapshot.stage, err=True)
        elif now_s - self._printed_s >= _LINE_INTERVAL_S:
            self._printed_s = now_s
            click.echo(describe(snapshot), err=True)


class _Live(_Silent):
    """Shows a live progress bar."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._bar = Progress(
            SpinnerColumn(), BarColumn(24), TextColumn("{task.description}", markup=False), TimeElapsedColumn(),
            console=Console(file=unguarded(sys.stderr)), transient=True,
        )  # fmt: skip
        self._task = self._bar.add_task("starting", total=1.0)
        self._notice = ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, snapshot: Snapshot, ended: VideoOutcome | None) -> None:
        if ended and ended.status == "failed":
            from rich.text import Text

            self._bar.console.print(Text(harmless(f"failed: {ended.error_message}"), style="red"))
        if snapshot.notice != self._notice:
            self._notice = snapshot.notice
            self._bar.console.print(harmless(self._notice), markup=False, highlight=False)
        self._bar.update(self._task, completed=snapshot.share, description=describe(snapshot))
