import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.analysis.fusion import fusion_method, unit
from pipeline.analysis.fusion.attention import CrossAttention
from pipeline.analysis.fusion.hybrid import SETTINGS, WEIGHTS, closed_form, fuse_hybrid, load, save
from pipeline.analysis.fusion.parts import SceneParts, Track
from pipeline.extras.fusion_training.examples import TrainingScene, read_examples
from pipeline.extras.fusion_training.training import TrainingReport, TrainingSettings, train
from pipeline.models import fusion_model
from pipeline.search.query_encoder import QueryEncoder
from schemas.config import FusionConfig
from schemas.errors import LakeError, ModelError

D = 16
SETTINGS_QUICK = TrainingSettings(rank=4, steps=60, batch_scenes=32, learning_rate=1e-2)


def scenes(count: int = 80) -> list[TrainingScene]:
    """Scenes of random subjects. Frames say little of theirs: what they all share drowns it."""
    rng = np.random.default_rng(0)
    shared = unit(rng.standard_normal(D))
    made = []
    for number in range(count):
        subject = unit(rng.standard_normal(D))
        texts = unit(subject + 0.2 * rng.standard_normal((3, D)))
        frames = unit(0.7 * subject + 3 * shared + 0.1 * rng.standard_normal((3, D)))
        queries = unit(subject + 0.1 * rng.standard_normal((3, D)))
        times_s = np.arange(3.0)
        made.append(
            TrainingScene(
                f"v{number // 4}", number % 4, Track(texts[:1], times_s[:1], np.ones(1)), queries[:1],
                Track(frames, times_s, np.ones(3)), queries,
            )
        )  # fmt: skip
    return made


@pytest.fixture(scope="module")
def trained() -> tuple[CrossAttention, TrainingReport]:
    return train(scenes(), SETTINGS_QUICK)


def parts(scene: TrainingScene) -> SceneParts:
    return SceneParts(
        np.ones(2, np.float32), np.ones(2, np.float32), scene.frames.vectors[0], scene.texts, scene.frames
    )


def test_training_lowers_the_loss_and_finds_more_on_videos_it_has_not_seen(
    trained: tuple[CrossAttention, TrainingReport],
) -> None:
    report = trained[1]
    assert report.last_loss < 0.8 * report.first_loss
    assert report.better
    assert report.trained_mrr > report.closed_form_mrr + 0.05
    assert report.train_scenes + report.held_out_scenes == 80


def test_the_same_training_gives_the_same_weights(trained: tuple[CrossAttention, TrainingReport]) -> None:
    again, report = train(scenes(), SETTINGS_QUICK)
    assert report == trained[1]
    for name, value in again.state_dict().items():
        assert torch.equal(value, trained[0].state_dict()[name]), name


def test_saved_weights_make_the_same_vectors_as_a_method(
    trained: tuple[CrossAttention, TrainingReport], tmp_path: Path
) -> None:
    module, report = trained
    save(module, tmp_path / "w", space="conse:t+v", about=report.as_dict())
    config = FusionConfig(method="hybrid", hybrid_weights=str(tmp_path / "w"))
    method = fusion_method(config, text=("t", 2), vision=("v", 2), coordinated=("conse:t+v", D))
    info = fusion_model(config)
    assert info is not None
    assert method.space == (f"hybrid:{info.digest}:conse:t+v", D)
    some = [parts(scene) for scene in scenes(5)]
    expected = fuse_hybrid(module, some)
    for (vector, text_weight, _), wanted in zip(method.fuse(some), expected, strict=True):
        assert np.array_equal(vector, wanted)
        assert text_weight == pytest.approx(module.text_weight)
    assert not np.allclose(expected, fuse_hybrid(closed_form(D, 0.5), some), atol=0.01)
    assert json.loads((tmp_path / "w" / SETTINGS).read_text())["training"]["better"] is True


def test_untrained_the_module_is_the_closed_form_whatever_its_seed() -> None:
    some = [parts(scene) for scene in scenes(5)]
    plain = fuse_hybrid(closed_form(D, 0.4), some)
    for seed in (1, 2):
        assert np.allclose(fuse_hybrid(CrossAttention(D, rank=8, text_weight=0.4, seed=seed), some), plain, atol=1e-6)


def test_weights_of_another_space_or_damaged_ones_are_refused(
    trained: tuple[CrossAttention, TrainingReport], tmp_path: Path
) -> None:
    save(trained[0], tmp_path, space="conse:t+v", about={})
    with pytest.raises(ModelError, match=r"trained in the space conse:t\+v with 16 .* give openai/clip with 16"):
        load(tmp_path, space="openai/clip", dimensions=D)
    (tmp_path / WEIGHTS).write_bytes(b"no weights")
    with pytest.raises(ModelError, match="cannot be read"):
        load(tmp_path, space="conse:t+v", dimensions=D)
    with pytest.raises(ModelError, match="train-fusion"):
        fusion_model(FusionConfig(method="hybrid", hybrid_weights=str(tmp_path / "nowhere")))
    assert fusion_model(FusionConfig(method="hybrid")) is None


def test_too_few_scenes_are_an_error() -> None:
    with pytest.raises(LakeError, match="too few"):
        train(scenes(8), SETTINGS_QUICK)


@pytest.mark.models
def test_a_lake_trains_weights_by_command(tmp_path: Path) -> None:
    """Invented videos about things that a text encoder tells apart, with vectors as a worker would have made them."""
    from click.testing import CliRunner

    from flows.cli import main
    from tests.pipeline.analysis.fusion.invented import publish_invented

    lake = publish_invented(tmp_path / "lake", videos=24)
    encoder = QueryEncoder.of_lake(lake)
    examples = read_examples(lake, encoder)
    assert len(examples) == 48
    assert {len(each.texts) for each in examples} == {2}
    assert all(each.frame_queries.any() for each in examples)
    done = CliRunner().invoke(main, ["train-fusion", "--lake", lake.uri, "-o", str(tmp_path / "w"), "--steps", "20"])
    assert done.exit_code == 0, done.output
    assert "mean reciprocal rank" in done.output
    space, dimensions = encoder.spaces.coordinated
    assert load(tmp_path / "w", space=space, dimensions=dimensions).rank == 16
    full = CliRunner().invoke(main, ["train-fusion", "--lake", lake.uri, "-o", str(tmp_path / "lake")])
    assert (full.exit_code, "holds other files" in full.output) == (2, True)
