"""What is known of a model before it is loaded."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model found on this machine, ready to be loaded, and what the `runs` table says of it."""

    role: str
    """What it does: `speech`, `speakers`, `text`, `vision`, `shots`, `ocr`, `captions`, `fusion`, `summary`, `nli`."""
    id: str
    """As the configuration names it."""
    path: Path
    """Folder of the model, its weights file where that is all there is, or the source of a user's own."""
    licence: str
    """SPDX identifier where one is known, else `unknown`."""
    digest: str
    """First 16 hex digits of the SHA-256 of its weights; of version and sources for a user's own."""
