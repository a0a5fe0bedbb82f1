import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pipeline.analysis.text import TextEncoder
from pipeline.analysis.vision import Captioner, FrameEncoder
from pipeline.models import make_plugin, resolve
from pipeline.models.protocols import CaptionModel, FusionModel, VisionModel
from pipeline.run.configuration import load_config
from pipeline.run.revision import models_of
from schemas.config import CaptionsConfig, TextConfig, VisionConfig
from schemas.errors import ModelError
from tests import material

EXAMPLE = Path(__file__).parents[3] / "examples" / "plugin_package"
RED = np.full((40, 60, 3), (220, 40, 40), dtype=np.uint8)


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Forget a test's modules after it."""
    known = set(sys.modules)
    yield monkeypatch
    for name in set(sys.modules) - known:
        if name.startswith(("videolake_example", "mine")):
            del sys.modules[name]


@pytest.fixture
def installed_example(on_path: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The example package as an editable installation leaves it: on the path, with its entry points."""
    import tomllib

    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    info = tmp_path / f"videolake_example-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    (info / "top_level.txt").write_text("videolake_example\n")
    (info / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in points.items())
            for group, points in project["entry-points"].items()
        )
    )
    on_path.syspath_prepend(str(EXAMPLE))
    on_path.syspath_prepend(str(tmp_path))
    return info


@pytest.fixture
def write(on_path: pytest.MonkeyPatch, tmp_path: Path):
    """Write a module `mine` onto the path."""
    on_path.syspath_prepend(str(tmp_path))

    def write(source: str) -> None:
        (tmp_path / "mine.py").write_text(source)
        sys.modules.pop("mine", None)

    return write


def test_the_example_package_adds_a_vision_encoder_by_entry_point(installed_example: Path):
    encoder = FrameEncoder(VisionConfig(model="plugin:colours"), device="cpu", threads=1)
    features = encoder.encode([RED, RED[:9, :9]])
    assert features.embeddings.shape == (2, 6)
    assert features.labels[0][0].label == "the colour red"
    assert (encoder.info.role, encoder.info.id, encoder.info.licence) == ("vision", "plugin:colours", "Apache-2.0")


def test_the_example_package_adds_a_captioner_and_a_fusion(installed_example: Path):
    captioner = make_plugin("captions", "plugin:colours", CaptionModel, device="cpu", threads=1)
    assert captioner.caption([RED]) == ["A picture that is mostly red."]
    fusion = make_plugin("fusion", "plugin:sum", FusionModel, text_dimensions=2, vision_dimensions=3)
    fused, weights = fusion.fuse(np.eye(2, dtype=np.float32), np.zeros((2, 3), dtype=np.float32))
    assert fused.shape == (2, fusion.dimensions) == (2, 5)
    assert weights.tolist() == [[1, 0], [1, 0]]


@pytest.mark.slow
def test_the_digest_follows_the_version_and_the_sources_or_what_the_factory_states(write, tmp_path: Path):
    write("class Model:\n    digest = 'weights-1'\n")
    stated = resolve("vision", "python:mine:Model")
    write("class Model:\n    digest = 'weights-1'  # a comment\n")
    assert resolve("vision", "python:mine:Model").digest == stated.digest
    write("class Model:\n    digest = 'weights-2'\n")
    assert resolve("vision", "python:mine:Model").digest != stated.digest
    write("class Model: ...\n")
    of_source = resolve("vision", "python:mine:Model").digest
    write("class Model:\n    other = 1\n")
    assert resolve("vision", "python:mine:Model").digest != of_source
    assert stated.licence == "unknown"
    assert stated.path == tmp_path / "mine.py"


def test_a_new_version_of_a_package_is_another_digest(installed_example: Path):
    before = resolve("captions", "plugin:colours").digest
    metadata = installed_example / "METADATA"
    metadata.write_text(metadata.read_text().replace("1.0.0", "1.0.1"))
    assert resolve("captions", "plugin:colours").digest != before


@pytest.mark.parametrize(
    ("model_id", "said"),
    [
        ("plugin:nothing", "No installed package names a model nothing .* Installed for vision: plugin:colours"),
        ("python:no_such_package.vision:Model", "cannot be imported: ModuleNotFoundError.* must be installed"),
        ("python:videolake_example.vision:Missing", "cannot be imported: AttributeError"),
        ("python:videolake_example.vision", "is not of the form `python:package.module:Factory`"),
        ("python:videolake_example.vision:_STEP", "names an object of type int; it must be a class or a function"),
    ],
)
def test_a_model_that_is_not_there_says_what_is(installed_example: Path, model_id: str, said: str):
    with pytest.raises(ModelError, match=said):
        FrameEncoder(VisionConfig(model=model_id), device="cpu", threads=1)


def test_a_model_that_lacks_a_member_or_cannot_be_made_is_named(write):
    write("class Model:\n    dimensions = 3\n    def __init__(self, *, device, threads): ...\n")
    with pytest.raises(ModelError, match=r"Model without encode, label_names; .*protocols\.VisionModel"):
        make_plugin("vision", "python:mine:Model", VisionModel, device="cpu", threads=1)
    write("class Model:\n    def __init__(self): ...\n")
    with pytest.raises(ModelError, match=r"could not be made: TypeError.* called with device, threads"):
        make_plugin("vision", "python:mine:Model", VisionModel, device="cpu", threads=1)


def test_a_vision_model_that_returns_another_shape_than_it_says_is_stopped(write):
    write(
        "import numpy as np\n"
        "class Model:\n"
        "    dimensions, label_names = 3, ()\n"
        "    def __init__(self, *, device, threads): ...\n"
        "    def encode(self, images): return np.zeros((len(images), 4)), None\n"
    )
    encoder = FrameEncoder(VisionConfig(model="python:mine:Model"), device="cpu", threads=1)
    with pytest.raises(ModelError, match=r"python:mine:Model returned embeddings of shape \(1, 4\)"):
        encoder.encode([RED])


def test_a_vision_model_that_returns_logits_for_probabilities_is_stopped(write):
    write(
        "import numpy as np\n"
        "class Model:\n"
        "    dimensions, label_names = 3, ('cat', 'dog')\n"
        "    def __init__(self, *, device, threads): ...\n"
        "    def encode(self, images): return np.ones((len(images), 3)), np.array([[7.5, -2.0]] * len(images))\n"
    )
    encoder = FrameEncoder(VisionConfig(model="python:mine:Model"), device="cpu", threads=1)
    with pytest.raises(ModelError, match=r"probabilities from -2 to 7\.5; they must be from 0 to 1"):
        encoder.encode([np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)])


def test_a_captioner_that_returns_too_few_captions_is_stopped(write):
    write(
        "class Model:\n    def __init__(self, *, device, threads): ...\n    def caption(self, images): return ['one']\n"
    )
    captioner = Captioner(CaptionsConfig(model="python:mine:Model"), device="cpu", threads=1)
    noise = np.random.default_rng(0).integers(0, 255, (2, 40, 60, 3), dtype=np.uint8)
    with pytest.raises(ModelError, match=r"returned 1 captions for 2 frames"):
        captioner.caption(list(noise))


@pytest.mark.models
def test_a_film_is_seen_captioned_and_fused_by_the_models_of_the_example_package(
    installed_example: Path, tmp_path: Path
):
    from pipeline.analysis.video import VideoAnalyzer
    from pipeline.analysis.video.models import load_models

    config = load_config(
        environment={},
        settings=[
            "vision.model=plugin:colours", "captions.model=plugin:colours", "fusion.method=plugin:sum",
            "shots.detector=content", "speech.engine=none", "ocr.engine=none",
        ],
    )  # fmt: skip
    film = material.shots_video(tmp_path / "film.mp4", [2.0, 2.0])
    analyzer = VideoAnalyzer(config, load_models(config, device="cpu", threads=1), threads=1)
    found = analyzer.analyze(str(film), analyzer.probe(str(film)), video_id="v")
    assert len(found.keyframes) >= 2
    for frame in found.keyframes:
        assert frame.embedding.shape == (6,)
        assert frame.caption.startswith("A picture that is mostly ")
        assert frame.caption_source == "model:plugin:colours"
    assert {scene.caption for scene in found.scenes} <= {frame.caption for frame in found.keyframes}
    models = {model.role: model.id for model in models_of(config)}
    assert (models["vision"], models["captions"], models["fusion"]) == (
        "plugin:colours",
        "plugin:colours",
        "plugin:sum",
    )


def test_a_text_encoder_of_ones_own_makes_unit_vectors_and_never_sees_empty_texts(write):
    write(
        "import numpy as np\n"
        "class Model:\n"
        "    dimensions = 2\n"
        "    def __init__(self, *, device, threads): ...\n"
        "    def encode(self, texts):\n"
        "        assert all(texts)\n"
        "        return np.array([[len(text), text.count('a')] for text in texts], dtype=float)\n"
    )
    encoder = TextEncoder(TextConfig(model="python:mine:Model"), device="cpu", threads=1)
    vectors = encoder.encode(["aa", "", "b c", "\0 "])
    assert vectors.dtype == np.float32
    assert vectors == pytest.approx(np.array([[0.5**0.5, 0.5**0.5], [0, 0], [1, 0], [0, 0]]), abs=1e-6)
    assert encoder.dimensions == 2
    assert encoder.encode([]).shape == (0, 2)


def test_a_text_encoder_that_returns_another_shape_than_it_says_is_stopped(write):
    write(
        "import numpy as np\n"
        "class Model:\n"
        "    dimensions = 3\n"
        "    def __init__(self, *, device, threads): ...\n"
        "    def encode(self, texts): return np.zeros((len(texts), 4))\n"
    )
    encoder = TextEncoder(TextConfig(model="python:mine:Model"), device="cpu", threads=1)
    with pytest.raises(ModelError, match=r"returned vectors of shape \(1, 4\)"):
        encoder.encode(["a"])
