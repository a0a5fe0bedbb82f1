"""Speed and agreement of the frame encoder, the text reader and the text encoder, all settings in one run.

    python benchmarks/vision.py --media FOLDER [--json FILE] [--threads 1]

Frames are sampled every two seconds from the videos in FOLDER. On-screen text is drawn into 1280 x 720 images, so the
true text is known. The character error rate is reported separately for even backgrounds, where every setting reads
nearly everything, and for the most textured frames, where settings differ. Compare rows with each other: other work on
the machine affects them all.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import cv2
import jiwer
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pipeline.analysis.text import TextEncoder
from pipeline.analysis.vision import FrameEncoder, TextReader
from schemas.config import OcrConfig, TextConfig, VisionConfig

VOCABULARY = (
    "revenue growth second quarter customer retention pipeline north region budget 2026 forecast 48.3% total 1,204 "
    "units shipped neural network training loss validation accuracy gradient camera lens aperture telescope mirror"
)
WORDS = VOCABULARY.split()
TEXT_SIZES_PX = (12, 16, 20, 24, 32, 48)
INTERVAL_S = 2.0
Frame = NDArray[np.uint8]


def frames_of(folder: Path, max_side_px: int = 1280) -> list[list[Frame]]:
    """Return the frames of each video."""
    videos = []
    for file in sorted([*folder.glob("*.mp4"), *folder.glob("*.webm")]):
        found: list[Frame] = []
        with av.open(str(file)) as container:
            due = 0.0
            for frame in container.decode(video=0):
                if (frame.time or 0.0) < due:
                    continue
                due += INTERVAL_S
                image = frame.to_ndarray(format="rgb24")
                scale = min(1.0, max_side_px / max(image.shape))
                found.append(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
        videos.append(found)
    return videos


def page(size_px: int, background: Frame, chance: random.Random) -> tuple[Frame, list[str]]:
    image = Image.fromarray(background)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size_px)
    lines = [" ".join(chance.choices(WORDS, k=chance.randint(1, 3))) for _ in range(6)]
    pale = bool(background.mean() < 128 or background.std() > 0)
    for index, line in enumerate(lines):
        outline = 1 if background.std() > 0 else 0
        ink = (245,) * 3 if pale else (30,) * 3
        draw.text(
            (40, 40 + index * size_px * 2), line, font=font, fill=ink, stroke_width=outline, stroke_fill=(0, 0, 0)
        )
    return np.array(image), lines


def texture(frame: Frame) -> float:
    """Return the median contrast of 32 px blocks: high if no part of the frame is even, as with grass or leaves."""
    grey = cv2.cvtColor(cv2.resize(frame, (1280, 704), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    return float(np.median(grey.reshape(22, 32, 40, 32).std(axis=(1, 3))))


def backgrounds(videos: Sequence[Sequence[Frame]]) -> dict[str, list[Frame]]:
    """Return even backgrounds, and the most textured frame of each of three videos, where text is hardest to find.

    They are reported separately: all errors are on texture, and an average over both would hide them.
    """
    hardest = sorted((max(frames, key=texture) for frames in videos if frames), key=texture)[-3:]
    return {
        "even": [np.full((720, 1280, 3), level, dtype=np.uint8) for level in (250, 30)],
        "textured": [cv2.resize(frame, (1280, 720), interpolation=cv2.INTER_AREA) for frame in hardest],
    }


def ms_each(work: Callable[[], object], count: int, repeats: int = 3) -> float:
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times) / count * 1000


def frame_encoder_rows(frames: Sequence[Frame], threads: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    reference = FrameEncoder(VisionConfig(precision="float32", min_label_score=0), device="cpu", threads=threads)
    exact = reference.encode(frames)
    for precision in ("float32", "bfloat16"):
        for batch_size in (1, 16):
            config = VisionConfig(precision=precision, batch_size=batch_size, min_label_score=0)
            encoder = FrameEncoder(config, device="cpu", threads=threads)
            found = encoder.encode(frames)
            cosine = (exact.embeddings * found.embeddings).sum(axis=1)
            agree = [a[0].label == b[0].label for a, b in zip(exact.labels, found.labels, strict=True)]
            confident = [same for same, labels in zip(agree, exact.labels, strict=True) if labels[0].score > 0.2]
            rows.append(
                {
                    "step": "frames",
                    "setting": f"{precision} batch {batch_size}",
                    "ms": ms_each(lambda encoder=encoder: encoder.encode(frames), len(frames)),
                    "cosine_min": float(cosine.min()),
                    "cosine_mean": float(cosine.mean()),
                    "top1_percent": 100 * float(np.mean(agree)),
                    "top1_confident_percent": 100 * float(np.mean(confident)) if confident else None,
                }
            )
    return rows


def text_reader_rows(videos: Sequence[Sequence[Frame]], threads: int) -> list[dict[str, object]]:
    chance = random.Random(7)
    frames = [frame for video in videos for frame in video]
    pages = {
        f"{kind}_{size}px": [page(size, background, chance) for background in found for _ in range(3)]
        for kind, found in backgrounds(videos).items()
        for size in TEXT_SIZES_PX
    }
    every = [image for drawn in pages.values() for image, _ in drawn]
    rows: list[dict[str, object]] = []
    for side in (480, 640, 800, 960, 1280):
        reader = TextReader(OcrConfig(max_side_px=side), threads=threads)
        row: dict[str, object] = {"step": "ocr", "setting": f"max_side_px {side}"}
        row["ms_real_frame"] = ms_each(lambda reader=reader: [reader.read(item) for item in frames], len(frames), 1)
        row["ms_page"] = ms_each(lambda reader=reader: [reader.read(item) for item in every], len(every), 1)
        for name, drawn in pages.items():
            truth = ["\n".join(lines) for _, lines in drawn]
            read = ["\n".join(line.text for line in reader.read(image)) for image, _ in drawn]
            row[f"cer_percent_{name}"] = 100 * float(jiwer.cer(truth, read))
        rows.append(row)
    return rows


def text_encoder_rows(threads: int) -> list[dict[str, object]]:
    chance = random.Random(7)
    texts = [" ".join(chance.choices(WORDS, k=chance.randint(3, 40))) for _ in range(256)]
    rows: list[dict[str, object]] = []
    for batch_tokens in (512, 1024, 2048, 4096, 16384):
        encoder = TextEncoder(
            TextConfig(model="embedded:minilm", batch_tokens=batch_tokens), device="cpu", threads=threads
        )
        spent = ms_each(lambda encoder=encoder: encoder.encode(texts), len(texts))
        rows.append({"step": "text", "setting": f"batch_tokens {batch_tokens}", "ms": spent})
    return rows


def shown(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--media", type=Path, required=True, help="folder of videos")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    videos = frames_of(arguments.media)
    frames = [frame for video in videos for frame in video]
    print(f"{len(frames)} frames, {arguments.threads} threads")
    rows = [
        *frame_encoder_rows(frames, arguments.threads),
        *text_reader_rows(videos, arguments.threads),
        *text_encoder_rows(arguments.threads),
    ]
    for row in rows:
        print("  ".join(f"{name}={shown(value)}" for name, value in row.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
