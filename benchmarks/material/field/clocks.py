"""Cases whose stated length, clock or timestamps cannot be believed."""

from pathlib import Path

from benchmarks.material.ffmpeg import ffmpeg
from benchmarks.material.field.boxes import patched, times_stated_length
from benchmarks.material.field.case import Case, Truth
from benchmarks.material.field.studio import PERIOD_S, Studio, cuts, groups

_FRAGMENTS = ("-movflags", "+frag_keyframe+empty_moov+default_base_moof")
_FILM = Truth(duration_s=24, groups_s=groups(24), cuts_s=cuts(24), drawn_s=24)
_NOISE = Truth(duration_s=96, groups_s=groups(84, PERIOD_S))
_JOINED = Truth(duration_s=36, groups_s=groups(36), cuts_s=cuts(36), drawn_s=PERIOD_S)
_TWO = Truth(duration_s=24.1, groups_s=groups(24), cuts_s=cuts(24), drawn_s=PERIOD_S)


def _guessed_aac(studio: Studio, path: Path) -> None:
    ffmpeg("-i", studio.noise_then_speech(96), "-c:a", "aac", "-b:a", "64k", "-ar", "48000", "-f", "adts", path)


def _guessed_mp3(studio: Studio, path: Path) -> None:
    source = studio.noise_then_speech(96)
    ffmpeg("-i", source, "-ar", "44100", "-c:a", "libmp3lame", "-q:a", "7", "-write_xing", "0", path)


def _stated(factor: float):
    def make(studio: Studio, path: Path) -> None:
        patched(studio.film(), path, b"mdhd", times_stated_length(factor))

    return make


def _joined(ending: str, *options: object):
    def make(studio: Studio, path: Path) -> None:
        path.write_bytes(b"".join(part.read_bytes() for part in studio.parts(ending, 3, *options)))

    return make


def _jump(first_s: float, second_s: float):
    def make(studio: Studio, path: Path) -> None:
        parts = b""
        for start_s in (first_s, second_s):
            part = studio.part("jump.ts")
            ffmpeg("-i", studio.film(PERIOD_S), "-c", "copy", "-output_ts_offset", start_s, part)
            parts += part.read_bytes()
        path.write_bytes(parts)

    return make


def _chained(codec: str, first_s: int, second_s: int):
    def make(studio: Studio, path: Path) -> None:
        data = b""
        for seconds in (first_s, second_s):
            link = studio.part("link.ogg")
            ffmpeg("-i", studio.speech(seconds), "-ar", "48000", "-c:a", codec, "-f", "ogg", link)
            data += link.read_bytes()
        path.write_bytes(data)

    return make


def _remuxed(*options: object):
    def make(studio: Studio, path: Path) -> None:
        ffmpeg("-i", studio.film(), "-c", "copy", *options, path)

    return make


def _long_last_frame(studio: Studio, path: Path) -> None:
    # Two inputs, because a bitstream filter on one stream of a single input would change both.
    film = studio.film()
    ffmpeg("-i", film, "-i", film, "-map", "0:v", "-map", "1:a", "-c", "copy", *_FRAGMENTS, "-bsf:v",
           "setts=duration='if(eq(N,599),5000/TB,DURATION)'", path)  # fmt: skip


def _edit_list(studio: Studio, path: Path) -> None:
    # Without re-encoding, the packets from the last keyframe on are kept, and an edit list hides those before 6.5 s.
    ffmpeg("-ss", "6.5", "-i", studio.film(), "-c", "copy", path)


def _late(stream: str):
    def make(studio: Studio, path: Path) -> None:
        film = studio.film()
        late, other = ("1:a", "0:v") if stream == "audio" else ("1:v", "0:a")
        ffmpeg("-i", film, "-itsoffset", "3", "-i", film, "-map", other, "-map", late, "-c", "copy", path)

    return make


def _growing(ending: str, keep: float, *options: object):
    def make(studio: Studio, path: Path) -> None:
        whole = studio.part(f"whole-{path.stem}.{ending}")
        ffmpeg("-i", studio.film(), "-c", "copy", *options, whole)
        data = whole.read_bytes()
        path.write_bytes(data[: round(keep * len(data))])

    return make


def _lost_packets(studio: Studio, path: Path) -> None:
    whole = studio.part("lost.ts")
    ffmpeg("-i", studio.film(), "-c", "copy", whole)
    data = whole.read_bytes()
    start, end = (round(len(data) * share / 188) * 188 for share in (0.62, 0.8))
    path.write_bytes(data[:start] + data[end:])


def _two_rates(studio: Studio, path: Path) -> None:
    # 25 frames a second, and from 12 s on every fifth only.
    ffmpeg("-i", studio.film(), "-vf", "select='lt(t,12)+not(mod(n,5))'", "-fps_mode", "vfr", "-c:a", "copy", path)


CASES = (
    Case("radio.aac", "ADTS: FFmpeg guesses the length from the first bits", _guessed_aac, _NOISE),
    Case("radio.mp3", "variable bit rate without a length header", _guessed_mp3, _NOISE),
    Case("states_a_tenth.mp4", "each track states a tenth of its length", _stated(0.1), _FILM),
    Case("states_tenfold.mp4", "each track states ten times its length", _stated(10), _FILM),
    Case("chained.opus", "two Ogg links, each starting at 0", _chained("libopus", 24, 12),
         Truth(duration_s=36, groups_s=groups(36), videos={"audio_codec": "opus"})),
    Case("chained.ogg", "the same with Vorbis, the first link longer", _chained("libvorbis", 36, 12),
         Truth(duration_s=48, groups_s=groups(48), videos={"audio_codec": "vorbis"})),
    Case("joined.ts", "joined transport streams; audio ends 1.5 s before video",
         _joined("ts", "-c:v", "copy"), _JOINED),
    Case("joined.vob", "a joined DVD; audio ends 1.5 s before video",
         _joined("vob", "-c:v", "mpeg2video", "-b:v", "1M", "-c:a", "mp2", "-ar", "48000"), _JOINED),
    Case("jumps_ahead.ts", "the clock jumps 90 minutes ahead", _jump(0, 5400), _TWO),
    Case("jumps_back.ts", "the clock jumps 90 minutes back", _jump(5400, 0), _TWO),
    Case("wraps.ts", "33-bit timestamps wrap around after 10 s",
         _remuxed("-output_ts_offset", 2**33 / 90000 - 11.4), _FILM),
    Case("last_frame_lasts_long.mp4", "the last frame states a duration of 5,000 s", _long_last_frame,
         Truth(duration_s=24, groups_s=groups(24), cuts_s=cuts(24), videos={"fps": 25.0})),
    Case("edit_list.mp4", "an edit list hides the start", _edit_list,
         Truth(duration_s=17.5, words={"fail better": 2}, cuts_s=tuple(at - 6.5 for at in cuts(24) if at > 6.5))),
    Case("late_audio.mkv", "audio starts 3 s after video", _late("audio"),
         Truth(duration_s=27, groups_s=groups(24, 3.0), cuts_s=cuts(24), drawn_s=24)),
    Case("late_video.mkv", "video starts 3 s after audio", _late("video"),
         Truth(duration_s=27, groups_s=groups(24), cuts_s=cuts(24, 3.0))),
    Case("fragmented.mp4", "a fragmented MP4 without a length", _remuxed(*_FRAGMENTS), _FILM),
    Case("growing.mp4", "a fragmented MP4 that is still being written", _growing("mp4", 0.45, *_FRAGMENTS),
         Truth(groups_s=groups(12), drawn_s=24)),
    Case("growing.mkv", "a Matroska file that is still being written", _growing("mkv", 0.5),
         Truth(groups_s=groups(12), drawn_s=24, warning="cut off")),
    Case("growing.ts", "a transport stream that is still being written", _growing("ts", 0.45),
         Truth(groups_s=groups(12), drawn_s=24)),
    Case("lost_packets.ts", "a fifth of the packets are lost after 12 s; the rest keeps its times",
         _lost_packets,
         Truth(duration_s=24, words={"fail better": 2}, drawn_s=24)),
    Case("one_frame_a_second.webm", "a frame rate of 1 that is stated as 25 or 1,000",
         lambda studio, path: ffmpeg("-i", studio.film(), "-vf", "fps=1", "-c:v", "libvpx", "-b:v", "200k", "-c:a",
                                     "libvorbis", path),
         Truth(duration_s=24, groups_s=groups(24), videos={"fps": 1.0, "video_codec": "vp8", "audio_codec": "vorbis"})),
    Case("two_rates.mp4", "a variable frame rate: 25, then 5", _two_rates,
         Truth(duration_s=24, groups_s=groups(24), cuts_s=cuts(24), drawn_s=24)),
)  # fmt: skip
