from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from pipeline.lake import Lake
from pipeline.search.query_encoder import QueryEncoder, Spaces
from schemas.errors import ModelError
from schemas.tables import NO_ENCODER
from tests.pipeline.lake.lakes import COORDINATED, NOON, TEXT, VISION, publish


def test_a_new_lake_has_no_spaces_and_queries_are_zeros(tmp_path: Path) -> None:
    encoder = QueryEncoder.of_lake(Lake.create(str(tmp_path / "lake")))
    assert encoder.spaces == Spaces(NO_ENCODER, NO_ENCODER, NO_ENCODER)
    found = encoder.texts(["anything", "else"])
    assert found.text.shape == found.vision.shape == found.coordinated.shape == (2, 1)
    assert not found.text.any()
    assert encoder.images([np.zeros((9, 9, 3), np.uint8)]).vision.shape == (1, 1)


def test_spaces_come_from_the_newest_vectors(tmp_path: Path) -> None:
    lake = Lake.create(str(tmp_path / "lake"))
    publish(lake, "01", ["v01", "v02"])
    assert QueryEncoder.of_lake(lake).spaces == Spaces(TEXT, VISION, COORDINATED, ("minilm + efficientnet", 10))
    publish(lake, "02", ["v01"], revision="b" * 16, minutes=5, text=("other", 3))
    assert QueryEncoder.of_lake(lake).spaces == Spaces(("other", 3), VISION, COORDINATED, ("other + efficientnet", 7))


def test_text_is_encoded_as_the_newest_run_says(tmp_path: Path) -> None:
    lake = Lake.create(str(tmp_path / "lake"))
    publish(lake, "01", ["v01"])
    text = {"model": "what it was called then", "pooling": "cls", "max_tokens": 64, "no_longer_known": 1}
    lake.write_run(
        {
            "run_id": "r1", "revision": "a1b2c3d4e5f60718", "started_at": NOON, "finished_at": NOON + timedelta(1),
            "state": "completed", "archive": [], "configuration": f'{{"text": {text}}}'.replace("'", '"'),
            "versions": {}, "models": [], "videos_found": 1, "videos_skipped": 0, "videos_ok": 1, "videos_failed": 0,
            "video_s": 1.0, "wall_s": 1.0, "compute_s": {}, "stages": [], "prefect_flow_run_id": None,
        }
    )  # fmt: skip
    config = QueryEncoder.of_lake(lake)._text_config
    assert (config.model, config.pooling, config.max_tokens) == (TEXT[0], "cls", 64)


def test_vectors_of_two_models_of_an_earlier_version_are_refused_with_what_to_do() -> None:
    encoder = QueryEncoder(Spaces(text=("embedded:minilm + sentence-transformers/other", 768)))
    with pytest.raises(ModelError, match=r"made the lake's text vectors with two models .* Run `videolake run`"):
        encoder.texts(["anything"])
