"""The errors Videolake raises on purpose, and the kinds by which a failed video is counted."""

from enum import StrEnum


class ErrorKind(StrEnum):
    """Why a video could not be analysed; the `kind` column of the `errors` table."""

    EMPTY_FILE = "empty_file"
    NOT_MEDIA = "not_media"
    NO_STREAMS = "no_streams"
    CORRUPT = "corrupt"
    UNSUPPORTED = "unsupported"
    REFUSED = "refused"
    TOO_LARGE = "too_large"
    VANISHED = "vanished"
    UNREADABLE = "unreadable"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    OUT_OF_MEMORY = "out_of_memory"
    INTERNAL = "internal"

    @property
    def permanent(self) -> bool:
        """Whether the same bytes under the same configuration would fail again, so that a resumed run skips them."""
        return self not in _TRANSIENT


_TRANSIENT = frozenset(
    {
        ErrorKind.VANISHED,
        ErrorKind.UNREADABLE,
        ErrorKind.TIMEOUT,
        ErrorKind.CRASHED,
        ErrorKind.OUT_OF_MEMORY,
        ErrorKind.INTERNAL,
    }
)


class VideolakeError(Exception):
    """Base of every error that Videolake raises on purpose. The message says what happened and what to do."""


class ConfigurationError(VideolakeError):
    """The configuration, a flag or an argument is wrong; nothing was started."""


class ArchiveError(VideolakeError):
    """The archive as named cannot be listed: a root that is not there, a manifest that cannot be read."""


class ModelError(VideolakeError):
    """A model cannot be found or loaded; the message names the setting and the package or folder to install."""


class LakeError(VideolakeError):
    """The lake cannot be read or written, or another run holds it."""


class ExportError(VideolakeError):
    """What the lake knows cannot be written in the form that was asked for; the message names the rule it breaks."""


class SearchIndexError(LakeError):
    """The stored search index is damaged; it is derived and can be made anew. Search does without it meanwhile."""


class FilterError(LakeError):
    """A search is asked for a language, speaker or topic that no moment of the lake has; the message names some."""


class MediaError(VideolakeError):
    """One video cannot be analysed. It costs that video one row in `errors`, never the run.

    Args:
        kind: Why, as counted in the `errors` table.
        message: What happened to which file, and what to do.
        stage: The step that met it, e.g. `probe` or `decode`.
    """

    def __init__(self, kind: ErrorKind, message: str, *, stage: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.stage = stage

    def __reduce__(self) -> tuple[object, ...]:
        """Keep kind and stage when the error crosses a process boundary."""
        return (_rebuild_media_error, (self.kind, str(self), self.stage))


def _rebuild_media_error(kind: ErrorKind, message: str, stage: str) -> MediaError:
    return MediaError(kind, message, stage=stage)
