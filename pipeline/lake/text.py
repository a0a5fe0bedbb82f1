"""Text that UTF-8 can hold, and the names of files."""

from pipeline.locations import readable


def well_formed(text: str) -> str:
    """Return a text with `?` in place of characters that UTF-8 cannot hold.

    Names of files and command line arguments may have bytes of any encoding, which Python holds as lone surrogates.
    Queries are treated like stored text, so that they match it.
    """
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def file_name(uri: str) -> str:
    """Return the last part of a path or URI, or all of it if it has no parts."""
    path = uri.partition("?")[0].partition("#")[0] if uri.startswith(("http://", "https://")) else uri
    parts = path.replace("\\", "/") if "/" not in path else path
    name = parts.rstrip("/").rsplit("/", 1)[-1] or uri
    return well_formed(readable(name) if uri.startswith("file://") else name)
