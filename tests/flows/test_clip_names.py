"""Names of clips, of films that need no models."""

from pathlib import Path

import av
import pytest

from flows.commands import clip
from pipeline.lake import Lake
from schemas.errors import ConfigurationError
from tests import material
from tests.pipeline.export.records import video


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A lake that knows two films of one name."""
    films = {}
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        film = material.shots_video(tmp_path / folder / "talk.mp4", (1.0,), size=(64, 48))
        films[folder] = video(video_id=folder * 32, uri=str(film), duration_s=1.0)
    monkeypatch.setattr(clip, "read_video", lambda _, name, **__: films[name])
    return Lake.create(str(tmp_path / "lake")).uri


def test_videos_with_the_same_name_get_different_clips(lake: str, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    assert clip.clip_time_ranges(["a@0-1", "b@0-1"], lake, folder, clip.ClipOptions(force=True)) == 0
    assert sorted(each.name for each in folder.iterdir()) == ["talk 0-1 s.bbbbbbbb.mp4", "talk 0-1 s.mp4"]


def test_several_clips_do_not_go_into_one_file(lake: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="name a folder"):
        clip.clip_time_ranges(["a@0-1", "b@0-1"], lake, tmp_path / "clip.mp4", clip.ClipOptions())
    assert not (tmp_path / "clip.mp4").exists()


def test_a_clip_is_named_after_the_part_inside_the_video(lake: str, tmp_path: Path) -> None:
    assert clip.clip_time_ranges(["a@0.5-3"], lake, tmp_path / "clips", clip.ClipOptions()) == 0
    assert [each.name for each in (tmp_path / "clips").iterdir()] == ["talk 0.5-1 s.mp4"]


def test_audio_goes_into_a_wav_file_as_pcm(lake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = material.write_audio(tmp_path / "radio.flac", material.tone(2.0), codec="flac")
    record = video(uri=str(sound), duration_s=2.0, has_video=False)
    monkeypatch.setattr(clip, "read_video", lambda *_, **__: record)
    for ending, codec in ((".wav", "pcm_s16le"), (".flac", "flac")):
        target = tmp_path / f"clip{ending}"
        assert clip.clip_time_ranges(["radio@0.5-1.5"], lake, target, clip.ClipOptions()) == 0
        with av.open(str(target)) as made:
            assert made.streams.audio[0].codec_context.name == codec
            assert made.duration == 1_000_000
