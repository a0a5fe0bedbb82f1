"""Run Videolake's commands on files with odd names and in odd places, and compare what they do with what is right."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import av

from benchmarks.material.field import Studio
from benchmarks.measures.truths import Verdict
from pipeline.lake import Lake

_LISTED = ("dv", "mka", "m4b", "mod", "3g2", "mp2", "qt", "gif")
_NOT_TEXT = os.fsdecode(b"caf\xe9.mp4")
_START_S = 10.0
"""Within this time a command must say that it has no place for its files."""


def places(studio: Studio, work: Path, *, joined: Path) -> dict[str, list[Verdict]]:
    """Return the verdicts on names and places, by what is special about them.

    Args:
        studio: Makes the files.
        work: An empty folder, or one of an earlier call; it is cleared.
        joined: A file of three parts of 12 s, with a clock that restarts.
    """
    shutil.rmtree(work, ignore_errors=True)
    archive, lake = _archive(studio, work, joined), work / "lake"
    run = _videolake("run", archive, "--lake", lake, "--engine", "inline")
    return {
        "a name that is not UTF-8": list(_odd_name(run, lake, work)),
        "a symbolic link": list(_link(lake, archive)),
        "file name extensions": list(_extensions(run, lake)),
        "standard output": list(_standard_output(lake, work)),
        "a clip of a joined file": list(_clip(lake, work, joined)),
        "no writable home": list(_no_home(archive, work)),
    }


def _archive(studio: Studio, work: Path, joined: Path) -> Path:
    archive, annex = work / "archive", work / "annex"
    archive.mkdir(parents=True)
    annex.mkdir()
    film = studio.film(12).read_bytes()
    (archive / _NOT_TEXT).write_bytes(film)
    # A `free` box makes the content of each file another one.
    (annex / "SHA256E-s123").write_bytes(_other(film, "link"))
    (archive / "holiday.mp4").symlink_to(annex / "SHA256E-s123")
    for ending in (*_LISTED, "xyz"):
        (archive / f"tape.{ending}").write_bytes(_other(film, ending))
    (archive / joined.name).write_bytes(joined.read_bytes())
    return archive


def _other(film: bytes, name: str) -> bytes:
    return film + (16).to_bytes(4, "big") + b"free" + name.encode().ljust(8)


def _odd_name(run: "subprocess.CompletedProcess[str]", lake: Path, work: Path) -> Iterator[Verdict]:
    yield _is("errors of logging", 0, (run.stdout + run.stderr).count("Logging error"))
    yield _is("exit code of show", 0, _videolake("show", _NOT_TEXT, "--lake", lake).returncode)
    clip = work / "odd.mp4"
    _videolake("clip", f"{_NOT_TEXT}@2-4", "--lake", lake, "-o", clip)
    yield _is("clip", True, clip.is_file())


def _link(lake: Path, archive: Path) -> Iterator[Verdict]:
    uris = {uri for row in Lake(str(lake)).sql("SELECT uris FROM videos").to_pylist() for uri in row["uris"]}
    yield _is("known by its own path", True, str(archive / "holiday.mp4") in uris)


def _extensions(run: "subprocess.CompletedProcess[str]", lake: Path) -> Iterator[Verdict]:
    names = {Path(row["uri"]).name for row in Lake(str(lake)).sql("SELECT uri FROM videos").to_pylist()}
    found = [ending for ending in _LISTED if f"tape.{ending}" in names]
    yield _is("analysed", " ".join(_LISTED), " ".join(found))
    yield _is("the run names .xyz as skipped", True, ".xyz" in run.stdout + run.stderr)


def _standard_output(lake: Path, work: Path) -> Iterator[Verdict]:
    export = _videolake("export", "holiday.mp4", "--lake", lake, "--format", "srt", "-o", "-", cwd=work)
    yield _is("export -o -", True, "-->" in export.stdout)
    query = _videolake("sql", "FROM videos SELECT uri", "--lake", lake, "--format", "csv", "-o", "-", cwd=work)
    yield _is("sql -o -", True, "holiday.mp4" in query.stdout)
    yield _is("a file called -", False, (work / "-").exists())


def _clip(lake: Path, work: Path, joined: Path) -> Iterator[Verdict]:
    for exact in ((), ("--exact",)):
        name = f"joined{'-exact' if exact else ''}.mp4"
        done = _videolake("clip", f"{joined.name}@33-35", "--lake", lake, "-o", work / name, *exact)
        actual_s = _duration_s(work / name) if done.returncode == 0 else 0.0
        # A copied clip starts at the keyframe before.
        right = 2.0 <= actual_s <= (2.2 if exact else 13.0)
        message = f"{actual_s:.1f} s" if actual_s else done.stderr.strip()[-200:]
        yield Verdict(f"clip {' '.join(exact)}".strip(), "33 to 35 s", message, right)


def _duration_s(path: Path) -> float:
    with av.open(str(path)) as container:
        return (container.duration or 0) / av.time_base


def _no_home(archive: Path, work: Path) -> Iterator[Verdict]:
    started = time.monotonic()
    places = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), "/proc/nowhere")
    done = _videolake("run", archive / "holiday.mp4", "--lake", work / "homeless", "--engine", "inline", more=places)
    wall_s = time.monotonic() - started
    said = done.stdout + done.stderr
    worked = done.returncode == 0
    yield _is("traceback", False, "Traceback" in said)
    yield Verdict(
        "a message, or a result", "what to set", "analysed" if worked else said.strip()[-200:], worked or "HOME" in said
    )
    if not worked:
        yield Verdict("time to the message", f"{_START_S:g} s", f"{wall_s:.0f} s", wall_s <= _START_S)


def _is(fact: str, expected: object, actual: object) -> Verdict:
    return Verdict(fact, str(expected), str(actual), expected == actual)


def _videolake(
    *arguments: object, cwd: Path | None = None, more: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "from flows.cli import main; main()", *map(str, arguments)]
    root = str(Path(__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": root} | dict(more or {})
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, errors="replace", check=False, timeout=900
    )
