"""Find the encrypted tracks of a file. FFmpeg would decode them without a word, to grey or green frames and noise.

Each container marks encryption in its own way: MP4 in the sample entry of a track (ISO/IEC 23001-7, FairPlay, Audible),
Matroska and WebM as a content encoding, ASF as objects of its header, MPEG-TS in each packet, MPEG-PS (DVD) in each
PES packet. Only the header, or a few megabytes of samples, are read.
"""

import re
import struct
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from schemas.errors import ErrorKind, MediaError

_PROTECTED_ENTRIES = frozenset(
    {b"encv", b"enca", b"enct", b"encs", b"enc?", b"drms", b"drmi", b"drmt", b"p608", b"aavd"}
)
"""MP4 sample entries of Common Encryption, FairPlay and Audible."""
_TO_SAMPLE_ENTRIES = (b"mdia", b"minf", b"stbl", b"stsd")
_MAX_BOXES = 20_000
_MAX_ENTRY_BYTES = 64 * 1024

_TRACKS, _TRACK_ENTRY, _TRACK_TYPE = 0x1654AE6B, 0xAE, 0x83
_STREAM_TYPES = frozenset({b"\x01", b"\x02", b"\x11", b"\x21"})
"""Matroska tracks of which FFmpeg makes streams: video, audio, subtitles, metadata."""
_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_ENCODINGS, _ENCODING, _ENCRYPTION = 0x6D80, 0x6240, 0x5035
_MAX_TRACKS_BYTES = 4 * 1024 * 1024

_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_ENCRYPTION = tuple(
    bytes.fromhex(guid)
    for guid in (
        "fbb3112223bdd211b4b700a0c955fc6e",
        "14e68a292226174cb935dae07ee9289c",
        "338505438169e6499b74ad12cb86d58c",
    )
)
"""GUIDs of the content encryption objects: original, extended and advanced."""
_MAX_ASF_HEADER_BYTES = 1024 * 1024

_SAMPLES, _SAMPLE_BYTES = 4, 1024 * 1024
_TS_PACKET_BYTES = (188, 192, 204)
_SAMPLE_AES = frozenset({0xDB, 0xCF, 0xC1, 0xC2})
"""Stream types of H.264, AAC, AC-3 and E-AC-3 that HLS encrypts sample by sample."""
_START_CODE = b"\x00\x00\x01"
_PES_HEADER = re.compile(rb"\x00\x00\x01[\xbd\xc0-\xef](..)([\x80-\xbf])", re.DOTALL)
_SCRAMBLED_SHARE = 0.9
_SCRAMBLED_PES_SHARE = 0.02
"""Only some of the packets of a DVD are scrambled."""


class Encryption(NamedTuple):
    """What of a file cannot be decoded without a key."""

    streams: set[int]
    """Indices of the streams that are encrypted as a whole."""
    packets: bool = False
    """Whether single packets of the others may be encrypted; `is_encrypted` tells which."""


def find_encryption(file: IO[bytes], container: InputContainer) -> Encryption:
    """Find the encrypted streams of a file.

    Args:
        file: The file, opened for reading; not the object that FFmpeg reads.
        container: The same file, opened by FFmpeg.
    """
    if "mov" in container.format.name.split(","):
        whole, partly = _protected_mp4_tracks(file)
        return Encryption({stream.index for stream in container.streams if stream.id in whole}, bool(partly))
    return Encryption(_encrypted_streams(file, container))


def _encrypted_streams(file: IO[bytes], container: InputContainer) -> set[int]:
    formats = set(container.format.name.split(","))
    streams = [stream for stream in container.streams if stream.type in {"video", "audio"}]
    if "matroska" in formats:
        locked = _encrypted_matroska_tracks(file)
        return {stream.index for stream in streams if stream.index in locked or "enc_key_id" in stream.metadata}
    if "mpegts" in formats:
        locked = _scrambled_pids(file)
        return {stream.index for stream in streams if stream.id in locked or _stream_type(stream) in _SAMPLE_AES}
    if ("asf" in formats and _is_protected_asf(file)) or ("mpeg" in formats and _is_scrambled_mpeg(file)):
        return {stream.index for stream in streams}
    return set()


def states_encryption(file: IO[bytes], head: bytes) -> bool:
    """Return whether a file that FFmpeg cannot open says in its header that it is encrypted."""
    if head[4:8] in {b"ftyp", b"styp", b"moov", b"free", b"wide", b"mdat"}:
        return any(_protected_mp4_tracks(file))
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return bool(_encrypted_matroska_tracks(file))
    return head.startswith((_ASF_HEADER, b"Salted__", b"age-encryption.org/")) and (
        not head.startswith(_ASF_HEADER) or _is_protected_asf(file)
    )


def is_encrypted(packet: Any) -> bool:  # noqa: ANN401 - a PyAV packet
    """Return whether FFmpeg marks a packet as encrypted: one of a partly encrypted MP4 track."""
    return bool(packet.has_sidedata("encryption_info"))


def encryption_error(uri: str, *, stage: str) -> MediaError:
    """Return the error of a file in which everything that could be analysed is encrypted."""
    message = f"{uri} is encrypted, and Videolake has no key. Add a copy without copy protection to the archive."
    return MediaError(ErrorKind.ENCRYPTED, message, stage=stage)


def _protected_mp4_tracks(file: IO[bytes]) -> tuple[set[int], set[int]]:
    """Return the ids of the tracks that are protected in all sample entries, and of those that are in some."""
    end = file.seek(0, 2)
    whole: set[int] = set()
    partly: set[int] = set()
    for moov in _boxes(file, 0, end, b"moov"):
        for trak in _boxes(file, *moov, b"trak"):
            entries = list(_sample_entries(file, trak))
            if any(kind in _PROTECTED_ENTRIES for kind, _ in entries):
                found = whole if all(_is_protected(file, kind, span) for kind, span in entries) else partly
                found |= {_track_id(file, header) for header in _boxes(file, *trak, b"tkhd")}
        break
    return whole, partly


def _sample_entries(file: IO[bytes], trak: tuple[int, int]) -> Iterator[tuple[bytes, tuple[int, int]]]:
    spans = [trak]
    for name in _TO_SAMPLE_ENTRIES:
        spans = [inner for span in spans for inner in _boxes(file, *span, name)]
    for start, end in spans:
        yield from _all_boxes(file, start + 8, end)


def _is_protected(file: IO[bytes], kind: bytes, span: tuple[int, int]) -> bool:
    if kind not in _PROTECTED_ENTRIES:
        return False
    start, end = span
    file.seek(start)
    _, found, defaults = file.read(min(end - start, _MAX_ENTRY_BYTES)).partition(b"tenc")
    # A `tenc` box states whether samples are encrypted unless they say otherwise, in its seventh byte.
    return not found or defaults[6:7] != b"\x00"


def _track_id(file: IO[bytes], header: tuple[int, int]) -> int:
    file.seek(header[0])
    content = file.read(24)
    return int.from_bytes(content[20:24] if content[:1] == b"\x01" else content[12:16], "big")


def _boxes(file: IO[bytes], start: int, end: int, name: bytes) -> Iterator[tuple[int, int]]:
    return (span for kind, span in _all_boxes(file, start, end) if kind == name)


def _all_boxes(file: IO[bytes], start: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Yield type, and start and end of the content, of the boxes in a part of an MP4 file."""
    for _ in range(_MAX_BOXES):
        if start + 8 > end:
            return
        file.seek(start)
        head = file.read(16)
        if len(head) < 8:
            return
        size, kind = struct.unpack(">I4s", head[:8])
        content = start + 8
        if size == 1:
            size, content = int.from_bytes(head[8:16], "big"), start + 16
        if size == 0:
            size = end - start
        if size < content - start:
            return
        yield kind, (content, min(start + size, end))
        start += size


def _encrypted_matroska_tracks(file: IO[bytes]) -> set[int]:
    """Return the positions of the tracks with a content encoding that encrypts, as FFmpeg counts its streams."""
    entries = [entry for tracks in _matroska_tracks(file) for name, entry in _elements(tracks) if name == _TRACK_ENTRY]
    streams = [
        entry for entry in entries if _STREAM_TYPES & {value for name, value in _elements(entry) if name == _TRACK_TYPE}
    ]
    return {index for index, entry in enumerate(streams) if _has(entry, (_ENCODINGS, _ENCODING, _ENCRYPTION))}


def _matroska_tracks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the content of the first `Tracks` element, which precedes the clusters."""
    at, end = 0, file.seek(0, 2)
    for _ in range(_MAX_BOXES):
        if at >= end:
            return
        file.seek(at)
        head = file.read(12)
        name, size, length = _element_head(head)
        if not length or name == _CLUSTER:
            return
        if name == _TRACKS:
            file.seek(at + length)
            yield file.read(min(size, _MAX_TRACKS_BYTES))
            return
        at += length if name == _SEGMENT else length + size


def _has(content: bytes, path: tuple[int, ...]) -> bool:
    """Return whether an element contains others, each in the one before."""
    return not path or any(name == path[0] and _has(inner, path[1:]) for name, inner in _elements(content))


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield id and content of the EBML elements one after another."""
    at = 0
    while at < len(content):
        name, size, length = _element_head(content[at : at + 12])
        if not length:
            return
        yield name, content[at + length : at + length + size]
        at += length + size


def _element_head(head: bytes) -> tuple[int, int, int]:
    """Return id, size and header length of an EBML element; a length of 0 if there is none."""
    name_length = 9 - head[0].bit_length() if head and head[0] else 0
    sized = head[name_length:]
    size_length = 9 - sized[0].bit_length() if sized and sized[0] else 0
    if not 1 <= name_length <= 4 or not size_length or len(sized) < size_length:
        return 0, 0, 0
    name = int.from_bytes(head[:name_length], "big")
    size = int.from_bytes(sized[:size_length], "big") & ((1 << 7 * size_length) - 1)
    return name, size, name_length + size_length


def _is_protected_asf(file: IO[bytes]) -> bool:
    file.seek(0)
    size = int.from_bytes(file.read(24)[16:24], "little")
    file.seek(0)
    header = file.read(min(size, _MAX_ASF_HEADER_BYTES))
    return any(guid in header for guid in _ASF_ENCRYPTION)


def _scrambled_pids(file: IO[bytes]) -> set[int]:
    """Return the PIDs of an MPEG-TS of which nearly all packets are scrambled."""
    packets = np.concatenate([_ts_headers(sample) for sample in _samples(file)])
    packets = packets[(packets[:, 0] == 0x47) & (packets[:, 3] & 0x10 > 0)]  # those with a payload
    pids = (packets[:, 1] & 0x1F).astype(np.int64) << 8 | packets[:, 2]
    scrambled = np.bincount(pids[packets[:, 3] & 0x80 > 0], minlength=0x2000)
    counts = np.bincount(pids, minlength=0x2000)
    return set(np.flatnonzero(scrambled > _SCRAMBLED_SHARE * counts).tolist())


def _ts_headers(sample: bytes) -> NDArray[np.uint8]:
    """Return the first four bytes of each MPEG-TS packet, (n, 4)."""
    data = np.frombuffer(sample, np.uint8)
    for size in _TS_PACKET_BYTES:
        sync = [int((data[offset::size] == 0x47).sum()) for offset in range(size)]
        offset = int(np.argmax(sync))
        count = (len(data) - offset) // size
        if count > 1 and sync[offset] > 0.9 * count:
            return data[offset : offset + count * size].reshape(count, size)[:, :4]
    return np.zeros((0, 4), np.uint8)


def _stream_type(stream: Any) -> int:  # noqa: ANN401 - a PyAV stream
    """Return the type that the program map of an MPEG-TS gives a stream, which FFmpeg keeps as its codec tag."""
    try:
        tag = stream.codec_context.codec_tag.encode() if stream.codec_context else b""
    except UnicodeDecodeError as error:  # PyAV takes the four bytes for text
        tag = error.object
    return tag[0] if tag[1:] == bytes(3) else 0


def _is_scrambled_mpeg(file: IO[bytes]) -> bool:
    """Return whether PES packets of an MPEG-PS, such as the VOB of a copy-protected DVD, are scrambled."""
    flags = [flag for sample in _samples(file) for flag in _pes_flags(sample)]
    return bool(sum(flag & 0x30 > 0 for flag in flags) > _SCRAMBLED_PES_SHARE * len(flags))


def _pes_flags(sample: bytes) -> Iterator[int]:
    """Yield the flags of PES packets. What looks like a header by chance, as in AC-3, is not followed by another."""
    for found in _PES_HEADER.finditer(sample):
        end = found.end(1) + int.from_bytes(found[1], "big")
        if sample.startswith(_START_CODE, end):
            yield found[2][0]


def _samples(file: IO[bytes]) -> Iterator[bytes]:
    """Yield a few parts of a file, spread from its first to its last byte."""
    size = file.seek(0, 2)
    last = max(0, size - _SAMPLE_BYTES)
    for at in sorted({last * number // (_SAMPLES - 1) for number in range(_SAMPLES)}):
        file.seek(at)
        yield file.read(_SAMPLE_BYTES)
