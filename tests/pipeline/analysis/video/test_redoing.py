"""Some stages are redone with other settings: the rows are those of a complete analysis, and nothing else is run."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from pipeline.analysis.media.decoding import AudioBlockBuilder, _FrameBatcher
from pipeline.analysis.speech import SpeechRecognizer
from pipeline.analysis.vision import FrameEncoder
from pipeline.lake import analysis_of
from tests.nightly import examples
from tests.pipeline.analysis.video.redoing import (
    Laboratory,
    Settings,
    changes,
    config_of,
    differences,
    make_film,
    stages_of,
)

pytestmark = pytest.mark.models

_PAIRS = examples(1)
"""The others compare a redone text, understanding and sound, and `benchmarks/incremental.py` tries many pairs."""


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory, _models: dict[str, object]) -> Laboratory:
    return Laboratory(make_film(tmp_path_factory.mktemp("redo") / "film.mp4"), made=_models)


@contextmanager
def unused(*methods: Callable[..., Any]) -> Iterator[None]:
    """Let these methods of classes raise when they are called."""
    with ExitStack() as patched:
        for method in methods:
            owner, _, name = method.__qualname__.partition(".")
            error = AssertionError(f"{method.__qualname__} was called")
            patched.enter_context(patch.object(method.__globals__[owner], name, side_effect=error))
        yield


@settings(
    max_examples=_PAIRS,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(pair=changes())
def test_a_partial_redo_gives_the_rows_of_a_complete_analysis(
    laboratory: Laboratory, pair: tuple[Settings, Settings]
) -> None:
    before, after = map(config_of, pair)
    redone = laboratory.redone(laboratory.complete(before), after, stages_of(before, after))
    assert not differences(laboratory.complete(after), redone)


def test_settings_of_the_understanding_open_no_file_and_run_no_other_model(laboratory: Laboratory) -> None:
    rows, chosen = laboratory.complete(config_of({})), {}
    for name, value in (
        ("scenes.similarity", 0.95),
        ("fusion.method", "hybrid"),
        ("topics.min_score", 0.01),
        ("keyphrases.count", 2),
        ("summary.sentences", 1),
    ):
        chosen[name] = value
        # The file is gone: only its name is read.
        gone = Path("/nowhere") / laboratory.film.name
        during = unused(FrameEncoder.encode)
        rows = laboratory.redone(rows, config_of(chosen), {"understanding"}, film=gone, during=during)
    assert not differences(laboratory.complete(config_of(chosen)), rows)
    assert differences(laboratory.complete(config_of({})), rows)


def test_a_setting_of_speech_decodes_no_frame_and_runs_no_image_model(laboratory: Laboratory) -> None:
    before, after = config_of({}), config_of({"speech.min_avg_logprob": -0.05, "speakers.threshold": 1.0})
    during = unused(_FrameBatcher.add, FrameEncoder.encode)
    redone = laboratory.redone(laboratory.complete(before), after, stages_of(before, after), during=during)
    assert not differences(laboratory.complete(after), redone)
    assert any(redone["utterances"]["flags"].to_pylist())
    assert redone["frames"].num_rows


def test_settings_of_images_decode_no_audio_and_run_no_speech_model(laboratory: Laboratory) -> None:
    before = config_of({})
    after = config_of({"vision.labels": 2, "ocr.min_score": 0.99, "keyframes.thumbnail_width_px": 64})
    during = unused(AudioBlockBuilder.add, SpeechRecognizer.session)
    redone = laboratory.redone(laboratory.complete(before), after, stages_of(before, after), during=during)
    assert max(map(len, redone["frames"]["labels"].to_pylist())) == 2
    assert redone["utterances"].num_rows


def test_stages_that_cannot_run_alone_are_refused(laboratory: Laboratory) -> None:
    analyzer = laboratory.analyzer(config_of({}), {"text", "understanding"})
    before = analysis_of(laboratory.complete(config_of({})))
    uri = str(laboratory.film)
    with pytest.raises(ValueError, match=r"must redo \['text', 'understanding'\]"):
        analyzer.analyze(uri, before.info, video_id="v", stages={"text"}, before=before)
    with pytest.raises(ValueError, match="Without an earlier analysis"):
        analyzer.analyze(uri, before.info, video_id="v", stages={"understanding"})
    with pytest.raises(ValueError, match="models were loaded for"):
        analyzer.analyze(uri, before.info, video_id="v")


def test_frames_whose_classes_an_older_version_did_not_keep_are_seen_again_for_another_text_encoder(
    laboratory: Laboratory,
) -> None:
    rows = dict(laboratory.complete(config_of({})))
    rows["frames"] = rows["frames"].drop_columns(["classes", "class_probabilities"])
    after = config_of({"text.pooling": "cls"})
    stages = laboratory.analyzer(after).stages_for({"text"}, analysis_of(rows))
    assert stages == {"picture", "text", "understanding"}
    assert not differences(laboratory.complete(after), laboratory.redone(rows, after, stages))
