"""The archive, and the weights in the format of each library."""

import shutil
from pathlib import Path

from benchmarks.throughput import REPEATED_S, make_archive
from pipeline.analysis.media import probe
from pipeline.analysis.speech.engines.checkpoint import cached_checkpoint
from pipeline.analysis.vision.efficientnet import imagenet_labels
from pipeline.extras.sample.long import repeat_video
from pipeline.models import resolve
from schemas.config import LimitsConfig, MediaConfig

_WHOLE_S = 957.0
_MUSIC_VIDEO, _MUSIC_VIDEO_S = "test.mp4", 212.0


def peer_archive(folder: Path, seconds: float) -> tuple[Path, float]:
    """Make a mixed archive of about so many seconds; return it and its exact length."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = make_archive(folder)
    if seconds < _WHOLE_S:
        shorter = folder / f"short-{seconds:g}"
        shorter.mkdir(exist_ok=True)
        sources = {folder / "sample" / name: full_s for name, full_s in REPEATED_S.items()}
        sources[archive / _MUSIC_VIDEO] = _MUSIC_VIDEO_S
        for source, full_s in sources.items():
            target = shorter / source.name
            if not target.exists():
                repeat_video(source, target, full_s * seconds / _WHOLE_S)
        archive = shorter
    lengths = [probe(str(file), MediaConfig(), LimitsConfig()).duration_s for file in archive.iterdir()]
    return archive, sum(lengths)


def peer_weights(folder: Path) -> Path:
    """Write the weights of the default models as each library loads them."""
    import torch

    if (folder / "done").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    whisper = resolve("speech", "embedded:whisper-base")
    shutil.copytree(whisper.path, folder / "whisper-ct2", dirs_exist_ok=True)
    checkpoint = cached_checkpoint(whisper)
    torch.save({"dims": checkpoint.dims, "model_state_dict": checkpoint.state}, folder / "whisper-base.pt")
    shutil.copytree(resolve("text", "embedded:minilm").path, folder / "minilm", dirs_exist_ok=True)
    shutil.copyfile(resolve("vision", "embedded:efficientnet-lite0").path, folder / "efficientnet.pth")
    (folder / "labels.txt").write_text("\n".join(imagenet_labels()), "utf-8")
    (folder / "done").touch()
    return folder
