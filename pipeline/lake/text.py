"""Text as the lake holds it, UTF-8; and what people call a file."""


def well_formed(text: str) -> str:
    """Return a text with `?` for what UTF-8 cannot hold.

    Names of files and arguments may carry bytes of any encoding, in Python as lone surrogates. What is looked for is
    treated as what was stored, so that it is found.
    """
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def file_name(uri: str) -> str:
    """Return the last part of a path or URI, as text; all of it where it has no parts."""
    path = uri.partition("?")[0].partition("#")[0] if uri.startswith(("http://", "https://")) else uri
    parts = path.replace("\\", "/") if "/" not in path else path
    return well_formed(parts.rstrip("/").rsplit("/", 1)[-1] or uri)
