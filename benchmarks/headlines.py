"""Headlines for a person to judge: of silent clips and of talks with slides, each beside some of its frames.

    python -m benchmarks.headlines [--work FOLDER] [--media FOLDER] [--threads 2]

Real clips from installed packages, and from a folder of real media, are analysed without their audio; talks are made
here or by the sample archive. For each video, the script prints the headline and the captions of its scenes, and writes
a contact sheet of its keyframes (PNG) to the work folder. Whether a reader would accept a headline is for you to say:
docs/understanding.md has our verdicts. The exit code is 1 if a title that is known was missed.
"""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np

from benchmarks.material.films import known_film
from benchmarks.material.script import read_scripts
from benchmarks.material.talks import make_talks
from pipeline.analysis.video import VideoAnalyzer, load_models
from pipeline.extras.sample import make_sample
from schemas.config import Config, SoundsConfig, SpeechConfig
from schemas.records import Analysis, Keyframe

SAMPLE_CLIPS = ("clips/bicycles.mp4", "clips/cartoon.mp4", "clips/man_in_a_car.mp4", "clips/music_video.mp4")
MEDIA_CLIPS = (
    "bbb_0_30.webm", "chaplin.mp4", "failing_audio.mp4", "mma_structuralize.mp4", "nasa_13013.mp4", "smpte-2997.mp4",
)  # fmt: skip
FILMS = {"company_meeting": "", "science_lesson": "", "health_talk": "", "workshop": ""}
"""Talks of `benchmarks/material/films`, whose titles are those of their title slides."""
_ROWS, _COLUMNS, _TILE = 2, 4, (320, 180)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("benchmarks/results/headlines"), help="keep videos here")
    parser.add_argument("--media", type=Path, help="folder of real clips")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=("silent", "talks"), help="one of the two parts")
    options = parser.parse_args()
    found = [*silent(options), *talks(options)]
    path = options.work / "headlines.json"
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", "utf-8")
    missed = [row for row in found if row["title"] and row["title"] != row["headline"]]
    print(f"\n{len(found)} videos; known titles missed: {len(missed)}. Contact sheets and {path.name}: {options.work}")
    raise SystemExit(1 if missed else 0)


def silent(options: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Describe clips without their audio."""
    if options.only == "talks":
        return
    clips = list(make_sample(options.work / "sample", only=SAMPLE_CLIPS))
    clips += [path for name in MEDIA_CLIPS if options.media and (path := options.media / name).is_file()]
    deaf = Config(speech=SpeechConfig(engine="none"), sounds=SoundsConfig(model="none"))
    yield from described([(path, "") for path in clips], deaf, options)


def talks(options: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Describe talks with slides."""
    if options.only == "silent":
        return
    paths = [(path, "The Blue Planet") for path in make_sample(options.work / "sample", only=["talks/ocean_talk.mp4"])]
    paths += [(path, talk.title) for path, talk in make_talks(options.work / "talks")]
    for script in read_scripts():
        if script.name in FILMS:
            first = script.scenes[0]
            paths.append((known_film(script, options.work / "films").path, first.title))
    yield from described(paths, Config(), options)


def described(
    files: Sequence[tuple[Path, str]], config: Config, options: argparse.Namespace
) -> Iterator[dict[str, object]]:
    """Analyse files, print what is said of them, and yield a row for each."""
    analyzer = VideoAnalyzer(
        config, load_models(config, device="cpu", threads=options.threads), threads=options.threads
    )
    for path, title in files:
        found = analyzer.analyze(str(path), analyzer.probe(str(path)), video_id=path.stem)
        write_sheet(found, options.work / f"{path.stem}.png")
        print(f"\n{path.name}\n  {found.summary.headline}", flush=True)
        for scene in found.scenes[:8]:
            print(f"    {scene.start_s:6.1f} s  {scene.caption}")
        yield {
            "video": path.name,
            "headline": found.summary.headline,
            "title": title,
            "scenes": [scene.caption for scene in found.scenes],
            "highlights": [each.reason for each in found.summary.highlights],
        }


def write_sheet(found: Analysis, path: Path) -> None:
    """Write some of the keyframes of a video as one image."""
    count = _ROWS * _COLUMNS
    chosen = [found.keyframes[index] for index in np.linspace(0, len(found.keyframes) - 1, count).astype(int)]
    tiles = [_tile(frame) for frame in chosen]
    rows = [np.hstack(tiles[start : start + _COLUMNS]) for start in range(0, count, _COLUMNS)]
    cv2.imwrite(str(path), np.vstack(rows))


def _tile(frame: Keyframe) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(frame.thumbnail, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    scale = min(_TILE[0] / image.shape[1], _TILE[1] / image.shape[0])
    size = max(1, int(image.shape[1] * scale)), max(1, int(image.shape[0] * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    tile = np.zeros((_TILE[1], _TILE[0], 3), np.uint8)
    tile[: small.shape[0], : small.shape[1]] = small
    return tile


if __name__ == "__main__":
    main()
