"""Search in a lake whose texts have an English and a multilingual part: no part decides what is not its business."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline import Lake
from pipeline.models import joined_space
from pipeline.search import Searcher, update_index
from pipeline.search.evidence import Scale
from pipeline.search.query_encoder import QueryVectors, Spaces, TextPart
from schemas.records import Analysis, Embedding
from schemas.search import Filter, Hit
from tests.nightly import examples
from tests.pipeline.lake.lakes import COORDINATED, analysis, publish
from tests.pipeline.search.test_searcher import PlacedEncoder

_ENGLISH, _SIZE = 3, 4
_ALL = _ENGLISH + _SIZE
_SPACE = joined_space("english", ("multilingual", _SIZE)), _ALL
_VIDEOS = ("v01", "v02", "v03", "v04")
_FOREIGN = ("v02", "v04")
_SPEECH = Filter(kinds=("speech",))
_NAMES = map("query{}".format, count())

_NUMBERS = st.integers(-4, 4).map(float)
_MULTILINGUAL = st.lists(_NUMBERS, min_size=_SIZE, max_size=_SIZE).filter(any)
_ENGLISH_PART = st.lists(_NUMBERS, min_size=_ENGLISH, max_size=_ENGLISH).filter(any)


class TwoEncoders(PlacedEncoder):
    spaces = Spaces(text=_SPACE, coordinated=COORDINATED)
    text_parts = (TextPart(0, _ENGLISH, Scale(0.0, 0.1)), TextPart(_ENGLISH, _ALL, Scale(0.2, 0.1)))
    language = ""

    def texts(self, queries: Sequence[str]) -> QueryVectors:
        return replace(super().texts(queries), languages=(self.language,) * len(queries))


def _made_up(video_id: str, *, english: int, multilingual: int) -> Analysis:
    """Make up a video whose texts have parts that depend on a number for each encoder."""
    found = analysis(video_id, text=_ALL)

    def vector(index: int, kind: int) -> Embedding:
        parts = [np.zeros(_ENGLISH, np.float32), np.zeros(_SIZE, np.float32)]
        for place, seed in ((0, english), (1, multilingual)):
            if place or video_id not in _FOREIGN:
                made = np.random.default_rng([seed, index, kind, *video_id.encode()]).standard_normal(len(parts[place]))
                parts[place] = (made / np.linalg.norm(made)).astype(np.float32)
        return np.concatenate(parts)

    spoken = [replace(each, embedding=vector(each.index, 0)) for each in found.transcript.utterances]
    return replace(
        found,
        transcript=replace(found.transcript, utterances=tuple(spoken)),
        keyframes=tuple(replace(each, text_embedding=vector(each.index, 1)) for each in found.keyframes),
        scenes=tuple(replace(each, text_embedding=vector(each.index, 2)) for each in found.scenes),
        subtitles=tuple(
            replace(each, embedding=each.embedding if each.embedding is None else vector(each.index, 3))
            for each in found.subtitles
        ),
    )


def _lake(folder: Any, *, english: int = 1, multilingual: int = 1) -> Lake:
    lake = Lake.create(str(folder))
    for shard in range(2):
        videos = _VIDEOS[2 * shard : 2 * shard + 2]
        made_up = partial(_made_up, english=english, multilingual=multilingual)
        publish(lake, f"0{shard + 1}", videos, text=_SPACE, made_up=made_up)
    return lake


class _Lakes:
    """The same videos in four lakes: as they are, indexed in two segments, and with either part of texts changed."""

    def __init__(self, folder: Any) -> None:
        self.encoder: Any = TwoEncoders()
        lakes = {
            "plain": _lake(folder / "plain"),
            "english": _lake(folder / "english", english=2),
            "multilingual": _lake(folder / "multilingual", multilingual=2),
            "indexed": Lake.create(str(folder / "indexed")),
        }
        for shard, videos in enumerate((_VIDEOS[:3], _VIDEOS[3:])):
            made_up = partial(_made_up, english=1, multilingual=1)
            publish(lakes["indexed"], f"0{shard + 1}", videos, text=_SPACE, made_up=made_up)
            assert update_index(lakes["indexed"]).segments == shard + 1
        self._searchers = {name: Searcher(lake, encoder=self.encoder, refresh_s=1e9) for name, lake in lakes.items()}

    def search(self, lake: str, vector: NDArray[np.float32], filters: Filter = Filter()) -> list[Hit]:  # noqa: B008
        name = next(_NAMES)
        self.encoder.vectors[name] = vector
        return self._searchers[lake].search(name, filters, limit=30)


def _ranking(hits: list[Hit]) -> list[Any]:
    return [(hit.video_id, hit.start_s, hit.end_s, pytest.approx(hit.score, abs=1e-5)) for hit in hits]


def _by_text(hits: list[Hit]) -> dict[Any, Any]:
    """Return rank and cosine of each hit by the meaning of its text alone."""
    reasons = [(hit, reason) for hit in hits for reason in hit.reasons if reason.retriever == "semantic"]
    return {(hit.video_id, hit.start_s): (each.rank, pytest.approx(each.score, abs=1e-5)) for hit, each in reasons}


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> _Lakes:
    return _Lakes(tmp_path_factory.mktemp("two"))


def _query(english: list[float], multilingual: list[float]) -> NDArray[np.float32]:
    parts = [np.array(part) / (np.linalg.norm(part) or 1) for part in (english, multilingual)]
    return np.concatenate(parts).astype(np.float32) / np.sqrt(np.float32(sum(map(np.any, parts))))


@settings(max_examples=examples(15), deadline=None)
@given(_MULTILINGUAL)
def test_a_question_in_another_language_does_not_depend_on_the_english_encoder(
    lakes: _Lakes, multilingual: list[float]
) -> None:
    query = _query([0.0] * _ENGLISH, multilingual)
    assert _ranking(lakes.search("english", query)) == _ranking(lakes.search("plain", query))


@settings(max_examples=examples(15), deadline=None)
@given(_ENGLISH_PART, _MULTILINGUAL)
def test_english_sentences_alone_do_not_depend_on_the_multilingual_encoder(
    lakes: _Lakes, english: list[float], multilingual: list[float]
) -> None:
    query, filters = _query(english, multilingual), replace(_SPEECH, videos=("v01", "v03"))
    expected = _by_text(lakes.search("plain", query, filters))
    assert _by_text(lakes.search("multilingual", query, filters)) == expected


@settings(max_examples=examples(15), deadline=None)
@given(st.just([0.0] * _ENGLISH) | _ENGLISH_PART, _MULTILINGUAL)
def test_hits_do_not_depend_on_segments(lakes: _Lakes, english: list[float], multilingual: list[float]) -> None:
    query = _query(english, multilingual)
    assert _ranking(lakes.search("indexed", query)) == _ranking(lakes.search("plain", query))


@pytest.mark.parametrize(("language", "first"), [("de", "v02"), ("en", "v01")])
def test_of_two_texts_that_say_the_same_that_in_the_language_of_the_question_comes_first(
    tmp_path: Path, language: str, first: str
) -> None:
    def made_up(video_id: str) -> Analysis:
        found = _made_up("v02", english=1, multilingual=1)
        spoken = [replace(each, language="en" if video_id == "v01" else "de") for each in found.transcript.utterances]
        return replace(found, transcript=replace(found.transcript, utterances=tuple(spoken)))

    lake = Lake.create(str(tmp_path / "lake"))
    publish(lake, "01", ["v01", "v02"], text=_SPACE, made_up=made_up)
    [wanted, *_] = _made_up("v02", english=1, multilingual=1).transcript.utterances
    assert wanted.embedding is not None
    encoder: Any = TwoEncoders(query=_query([0.0] * _ENGLISH, wanted.embedding[_ENGLISH:].tolist()))
    encoder.language = language
    best, second, *_ = Searcher(lake, encoder=encoder, refresh_s=1e9).search("query", _SPEECH)
    assert (best.video_id, best.start_s, second.start_s) == (first, wanted.start_s, wanted.start_s)
    assert best.score > second.score
