"""The errors that Videolake raises, and the kinds of failure of a video."""

from enum import StrEnum


class ErrorKind(StrEnum):
    """Why a video could not be analysed; the `kind` column of the `errors` table."""

    EMPTY_FILE = "empty_file"
    NOT_MEDIA = "not_media"
    NO_STREAMS = "no_streams"
    CORRUPT = "corrupt"
    UNSUPPORTED = "unsupported"
    ENCRYPTED = "encrypted"
    REFUSED = "refused"
    TOO_LARGE = "too_large"
    VANISHED = "vanished"
    UNREADABLE = "unreadable"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    OUT_OF_MEMORY = "out_of_memory"
    MODEL = "model"
    INTERNAL = "internal"

    @property
    def permanent(self) -> bool:
        """Whether the same file would fail again with the same configuration; a later run then skips it."""
        return self not in _TRANSIENT


_TRANSIENT = frozenset(
    {
        ErrorKind.VANISHED,
        ErrorKind.UNREADABLE,
        ErrorKind.TIMEOUT,
        ErrorKind.CRASHED,
        ErrorKind.OUT_OF_MEMORY,
        ErrorKind.MODEL,
        ErrorKind.INTERNAL,
    }
)


class VideolakeError(Exception):
    """Base of all errors that Videolake raises. The message says what happened and what to do."""


class ConfigurationError(VideolakeError):
    """The configuration, an option or an argument is wrong, so nothing was started."""


class ArchiveError(VideolakeError):
    """The archive cannot be listed: a root does not exist, or a manifest cannot be read."""


class ModelError(VideolakeError):
    """A model cannot be found or loaded. The message names the setting, and what to install."""


class ModelOutputError(ModelError):
    """A model, such as a plug-in, returned what its role does not allow. It costs one stage of one video."""


class DeviceError(VideolakeError):
    """A worker's GPU, or its driver, is broken. The worker must end; its video is not at fault and goes to another."""


class RunStoppedError(VideolakeError):
    """The run was stopped while a shard was in flight. What was published is kept, and another run continues."""


class LakeError(VideolakeError):
    """The lake cannot be read or written, or another run holds it."""


class LostLeaseError(LakeError):
    """Another process writes the lake now, because this one gave no sign of life for too long. It must stop."""


class PendingCorrectionError(LakeError):
    """Corrections are kept but cannot be applied now. The message says why, and what will apply them."""


class ExportError(VideolakeError):
    """The results cannot be written in the requested format. The message names the rule that they break."""


class SearchIndexError(LakeError):
    """The stored search index is damaged. It can be rebuilt, and search works without it until then."""


class FilterError(LakeError):
    """A search filter names a language, speaker or topic that no moment in the lake has. The message lists some."""


class MediaError(VideolakeError):
    """A video cannot be analysed. It becomes a row in `errors`, and the run continues.

    Args:
        kind: The kind of failure, for the `errors` table.
        message: What happened to which file, and what to do.
        stage: The step that failed, such as `probe` or `decode`.
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
