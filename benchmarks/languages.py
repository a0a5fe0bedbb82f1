"""Recordings in two languages: how much of the speech is taken for the right one, and what it costs.

    python -m benchmarks.languages [--work FOLDER] [--pairs N] [--json FILE]

The recordings alternate between the voices of two films of `benchmarks/material/films`, cut anywhere. Only
languages are decided: nothing is transcribed.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.material.films import known_film
from benchmarks.material.script import read_scripts
from benchmarks.speech import Audio, load_audio
from pipeline.analysis.speech import SpeechRecognizer, SpeechSession
from pipeline.analysis.speech.language_tracker import Stretch
from pipeline.analysis.speech.windows import Window
from schemas.config import SpeechConfig
from schemas.media import SAMPLE_RATE_HZ, AudioBlock

PAIRS = (
    ("interview", "german"), ("health_talk", "french"), ("photo_course", "spanish"), ("workshop", "italian"),
    ("travel_guide", "spanish"), ("german", "spanish"), ("interview", "chinese"), ("french", "italian"),
    ("company_meeting", "spanish"), ("german", "chinese"), ("evening_news", "italian"), ("farm_report", "german"),
    ("science_lesson", "spanish"), ("morning_magazine", "french"),
)  # fmt: skip
TURNS_S = {
    "5 to 9 s each": ((5.0, 9.0), (5.0, 9.0)),
    "10 to 18 s each": ((10.0, 18.0), (10.0, 18.0)),
    "3 to 5 s between 8 to 16 s": ((8.0, 16.0), (3.0, 5.0)),
}
STEP = SAMPLE_RATE_HZ // 10


@dataclass(frozen=True)
class Row:
    """What was found in recordings of one kind."""

    turns: str
    recordings: int
    speech_s: float
    right_percent: float
    cpu_s: float


def decided(session: SpeechSession, audio: Audio) -> Iterator[tuple[str, Window]]:
    """Yield each window with its language. Nothing is transcribed."""
    found: list[Stretch] = []
    stretches = session._stretches

    def noted(batch: Sequence[Window], *, final: bool) -> Sequence[Stretch]:
        found.extend(stretches(batch, final=final))
        return ()

    session._stretches = noted  # type: ignore[method-assign]
    session.add(AudioBlock(0.0, audio))
    session.finish()
    return ((stretch.language, window) for stretch in found for window in stretch.windows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("benchmarks/results/quality"), help="keep films here")
    parser.add_argument("--pairs", type=int, default=len(PAIRS), help="how many pairs of voices")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    pairs = PAIRS[: options.pairs]
    names = {name for pair in pairs for name in pair}
    films = [known_film(script, options.work / "films") for script in read_scripts() if script.name in names]
    voices = {film.script.name: (film.script.language, load_audio(film.path)) for film in films}
    recognizer = SpeechRecognizer(SpeechConfig(), device="cpu", threads=1)
    rows = [measure(recognizer, "one language", [[voice] for voice in voices.values()])]
    for turns, lengths in TURNS_S.items():
        rng = np.random.default_rng(7)
        mixed = [list(alternating(voices[one], voices[other], lengths, rng)) for one, other in pairs]
        rows.append(measure(recognizer, turns, mixed))
    for row in rows:
        print(
            f"{row.turns:28}{row.recordings:4} {row.speech_s:6.0f} s {row.right_percent:5.1f} % {row.cpu_s:6.1f} CPU s"
        )
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", "utf-8")


Turn = tuple[str, Audio]
"""A language, and speech in it."""


def alternating(
    one: Turn, other: Turn, lengths: tuple[tuple[float, float], tuple[float, float]], rng: np.random.Generator
) -> Iterator[Turn]:
    """Yield the parts of two voices in turn, each so many seconds long, until one of them ends."""
    rest = [one[1], other[1]]
    while True:
        for voice, (language, _) in enumerate((one, other)):
            samples = round(rng.uniform(*lengths[voice]) * SAMPLE_RATE_HZ)
            if len(rest[voice]) < samples:
                return
            yield language, rest[voice][:samples]
            rest[voice] = rest[voice][samples:]


def measure(recognizer: SpeechRecognizer, turns: str, recordings: Sequence[Sequence[Turn]]) -> Row:
    """Decide the languages of some recordings, and compare them with what is spoken every tenth of a second."""
    right = total = 0
    started = time.process_time()
    for recording in recordings:
        edges = np.cumsum([len(audio) for _, audio in recording])
        audio = np.concatenate([audio for _, audio in recording])
        for language, window in decided(recognizer.session(), audio):
            for segment in window.plan.segments:
                times = np.arange(segment.start, segment.end, STEP)
                spoken = np.searchsorted(edges, times, side="right").clip(max=len(recording) - 1)
                right += sum(recording[index][0] == language for index in spoken)
                total += len(times)
    share = 100.0 * right / max(total, 1)
    return Row(turns, len(recordings), total / 10, round(share, 1), round(time.process_time() - started, 1))


if __name__ == "__main__":
    main()
