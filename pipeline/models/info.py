"""What is known of a model before it is loaded."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model found on this machine, ready to be loaded, and what the `runs` table says of it."""

    role: str
    """What it does: `speech`, `text`, `vision`, `shots` or `ocr`."""
    id: str
    """As the configuration names it."""
    path: Path
    """Folder of the model, or its weights file where that is all there is."""
    licence: str
    """SPDX identifier where one is known, else `unknown`."""
    digest: str
    """First 16 hex digits of the SHA-256 of its weights."""
