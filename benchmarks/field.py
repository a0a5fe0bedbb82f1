"""Files of the kinds that archives hold: is what the lake says about each of them true?

    python -m benchmarks.field [--cases NAME ...] [--subject clock] [--work FOLDER] [--json FILE] [--page FILE]
    python -m benchmarks.field --list

The files are made with the ffmpeg program (`benchmarks/material/field/`): wrong lengths, clocks that jump, odd channels
and display matrices, HDR, encryption and more. Each is analysed with the defaults and all models. `--page` writes what
is right and what is still wrong into docs/field.md.
"""

import argparse
import json
import os
import shutil
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.material.analysed import analysed_lake, read_videos
from benchmarks.material.field import CASES, SUBJECTS, Case, Studio
from benchmarks.measures.commands import places
from benchmarks.measures.truths import Verdict, verdicts

Results = dict[str, list[Verdict]]
NAMES = "names"
"""The subject that is measured with commands instead of cases."""


def main() -> None:
    options = _options()
    cases = [case for case in CASES if _chosen(case, options)]
    if options.list:
        for case in cases:
            print(f"{case.name:<28}{case.kind}")
        return
    folder = options.work / "files"
    folder.mkdir(parents=True, exist_ok=True)
    studio = Studio(options.work / "parts")
    for case in cases:
        made(case, studio, folder)
    results = measured(cases, folder, options.work, threads=options.threads)
    if options.subject == NAMES or (options.subject is None and not options.cases):
        joined = made(next(case for case in CASES if case.name == "joined.ts"), studio, folder)
        results |= places(studio, options.work / "places", joined=joined)
    print(table(results))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    rows = {name: [asdict(verdict) for verdict in found] for name, found in results.items()}
    options.json.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n", "utf-8")
    if options.page:
        options.page.write_text(page(results), "utf-8")


def made(case: Case, studio: Studio, folder: Path) -> Path:
    """Make the file of a case, unless it exists."""
    path = folder / case.name
    if not path.exists():
        # The right name only when it is complete; the extension chooses the format.
        unfinished = studio.part(case.name)
        case.make(studio, unfinished)
        shutil.copyfile(unfinished, path)
        for sidecar in unfinished.parent.glob(f"{unfinished.stem}.*"):
            if sidecar.suffix in {".srt", ".vtt"}:
                shutil.copyfile(sidecar, folder / sidecar.name)
    return path


def measured(cases: list[Case], folder: Path, work: Path, *, threads: int) -> Results:
    """Analyse the files of cases, and compare the rows with the truth."""
    by_settings: defaultdict[tuple[str, ...], list[Case]] = defaultdict(list)
    for case in cases:
        by_settings[case.settings].append(case)
    results = {}
    for settings, alike in by_settings.items():
        files = [folder / case.name for case in alike]
        lake = analysed_lake(files, work, settings=settings, threads=threads, may_fail=True)
        videos = read_videos(lake)
        errors = {Path(row["uri"]).name: row for row in lake.sql("SELECT * FROM errors").to_pylist()}
        for case in alike:
            video = None if case.name in errors else videos.get(case.name)
            results[case.name] = list(verdicts(case.truth, video, errors.get(case.name)))
    return {case.name: results[case.name] for case in cases}


def table(results: Results) -> str:
    """Return all verdicts as text."""
    lines = [f"{'file':<28}{'fact':<20}{'verdict':<9}{'expected':<34}actual"]
    for name, found in results.items():
        for verdict in found:
            word = "right" if verdict.right else "WRONG"
            lines.append(f"{name:<28}{verdict.fact:<20}{word:<9}{verdict.expected:<34}{verdict.actual}")
    facts = [verdict for found in results.values() for verdict in found]
    right = sum(verdict.right for verdict in facts)
    files = sum(all(verdict.right for verdict in found) for found in results.values())
    lines.append(f"{files} of {len(results)} files and {right} of {len(facts)} facts are right.")
    return "\n".join(lines)


def page(results: Results) -> str:
    """Return the page of the documentation: what is still wrong, and tables of all cases."""
    wrong = [(name, each) for name, found in results.items() for each in found if not each.right]
    lines = [_HEAD, "\n## What is still wrong\n"]
    if wrong:
        lines += ["| file | fact | expected | actual |", "| --- | --- | --- | --- |"]
        lines += [f"| {name} | {each.fact} | {each.expected} | {each.actual} |" for name, each in wrong]
    else:
        lines.append("Everything below is right.")
    lines.append(_KNOWN)
    for subject, cases in SUBJECTS.items():
        lines += [
            f"\n## {subject.capitalize()}\n",
            "| file | what is special | verified | |",
            "| --- | --- | --- | --- |",
        ]
        lines += [_row(f"`{case.name}` | {case.kind}", results.get(case.name, [])) for case in cases]
    lines += [f"\n## {NAMES.capitalize()}\n", "| what is special | verified | |", "| --- | --- | --- |"]
    listed = {case.name for case in CASES}
    lines += [_row(name, found) for name, found in results.items() if name not in listed]
    return "\n".join(lines) + "\n"


def _row(start: str, found: list[Verdict]) -> str:
    facts = ", ".join(dict.fromkeys(verdict.fact.split(" at ")[0] for verdict in found))
    return f"| {start} | {facts} | {'right' if all(verdict.right for verdict in found) else '**wrong**'} |"


_HEAD = """# Files that archives hold

Archives hold recordings without a length, joined DVDs, mirrored phone videos, HDR, and files that are still being
written. `python -m benchmarks.field` makes such files so that the truth about them is known, analyses them with the
defaults, and writes this page. Times count as right within 0.1 s, and the start of a spoken word within 0.5 s.
Files with speech repeat a passage of 10 s: *sentence groups* are the times at which these passages start. *Language*
compares each utterance with the language that is spoken at the time."""
_KNOWN = """
Known, but not among the cases:

- A crop that only the container states (`PixelCrop` of Matroska, `clap` of MP4) is ignored.
- A fragmented MP4 with a damaged time scale may get wrong times."""


def _chosen(case: Case, options: argparse.Namespace) -> bool:
    if options.cases:
        return case.name in options.cases
    return options.subject is None or case in SUBJECTS.get(options.subject, ())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=[case.name for case in CASES], metavar="NAME")
    parser.add_argument("--subject", choices=[*SUBJECTS, NAMES])
    parser.add_argument("--list", action="store_true", help="only list the cases")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", type=Path, default=Path("benchmarks/results/field"))
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/field.json"))
    parser.add_argument("--page", type=Path, help="write the page of the documentation, docs/field.md")
    options = parser.parse_args()
    # The commands that it runs have folders of their own, and a symbolic link is relative to its own.
    options.work = options.work.resolve()
    return options


if __name__ == "__main__":
    main()
