"""Videos that moved or vanished, on the pages and in `videolake show`."""

import json
from datetime import timedelta
from pathlib import Path

from click.testing import CliRunner
from starlette.testclient import TestClient

from flows.cli import main
from flows.web.app import make_app
from pipeline.lake import Lake, Origin, video_tables
from pipeline.search import Searcher
from schemas.records import VideoTask
from tests import material
from tests.flows.web.lakes import video
from tests.pipeline.lake.lakes import COORDINATED, NOON, REVISION, TEXT, VISION

MOVED, LOST = (f"{number:032x}" for number in (0xAA, 0xBB))


def make_lake(folder: Path) -> Lake:
    """Write a lake in which one film is at another place than when it was analysed, and one is gone."""
    film = material.shots_video(folder / "now" / "film.mp4", [0.4], size=(64, 48))
    lake = Lake.create(str(folder / "lake"))
    keys = {"revision": REVISION, "shard": "01", "text": TEXT, "vision": VISION, "coordinated": COORDINATED}
    rows = []
    for video_id, name in ((MOVED, "film.mp4"), (LOST, "lost.mp4")):
        task = VideoTask(video_id, (str(folder / "then" / name),), film.stat().st_size, 1)
        made = video_tables(task, video(video_id, f"About {name}"), Origin(committed_at=NOON, **keys))
        lake.stage("01", video_id, made)
        there = {"uri": task.uris[0], "size_bytes": task.size_bytes, "mtime_ns": 1, "video_id": video_id}
        rows += [there | {"seen_at": NOON}]
        rows += [there | {"seen_at": NOON + timedelta(days=1), "missing_since": NOON + timedelta(days=1)}]
    lake.commit("01", REVISION)
    lake.write_sources("run", [*rows, rows[0] | {"uri": str(film)}])
    return lake


def test_a_moved_film_plays_and_a_lost_one_is_marked_and_can_be_listed(tmp_path: Path) -> None:
    (tmp_path / "now").mkdir()
    lake = make_lake(tmp_path)
    with TestClient(make_app(lake, Searcher(lake)), base_url="http://localhost") as client:
        assert client.get(f"/media/{MOVED}").content == (tmp_path / "now/film.mp4").read_bytes()
        lost = client.get(f"/v/{LOST}").text
        assert f"vanished from {tmp_path}/then/lost.mp4 on 2026-11-25. Put the file back" in lost
        assert "missing since 2026-11-25" in lost
        assert "missing since" not in client.get(f"/v/{MOVED}").text
        home = client.get("/").text
        assert "1 missing</a>" in home
        assert home.count("data-item") == 2
        missing = client.get("/", params={"status": "missing"}).text
        assert "1 missing video" in missing
        assert "About lost.mp4" in missing
        assert "About film.mp4" not in missing

    def shown(name: str) -> dict[str, object]:
        result = CliRunner().invoke(main, ["show", name, "--json", "--lake", lake.uri])
        assert result.exit_code == 0, result.output
        return dict(json.loads(result.stdout))

    assert shown(str(tmp_path / "then/film.mp4"))["uris"] == [str(tmp_path / "now/film.mp4")]
    lost_document = shown("lost.mp4")
    assert lost_document["missing_since"] == "2026-11-25T12:00:00+00:00"
    assert "Missing" in str(lost_document["facts"])
    clip = CliRunner().invoke(main, ["clip", "lost.mp4@0-1", "--lake", lake.uri, "-o", str(tmp_path / "clip.mp4")])
    assert clip.exit_code == 1
    assert "vanished from" in clip.stderr
