"""The same voice in other videos is suggested, never assumed."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from pipeline.corrections import SameVoice, same_voice
from pipeline.lake import Lake, Origin, video_tables
from schemas.records import Analysis, Voice
from tests.pipeline.lake.lakes import COORDINATED, NOON, REVISION, TEXT, VISION, analysis, publish, task


def voiced(video_id: str, *voices: Voice) -> Analysis:
    made = analysis(video_id)
    said = tuple(replace(each, speaker="S1" if each.index else "S2") for each in made.transcript.utterances)
    return replace(made, transcript=replace(made.transcript, utterances=said, voices=voices))


def voice(speaker: str, angle: float, *, speech_s: float = 10.0, model: str = "campplus") -> Voice:
    return Voice(speaker, np.array([np.cos(angle), np.sin(angle)], np.float32), speech_s, model)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = {
        "v01": voiced("v01", voice("S1", 0.0), voice("S2", 1.5)),
        "v02": voiced("v02", voice("S1", 1.4), voice("S2", 0.3)),
        "v03": voiced("v03", voice("S1", 0.0, speech_s=1.0), voice("S2", 0.0, model="another")),
    }
    lake = Lake.create(str(tmp_path / "lake"))
    publish(lake, "01", list(made), made_up=made.__getitem__)
    return lake


def test_similar_voices_of_other_videos_are_suggested(lake: Lake) -> None:
    [found] = same_voice(lake, "v01", "S1")
    assert (found.video_id, found.speaker, found.speech_s) == ("v02", "S2", 10.0)
    assert found.similarity == pytest.approx(np.cos(0.3), abs=1e-5)
    assert [each.speaker for each in same_voice(lake, "v01", "S2")] == ["S1"]


def test_nobody_is_suggested_for_an_unknown_voice(lake: Lake) -> None:
    assert same_voice(lake, "v01", "S9") == []
    assert same_voice(lake, "v03", "S1") == list[SameVoice]()  # too little speech to compare


def test_rows_made_again_because_of_a_correction_do_not_decide_which_model_the_views_show(tmp_path: Path) -> None:
    lake = Lake.create(str(tmp_path / "lake"))
    publish(lake, "01", ["v01"], minutes=1)
    publish(lake, "02", ["v02"], revision="b" * 16, minutes=5, text=("other", 3))
    origin = Origin(
        revision=REVISION, shard="03", text=TEXT, vision=VISION, coordinated=COORDINATED,
        committed_at=NOON + timedelta(minutes=9), analysed_at=NOON + timedelta(minutes=1),
    )  # fmt: skip
    lake.stage("03", "v01", video_tables(task("v01"), analysis("v01"), origin))
    lake.commit("03", REVISION)
    spaces = lake.sql("SELECT DISTINCT model FROM lake.spaces WHERE space = 'text'")["model"].to_pylist()
    assert spaces == ["other"]
    assert lake.sql("SELECT shard FROM videos WHERE video_id = 'v01'")["shard"].to_pylist() == ["03"]
