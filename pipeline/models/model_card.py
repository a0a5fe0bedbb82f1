"""Licences from model cards (`README.md` with YAML front matter)."""

from pathlib import Path

import yaml

UNKNOWN_LICENCE = "unknown"
_CARD_BYTES = 1 << 16
_SPDX = {"apache-2.0": "Apache-2.0", "mit": "MIT", "bsd-3-clause": "BSD-3-Clause", "cc-by-4.0": "CC-BY-4.0"}


def card_licence(folder: Path) -> str:
    """Return the licence that a folder's model card states, or `unknown`.

    Args:
        folder: Folder of the model or of its weights file.
    """
    try:
        with (folder / "README.md").open("rb") as stream:
            text = stream.read(_CARD_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return UNKNOWN_LICENCE
    lines = text.splitlines()
    if not lines or lines[0].strip() != "---":
        return UNKNOWN_LICENCE
    end = next((number for number, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
    if end is None:
        return UNKNOWN_LICENCE
    return _licence_in("\n".join(lines[1:end]))


def _licence_in(front_matter: str) -> str:
    try:
        fields = yaml.safe_load(front_matter)
    except yaml.YAMLError:
        return UNKNOWN_LICENCE
    if not isinstance(fields, dict):
        return UNKNOWN_LICENCE
    licence = fields.get("license")
    if licence == "other":
        licence = fields.get("license_name") or licence
    if isinstance(licence, list):
        licence = ", ".join(map(str, licence))
    if not isinstance(licence, str) or not licence.strip():
        return UNKNOWN_LICENCE
    return _SPDX.get(licence.strip().lower(), licence.strip())
