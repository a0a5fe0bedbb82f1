import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pipeline.analysis.entities import EntityRecognizer
from pipeline.analysis.objects import ObjectDetector
from pipeline.analysis.sounds import SoundClassifier
from pipeline.analysis.text import TextEncoder
from pipeline.analysis.vision import Captioner, FrameEncoder
from pipeline.models import make_plugin, resolve
from pipeline.models.plugins import _version
from pipeline.models.protocols import CaptionModel, FusionModel, VisionModel
from pipeline.run.configuration import load_config
from pipeline.run.revision import models_of
from schemas.config import CaptionsConfig, EntitiesConfig, ObjectsConfig, SoundsConfig, TextConfig, VisionConfig
from schemas.errors import ModelError, ModelOutputError
from schemas.media import AudioBlock
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
    ("top_level", "record", "known"),
    [
        ("mine\n", None, True),
        ("\n", "mine/__init__.py,,\n", True),
        (None, "other.py,,\nmine.py,sha256=x,10\n", True),
        (None, "mine.cpython-311-x86_64-linux-gnu.so,,\n", True),
        (None, "mine.pth,,\nmine.libs/a.so,,\nminer/a.py,,\nx/mine/a.py,,\n", False),
        ("other\n", "mine/__init__.py,,\n", False),
    ],
)
def test_the_distribution_of_a_package_is_found_as_python_does(
    on_path: pytest.MonkeyPatch, tmp_path: Path, top_level: str | None, record: str | None, known: bool
):
    info = tmp_path / "its_name-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: its-name\nVersion: 2.0\n")
    for name, text in (("top_level.txt", top_level), ("RECORD", record)):
        if text is not None:
            (info / name).write_text(text)
    on_path.syspath_prepend(str(tmp_path))
    assert _version("mine.models") == ("its-name 2.0" if known else "")


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
            "shots.detector=content", "speech.engine=none", "ocr.engine=none", "sounds.model=none",
            "objects.model=none", "entities.model=none",
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


NOISE = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)


def detector(write, returned: str, names: str = "('cat', 'dog')", **settings: object) -> ObjectDetector:
    write(
        "import numpy as np\n"
        "class Model:\n"
        f"    label_names = {names}\n"
        "    def __init__(self, *, device, threads): ...\n"
        f"    def detect(self, images): return {returned}\n"
    )
    return ObjectDetector(ObjectsConfig(model="python:mine:Model", **settings), device="cpu", threads=1)


def test_objects_of_ones_own_are_clipped_filtered_and_given_once(write):
    found = detector(
        write,
        "[([[-.1, .2, .5, 1.2], [-.05, .2, .5, 1], [.6, .6, .9, .9]], [.8, .7, .2], [1, 1, 0])] * len(images)",
    )
    [first], [second] = found.detect([NOISE, NOISE], [(), ()])
    assert first == second
    assert (first.label, first.score) == ("dog", pytest.approx(0.8))
    assert first.box == pytest.approx((0, 0.2, 0.5, 1))
    assert found.info.role == "objects"
    assert found.runs_on == "cpu plug-in x8"
    assert detector(write, "[([], [], [])]").detect([NOISE], [()]) == [()]


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("[]", "0 results for 1 images"),
        ("None", "NoneType for 1 images"),
        ("[None]", r"NoneType for an image; expected \(boxes, scores, classes\)"),
        ("[([[0, 0, 1]], [.5], [0])]", r"boxes of shape \(1, 3\); expected shape \(1, 4\)"),
        ("[([[0, 0, 1, 1]] * 2, [.5], [0])]", r"boxes of shape \(2, 4\); expected shape \(1, 4\)"),
        ("[([[0, 0, 1, np.nan]], [.5], [0])]", "boxes that are not finite"),
        ("[([[3, 4, 50, 40]], [.5], [0])]", "boxes from 3 to 50; they must be fractions"),
        ("[([[.5, .5, .2, .9]], [.5], [0])]", "boxes that end before they begin"),
        ("[([[0, 0, 1, 1]], [7.5], [0])]", r"scores from 7\.5 to 7\.5; they must be from 0 to 1"),
        ("[([[0, 0, 1, 1]], [.5], [2])]", r"classes \[2\.\]; expected integers from 0 to 1"),
        ("[([[0, 0, 1, 1]], [.5], [-1])]", r"classes \[-1\.\]; expected integers"),
        ("[([[0, 0, 1, 1]], [.5], ['dog'])]", "classes that are no array"),
    ],
)
def test_objects_that_are_none_are_refused(write, returned: str, said: str):
    found = detector(write, returned)
    with pytest.raises(ModelOutputError, match=f"objects.model: python:mine:Model returned {said}"):
        found.detect([NOISE], [()])


@pytest.mark.parametrize("names", ["()", "'cat'", "('cat', '')", "('cat', 3)", "None"])
def test_a_detector_without_names_for_its_classes_is_refused(write, names: str):
    with pytest.raises(
        ModelError, match=r"objects\.model: python:mine:Model has the label_names .* expected a sequence"
    ):
        detector(write, "[]", names)


def classifier(write, returned: str, names: str = "('Low', 'High ')", window_s: str = "0.4") -> SoundClassifier:
    write(
        "import numpy as np\n"
        "class Model:\n"
        f"    label_names, window_s = {names}, {window_s}\n"
        "    def __init__(self, *, device, threads): ...\n"
        f"    def score(self, windows): return {returned}\n"
    )
    return SoundClassifier(SoundsConfig(model="python:mine:Model"), device="cpu", threads=1)


def test_sounds_of_ones_own_are_heard_in_windows_of_the_length_that_the_model_wants(write):
    found = classifier(write, "np.array([[len(w) == 6400 and abs(w).max() > .1, 0] for w in windows], float)")
    assert found.labels == ("low", "high")
    assert found.runs_on == "cpu plug-in x8"
    session = found.session()
    session.add(AudioBlock(10.0, np.concatenate([material.silence(2.0), material.tone(3.0), material.silence(1.0)])))
    [tone] = [each for each in session.finish() if each.label != "silence"]
    assert (tone.label, tone.start_s, tone.end_s) == ("low", pytest.approx(12, abs=0.4), pytest.approx(15, abs=0.4))


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("np.zeros((len(windows), 3))", r"probabilities of shape \(3, 3\); .* shape \(3, 2\)"),
        ("np.full((len(windows), 2), np.nan)", "probabilities that are not finite"),
        ("np.full((len(windows), 2), -4.)", "probabilities from -4 to -4; they must be from 0 to 1"),
        ("None", r"probabilities of shape \(\); expected shape \(3, 2\)"),
    ],
)
def test_sounds_that_are_no_probabilities_are_refused(write, returned: str, said: str):
    session = classifier(write, returned).session()
    session.add(AudioBlock(0.0, material.tone(0.6)))
    with pytest.raises(ModelOutputError, match=rf"sounds\.model: python:mine:Model returned .*{said}"):
        session.finish()


@pytest.mark.parametrize(
    ("names", "window_s", "said"),
    [
        ("()", "1", "has the label_names"),
        ("('Dog', 'dog ')", "1", "several classes with the name dog"),
        ("('dog',)", "0.1", r"the window_s 0\.1; it must be from 0\.4 to 60 seconds"),
        ("('dog',)", "float('nan')", "the window_s nan"),
        ("('dog',)", "'long'", "the window_s 'long'"),
    ],
)
def test_a_sound_model_with_impossible_classes_or_windows_is_refused(write, names: str, window_s: str, said: str):
    with pytest.raises(ModelError, match=said):
        classifier(write, "None", names, window_s)


def recognizer(write, returned: str) -> EntityRecognizer:
    write(
        "import numpy as np\n"
        "class Model:\n"
        "    def __init__(self, *, device, threads): ...\n"
        "    def recognize(self, texts, languages):\n"
        "        if texts == ['Is Ada Lovelace in London?']: return [[]]\n"
        f"        return {returned}\n"
    )
    return EntityRecognizer(EntitiesConfig(model="python:mine:Model"), device="cpu", threads=1)


def test_names_of_ones_own_are_found_by_language_filtered_and_without_overlaps(write):
    found = recognizer(
        write,
        "[[(0, 3, 'person', .7), (0, 12, 'person', .9), (20, 26, 'place', .4)] * (l == 'de') for l in languages]",
    )
    text = "Ada Lovelace war in London."
    german, english = found.recognize([text, text], ["de", "en"])
    assert [(each.start, each.end, each.kind) for each in german] == [(0, 12, "person")]
    assert english == []
    assert found.runs_on == "cpu plug-in"


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("[]", "0 results for 1 texts"),
        ("None", "NoneType for 1 texts"),
        ("[3]", "int for a text; expected a list of names"),
        ("[[(0, 3, 'person')]]", r"\(0, 3, 'person'\) for a name; expected \(start, end, kind, score\)"),
        ("[[(0, 99, 'person', 1)]]", "a name from 0 to 99 in a text of 12 characters"),
        ("[[(3, 3, 'person', 1)]]", "a name from 3 to 3"),
        ("[[(-3, 3, 'person', 1)]]", "a name from -3 to 3"),
        ("[[(0, 1.5, 'person', 1)]]", r"a name from 0 to 1\.5"),
        ("[[(0, np.inf, 'person', 1)]]", "places of a name that are not finite"),
        ("[[(0, 3, 'dragon', 1)]]", "a name of the kind 'dragon'; expected person, place"),
        ("[[(0, 3, 'person', 12.)]]", "a score from 12 to 12; they must be from 0 to 1"),
        ("[[(0, 3, 'person', np.nan)]]", "a score that are not finite"),
    ],
)
def test_names_that_are_none_are_refused(write, returned: str, said: str):
    found = recognizer(write, returned)
    with pytest.raises(ModelOutputError, match=rf"entities\.model: python:mine:Model returned {said}"):
        found.recognize(["Ada Lovelace"], ["en"])


def test_the_example_package_finds_objects_sounds_and_names(installed_example: Path):
    image = NOISE // 8
    image[10:30, 15:45] = (40, 40, 220)
    objects = ObjectDetector(ObjectsConfig(model="plugin:colours"), device="cpu", threads=1)
    [[region]] = objects.detect([image], [()])
    assert region.label == "blue region"
    assert region.box == pytest.approx((0.25, 0.25, 0.75, 0.75), abs=0.02)
    session = SoundClassifier(SoundsConfig(model="plugin:tones"), device="cpu", threads=1).session()
    session.add(AudioBlock(0.0, np.concatenate([material.tone(6.0, 200.0), material.tone(6.0, 5000.0)])))
    low, high = session.finish()
    assert (low.label, high.label) == ("low tone", "high tone")
    names = EntityRecognizer(EntitiesConfig(model="plugin:catalogue"), device="cpu", threads=1)
    [[number]] = names.recognize(["Akte INV-2041, bitte."], ["de"])
    assert (number.start, number.end, number.kind) == (5, 13, "work")
    assert {each.info.licence for each in (objects, names)} == {"Apache-2.0"}
