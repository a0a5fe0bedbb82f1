"""Corrections of a real video: recorded, applied without its file, found, kept and taken back."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.corrections import Deriver, Edit, correct, history, pending_videos, undo, utterance_at
from pipeline.export import FORMATS, Options
from pipeline.lake import Lake, VideoRecord, read_video
from pipeline.run import make_plan, models_of, read_history, recipe_of
from pipeline.search import Searcher
from schemas.config import Config, SpeakersConfig
from schemas.corrections import Span
from schemas.errors import ConfigurationError
from schemas.records import Utterance, VideoTask
from tests.corrected import correctable
from tests.known_lake import KnownLake
from workers import InlinePool, RunJob

pytestmark = [pytest.mark.models, pytest.mark.usefixtures("kept_models")]

RIGHT = "The zebra looks out of the window and waits."


@pytest.fixture
def lake(known_lake: KnownLake, tmp_path: Path) -> Lake:
    return correctable(known_lake, tmp_path)


@pytest.fixture(scope="module")
def derivers() -> dict[str, Deriver]:
    return {}


def film(lake: Lake) -> VideoRecord:
    return read_video(lake, 'The cat\'s "film" <1>.mp4')


def about(video: VideoRecord, word: str) -> Utterance:
    return next(each for each in video.utterances if word in each.text)


def text_of(utterance: Utterance, text: str) -> Edit:
    return Edit("text", text, Span(utterance.start_s, utterance.end_s))


def rows(lake: Lake, table: str) -> list[dict[str, Any]]:
    keys = "shard, committed_at, analysed_at, corrections_digest, timings_s"
    left_out = ", ".join(each for each in keys.split(", ") if each == "shard" or table == "videos")
    order = {"videos": "video_id", "scenes": "video_id, scene_index", "summaries": "video_id"}
    by = order.get(table, f"{table.removesuffix('s')}_id")
    return lake.sql(f"SELECT * EXCLUDE ({left_out}) FROM {table} ORDER BY {by}").to_pylist()


def test_a_corrected_video_is_made_again_without_its_file_and_undone_exactly(
    lake: Lake, known_lake: KnownLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.analysis.media.sources.open_bytes", lambda *_, **__: pytest.fail("a file was opened"))
    tables = ("videos", "utterances", "scenes", "summaries", "frames")
    before = {table: rows(lake, table) for table in tables}
    searcher, deriver = Searcher(lake, refresh_s=0.0), Deriver(lake, threads=1)
    video = film(lake)
    wrong = about(video, "cat")
    assert not searcher.search('"zebra"')
    made = correct(
        lake,
        video.video_id,
        [text_of(wrong, RIGHT), Edit("headline", "A zebra at home"), Edit("topics", "Safari")],
        author="Ann",
        deriver=deriver,
    )
    assert not made.pending
    after = film(lake)
    right = about(after, "zebra")
    assert (right.text, right.auto_text, right.start_s) == (RIGHT, wrong.text, wrong.start_s)
    assert (after.headline, after.summary.auto_headline) == ("A zebra at home", video.headline)
    assert after.summary.topics[0].label == "Safari"
    # Words, meaning, exports and scenes all have the right value.
    assert searcher.search('"zebra"')[0].text == RIGHT
    assert "semantic" in {
        reason.retriever for reason in searcher.search("an animal with black and white stripes")[0].reasons
    }
    assert "zebra" in FORMATS["srt"].text(after, Options())
    assert any("zebra" in scene.text for scene in after.scenes)
    assert len(lake.sql("FROM videos")) == len(before["videos"])
    for event in made.corrections:
        assert not undo(lake, video.video_id, event.correction_id, author="Bob", deriver=deriver).pending
    assert {table: rows(lake, table) for table in tables} == before
    assert not searcher.search('"zebra"')
    assert [(each.holds, each.correction.author) for each in history(lake, video.video_id).listed] == [
        (False, "Bob"), (False, "Bob"), (False, "Bob"), (False, "Ann"), (False, "Ann"), (False, "Ann")
    ]  # fmt: skip


def test_while_a_run_writes_the_lake_a_correction_is_kept_and_the_next_run_applies_it(lake: Lake) -> None:
    video = film(lake)
    config = Config()
    recipe = recipe_of(config, models_of(config))
    task = VideoTask(video.video_id, video.uris, video.row["size_bytes"], video.row["mtime_ns"])

    def planned() -> tuple[set[str], set[str]]:
        plan = make_plan([task], lake.processed(), recipe, config, read_history(lake))
        return {stage for shard in plan.shards for each in shard.tasks for stage in each.stages}, {
            each.reason for each in plan.redone
        }

    assert planned() == (set(), set())
    with Lake(lake.uri).lock():
        made = correct(lake, video.video_id, [text_of(about(video, "cat"), RIGHT)], author="Ann")
    assert "is being written by" in made.pending
    assert pending_videos(lake) == [video.video_id]
    assert history(lake, video.video_id).pending
    assert planned() == ({"text", "understanding"}, {"corrections have changed", "reads text"})
    assert Deriver(lake, threads=1).apply(video.video_id)
    assert about(film(lake), "zebra").text == RIGHT
    assert planned() == (set(), set())
    assert not pending_videos(lake)


def test_what_cannot_be_corrected_is_refused_and_nothing_is_recorded(lake: Lake) -> None:
    video = film(lake)
    for edit, message in (
        (Edit("text", "x", Span(500.0, 501.0)), "no such utterance"),
        (Edit("speaker", "Ann", name="S9"), "has no speaker 'S9'"),
        (Edit("headline", " "), "is empty"),
        (Edit("headline", "x" * 201), "at most 200"),
        (Edit("topics", None, name="Nothing"), "has no topic"),
        (Edit("chapter_title", "x", Span(500.0, 501.0)), "no such chapter"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            correct(lake, video.video_id, [edit], author="Ann")
    with pytest.raises(ConfigurationError, match="Nobody speaks"):
        utterance_at(video, 400.0)
    with pytest.raises(ConfigurationError, match="no correction"):
        undo(lake, video.video_id, "abcd", author="Ann")
    assert not lake.corrections()
    same = text_of(video.utterances[0], video.utterances[0].text)
    assert correct(lake, video.video_id, [same], author="Ann").corrections == ()


def test_a_new_analysis_of_the_audio_keeps_corrections(lake: Lake) -> None:
    video = film(lake)
    edits = [text_of(about(video, "cat"), RIGHT), Edit("headline", "A zebra")]
    edits.append(Edit("speaker", "Ann Lee", name=video.utterances[0].speaker or ""))
    correct(lake, video.video_id, edits, author="Ann", apply=False)
    config = Config(speakers=SpeakersConfig(max_speakers=5))
    recipe = recipe_of(config, models_of(config))
    task = VideoTask(video.video_id, video.uris, video.row["size_bytes"], video.row["mtime_ns"])
    [shard] = make_plan([task], lake.processed(), recipe, config, read_history(lake)).shards
    assert shard.stages == ("sound", "text", "understanding")
    job = RunJob(recipe.revision, lake.uri, config, stages=recipe.stages, expected=shard.stages)
    assert [each.status for each in InlinePool(job).submit(shard.id, shard.tasks).outcomes()] == ["ok"]
    lake.commit(shard.id, shard.revision, [video.video_id])
    after = film(lake)
    assert (about(after, "zebra").text, after.headline, after.speakers) == (RIGHT, "A zebra", ("Ann Lee",))
    found = history(lake, video.video_id)
    assert not found.pending
    assert all(each.placed for each in found.listed)
    assert not make_plan([task], lake.processed(), recipe, config, read_history(lake)).shards
