"""Which audio track is analysed, and which are tried if nobody speaks there."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from av.stream import Disposition
from pydantic import ValidationError

from pipeline.analysis.media import DecodeStats, decode, probe
from schemas.config import LimitsConfig, MediaConfig
from schemas.media import AudioBlock, MediaInfo
from tests.material import audio_tracks

DEFAULT, COMMENT = Disposition.default, Disposition.comment


def chosen(path: Path, wanted: int | str | None = None) -> tuple[list[int], tuple[str, ...]]:
    info = probe(str(path), MediaConfig(audio_track=wanted), LimitsConfig())
    return [stream.track for stream in info.audio_streams], info.warnings


@pytest.mark.parametrize(
    ("described", "order"),
    [
        ([("eng", 0), ("ger", 0)], [0, 1]),
        ([("eng", 0), ("ger", DEFAULT)], [1, 0]),
        ([("eng", COMMENT), ("ger", 0)], [1, 0]),
        ([("eng", COMMENT | DEFAULT), ("ger", Disposition.visual_impaired), ("fre", 0)], [2, 0, 1]),
    ],
)
def test_the_default_track_comes_first_and_commentaries_last(
    tmp_path: Path, described: Sequence[tuple[str, int]], order: list[int]
) -> None:
    film = audio_tracks(tmp_path / "film.mkv", *((*each, 0.1) for each in described))
    assert chosen(film) == (order, ())


@pytest.mark.parametrize("wanted", [1, "1", "de", "deu", "ger", "DE", "de-AT"])
def test_a_track_is_chosen_by_number_or_language(tmp_path: Path, wanted: int | str) -> None:
    film = audio_tracks(tmp_path / "film.mkv", ("eng", DEFAULT, 0.1), ("ger", 0, 0.1), ("ger", COMMENT, 0.1))
    assert chosen(film, wanted) == ([1], ())


@pytest.mark.parametrize("wanted", [7, "fr", "xx"])
def test_a_track_that_is_not_there_costs_a_warning_that_names_those_that_are(tmp_path: Path, wanted: int | str) -> None:
    film = audio_tracks(tmp_path / "film.mkv", ("eng", 0, 0.1), ("ger", DEFAULT, 0.1))
    order, warnings = chosen(film, wanted)
    assert order == [1, 0]
    assert warnings == (
        f"media.audio_track is {wanted!r}, but the audio tracks are 0 (eng), 1 (ger); 1 (ger) was used.",
    )


def test_a_track_that_ffmpeg_cannot_decode_costs_a_warning_and_keeps_its_number(tmp_path: Path) -> None:
    film = audio_tracks(tmp_path / "film.mkv", ("eng", DEFAULT, 0.1), ("ger", 0, 0.1))
    film.write_bytes(film.read_bytes().replace(b"A_PCM/INT/LIT", b"A_XYZ/INT/LIT", 1))
    assert chosen(film) == ([1], ("FFmpeg has no decoder for these audio tracks: 0.",))
    assert chosen(film, 1)[0] == [1]


@pytest.mark.parametrize("wanted", [-1, "the German one", ""])
def test_a_setting_that_is_neither_a_number_nor_a_language_is_an_error(wanted: int | str) -> None:
    with pytest.raises(ValidationError):
        MediaConfig(audio_track=wanted)


def heard(info: MediaInfo, skipped: set[int]) -> dict[int, float]:
    """Return the level of each stream that was decoded."""
    config, limits, stats = MediaConfig(), LimitsConfig(), DecodeStats()
    items = decode(info.uri, info, config, limits, wanted=lambda *_: 0, threads=1, stats=stats, skipped=skipped)
    return {item.stream: float(np.abs(item.samples).max()) for item in items if isinstance(item, AudioBlock)}


def test_all_tracks_are_decoded_in_one_pass_but_for_those_that_are_not_needed(tmp_path: Path) -> None:
    film = audio_tracks(tmp_path / "film.mkv", ("eng", DEFAULT, 0.1), ("ger", 0, 0.2), ("fre", 0, 0.4))
    info = probe(str(film), MediaConfig(), LimitsConfig())
    assert heard(info, set()) == pytest.approx({0: 0.1, 1: 0.2, 2: 0.4}, abs=0.01)
    assert heard(info, {1}) == pytest.approx({0: 0.1, 2: 0.4}, abs=0.01)


def test_a_file_whose_first_track_is_empty_is_as_long_as_the_others(tmp_path: Path) -> None:
    film = audio_tracks(tmp_path / "film.mkv", ("eng", DEFAULT, 0.1), ("ger", 0, 0.2))
    info, stats = probe(str(film), MediaConfig(), LimitsConfig()), DecodeStats()
    list(
        decode(
            str(film), info, MediaConfig(), LimitsConfig(), wanted=lambda *_: False, threads=1, stats=stats, skipped={0}
        )
    )
    assert stats.duration_s == pytest.approx(0.5, abs=0.01)
