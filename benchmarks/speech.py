"""Word error rate, parity and speed of the speech step with each engine, on one set of recordings.

    python benchmarks/speech.py --media FOLDER [--json FILE] [--threads 1] [--full]

FOLDER holds the recordings named in `REFERENCES` and `SPEECHLESS`; missing ones are skipped. Speed is measured on the
same recordings, joined with pauses to about three minutes. All settings run together, so compare rows with each other.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import av
import jiwer
import numpy as np
from numpy.typing import NDArray
from whisper.normalizers import EnglishTextNormalizer

from pipeline.analysis.speech import SpeechRecognizer
from schemas.config import SpeechConfig
from schemas.media import SAMPLE_RATE_HZ, AudioBlock
from schemas.records import Transcript

REFERENCES = {
    "nasa_13013.mp4": "This is the optical and science segment of the Webb Space Telescope in one of the largest clean "
    "rooms in the world at NASA's Goddard Space Flight Center in Greenbelt, Maryland.",
    "jfk.flac": "And so my fellow Americans, ask not what your country can do for you, ask what you can do for your "
    "country.",
    "librivox/ss-0880.wav": "he was not an ill disposed young man",
    "librivox/ss-0890.wav": "unless to be rather cold hearted and rather selfish is to be ill disposed",
    "librivox/ss-0930.wav": "he might even have been made amiable himself",
}
OTHER_LANGUAGES = {"french.aiff": "fr"}
SPEECHLESS = ("bbb_0_30.webm", "chaplin.mp4", "failing_audio.mp4", "smpte-2997.mp4", "attached_pic.mp3")
SPEED_S = 180.0
Audio = NDArray[np.float32]


@dataclass(frozen=True)
class Row:
    """Results of one setting."""

    engine: str
    compute_type: str
    beam_size: int
    batch_size: int
    threads: int
    wer_percent: float
    joined_wer_percent: float
    seconds: float
    realtime: float
    core_percent: float
    """Processor time over the length of the audio: the share of one core that live audio would need."""
    languages_right: bool
    invented_words: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--full", action="store_true", help="also vary the batch size")
    arguments = parser.parse_args()
    clips = {name: load_audio(arguments.media / name) for name in _names() if (arguments.media / name).is_file()}
    joined, reference = join({name: clips[name] for name in REFERENCES if name in clips})
    rows, texts = [], {}
    print(f"{'engine':<15}{'compute':<9}{'beam':>5}{'batch':>6}{'WER %':>8}{'joined':>8}", end="")
    print(f"{'s':>8}{'x real':>8}{'core %':>8}")
    for config in settings(full=arguments.full):
        row, transcript = measure(config, arguments.threads, clips, joined, reference)
        rows.append(row)
        texts[f"{row.engine} {row.compute_type} beam {row.beam_size}"] = transcript
        print(
            f"{row.engine:<15}{row.compute_type:<9}{row.beam_size:>5}{row.batch_size:>6}{row.wer_percent:>8.2f}"
            f"{row.joined_wer_percent:>8.2f}{row.seconds:>8.2f}{row.realtime:>8.1f}{row.core_percent:>8.2f}"
            f"{'' if row.languages_right else '  wrong language'}"
            f"{f'  {row.invented_words} words invented where nobody speaks' if row.invented_words else ''}"
        )
    for line in parity(texts):
        print(line)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=2), "utf-8")


def settings(*, full: bool) -> Iterator[SpeechConfig]:
    for beam_size in (1, 5):
        yield SpeechConfig(engine="faster-whisper", beam_size=beam_size, compute_type="int8")
        yield SpeechConfig(engine="faster-whisper", beam_size=beam_size, compute_type="float32")
        yield SpeechConfig(engine="openai-whisper", beam_size=beam_size, compute_type="float32")
    if full:
        for batch_size in (1, 2, 4, 16):
            yield SpeechConfig(engine="faster-whisper", batch_size=batch_size, compute_type="int8")


def measure(
    config: SpeechConfig, threads: int, clips: dict[str, Audio], joined: Audio, reference: str
) -> tuple[Row, Transcript]:
    recognizer = SpeechRecognizer(config, device="cpu", threads=threads)
    heard = {name: recognize(recognizer, audio) for name, audio in clips.items()}
    spoken = [name for name in REFERENCES if name in clips]
    started, processor = time.perf_counter(), time.process_time()
    transcript = recognize(recognizer, joined)
    seconds, used = time.perf_counter() - started, time.process_time() - processor
    length_s = len(joined) / SAMPLE_RATE_HZ
    right = all(heard[name].language == OTHER_LANGUAGES.get(name, "en") for name in [*spoken, *OTHER_LANGUAGES])
    row = Row(
        engine=recognizer.engine,
        compute_type=config.compute_type,
        beam_size=config.beam_size,
        batch_size=config.batch_size,
        threads=threads,
        wer_percent=100
        * word_error_rate([REFERENCES[name] for name in spoken], [text(heard[name]) for name in spoken]),
        joined_wer_percent=100 * word_error_rate([reference], [text(transcript)]),
        seconds=seconds,
        realtime=length_s / seconds,
        core_percent=100 * used / length_s,
        languages_right=right,
        invented_words=sum(len(text(heard[name]).split()) for name in SPEECHLESS if name in heard),
    )
    return row, transcript


def parity(texts: dict[str, Transcript]) -> Iterator[str]:
    """Compare each transcript of the joined audio with openai-whisper's at the same beam size."""
    for name, transcript in texts.items():
        if not name.startswith("faster"):
            continue
        other = texts[f"openai-whisper float32 beam {name.rsplit(' ', 1)[1]}"]
        ours = [word for utterance in transcript.utterances for word in utterance.words]
        theirs = [word for utterance in other.utterances for word in utterance.words]
        pairs = [(a, b) for a, b in zip(ours, theirs, strict=False) if a.word == b.word]
        offsets_s = [abs(a.start_s - b.start_s) for a, b in pairs]
        yield (
            f"parity {name}: {len(pairs)} of {len(theirs)} words are the same at the same index; "
            f"starts differ by {np.median(offsets_s) * 1000:.0f} ms (median), "
            f"{np.percentile(offsets_s, 95) * 1000:.0f} ms (95th percentile)"
        )


def recognize(recognizer: SpeechRecognizer, audio: Audio) -> Transcript:
    session = recognizer.session()
    for first in range(0, len(audio), 5 * SAMPLE_RATE_HZ):
        session.add(AudioBlock(first / SAMPLE_RATE_HZ, audio[first : first + 5 * SAMPLE_RATE_HZ]))
    return session.finish()


def word_error_rate(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    normalize = EnglishTextNormalizer()
    return float(jiwer.wer([normalize(r) for r in references], [normalize(h) for h in hypotheses]))


def text(transcript: Transcript) -> str:
    return " ".join(utterance.text for utterance in transcript.utterances)


def join(clips: dict[str, Audio]) -> tuple[Audio, str]:
    """Repeat the clips, with pauses of 0.5 to 3 s, up to `SPEED_S`. The result is always the same."""
    random = np.random.default_rng(7)
    parts, words, length = [], [], 0
    while length < SPEED_S * SAMPLE_RATE_HZ:
        for name in random.permutation(list(clips)):
            pause = np.zeros(int(random.uniform(0.5, 3.0) * SAMPLE_RATE_HZ), np.float32)
            parts += [clips[name], pause]
            words.append(REFERENCES[name])
            length += len(clips[name]) + len(pause)
    return np.concatenate(parts), " ".join(words)


def load_audio(path: Path) -> Audio:
    """Decode the first audio track as (n,) float32 mono at 16 kHz."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.float32)


def _names() -> list[str]:
    return [*REFERENCES, *OTHER_LANGUAGES, *SPEECHLESS]


if __name__ == "__main__":
    main()
