"""Still images that cannot be read, by their names: nothing is damaged about them."""

_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2"}
_ANIMATED = 0x02
_NAMES = (
    (0, b"8BPS", "a Photoshop image"),
    (0, b"%PDF", "a PDF document"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"\xff\x0a", "a JPEG XL image"),
    (4, b"JXL \x0d\x0a\x87\x0a", "a JPEG XL image"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR image"),
    (4, b"ftypcrx ", "a camera raw image"),
    (0, b"FUJIFILMCCD-RAW", "a camera raw image"),
)
TILES = "a still image made of tiles (HEIC or AVIF)"
"""What a file is whose streams are the tiles of one image."""


def is_animated_webp(head: bytes) -> bool:
    """Return whether a file is an animated WebP image, which FFmpeg opens but cannot decode."""
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and bool(head[20:21]) and bool(head[20] & _ANIMATED)


def still_image(head: bytes) -> str | None:
    """Return what a file is that FFmpeg could not open, with its article, or None if it is no still image.

    Args:
        head: The first bytes of the file.
    """
    if head[4:8] == b"ftyp" and head[8:12] in _BRANDS:
        return "a HEIC still image"
    if head[4:8] == b"ftyp" and head[8:12] == b"avif":
        return "an AVIF still image"
    return next((name for at, mark, name in _NAMES if head[at : at + len(mark)] == mark), None)


def advice(what: str) -> str:
    """Return a message for a file that is such an image; it follows the name of the file."""
    return f"is {what}, which cannot be read. Convert it to JPEG or PNG, or to a video if it moves."
