import re
import tomllib
from importlib import resources
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks.material.films import KnownFilm, known_film
from benchmarks.material.script import (
    FOLDER,
    ChapterScript,
    FilmScript,
    SceneScript,
    cross_lingual_asks,
    listed_asks,
    picture_asks,
    read_scripts,
)
from benchmarks.topics import Scored, fit_calibration, known_passages, known_sentences
from pipeline.analysis.taxonomy import load_taxonomy
from schemas.media import SAMPLE_RATE_HZ

pytestmark = pytest.mark.slow

SCRIPT = FilmScript(
    name="small",
    fps=12,
    chapters=(
        ChapterScript(
            title="One",
            scenes=(
                SceneScript(photo="coffee.png", caption="Six o'clock", say=("The cup is hot.",), min_s=2.0),
                SceneScript(heading="Weather", lines=("Rain", "Wind"), say=("It will rain.",), min_s=2.0),
            ),
        ),
        ChapterScript(title="Two", scenes=(SceneScript(clip="bikes.mp4", min_s=2.0),)),
    ),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


@pytest.fixture(scope="module")
def film(folder: Path) -> KnownFilm:
    return known_film(SCRIPT, folder)


@pytest.fixture(scope="module")
def pictures(film: KnownFilm) -> tuple[np.ndarray, np.ndarray]:
    with av.open(str(film.path)) as container:
        frames = list(container.decode(video=0))
    times_s = np.array([float(frame.pts * frame.time_base) for frame in frames])
    return times_s, np.stack([frame.to_ndarray(format="rgb24") for frame in frames]).astype(np.int16)


@pytest.mark.slow
def test_pictures_change_where_the_truth_says_they_are_cut(
    film: KnownFilm, pictures: tuple[np.ndarray, np.ndarray]
) -> None:
    times_s, frames = pictures
    change = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3))
    greatest = sorted(times_s[1:][np.argsort(change)[-2:]])
    assert greatest == pytest.approx(film.truth.cuts_s, abs=1e-3)
    assert film.chapter_starts_s == pytest.approx([0.0, film.truth.cuts_s[1]])


def test_text_is_drawn_while_the_truth_says_it_is_there(
    film: KnownFilm, pictures: tuple[np.ndarray, np.ndarray]
) -> None:
    times_s, frames = pictures
    heading = next(line for line in film.truth.written if line.text == "Weather")
    shown = (times_s >= heading.start_s) & (times_s < heading.end_s)
    # Dark letters on light paper, in the box where slides have their heading; no photograph looks so.
    box = frames[:, 50:76, 40:200]
    dark, light = (box < 90).all(3).mean((1, 2)), (box > 200).all(3).mean((1, 2))
    is_heading = (dark > 0.05) & (light > 0.4)
    assert (is_heading == shown).all()


def test_speech_is_heard_when_the_truth_says_so(film: KnownFilm) -> None:
    with av.open(str(film.path)) as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    loud = np.flatnonzero(np.abs(sound) > 0.02) / SAMPLE_RATE_HZ
    for spoken in film.truth.spoken:
        inside = loud[(loud > spoken.start_s - 0.3) & (loud < spoken.end_s + 0.3)]
        assert inside[0] == pytest.approx(spoken.start_s, abs=0.1)
        assert inside[-1] == pytest.approx(spoken.end_s, abs=0.1)
    assert loud[-1] < film.truth.spoken[-1].end_s + 0.1


def test_a_film_is_made_once_and_its_truth_is_kept(film: KnownFilm, folder: Path) -> None:
    made = film.path.stat().st_mtime_ns
    assert known_film(SCRIPT, folder) == film
    assert film.path.stat().st_mtime_ns == made


def test_what_is_asked_about_a_film_does_not_make_it_anew(film: KnownFilm, folder: Path) -> None:
    first, *rest = SCRIPT.chapters
    asked = first.scenes[0].model_copy(update={"topics": ("drinks",)})
    script = SCRIPT.model_copy(
        update={"chapters": (first.model_copy(update={"scenes": (asked, first.scenes[1])}), *rest)}
    )
    made = film.path.stat().st_mtime_ns
    known_film(script, folder)
    assert film.path.stat().st_mtime_ns == made


def test_the_scripts_are_enough_to_measure_with() -> None:
    scripts = read_scripts()
    english = [scene for script in scripts if script.language == "en" for scene in script.scenes]
    assert len(scripts) >= 12
    assert len({script.language for script in scripts}) >= 6
    assert sum(len(scene.asks) for scene in english) + len(picture_asks()) >= 60
    assert {ask.needs for scene in english for ask in scene.asks} == {"speech", "screen", "frame", "both"}


def test_every_topic_of_the_scripts_has_names_in_the_taxonomy() -> None:
    known = tomllib.loads((FOLDER / "topics.toml").read_text("utf-8"))
    used = {topic for script in read_scripts() for scene in script.scenes for topic in scene.topics}
    assert used == set(known)
    shipped = {topic.name for topic in load_taxonomy("general").topics}
    assert {name for names in known.values() for name in names} <= shipped


def test_known_texts_are_enough_in_both_halves_and_their_topics_are_in_the_taxonomy() -> None:
    texts = [*known_sentences(), *known_passages()]
    shipped = {topic.name for topic in load_taxonomy("general").topics}
    assert {topic for each in texts for topic in each.topics} == shipped
    assert min(sum(each.for_tuning for each in texts), sum(not each.for_tuning for each in texts)) > 200
    assert len({each.text for each in texts}) == len(texts)


def test_the_calibration_that_made_scores_is_found_again() -> None:
    random = np.random.default_rng(0)
    scores = np.sort(random.random((4000, 3)), axis=1)[:, ::-1]
    odds = 0.5 * np.log(scores / (1 - scores)) + np.array([0.4, -0.6, -0.6])
    right = random.random(scores.shape) < 1 / (1 + np.exp(-odds))
    assert fit_calibration([Scored(scores, right)]) == pytest.approx((0.5, 0.4, -0.6), abs=0.15)


def test_labels_of_the_scripts_are_names_that_the_vision_model_has() -> None:
    names = set(
        resources.files("pipeline.analysis.vision").joinpath("imagenet_labels.txt").read_text("utf-8").splitlines()
    )
    assert {label for script in read_scripts() for scene in script.scenes for label in scene.labels} <= names


def test_every_picture_that_is_asked_for_is_shown_somewhere() -> None:
    shown = {picture for script in read_scripts() for scene in script.scenes for picture in (scene.photo, scene.clip)}
    assert all(set(ask.pictures) <= shown for ask in picture_asks())


def test_cross_lingual_queries_share_no_word_with_their_answers() -> None:
    asks = cross_lingual_asks()
    scenes = [(script.language, scene) for script in read_scripts() for scene in script.scenes]
    every = [ask for part in asks for ask in part]
    for part in (asks.held_out, asks.unseen):
        assert len(part) >= 40
        assert len({ask.language for ask in part}) >= 6
    assert len({ask.text for ask in every}) == len(every)
    into_english = 0
    for ask in every:
        [(language, scene)] = [each for each in scenes if ask.answer in " ".join(each[1].say)]
        assert language != ask.language
        assert not words(ask.text) & words(" ".join(scene.say)), ask.text
        into_english += language == "en"
    assert len(every) - into_english >= 15


def test_queries_paraphrase_their_scenes() -> None:
    for script in read_scripts():
        for scene in script.scenes:
            there = words(" ".join((*scene.say, *scene.written)))
            for ask in scene.asks:
                copied = words(ask.text) & there
                assert len(copied) <= len(words(ask.text)) / 2, f"{script.name}: {ask.text!r} copies {copied}"


def test_queries_that_nothing_was_tuned_on_are_new_name_scenes_and_paraphrase_them() -> None:
    scenes = {f"{script.name}: {scene.name}": scene for script in read_scripts() for scene in script.scenes}
    pictures = {picture for scene in scenes.values() for picture in (scene.photo, scene.clip)}
    known = {ask.text for scene in scenes.values() for ask in scene.asks} | {ask.text for ask in picture_asks()}
    asks = listed_asks("held_out.toml")
    assert len(asks) >= 60
    assert {ask.needs for ask in asks} == {"speech", "screen", "frame", "both"}
    for ask in asks:
        assert ask.text not in known
        assert set(ask.answers) <= set(scenes)
        assert set(ask.pictures) <= pictures
        assert bool(ask.answers) is not bool(ask.pictures)
        there = words(" ".join(line for name in ask.answers for line in (*scenes[name].say, *scenes[name].written)))
        copied = words(ask.text) & there
        assert len(copied) <= len(words(ask.text)) / 2, f"{ask.text!r} copies {copied}"


def test_exact_queries_are_in_the_scenes_that_they_name_and_in_no_other() -> None:
    for ask in listed_asks("exact.toml"):
        holding = {
            f"{script.name}: {scene.name}"
            for script in read_scripts()
            for scene in script.scenes
            if re.search(rf"\b{re.escape(ask.text.lower())}\b", "\n".join((*scene.say, *scene.written)).lower())
        }
        assert holding == set(ask.answers), ask.text


def words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) > 3}
