"""Text as the lake holds it: UTF-8."""


def well_formed(text: str) -> str:
    """Return a text with `?` for what UTF-8 cannot hold.

    Names of files and arguments may carry bytes of any encoding, in Python as lone surrogates. What is looked for is
    treated as what was stored, so that it is found.
    """
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
