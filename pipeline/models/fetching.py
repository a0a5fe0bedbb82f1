"""Fetching models ahead of a run, and checking that what is on this disk is what the Hugging Face Hub has."""

from pathlib import Path

from pipeline.models.info import ModelInfo
from pipeline.models.resolution import hub_repository, resolve
from schemas.errors import ModelError


def fetch(role: str, model_id: str) -> ModelInfo:
    """Download a model unless it is here, and compare its files with the checksums that the Hub states.

    Files that differ are downloaded again, once. Embedded models, folders and plug-ins are only looked up.

    Args:
        role: The step that uses it.
        model_id: As in the configuration; see `pipeline.models.resolve`.

    Returns:
        The model, complete on this machine.

    Raises:
        ModelError: It cannot be found or downloaded, or the Hub cannot be asked, or files are damaged again.
    """
    info = resolve(role, model_id)
    repository = hub_repository(model_id)
    if repository is None:
        return info
    damaged = _damaged(info, *repository)
    if damaged:
        for file in damaged:
            _remove(info.path / file)
        info = resolve(role, model_id)
        damaged = _damaged(info, *repository)
    if damaged:
        raise ModelError(
            f"{model_id}: the download of {', '.join(damaged)} is damaged again. Check the disk and "
            f"the network, delete {info.path}, and try again."
        )
    return info


def _damaged(info: ModelInfo, repository: str, revision: str | None) -> list[str]:
    import httpx
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        found = HfApi().verify_repo_checksums(repository, revision=revision)
    except (HfHubHTTPError, OfflineModeIsEnabled, httpx.HTTPError, OSError) as error:
        raise ModelError(
            f"{info.id} is in {info.path}, but the Hugging Face Hub could not be reached for its checksums "
            f"({type(error).__name__}). Connect to the network and try again; a run does not need it."
        ) from error
    # Files of other frameworks were not downloaded, so they may be missing.
    return [each["path"] for each in found.mismatches]


def _remove(file: Path) -> None:
    """Remove a file of the Hub's cache: the link in the snapshot and the content that it points to."""
    content = file.resolve()
    file.unlink(missing_ok=True)
    content.unlink(missing_ok=True)
