"""Exit codes of the commands, and messages for expected errors."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

import click

from schemas.errors import ArchiveError, ConfigurationError, ModelError, VideolakeError

EXIT_ERROR, EXIT_USAGE, EXIT_SOME_FAILED = 1, 2, 3

Command = Callable[..., Any]


def reported(command: Command) -> Command:
    """Turn expected errors into a message and an exit code."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        try:
            return command(*args, **options)
        except (ConfigurationError, ArchiveError, ModelError) as error:
            _fail(str(error), EXIT_USAGE)
        except VideolakeError as error:
            _fail(str(error), EXIT_ERROR)
        except BrokenPipeError:
            # The reader, such as `head`, has closed the pipe.
            sys.stderr.close()
            sys.exit(EXIT_ERROR)

    return run


def _fail(message: str, code: int) -> NoReturn:
    # Indent further lines, so that a file name with a newline cannot imitate a message of ours.
    indented = message.replace("\n", "\n  ")
    click.echo(click.style("error: ", fg="red", bold=True, reset=True) + indented, err=True)
    sys.exit(code)
