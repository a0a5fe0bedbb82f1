"""The corpus for pre-training: documents of consecutive sentences, from a lake or a file."""

from itertools import groupby
from pathlib import Path

from pipeline.lake import Lake
from pipeline.language import sentences
from schemas.errors import ConfigurationError

Document = tuple[str, ...]
"""Sentences in order."""

_SPOKEN = """
SELECT u.video_id, v.language, u.text FROM utterances u JOIN videos v USING (video_id)
WHERE len(u.flags) = 0 ORDER BY u.video_id, u.start_s
"""


def documents_of_lake(lake: Lake) -> list[Document]:
    """Return the speech of each video as one document, without doubtful utterances."""
    rows = lake.sql(_SPOKEN).to_pylist()
    documents = []
    for _, spoken in groupby(rows, key=lambda row: row["video_id"]):
        group = list(spoken)
        text = " ".join(row["text"].strip() for row in group)
        documents.append(tuple(sentences(text, group[0]["language"])))
    return [document for document in documents if document]


def documents_of_file(path: Path) -> list[Document]:
    """Read a text file in the format of the original BERT: one sentence per line, an empty line between documents.

    Raises:
        ConfigurationError: It cannot be read or has no text.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The text {path} cannot be read: {error}") from error
    documents = [
        tuple(line.strip() for line in group)
        for filled, group in groupby(lines, key=lambda line: bool(line.strip()))
        if filled
    ]
    if not documents:
        raise ConfigurationError(
            f"{path} has no text. Write one sentence per line, and an empty line between documents."
        )
    return documents
