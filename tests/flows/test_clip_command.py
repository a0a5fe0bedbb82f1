from pathlib import Path

import av
import opentimelineio as otio
import pytest
from click.testing import CliRunner, Result

from flows.cli import main
from pipeline.export.subtitles import srt
from pipeline.lake import read_video
from tests.known_lake import KnownLake

pytestmark = pytest.mark.models


def clip(known: KnownLake, *arguments: object) -> Result:
    return CliRunner().invoke(main, ["clip", *map(str, arguments), "--lake", known.lake.uri])


def length_s(path: Path) -> float:
    with av.open(str(path)) as container:
        return container.duration / av.time_base


def test_a_time_range_becomes_a_file(known_lake: KnownLake, tmp_path: Path) -> None:
    result = clip(known_lake, f"{known_lake.film}@0:05.2-0:07.2", "-o", tmp_path / "quote.mp4", "--exact")
    assert result.exit_code == 0, result.output
    assert length_s(tmp_path / "quote.mp4") == pytest.approx(2.0, abs=0.05)


def test_a_copy_says_how_early_it_starts(known_lake: KnownLake, tmp_path: Path) -> None:
    result = clip(known_lake, f"{known_lake.film}@5.2-7.2", "-o", tmp_path / "quote.mp4")
    assert "s early, at a keyframe" in result.stdout


def test_several_clips_go_to_a_folder_with_safe_names(known_lake: KnownLake, tmp_path: Path) -> None:
    result = clip(known_lake, f"{known_lake.film}@1-2", "silent@0.5-1.5", "-o", tmp_path / "clips")
    assert result.exit_code == 0, result.output
    names = sorted(path.name for path in (tmp_path / "clips").iterdir())
    assert names == ["The cat's _film_ _1_ 1-2 s.mp4", "silent 0.5-1.5 s.mp4"]


def test_existing_files_are_only_overwritten_with_force(known_lake: KnownLake, tmp_path: Path) -> None:
    target = tmp_path / "quote.mp4"
    target.write_text("precious")
    result = clip(known_lake, "silent@0-1", "-o", target)
    assert (result.exit_code, target.read_text()) == (1, "precious")
    assert "--force" in result.stderr
    assert clip(known_lake, "silent@0-1", "-o", target, "--force").exit_code == 0
    assert length_s(target) > 0.5


def test_the_video_itself_is_never_overwritten(known_lake: KnownLake) -> None:
    before = known_lake.silent.read_bytes()
    result = clip(known_lake, "silent@0-1", "-o", known_lake.silent, "--force")
    assert (result.exit_code, known_lake.silent.read_bytes()) == (1, before)


def test_other_originals_are_never_overwritten(known_lake: KnownLake) -> None:
    before = known_lake.silent.read_bytes()
    result = clip(known_lake, f"{known_lake.film}@0-1", "-o", known_lake.silent, "--force")
    assert (result.exit_code, known_lake.silent.read_bytes()) == (2, before)
    assert "is an original of this lake" in result.stderr


def test_each_failed_clip_gets_a_line(known_lake: KnownLake, tmp_path: Path) -> None:
    moments = ["silent@0-1", "silent@50-60", "nobody@1-2", "broken@0-1"]
    result = clip(known_lake, *moments, "-o", tmp_path)
    assert result.exit_code == 3
    assert len(result.stdout.splitlines()) == 1
    failed = result.stderr.splitlines()
    assert [line.startswith("no clip: ") for line in failed] == [True] * 3
    assert [path.name for path in tmp_path.iterdir()] == ["silent 0-1 s.mp4"]


@pytest.mark.parametrize(
    "moment", ["silent", "silent@1", "silent@2-1", "silent@1-1", "silent@a-b", "@1-2", "silent@1-2-3"]
)
def test_an_invalid_time_range_is_a_usage_error(known_lake: KnownLake, moment: str) -> None:
    result = clip(known_lake, moment)
    assert result.exit_code == 2
    assert moment in result.stderr


def test_subtitles_of_a_real_video_match_its_speech(known_lake: KnownLake) -> None:
    lines = srt(read_video(known_lake.lake, str(known_lake.film))).splitlines()
    assert "morning" in " ".join(lines)
    start_s = [float(line[6:8]) + int(line[9:12]) / 1000 for line in lines if "-->" in line]
    assert start_s[0] == pytest.approx(known_lake.truth.spoken[0].start_s, abs=0.4)
    assert any(each == pytest.approx(known_lake.truth.spoken[1].start_s, abs=0.4) for each in start_s)


def test_search_hits_become_clips(known_lake: KnownLake, tmp_path: Path) -> None:
    result = clip(known_lake, "--query", "the cat at the window", "--limit", 1, "-o", tmp_path, "--exact")
    assert result.exit_code == 0, result.output
    [made] = tmp_path.iterdir()
    assert made.name.startswith("The cat's _film_ _1_ ")
    start_s, end_s = (float(each) for each in made.stem.removesuffix(" s").rsplit(" ", 1)[1].split("-"))
    spoken = known_lake.truth.spoken[1]
    assert start_s < spoken.start_s < spoken.end_s < end_s
    assert clip(known_lake, "--query", "x", "silent@0-1").exit_code == 2
    for option in (["--pad", 2], ["--limit", 2], ["--kind", "speech"]):
        refused = clip(known_lake, "silent@0-1", *option)
        assert (refused.exit_code, "only be used with --query" in refused.stderr) == (2, True)


def test_clips_of_a_search_use_its_filters_and_end_with_the_video(known_lake: KnownLake, tmp_path: Path) -> None:
    query = ["--query", "the cat at the window", "--limit", 1, "--pad", 60]
    result = clip(known_lake, *query, "--kind", "speech", "--video", known_lake.film.name, "-o", tmp_path)
    assert result.exit_code == 0, result.output
    [made] = tmp_path.iterdir()
    end_s = float(made.stem.removesuffix(" s").rsplit("-", 1)[1])
    assert end_s == pytest.approx(read_video(known_lake.lake, str(known_lake.film)).duration_s, abs=0.01)
    silent = clip(known_lake, *query, "--kind", "speech", "--video", "silent", "-o", tmp_path)
    assert (silent.exit_code, "with these filters" in silent.stderr) == (1, True)


def test_search_hits_become_a_timeline(known_lake: KnownLake, tmp_path: Path) -> None:
    arguments = ["export", "--query", "the cat at the window", "--limit", "2", "--lake", known_lake.lake.uri]
    result = CliRunner().invoke(main, [*arguments, "-o", str(tmp_path / "cats.otio")])
    assert result.exit_code == 0, result.output
    [first, *_] = otio.adapters.read_from_file(str(tmp_path / "cats.otio")).find_clips()
    assert "cat" in first.name
    assert first.media_reference.target_url == known_lake.film.as_uri()
    assert CliRunner().invoke(main, [*arguments, "--format", "srt"]).exit_code == 2
    assert "FCM: NON-DROP FRAME" in CliRunner().invoke(main, [*arguments, "--format", "edl"]).stdout
