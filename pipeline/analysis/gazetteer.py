"""The gazetteer: names that the user knows, from a CSV file. Planning a run reads it, so it imports no model."""

import csv
import hashlib
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipeline.models import DIGEST_LENGTH, ModelInfo
from schemas.entities import ENTITY_KINDS, EntityKind
from schemas.errors import ConfigurationError

COLUMNS = ("name", "kind", "wikidata_id", "aliases")
_REQUIRED = ("name", "kind")
_DELIMITERS = ",;\t"
_MAX_BYTES = 64 * 1024**2
_MAX_NAME = 200
"""Characters."""
_SEPARATOR = "|"
"""Between aliases."""
_WIKIDATA_ID = re.compile(r"Q[1-9][0-9]{0,11}")
_KINDS: Mapping[str, EntityKind] = {kind: kind for kind in ENTITY_KINDS}


@dataclass(frozen=True, slots=True)
class KnownName:
    """A row of the gazetteer."""

    name: str
    kind: EntityKind
    wikidata_id: str | None
    aliases: tuple[str, ...] = ()

    @property
    def spellings(self) -> tuple[str, ...]:
        """The name and its aliases."""
        return (self.name, *self.aliases)


@dataclass(frozen=True)
class Gazetteer:
    """Names that the user knows."""

    names: tuple[KnownName, ...] = ()

    @cached_property
    def by_key(self) -> Mapping[str, tuple[KnownName, ...]]:
        """The names that a spelling stands for, by `gazetteer_key`."""
        found: dict[str, list[KnownName]] = {}
        for known in self.names:
            for key in dict.fromkeys(map(gazetteer_key, known.spellings)):
                found.setdefault(key, []).append(known)
        return {key: tuple(names) for key, names in found.items()}

    def find(self, spellings: tuple[str, ...], kind: EntityKind) -> KnownName | None:
        """Return what a name of this kind stands for; None if it is unknown, or may be one of several.

        Rows that are equal or have the same Wikidata id are one; the first of them counts.

        Args:
            spellings: How the name is written, the best spelling first.
            kind: Its kind.
        """
        for spelling in spellings:
            found = [known for known in self.by_key.get(gazetteer_key(spelling), ()) if known.kind == kind]
            if found:
                same = len({known.wikidata_id or known for known in found}) == 1
                return found[0] if same else None
        return None


def gazetteer_key(name: str) -> str:
    """Return what is equal for spellings of a name that differ only in case, spaces or the form of their characters."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def load_gazetteer(setting: str) -> Gazetteer:
    """Read and check a gazetteer.

    Args:
        setting: Path of a CSV file.

    Raises:
        ConfigurationError: It cannot be read or is not a valid gazetteer; the message says in which line.
    """
    return Gazetteer(tuple(_rows(setting, _text(setting))))


def gazetteer_info(setting: str) -> ModelInfo:
    """Describe a gazetteer for the revision and the table `runs`; its digest depends on its content.

    Raises:
        ConfigurationError: It cannot be read or is not a valid gazetteer.
    """
    load_gazetteer(setting)
    digest = hashlib.sha256(_text(setting).encode()).hexdigest()[:DIGEST_LENGTH]
    # The file name without its folder, so that moving the file does not change the revision.
    return ModelInfo("gazetteer", Path(setting).name, _path(setting), "unknown", digest)


def _path(setting: str) -> Path:
    return Path(setting).expanduser().absolute()


def _text(setting: str) -> str:
    path = _path(setting)
    try:
        # Of a device or a pipe, the size is 0 and reading may never end.
        if not path.is_file():
            raise ConfigurationError(f"entities.gazetteer: there is no file {setting}.")
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigurationError(
                f"entities.gazetteer: {setting} is larger than {_MAX_BYTES // 1024**2} MB. Keep only the names that "
                "occur in your videos."
            )
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"entities.gazetteer: {setting} is not text in UTF-8 (byte {error.start:,}). Save it as CSV in UTF-8."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"entities.gazetteer: {setting} cannot be read: {reason}.") from None


def _rows(setting: str, text: str) -> Iterator[KnownName]:
    # Spreadsheets write semicolons where the decimal mark is a comma.
    delimiter = max(_DELIMITERS, key=text.partition("\n")[0].count)
    # With the limit of the module, an open quotation mark would swallow the rest of the file.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        _check_header(setting, header)
        for row in reader:
            if any(cell.strip() for cell in row):
                yield _known(setting, reader.line_num, header, row)
    except csv.Error as error:
        raise ConfigurationError(
            f"entities.gazetteer: {setting}, line {reader.line_num}, is not valid CSV: {error}."
        ) from None


def _check_header(setting: str, header: list[str]) -> None:
    columns = ", ".join(COLUMNS)
    missing = [name for name in _REQUIRED if name not in header]
    unknown = [name for name in header if name not in COLUMNS]
    if missing or unknown or len(set(header)) < len(header):
        what = (
            f"lacks the column {missing[0]}"
            if missing
            else f"has the unknown column {unknown[0][:40]!r}"
            if unknown
            else "has a column twice"
        )
        raise ConfigurationError(
            f"entities.gazetteer: {setting} {what}. Its first line must name the columns: {columns}; the last two may "
            "be left out."
        )


def _known(setting: str, line: int, header: list[str], row: list[str]) -> KnownName:
    def refuse(problem: str) -> ConfigurationError:
        return ConfigurationError(f"entities.gazetteer: {setting}, line {line}: {problem}.")

    if len(row) != len(header):
        raise refuse(
            f"{len(row)} cells instead of {len(header)}; put names that contain the separator in quotation marks"
        )
    cells = dict(zip(header, (cell.strip() for cell in row), strict=True))
    kind = _KINDS.get(cells["kind"].lower())
    if kind is None:
        raise refuse(f"the kind is {cells['kind'][:40]!r}; it must be one of {', '.join(ENTITY_KINDS)}")
    aliases = tuple(alias.strip() for alias in cells.get("aliases", "").split(_SEPARATOR) if alias.strip())
    for name in (cells["name"], *aliases):
        if not any(character.isalnum() for character in name):
            raise refuse(f"the name {name[:40]!r} has no letter or digit")
        if len(name) > _MAX_NAME:
            raise refuse(f"the name {name[:40]!r}… is longer than {_MAX_NAME} characters")
        if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
            raise refuse(f"the name {name[:40]!r} contains a control character")
    wikidata_id = cells.get("wikidata_id") or None
    if wikidata_id is not None and not _WIKIDATA_ID.fullmatch(wikidata_id):
        raise refuse(f"the Wikidata id is {wikidata_id[:40]!r}; it must be like Q567")
    return KnownName(cells["name"], kind, wikidata_id, aliases)
