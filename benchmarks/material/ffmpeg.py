"""The `ffmpeg` program, which makes media that the benchmarks need. Videolake itself does not use it."""

import shutil
import subprocess


def ffmpeg(*arguments: object) -> None:
    """Run ffmpeg, and overwrite its output.

    Args:
        arguments: Everything after the program's name.

    Raises:
        SystemExit: The program is not installed.
        RuntimeError: It failed; the message has its arguments and what it wrote.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise SystemExit("This benchmark makes its files with the ffmpeg program. Install it: apt-get install ffmpeg")
    command = [program, "-nostdin", "-y", "-v", "error", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")
