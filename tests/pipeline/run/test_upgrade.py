"""A lake of the version before stages: opened, searched, compared, and redone stage by stage.

`old_lake.json` holds the rows that version 6 of the analysis wrote for a silent video of two shots, and its run.
"""

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.lake import Lake
from pipeline.models import ModelInfo
from pipeline.run.history import History, read_history
from pipeline.run.plan import Plan, make_plan
from pipeline.run.redo import UNRECORDED, Redo
from pipeline.run.revision import Recipe, recipe_of
from schemas.config import Config
from schemas.records import VideoTask
from schemas.stages import STAGES
from schemas.tables import table_schema
from workers import InlinePool, RunJob

pytestmark = pytest.mark.slow

OLD: dict[str, Any] = json.loads(Path(__file__).with_name("old_lake.json").read_text())
[RUN], [VIDEO] = OLD["runs"]["rows"], OLD["videos"]["rows"]
CONFIG = Config.model_validate_json(RUN["configuration"])
MODELS = [ModelInfo(path=Path(), **each) for each in RUN["models"]]
VERSIONS = dict.fromkeys(STAGES, 1)
"""Of the stages when the rows were written. A new version of a stage redoes it."""
TASK = VideoTask(VIDEO["video_id"], tuple(VIDEO["uris"]), VIDEO["size_bytes"], VIDEO["mtime_ns"])


@pytest.fixture
def old_lake(tmp_path: Path) -> Lake:
    """A lake without a log, as older versions wrote it."""
    folder = tmp_path / "lake"
    folder.mkdir()
    (folder / "_videolake.json").write_text('{"format": 2}')
    for table, content in OLD.items():
        (folder / table).mkdir()
        name = f"{RUN['run_id']}.parquet" if table == "runs" else f"{VIDEO['revision'][:8]}-{VIDEO['shard']}.parquet"
        pq.write_table(_table(table, content), folder / table / name)
    return Lake(str(folder))


def _table(table: str, content: dict[str, Any]) -> pa.Table:
    """Return the rows of a table in the columns that the old version had."""
    encoders = {"text": ("embedded:minilm", 384), "vision": ("embedded:efficientnet-lite0", 1280)}
    shared = ("conse:embedded:minilm+embedded:efficientnet-lite0", 384)
    schema = table_schema(table, **encoders, coordinated=shared)
    fields = [schema.field(name) for name in content["columns"]]
    assert [
        (field.metadata or {}).get(b"model", b"").decode() for field in fields if b"model" in field.metadata
    ] == list(content["models"].values())
    return pa.Table.from_pylist([{field.name: _value(row[field.name], field) for field in fields} for row in
                                 content["rows"]], pa.schema(fields, metadata=schema.metadata))  # fmt: skip


def _value(value: Any, field: pa.Field) -> Any:
    if value is not None and pa.types.is_binary(field.type):
        return base64.b64decode(value)
    if value is not None and pa.types.is_map(field.type):
        return [tuple(pair) for pair in value]
    return datetime.fromisoformat(value) if value is not None and pa.types.is_timestamp(field.type) else value


def plan(lake: Lake, recipe: Recipe, history: History | None = None) -> Plan:
    return make_plan([TASK], lake.processed(), recipe, CONFIG, history or read_history(lake))


def with_settings(**sections: dict[str, Any]) -> Config:
    changed = {name: getattr(CONFIG, name).model_copy(update=values) for name, values in sections.items()}
    return CONFIG.model_copy(update=changed)


def test_with_the_same_settings_nothing_is_analysed_again(old_lake: Lake) -> None:
    assert old_lake.sql("SELECT status, stages, revision FROM videos").to_pylist() == [
        {"status": "ok", "stages": None, "revision": VIDEO["revision"]}
    ]
    assert old_lake.sql("SELECT count(*) AS n FROM frames WHERE embedding IS NOT NULL").to_pylist() == [{"n": 2}]
    assert plan(old_lake, recipe_of(CONFIG, MODELS, VERSIONS)).done == 1


def test_a_plan_says_which_stages_an_upgrade_redoes_and_why(old_lake: Lake) -> None:
    speech = recipe_of(with_settings(speech={"beam_size": 1}), MODELS, VERSIONS)
    assert plan(old_lake, speech).redone == {
        Redo("sound", "speech.beam_size 5 -> 1"): 1,
        Redo("text", "reads sound"): 1,
        Redo("understanding", "reads sound and text"): 1,
    }
    newer = recipe_of(CONFIG, MODELS, {**VERSIONS, "understanding": 2})
    assert plan(old_lake, newer).redone == {Redo("understanding", "new version of the analysis"): 1}
    [task] = plan(old_lake, newer).shards[0].tasks
    assert (task.stages, task.before) == (("understanding",), VIDEO["shard"])


def test_a_lake_whose_run_is_not_recorded_is_analysed_again(old_lake: Lake) -> None:
    found = plan(old_lake, recipe_of(CONFIG, MODELS), History())
    assert found.redone == {Redo(stage, UNRECORDED): 1 for stage in STAGES}
    assert found.shards[0].tasks[0].stages == STAGES


@pytest.mark.models
def test_an_old_video_is_redone_from_its_old_rows_without_its_file(old_lake: Lake) -> None:
    config = with_settings(summary={"keyframes": 1}, scenes={"min_scene_s": 0.5})
    recipe = recipe_of(config, MODELS, VERSIONS)
    with old_lake.lock():
        [shard] = plan(old_lake, recipe).shards
        job = RunJob(recipe.revision, old_lake.uri, config, stages=recipe.stages, expected=shard.stages)
        [outcome] = InlinePool(job).submit(shard.id, shard.tasks).outcomes()
        assert (outcome.status, outcome.error_message) == ("ok", "")
        old_lake.commit(shard.id, shard.revision)
    assert plan(old_lake, recipe).done == 1
    [row] = old_lake.sql("SELECT stages, shots, frames, uri FROM videos").to_pylist()
    kept = {each["name"]: each["revision"] for each in row["stages"]}
    assert kept == dict.fromkeys(STAGES[:3], VIDEO["revision"]) | {"understanding": recipe.stages["understanding"]}
    assert (row["shots"], row["frames"], row["uri"]) == (2, 2, VIDEO["uri"])
    assert old_lake.sql("SELECT len(keyframe_ids) AS n FROM summaries").to_pylist() == [{"n": 1}]
