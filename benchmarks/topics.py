"""Topics of known sentences: accuracy, calibration, and the cost of topics and keyphrases.

Run it as `python benchmarks/topics.py [--text MODEL] [--taxonomy NAME]`. The sentences are in topic_sentences.txt.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.scenes.keyphrases import Passage, candidates
from pipeline.analysis.scenes.topics import TopicSpace
from pipeline.analysis.taxonomy import load_taxonomy
from pipeline.analysis.text import TextEncoder
from schemas.config import TextConfig, TopicsConfig

HERE = Path(__file__).parent
NOTHING = "-"


def known_sentences() -> tuple[list[str], list[str]]:
    """Return the topics of all sentences (`-` for none), and the sentences."""
    lines = (HERE / "topic_sentences.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("|", 1) for line in lines if line and not line.startswith("#")]
    return [topic.strip() for topic, _ in pairs], [text.strip() for _, text in pairs]


def calibration_error(scores: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 10) -> float:
    """Return the expected calibration error (Guo et al. 2017) over bins of equal width."""
    bin_of = np.minimum((scores * bins).astype(int), bins - 1)
    gaps = [abs(scores[bin_of == each].mean() - right[bin_of == each].mean()) for each in np.unique(bin_of)]
    return float(np.average(gaps, weights=[(bin_of == each).sum() for each in np.unique(bin_of)]))


def measure(model: str, taxonomy: str) -> dict[str, float]:
    """Return the figures of one encoder and taxonomy."""
    topics, texts = known_sentences()
    encoder = TextEncoder(TextConfig(model=model), device="cpu", threads=2)
    encoder.encode(texts[:8])
    begun = time.perf_counter()
    space = TopicSpace(load_taxonomy(taxonomy), encoder)
    encode_s = time.perf_counter() - begun
    scores = space.of_texts(encoder.encode(texts))
    known = np.array([topic != NOTHING for topic in topics])
    truth = np.array([space.names.index(topic) if topic != NOTHING else -1 for topic in topics])
    order = np.argsort(-scores, axis=1)
    floor = TopicsConfig().min_score
    correct = np.arange(scores.shape[1])[None] == truth[:, None]
    shown = scores >= floor
    said = scores >= 0.1
    begun = time.perf_counter()
    offered = candidates([Passage(text, "en") for text in texts], 200)
    encoder.encode(offered)
    phrases_s = time.perf_counter() - begun
    return {
        "topics": len(space.names),
        "sentences": len(texts),
        "temperature": space.temperature,
        "accuracy of the first topic": float((order[known, 0] == truth[known]).mean()),
        "accuracy of the first three topics": float((order[known, :3] == truth[known, None]).any(axis=1).mean()),
        f"precision of topics at {floor}": float(correct[shown].mean()),
        f"recall of topics at {floor}": float((correct & shown).sum() / known.sum()),
        "share of sentences about nothing with a topic": float(shown[~known].any(axis=1).mean()),
        "calibration error of scores from 0.1": calibration_error(scores[said], correct[said]),
        "seconds to encode the taxonomy, once": encode_s,
        "ms per keyphrase candidate": 1000 * phrases_s / len(offered),
    }


def main() -> None:
    """Print the figures, and write them to the results folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", default="embedded:minilm", help="text encoder")
    parser.add_argument("--taxonomy", default="general", help="name or file")
    options = parser.parse_args()
    figures = measure(options.text, options.taxonomy)
    for name, value in figures.items():
        print(f"{name:<48} {value:.3f}")
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    (results / "topics.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
