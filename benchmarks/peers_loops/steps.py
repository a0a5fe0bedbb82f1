"""The models as their own documentation loads and calls them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

Item = TypeVar("Item")
FRAME_INTERVAL_S = 10.0
"""A shot has its middle frame, and in long shots one every ten seconds."""
IMAGE_MEAN, IMAGE_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def videos(archive: str) -> list[str]:
    """Return the files of an archive."""
    return sorted(str(path) for path in Path(archive).iterdir() if path.is_file())


def has_pictures(path: str) -> bool:
    """Tell whether OpenCV can read a frame."""
    capture = cv2.VideoCapture(path)
    readable = capture.read()[0]
    capture.release()
    return bool(readable)


def find_shots(path: str) -> list[tuple[float, float]]:
    """Return start and end of each shot, by PySceneDetect's content detector."""
    from scenedetect import ContentDetector, SceneManager, open_video

    video = open_video(path)
    manager = SceneManager()
    manager.add_detector(ContentDetector())
    manager.detect_scenes(video)
    found = manager.get_scene_list(start_in_scene=True)
    return [(start.get_seconds(), end.get_seconds()) for start, end in found]


def frame_times(shots: Sequence[tuple[float, float]]) -> list[float]:
    """Return the times of the frames to describe."""
    times: list[float] = []
    for start_s, end_s in shots:
        count = max(1, round((end_s - start_s) / FRAME_INTERVAL_S))
        length_s = (end_s - start_s) / count
        times += [start_s + (number + 0.5) * length_s for number in range(count)]
    return times


def read_frames(path: str, times: Sequence[float]) -> list[np.ndarray]:
    """Return the frames at some times as RGB."""
    capture = cv2.VideoCapture(path)
    frames = []
    for time_s in times:
        capture.set(cv2.CAP_PROP_POS_MSEC, time_s * 1000)
        found, frame = capture.read()
        if not found:
            frame = np.zeros((90, 160, 3), np.uint8)
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
    capture.release()
    return frames


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Cut a sequence into parts of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))


class Labeler:
    """EfficientNet-Lite0, as the package's README calls it."""

    def __init__(self, weights: str, threads: int) -> None:
        import torch
        from efficientnet_lite_pytorch import EfficientNet

        torch.set_num_threads(threads)
        self._model = EfficientNet.from_name("efficientnet-lite0")
        self._model.load_state_dict(torch.load(f"{weights}/efficientnet.pth", weights_only=True))
        self._model.eval()
        self._names = Path(weights, "labels.txt").read_text("utf-8").splitlines()

    def __call__(self, frames: Sequence[np.ndarray]) -> tuple[list[str], list[np.ndarray]]:
        """Return the first label and the features of each frame."""
        import torch

        pixels = np.stack([cv2.resize(frame, (224, 224), interpolation=cv2.INTER_AREA) for frame in frames])
        scaled = (pixels.astype(np.float32) / 255 - np.array(IMAGE_MEAN, np.float32)) / np.array(IMAGE_STD, np.float32)
        with torch.inference_mode():
            maps = self._model.extract_features(torch.from_numpy(scaled).permute(0, 3, 1, 2))
            features = maps.mean((2, 3))
            best = self._model._fc(features).argmax(1).tolist()
        return [self._names[index] for index in best], list(features.numpy())


class Reader:
    """RapidOCR, one frame at a time, as it takes them."""

    def __init__(self, threads: int) -> None:
        from rapidocr import RapidOCR

        self._read = RapidOCR(
            params={"Global.log_level": "error", "EngineConfig.onnxruntime.intra_op_num_threads": threads}
        )

    def __call__(self, frame: np.ndarray) -> str:
        """Return the lines of a frame."""
        found = self._read(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        return "\n".join(found.txts or ())


class Encoder:
    """all-MiniLM-L6-v2 with mean pooling, as its model card shows."""

    def __init__(self, weights: str, threads: int) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        torch.set_num_threads(threads)
        self._tokenizer = AutoTokenizer.from_pretrained(f"{weights}/minilm")
        self._model = AutoModel.from_pretrained(f"{weights}/minilm").eval()

    def __call__(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return a unit vector for each text."""
        import torch

        if not texts:
            return []
        tokens = self._tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            hidden = self._model(**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1)
        pooled = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)
        return list(torch.nn.functional.normalize(pooled, dim=1).numpy())


class Transcriber:
    """faster-whisper with its batched pipeline."""

    def __init__(self, weights: str, threads: int) -> None:
        from faster_whisper import BatchedInferencePipeline, WhisperModel

        model = WhisperModel(f"{weights}/whisper-ct2", device="cpu", compute_type="int8", cpu_threads=threads)
        self._pipeline = BatchedInferencePipeline(model)

    def __call__(self, path: str) -> list[tuple[float, float, str]]:
        """Return start, end and text of each segment; none for a file without audio."""
        try:
            segments, _ = self._pipeline.transcribe(path, batch_size=8, word_timestamps=True)
            return [(each.start, each.end, each.text) for each in segments]
        except IndexError:  # no audio stream
            return []


def write(out: str, **tables: Sequence[dict[str, Any]]) -> None:
    """Write lists of rows as Parquet files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    Path(out).mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        pq.write_table(pa.Table.from_pylist(list(rows)), Path(out, f"{name}.parquet"))
