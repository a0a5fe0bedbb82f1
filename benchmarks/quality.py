"""Quality of the results on films with known content: a table of figures, with methods and references.

    python -m benchmarks.quality [--work FOLDER] [--media FOLDER] [--only PART ...] [--set SECTION.KEY=VALUE ...]

The scripts in `benchmarks/material/films` become films of real photographs and clips, drawn slides and synthetic
speech, so every cut, word, line, chapter and topic is known. The work folder keeps the films, and a lake for each
revision and state of the code. `--media` adds real recordings from a folder. docs/quality.md has the latest table.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.figures.figure import Figure, markdown, table
from benchmarks.figures.names import names_figures
from benchmarks.figures.objects import object_figures
from benchmarks.figures.retrieval import retrieval_figures
from benchmarks.figures.sounds import sound_figures
from benchmarks.figures.speech import speech_figures
from benchmarks.figures.understanding import understanding_figures
from benchmarks.figures.visual import visual_figures
from benchmarks.material.analysed import analysed_lake, read_videos
from benchmarks.material.films import known_film
from benchmarks.material.recordings import recordings
from benchmarks.material.script import FOLDER, read_scripts
from pipeline.run import load_config

PARTS = ("speech", "sounds", "visual", "objects", "retrieval", "understanding", "names")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--work", type=Path, default=Path("benchmarks/results/quality"), help="keep films and lakes here"
    )
    parser.add_argument("--media", type=Path, help="folder of real recordings")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", dest="settings")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/quality.json"))
    options = parser.parse_args()
    begun = time.perf_counter()
    figures = list(measure(options))
    print("\n" + table(figures))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n", "utf-8")
    options.json.with_suffix(".md").write_text(markdown(figures), "utf-8")
    print(f"\n{options.json}, after {time.perf_counter() - begun:.0f} s")


def measure(options: argparse.Namespace) -> Iterator[Figure]:
    films = [known_film(script, options.work / "films") for script in read_scripts()]
    real = recordings(options.work / "recordings", options.media)
    files = [film.path for film in films] + [recording.path for recording in real]
    lake = analysed_lake(files, options.work, settings=options.settings, threads=options.threads)
    videos = read_videos(lake)
    if "speech" in options.only:
        yield from speech_figures(films, real, videos)
    if "sounds" in options.only:
        yield from sound_figures(options.media, options.threads)
    if "visual" in options.only:
        yield from visual_figures(films, videos)
    if "objects" in options.only:
        yield from object_figures(load_config(settings=options.settings), videos, threads=options.threads)
    if "retrieval" in options.only:
        yield from retrieval_figures(films, videos, lake)
    if "understanding" in options.only:
        yield from understanding_figures(films, videos)
    if "names" in options.only:
        # In a lake of their own, so that no other figure depends on these films.
        work = options.work / "named"
        named = [known_film(script, work / "films") for script in read_scripts(FOLDER / "named")]
        own = analysed_lake([film.path for film in named], work, settings=options.settings, threads=options.threads)
        yield from names_figures([lake, own])


if __name__ == "__main__":
    main()
