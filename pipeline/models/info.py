"""What is known about a model before it is loaded."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model found on this machine, ready to load, as the `runs` table records it."""

    role: str
    """The step that uses it; see `pipeline.models.resolution.resolve`."""
    id: str
    """Its name in the configuration."""
    path: Path
    """Folder of the model, its only weights file, or the source file of a plug-in."""
    licence: str
    """SPDX identifier, or `unknown`."""
    digest: str
    """First 16 hex digits of the SHA-256 of its weights; for a plug-in, of its version and sources."""
    size_bytes: int = 0
    """Size of its weights; 0 for a plug-in."""
