"""The parameters of the flow, which are the run form in the Prefect UI: a profile, and settings as a short text."""

from typing import Literal, TypedDict, cast

from prefect.runtime import deployment

from pipeline.models import check_python_models
from pipeline.remote import check_cluster
from pipeline.run import check_setting_files, parse_settings, write_settings
from schemas.config import Config

Profile = Literal["embedded", "fast", "network", "gpu"]


class Settings(TypedDict):
    """The parameters of the flow that decide how it works."""

    profile: Profile
    settings: str


def parameters_of(config: Config) -> Settings:
    """Return the parameters that mean a configuration, as short as they can be."""
    profile, settings = write_settings(config)
    return Settings(profile=cast("Profile", profile), settings=settings)


def config_of(profile: str, settings: str) -> Config:
    """Return the configuration of a run, or refuse it before anything has started.

    Anyone who may start a run in Prefect chooses these parameters. So this is the place for what such a run may not do.

    Args:
        profile: Name of a built-in profile.
        settings: TOML text that overrides the profile.

    Raises:
        ConfigurationError: The text is not valid, and the message names the line; or a run of a deployment chooses a
            Ray cluster, Python code or a file that the operator has not allowed.
    """
    config = parse_settings(profile, settings)
    if deployment.id:
        check_cluster(config.workers.ray_address)
        check_python_models(config)
        check_setting_files(config)
    return config
