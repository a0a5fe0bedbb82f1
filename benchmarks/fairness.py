"""Word error rate of the speech model by accent, pitch and speed of the voice, and by language.

    python -m benchmarks.fairness [--json FILE]

eSpeak NG reads one script in voices that differ in one respect. The voices are synthetic, so the figures compare groups
with each other but do not predict the error rate for real voices. An accent that the synthesizer does badly looks like
one that the model recognises badly. Intervals are 95 %, by bootstrap over sentences.
"""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import jiwer
import numpy as np
from whisper.normalizers import EnglishTextNormalizer

from pipeline.analysis.speech import SpeechRecognizer
from pipeline.extras.sample.speech import speak
from schemas.config import SpeechConfig
from schemas.media import SAMPLE_RATE_HZ, AudioBlock

SCRIPT = (
    "The meeting begins at nine o'clock in the large room.",
    "Please bring the documents that we talked about last week.",
    "My sister works in a hospital near the river.",
    "They have lived in this small town for more than twenty years.",
    "The train to the airport leaves every half hour.",
    "We should plant more trees along the road before the summer.",
    "He repaired the old bicycle and gave it to his neighbour.",
    "The weather will be warm and dry until the end of the month.",
    "Children learn to swim faster than most adults.",
    "Nobody knew why the lights went out during the storm.",
)
VOICES = {
    "accent: United States": ("en-us", 150, 45),
    "accent: Great Britain": ("en-gb", 150, 45),
    "accent: received pronunciation": ("en-gb-x-rp", 150, 45),
    "accent: Scotland": ("en-gb-scotland", 150, 45),
    "accent: West Midlands": ("en-gb-x-gbcwmd", 150, 45),
    "accent: Lancaster": ("en-gb-x-gbclan", 150, 45),
    "accent: Caribbean": ("en-029", 150, 45),
    "voice: low": ("en-us+m3", 150, 30),
    "voice: middle": ("en-us", 150, 45),
    "voice: high": ("en-us+f2", 150, 60),
    "voice: very high": ("en-us+f5", 150, 85),
    "speed: 110 words a minute": ("en-us", 110, 45),
    "speed: 150 words a minute": ("en-us", 150, 45),
    "speed: 190 words a minute": ("en-us", 190, 45),
    "speed: 240 words a minute": ("en-us", 240, 45),
}
_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """Results for one voice."""

    voice: str
    word_error_rate: float
    low: float
    high: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/fairness.json"))
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    recognizer = SpeechRecognizer(SpeechConfig(), device="cpu", threads=options.threads)
    rows = []
    for name, (voice, rate_wpm, pitch) in VOICES.items():
        heard = [transcribe(recognizer, speak(text, voice, rate_wpm, pitch=pitch)) for text in SCRIPT]
        rows.append(Row(name, *interval(SCRIPT, heard)))
        print(f"{name:<34}{rows[-1].word_error_rate:>7.1%}   [{rows[-1].low:.1%}, {rows[-1].high:.1%}]", flush=True)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", "utf-8")


def transcribe(recognizer: SpeechRecognizer, audio: np.ndarray) -> str:
    """Return the transcript of one sentence."""
    session = recognizer.session()
    silence = np.zeros(SAMPLE_RATE_HZ // 2, np.float32)
    session.add(AudioBlock(0.0, np.concatenate([silence, audio, silence])))
    return " ".join(utterance.text.strip() for utterance in session.finish().utterances)


def interval(references: Sequence[str], heard: Sequence[str]) -> tuple[float, float, float]:
    """Return the word error rate over all sentences, and its 95 % interval."""
    normalize = EnglishTextNormalizer()
    counts = []
    for reference, text in zip(references, heard, strict=True):
        aligned = jiwer.process_words(normalize(reference), normalize(text))
        wrong = aligned.substitutions + aligned.deletions + aligned.insertions
        counts.append((wrong, aligned.hits + aligned.substitutions + aligned.deletions))
    wrong, words = np.array(counts, dtype=np.float64).T
    drawn = np.random.default_rng(7).integers(len(words), size=(_RESAMPLES, len(words)))
    rates = wrong[drawn].sum(axis=1) / words[drawn].sum(axis=1)
    low, high = np.percentile(rates, [2.5, 97.5])
    return float(wrong.sum() / words.sum()), float(low), float(high)


if __name__ == "__main__":
    main()
