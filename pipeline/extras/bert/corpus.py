"""Text to pre-train on: documents of consecutive sentences, out of a lake or a file."""

from itertools import groupby
from pathlib import Path

from pipeline.lake import Lake
from pipeline.language import sentences
from schemas.errors import ConfigurationError

Document = tuple[str, ...]
"""Sentences in their order."""

_SPOKEN = """
SELECT u.video_id, v.language, u.text FROM utterances u JOIN videos v USING (video_id)
WHERE len(u.flags) = 0 ORDER BY u.video_id, u.start_s
"""


def documents_of_lake(lake: Lake) -> list[Document]:
    """Return what is said in each video, a document a video; utterances that are flagged as doubtful are left out."""
    rows = lake.sql(_SPOKEN).to_pylist()
    documents = []
    for _, spoken in groupby(rows, key=lambda row: row["video_id"]):
        group = list(spoken)
        text = " ".join(row["text"].strip() for row in group)
        documents.append(tuple(sentences(text, group[0]["language"])))
    return [document for document in documents if document]


def documents_of_file(path: Path) -> list[Document]:
    """Read a text file in the form of BERT's own: a sentence a line, an empty line between documents.

    Raises:
        ConfigurationError: It cannot be read, or holds no text.
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
        raise ConfigurationError(f"{path} holds no text. Write a sentence a line, an empty line between documents.")
    return documents
