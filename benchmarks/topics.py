"""Topics of known texts: accuracy, calibration, and the cost of topics and keyphrases.

Run it as `python -m benchmarks.topics [--text MODEL] [--taxonomy NAME]`. The texts are the sentences in
topic_sentences.txt and the passages in material/topic_passages.txt. One half of them, by a checksum of the text, is
for tuning; the figures of calibration are of the other half. `--fit` fits the calibration again.
"""

import argparse
import json
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.measures.scores import Calibration
from pipeline.analysis.scenes.keyphrases import Passage, candidates
from pipeline.analysis.scenes.topics import TopicSpace
from pipeline.analysis.taxonomy import load_taxonomy
from pipeline.analysis.text import TextEncoder
from schemas.config import TextConfig, TopicsConfig

HERE = Path(__file__).parent
NOTHING = "-"
ENCODERS = ("embedded:minilm", "embedded:multilingual-e5-small")


@dataclass(frozen=True, slots=True)
class KnownText:
    """A text and the topics of the built-in taxonomy that are right for it; none for a text about nothing."""

    topics: frozenset[str]
    text: str

    @property
    def for_tuning(self) -> bool:
        """Whether settings may be tuned on it."""
        return zlib.crc32(self.text.encode()) % 2 == 0


@dataclass(frozen=True, slots=True)
class Scored:
    """What an encoder says about texts: their topics in order of score, (n, topics)."""

    scores: NDArray[np.float64]
    right: NDArray[np.bool_]


def known_sentences() -> list[KnownText]:
    """Return single sentences, which name their topic."""
    return _read(HERE / "topic_sentences.txt")


def known_passages() -> list[KnownText]:
    """Return passages of several sentences, which talk around their topic."""
    return _read(HERE / "material" / "topic_passages.txt")


def score(texts: Sequence[KnownText], encoder: TextEncoder, space: TopicSpace) -> Scored:
    """Score all topics for each text."""
    scores = space.of_texts(encoder.encode([each.text for each in texts]))
    right = np.array([[name in each.topics for name in space.names] for each in texts])
    order = np.argsort(-scores, axis=1, kind="stable")
    return Scored(np.take_along_axis(scores, order, axis=1), np.take_along_axis(right, order, axis=1))


def measure(model: str, taxonomy: str) -> dict[str, float]:
    """Return the figures of one encoder and taxonomy."""
    encoder = TextEncoder(TextConfig(model=model), device="cpu", threads=2)
    encoder.encode(["Warm up."])
    begun = time.perf_counter()
    space = TopicSpace(load_taxonomy(taxonomy), encoder)
    figures = {"topics": float(len(space.names)), "seconds to encode the taxonomy, once": time.perf_counter() - begun}
    figures["temperature"] = space.temperature
    min_score = TopicsConfig().min_score
    for name, texts in (("sentences", known_sentences()), ("passages", known_passages())):
        scored = score(texts, encoder, space)
        known = np.array([bool(each.topics) for each in texts])
        held_out = np.array([not each.for_tuning for each in texts])
        shown = scored.scores >= min_score
        first = scored.right[known, 0]
        figures |= {
            f"{name}": float(len(texts)),
            f"{name}: accuracy of the first topic": float(first.mean()),
            f"{name}: accuracy of the first topic, other half": float(scored.right[known & held_out, 0].mean()),
            f"{name}: accuracy of the first three topics": float(scored.right[known, :3].any(axis=1).mean()),
            f"{name}: precision of topics at {min_score}": float(scored.right[shown].mean()),
            f"{name}: share whose first topic is right and shown": float((first & shown[known, 0]).mean()),
            f"{name}: share about nothing with a topic": float(shown[~known].any(axis=1).mean()),
        }
    scored = score(_other_half(), encoder, space)
    of_first = Calibration.of(scored.scores[:, 0], scored.right[:, 0])
    figures |= {
        "texts of the other half": float(of_first.cases),
        "calibration error of the first topic": of_first.error,
        "the same, lower end of the 95 % interval": of_first.low,
        "the same, upper end": of_first.high,
        "the same, of a perfect model with as many texts": of_first.by_chance,
        "mean score of the first topic": float(scored.scores[:, 0].mean()),
        "accuracy of the first topic": float(scored.right[:, 0].mean()),
    }
    begun = time.perf_counter()
    offered = candidates([Passage(each.text, "en") for each in known_passages()], 200)
    encoder.encode(offered)
    figures["ms per keyphrase candidate"] = 1000 * (time.perf_counter() - begun) / len(offered)
    return figures


def held_out_calibration(model: str) -> Calibration:
    """Return the calibration of the first topics of one encoder, on the texts that nothing was tuned on."""
    encoder = TextEncoder(TextConfig(model=model), device="cpu", threads=2)
    scored = score(_other_half(), encoder, TopicSpace(load_taxonomy("general"), encoder))
    return Calibration.of(scored.scores[:, 0], scored.right[:, 0])


def fit_calibration(scored: Sequence[Scored]) -> tuple[float, float, float]:
    """Fit slope, and offsets of first and other topics, to log-odds before calibration, by maximum likelihood.

    Args:
        scored: By each encoder, of texts for tuning, with scores that are not calibrated.
    """
    from scipy.optimize import minimize

    def loss(odds: NDArray[np.float64], right: NDArray[np.bool_], slope: float, offset: float) -> float:
        return float(np.logaddexp(0, -np.where(right, 1, -1) * (slope * odds + offset)).mean())

    first, others = (
        [np.concatenate([values[:, columns].ravel() for values in both]) for both in zip(*pairs, strict=True)]
        for columns in (slice(0, 1), slice(1, 3))
        for pairs in [[(_log_odds(each.scores), each.right) for each in scored]]
    )
    slope, offset = minimize(lambda w: loss(first[0], first[1], w[0], w[1]), [1, 0], method="Nelder-Mead").x
    [of_others] = minimize(lambda w: loss(others[0], others[1], slope, w[0]), [0], method="Nelder-Mead").x
    return float(slope), float(offset), float(of_others)


def main() -> None:
    """Print the figures, and write them to the results folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", default=ENCODERS[0], help="text encoder")
    parser.add_argument("--taxonomy", default="general", help="name or file")
    parser.add_argument("--fit", action="store_true", help="fit the calibration on the half for tuning, and print it")
    options = parser.parse_args()
    if options.fit:
        print("slope {:.2f}, first topic {:.2f}, other topics {:.2f}".format(*_fitted()))
        return
    figures = measure(options.text, options.taxonomy)
    for name, value in figures.items():
        print(f"{name:<60} {value:.3f}")
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    (results / "topics.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _fitted() -> tuple[float, float, float]:
    texts = [each for each in (*known_sentences(), *known_passages()) if each.for_tuning]
    scored = []
    for model in ENCODERS:
        encoder = TextEncoder(TextConfig(model=model), device="cpu", threads=2)
        scored.append(score(texts, encoder, TopicSpace(load_taxonomy("general"), encoder, calibrate=False)))
    return fit_calibration(scored)


def _other_half() -> list[KnownText]:
    return [each for each in (*known_sentences(), *known_passages()) if not each.for_tuning]


def _log_odds(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = np.clip(scores, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _read(file: Path) -> list[KnownText]:
    lines = file.read_text(encoding="utf-8").splitlines()
    pairs = [line.split("|", 1) for line in lines if line and not line.startswith("#")]
    return [
        KnownText(frozenset(name.strip() for name in names.split(";")) - {NOTHING}, text.strip())
        for names, text in pairs
    ]


if __name__ == "__main__":
    main()
