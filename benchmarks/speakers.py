"""Speakers: are voices told apart, and is who spoke when right on conversations whose turns are known.

    python benchmarks/speakers.py --media FOLDER [--json FILE] [--conversations 6]

FOLDER holds the recordings named in `RECORDINGS`; those that are missing are left out. More voices are a reading in
the package moonshine-voice, and synthetic ones of eSpeak NG, which resemble each other. Conversations are turns of 2 to
7 s cut from the recordings at pauses. Equal error rate is over pairs of windows of 1.5 s; diarization error rate is
over time, with no collar: speech given to nobody, to the wrong speaker, or named where nobody speaks, over all speech.
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from itertools import permutations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.speech import Sound, load_sound
from pipeline.analysis.speakers import SpeakerEncoder, VoiceSession
from pipeline.analysis.speakers.turns import name_speakers
from pipeline.analysis.speech import SpeechRecognizer
from pipeline.analysis.speech.voice_activity import SpeechSegmentFinder, VoiceActivityDetector
from pipeline.extras.sample.speech import speak
from schemas.config import SpeakersConfig, SpeechConfig
from schemas.media import SAMPLE_RATE_HZ, AudioBlock
from schemas.records import Utterance

RECORDINGS = {
    "librivox": ("librivox/ss-0880.wav", "librivox/ss-0890.wav", "librivox/ss-0930.wav"),
    "jfk": ("jfk.flac",),
    "nasa": ("nasa_13013.mp4",),
}
SYNTHETIC = ("en-us", "en-gb+f3", "en-us+m7")
SCRIPT = (
    "The ocean covers most of our planet and it stores an enormous amount of heat. Every day the wind moves the water. "
    "Six o'clock in the morning. A photographer walks through the city before anybody is awake. "
    "He looks for light between the houses, and the trees are still wet with rain."
)
THRESHOLDS = (0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
STEP_S = 0.01


@dataclass(frozen=True)
class Row:
    """Conversations of one kind at one threshold."""

    voices: str
    threshold: float
    der_percent: float
    confused_percent: float
    counts_right: int
    conversations: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--conversations", type=int, default=6)
    arguments = parser.parse_args()
    encoder = SpeakerEncoder("embedded:campplus", device="cpu", threads=1)
    recognizer = SpeechRecognizer(SpeechConfig(), device="cpu", threads=1)
    real = {
        name: [load_sound(arguments.media / file) for file in files if (arguments.media / file).is_file()]
        for name, files in RECORDINGS.items()
    }
    reading = resources.files("moonshine_voice").joinpath("assets", "two_cities.wav")
    real = {name: sounds for name, sounds in real.items() if sounds} | {"reading": [load_sound(Path(str(reading)))]}
    synthetic = {voice: [speak(SCRIPT, voice)] for voice in SYNTHETIC}
    rates = {}
    for kind, voices in (("real", real), ("synthetic", synthetic), ("all", real | synthetic)):
        rates[kind], at = equal_error_rate(encoder, voices)
        print(f"equal error rate, {kind:<10} {len(voices)} voices: {100 * rates[kind]:5.2f} % at cosine {at:.2f}")
    rows: list[Row] = []
    print(f"\n{'voices':<11}{'threshold':>10}{'DER %':>8}{'wrong %':>9}{'number of speakers right':>26}")
    shares = []
    for kind, voices in (("real", real), ("all", real | synthetic)):
        heard = []
        for seed in range(arguments.conversations):
            sound, turns = converse(voices, seed)
            utterances, session, seconds = listen(recognizer, encoder, sound)
            heard.append((len(sound), turns, utterances, session))
            shares.append(seconds)
        for threshold in THRESHOLDS:
            rows.append(judge(kind, threshold, heard))
            row = rows[-1]
            print(f"{kind:<11}{threshold:>10.2f}{row.der_percent:>8.2f}{row.confused_percent:>9.2f}", end="")
            print(f"{row.counts_right:>20} of {row.conversations}")
    speech_s, speakers_s = (float(sum(column)) for column in zip(*shares, strict=True))
    print(f"\ntime beside speech recognition's: {100 * speakers_s / speech_s:.1f} %")
    if arguments.json:
        found = {"equal_error_rates": rates, "time_over_speech": speakers_s / speech_s}
        arguments.json.write_text(json.dumps(found | {"rows": [asdict(row) for row in rows]}, indent=2), "utf-8")


def equal_error_rate(encoder: SpeakerEncoder, voices: Mapping[str, Sequence[Sound]]) -> tuple[float, float]:
    vectors, owners = [], []
    for number, sounds in enumerate(voices.values()):
        for sound in sounds:
            session = VoiceSession(encoder, SpeakersConfig())
            for start, end in pauses(sound):
                session.add(start / SAMPLE_RATE_HZ, sound[start:end])
            windows = session.windows()
            long = windows.end_s - windows.start_s >= 1.0
            vectors.append(windows.vectors[long])
            owners += [number] * int(long.sum())
    likeness = np.concatenate(vectors) @ np.concatenate(vectors).T
    upper = np.triu_indices(len(owners), 1)
    same = (np.array(owners)[:, None] == np.array(owners))[upper]
    scores = likeness[upper]
    thresholds = np.linspace(-0.2, 1.0, 241)
    false = np.array([(scores[~same] >= threshold).mean() for threshold in thresholds])
    missed = np.array([(scores[same] < threshold).mean() for threshold in thresholds])
    best = int(np.abs(false - missed).argmin())
    return float(false[best] + missed[best]) / 2, float(thresholds[best])


def pauses(sound: Sound) -> list[tuple[int, int]]:
    stream, finder = VoiceActivityDetector().stream(), SpeechSegmentFinder(0.5, 0.25)
    segments = [*finder.add(stream.add(sound)), *finder.add(stream.finish()), *finder.finish()]
    return [(segment.start, segment.end) for segment in segments]


def converse(voices: Mapping[str, Sequence[Sound]], seed: int) -> tuple[Sound, list[tuple[float, float, str]]]:
    """Make a conversation of two to four voices; returns it and its stretches of speech."""
    random = np.random.default_rng(seed)
    names = list(random.permutation(list(voices)))[: int(random.integers(2, 5))]
    parts: list[Sound] = []
    turns: list[tuple[float, float, str]] = []
    length, speaker = 0, ""
    for _ in range(12):
        speaker = str(random.choice([name for name in names if name != speaker]))
        sound = voices[speaker][int(random.integers(len(voices[speaker])))]
        segments = pauses(sound)
        first = int(random.integers(len(segments)))
        last = first
        while last + 1 < len(segments) and segments[last][1] - segments[first][0] < 2 * SAMPLE_RATE_HZ:
            last += 1
        begin, end = segments[first][0], min(segments[last][1], segments[first][0] + 7 * SAMPLE_RATE_HZ)
        gap = np.zeros(int(random.uniform(0.05, 0.8) * SAMPLE_RATE_HZ), np.float32)
        for start, stop in segments[first : last + 1]:
            span = (length + start - begin, length + min(stop, end) - begin)
            turns.append((span[0] / SAMPLE_RATE_HZ, span[1] / SAMPLE_RATE_HZ, speaker))
        loudness = float(np.sqrt(np.mean(np.square(sound[begin:end]))))
        parts += [sound[begin:end] * np.float32(0.08 / loudness), gap]
        length += end - begin + len(gap)
    return np.concatenate(parts), turns


def listen(
    recognizer: SpeechRecognizer, encoder: SpeakerEncoder, sound: Sound
) -> tuple[tuple[Utterance, ...], VoiceSession, tuple[float, float]]:
    voices = VoiceSession(encoder, SpeakersConfig())
    session = recognizer.session(voices.add)
    begun = time.process_time()
    session.add(AudioBlock(0.0, sound))
    utterances = session.finish().utterances
    between = time.process_time()
    voices.windows()
    return utterances, voices, (between - begun, time.process_time() - between)


def judge(
    kind: str,
    threshold: float,
    heard: Sequence[tuple[int, list[tuple[float, float, str]], tuple[Utterance, ...], VoiceSession]],
) -> Row:
    wrong = missed = false = total = 0.0
    right = 0
    for samples, turns, utterances, session in heard:
        named = name_speakers(utterances, session.windows(), SpeakersConfig(threshold=threshold))
        spans = [
            (word.start_s, word.end_s, each.speaker or "") for each in named for word in each.words if each.speaker
        ]
        truth, guess = _frames(turns, samples), _frames(_bridged(spans), samples)
        speakers, found = sorted({name for *_, name in turns}), sorted({name for *_, name in spans})
        right += len(speakers) == len(found)
        both = (truth != "") & (guess != "")
        agree = _best_agreement(truth[both], guess[both], speakers, found)
        wrong += both.sum() - agree
        missed += ((truth != "") & (guess == "")).sum()
        false += ((truth == "") & (guess != "")).sum()
        total += (truth != "").sum()
    der = 100 * (wrong + missed + false) / total
    return Row(kind, threshold, float(der), float(100 * wrong / total), right, len(heard))


def _bridged(spans: Sequence[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    """Close gaps of up to 0.3 s between words of one speaker."""
    bridged: list[tuple[float, float, str]] = []
    for start, end, name in spans:
        if bridged and bridged[-1][2] == name and start - bridged[-1][1] <= 0.3:
            bridged[-1] = (bridged[-1][0], end, name)
        else:
            bridged.append((start, end, name))
    return bridged


def _frames(spans: Sequence[tuple[float, float, str]], samples: int) -> NDArray[np.str_]:
    frames = np.full(round(samples / SAMPLE_RATE_HZ / STEP_S), "", dtype="<U12")
    for start, end, name in spans:
        frames[round(start / STEP_S) : round(end / STEP_S)] = name
    return frames


def _best_agreement(
    truth: NDArray[np.str_], guess: NDArray[np.str_], speakers: Sequence[str], found: Sequence[str]
) -> int:
    """Return the frames that agree under the best one-to-one naming."""
    counts = np.array([[((truth == one) & (guess == other)).sum() for other in found] for one in speakers])
    if counts.size == 0:
        return 0
    if counts.shape[0] > counts.shape[1]:
        counts = counts.T
    return max(
        int(sum(counts[row, column] for row, column in enumerate(columns)))
        for columns in permutations(range(counts.shape[1]), counts.shape[0])
    )


if __name__ == "__main__":
    main()
