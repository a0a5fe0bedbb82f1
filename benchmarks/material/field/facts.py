"""Cases about what a file says of itself: codecs, tracks, chapters, subtitles, timecode, encryption."""

from pathlib import Path

from benchmarks.material.ffmpeg import ffmpeg
from benchmarks.material.field.boxes import encrypt_webm
from benchmarks.material.field.case import Case, Truth
from benchmarks.material.field.studio import PERIOD_S, Studio, groups

_CHAPTERS = ";FFMETADATA1\n" + "".join(
    f"[CHAPTER]\nTIMEBASE=1/1\nSTART={start}\nEND={start + 12}\ntitle={title}\n"
    for start, title in ((0, "Overture"), (12, "Finale"))
)
_SUBTITLES = (
    "1\n00:00:02,000 --> 00:00:04,000\nA gondola crosses the lagoon.\n\n2\n00:00:14,000 --> 00:00:16,000\nIt returns.\n"
)
_ENCRYPTED = Truth(error="encrypted")


def _coded(*options: object):
    def make(studio: Studio, path: Path) -> None:
        ffmpeg("-i", studio.film(PERIOD_S), *options, path)

    return make


def _chapters(*options: object):
    def make(studio: Studio, path: Path) -> None:
        chapters = studio.part("chapters.txt")
        chapters.write_text(_CHAPTERS)
        ffmpeg("-i", studio.film(), "-i", chapters, "-map_metadata", "1", "-map_chapters", "1", *options, "-c", "copy",
               path)  # fmt: skip

    return make


def _subtitles(codec: str):
    def make(studio: Studio, path: Path) -> None:
        subtitles = studio.part("lines.srt")
        subtitles.write_text(_SUBTITLES)
        ffmpeg("-i", studio.film(), "-i", subtitles, "-map", "0", "-map", "1", "-c", "copy", "-c:s", codec, path)

    return make


def _sidecar(ending: str):
    def make(studio: Studio, path: Path) -> None:
        # A `free` box makes it another video than the film.
        path.write_bytes(studio.film().read_bytes() + (16).to_bytes(4, "big") + b"free" + ending.encode().ljust(8))
        text = _SUBTITLES if ending == "srt" else "WEBVTT\n\n" + _SUBTITLES.replace(",", ".")
        path.with_suffix(f".{ending}").write_text(text)

    return make


def _encrypted(*options: object):
    def make(studio: Studio, path: Path) -> None:
        ffmpeg("-i", studio.film(PERIOD_S), "-c", "copy", *options, "-encryption_scheme", "cenc-aes-ctr",
               "-encryption_key", "00112233445566778899aabbccddeeff", "-encryption_kid",
               "0123456789abcdef0123456789abcdef", path)  # fmt: skip

    return make


def _encrypted_webm(studio: Studio, path: Path) -> None:
    plain = studio.part("live.webm")
    ffmpeg("-i", studio.film(PERIOD_S), "-an", "-c:v", "libvpx", "-b:v", "200k", "-live", "1", plain)
    encrypt_webm(plain, path)


def _tracks(studio: Studio, path: Path) -> None:
    film = studio.film(PERIOD_S)
    ffmpeg("-i", film, "-map", "0:v", "-map", "0:a", "-map", "0:a", "-c:v", "copy", "-c:a:0", "aac", "-c:a:1", "ac3",
           "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger", "-metadata:s:a:1", "title=Kommentar",
           path)  # fmt: skip


CASES = (
    Case("mp3_in_avi.avi", "codecs by name, not by decoder", _coded("-c:v", "mpeg4", "-c:a", "libmp3lame"),
         Truth(videos={"video_codec": "mpeg4", "audio_codec": "mp3"})),
    Case("av1.webm", "codecs by name, not by decoder",
         _coded("-c:v", "libsvtav1", "-preset", "12", "-c:a", "libopus", "-ar", "48000"),
         Truth(videos={"video_codec": "av1", "audio_codec": "opus"})),
    Case("timecode.mov", "a start timecode and a creation time",
         _coded("-c", "copy", "-timecode", "10:00:00:00", "-metadata", "creation_time=2011-05-04T10:20:30Z"),
         Truth(duration_s=PERIOD_S, videos={"timecode": "10:00:00:00"})),
    Case("tracks.mkv", "two audio tracks", _tracks, Truth(groups_s=groups(PERIOD_S), videos={"audio_tracks": 2})),
    Case("chapters.mkv", "chapters in Matroska", _chapters(),
         Truth(groups_s=groups(24), chapters=("Overture", "Finale"))),
    Case("chapters.m4b", "chapters in an audio book", _chapters("-vn", "-f", "mp4"),
         Truth(groups_s=groups(24), chapters=("Overture", "Finale"))),
    Case("subtitles.mkv", "a text subtitle track in Matroska", _subtitles("srt"),
         Truth(groups_s=groups(24), videos={"subtitles": 2})),
    Case("subtitles.mp4", "a text subtitle track in MP4", _subtitles("mov_text"),
         Truth(groups_s=groups(24), videos={"subtitles": 2})),
    Case("beside_srt.mp4", "subtitles in an .srt file beside the video", _sidecar("srt"),
         Truth(duration_s=24, videos={"subtitles": 2})),
    Case("beside_vtt.mp4", "subtitles in a .vtt file beside the video", _sidecar("vtt"),
         Truth(duration_s=24, videos={"subtitles": 2})),
    Case("encrypted.mp4", "CENC in MP4", _encrypted(), _ENCRYPTED),
    Case("encrypted.m4a", "CENC in MP4, audio only", _encrypted("-vn"), _ENCRYPTED),
    Case("encrypted_fragments.mp4", "CENC in fragmented MP4",
         _encrypted("-movflags", "+frag_keyframe+empty_moov+default_base_moof"), _ENCRYPTED),
    Case("encrypted.webm", "encryption in WebM", _encrypted_webm, _ENCRYPTED),
)  # fmt: skip
