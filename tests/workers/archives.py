"""Small archives of real files, valid and invalid, and the contents of a lake without values that vary between runs."""

from pathlib import Path
from typing import Any

from pipeline.lake import Lake
from tests import material

BAD = {
    "empty.mp4": "empty_file",
    "text.mp4": "not_media",
    "cut off.mp4": "corrupt",
    "playlist.mp4": "refused",
    "loop.mp4": "unreadable",
}
"""The kind of error by name of the invalid file."""

_VARYING = {"shard", "committed_at", "timings_s", "failed_at", "revision"}


def make_archive(folder: Path, films: int = 3) -> Path:
    """Write distinct silent videos of one to three shots."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(films):
        lengths = [1.0 + 0.2 * number] * (1 + number % 3)
        material.shots_video(folder / f'film {number}\'s "cut".mp4', lengths, size=(160, 90))
    return folder


def add_bad_files(folder: Path) -> None:
    """Write invalid files as they occur in real archives."""
    (folder / "empty.mp4").touch()
    material.text_named_mp4(folder / "text.mp4")
    whole = material.shots_video(folder / ".whole.mp4", [2.0])
    material.truncated(whole, folder / "cut off.mp4", 0.5)
    whole.unlink()
    (folder / "playlist.mp4").write_text("#EXTM3U\n#EXTINF:5,\n/etc/passwd\n")
    (folder / "loop.mp4").symlink_to(folder / "loop.mp4")


def add_odd_files(folder: Path) -> None:
    """Write unusual but valid files."""
    material.one_frame_video(folder / "one frame.mp4")
    material.still_picture(folder / "8k.mkv.png")
    (folder / "8k.mkv.png").rename(folder / "8k.mkv")
    material.write_audio(folder / "sound only.flac", material.tone(2.0), codec="flac")
    material.video_with_alpha(folder / "alpha.webm")
    material.rotated_video(folder / "turned.mp4", 90)


def contents(lake: Lake) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of the tables of videos in a fixed order, without values that vary between runs."""
    found = {}
    for table in ("videos", "shots", "frames", "utterances", "scenes", "summaries", "errors"):
        rows = lake.sql(f"FROM {table}").to_pylist()
        plain = [{key: value for key, value in row.items() if key not in _VARYING} for row in rows]
        found[table] = sorted(plain, key=repr)
    return found
