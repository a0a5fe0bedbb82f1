"""Sound cut into FLAC and WAV: the samples are those of the source, and the header is that of the clip."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.export.lossless import cut_audio
from schemas.errors import ExportError
from tests import material

RATE, SECONDS = 8000, 3
START_S, END_S = 1.0334, 2.5
SPAN = slice(round(START_S * RATE), round(END_S * RATE))


def noise(form: str, channels: int) -> NDArray[np.generic]:
    """Return noise over the whole range of a format, 24 bits for `s32`: (n, channels)."""
    made = np.random.default_rng(7)
    size = (SECONDS * RATE, channels)
    if form == "flt":
        return made.uniform(-1, 1, size).astype(np.float32)
    if form == "u8":
        return made.integers(0, 256, size, dtype=np.uint8)
    if form == "s16":
        return made.integers(-(2**15), 2**15, size, dtype=np.int16)
    return made.integers(-(2**23), 2**23, size, dtype=np.int32) << 8


def write(path: Path, codec: str, form: str, *tracks: NDArray[np.generic]) -> Path:
    with av.open(str(path), "w") as made:
        streams = [
            made.add_stream(codec, rate=RATE, layout="stereo" if each.shape[1] == 2 else "mono") for each in tracks
        ]
        for stream in streams:
            stream.codec_context.format = form
        for stream, samples in zip(streams, tracks, strict=True):
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format=form, layout=stream.layout.name)
            frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), 0
            made.mux(stream.encode(frame))
        for stream in streams:
            made.mux(stream.encode(None))
    return path


def read(path: Path) -> tuple[NDArray[np.generic], float]:
    """Return all samples as (n, channels), and how long the file says that it is in seconds."""
    with av.open(str(path)) as container:
        assert not container.start_time
        channels = container.streams.audio[0].codec_context.layout.nb_channels
        pieces = [frame.to_ndarray() for frame in container.decode(audio=0)]
        return np.concatenate(pieces, axis=1).reshape(-1, channels), container.duration / av.time_base


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("ending", "codec", "form"),
    [
        (".flac", "flac", "s16"), (".flac", "flac", "s32"), (".wav", "pcm_s16le", "s16"),
        (".wav", "pcm_s24le", "s32"), (".wav", "pcm_f32le", "flt"), (".wav", "pcm_u8", "u8"),
    ],
)  # fmt: skip
def test_the_samples_are_those_of_the_source_and_the_file_knows_its_length(
    tmp_path: Path, ending: str, codec: str, form: str, channels: int
) -> None:
    samples = noise(form, channels)
    source = write(tmp_path / f"source{ending}", codec, form, samples)
    clip = cut_audio(str(source), START_S, END_S, tmp_path / f"clip{ending}")
    found, length_s = read(clip.path)
    assert np.array_equal(found, samples[SPAN])
    assert length_s == pytest.approx(END_S - START_S, abs=1 / RATE)
    assert (clip.start_s, clip.end_s) == pytest.approx((START_S, END_S), abs=1 / RATE)
    with av.open(str(clip.path)) as made, av.open(str(source)) as given:
        assert made.streams.audio[0].codec_context.name == given.streams.audio[0].codec_context.name


@pytest.mark.parametrize(("source", "codec", "target"), [(".flac", "flac", ".wav"), (".wav", "pcm_s16le", ".flac")])
def test_flac_and_pcm_become_each_other_without_loss(tmp_path: Path, source: str, codec: str, target: str) -> None:
    samples = noise("s16", 2)
    path = write(tmp_path / f"source{source}", codec, "s16", samples)
    made = cut_audio(str(path), START_S, END_S, tmp_path / f"clip{target}").path
    assert np.array_equal(read(made)[0], samples[SPAN])
    with av.open(str(made)) as container:
        assert container.streams.audio[0].codec_context.name == {".wav": "pcm_s16le", ".flac": "flac"}[target]


def test_audio_without_a_lossless_copy_is_refused_with_advice(tmp_path: Path) -> None:
    lossy = material.write_audio(tmp_path / "lossy.mp3", material.tone(1.0), codec="libmp3lame")
    floats = write(tmp_path / "floats.wav", "pcm_f32le", "flt", noise("flt", 1))
    fine = write(tmp_path / "fine.wav", "pcm_s32le", "s32", noise("s32", 1) | 1)
    for source, target in ((lossy, "clip.wav"), (lossy, "clip.flac"), (floats, "clip.flac"), (fine, "clip.flac")):
        with pytest.raises(ExportError, match=r"Re-encode with --exact, or name an \.mka"):
            cut_audio(str(source), 0.0, 1.0, tmp_path / target)
    two = write(tmp_path / "two.mka", "pcm_s16le", "s16", noise("s16", 1), noise("s16", 1))
    with pytest.raises(ExportError, match="2 audio tracks"):
        cut_audio(str(two), 0.0, 1.0, tmp_path / "clip.wav")
    with pytest.raises(ExportError, match="nothing between"):
        cut_audio(str(floats), 50.0, 60.0, tmp_path / "clip.wav")
    assert not list(tmp_path.glob("clip*"))
