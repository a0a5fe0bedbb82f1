"""Speech: word error rates, hallucinated words, languages, speakers."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.figures.figure import Figure
from benchmarks.material.analysed import Video
from benchmarks.material.films import KnownFilm
from benchmarks.material.recordings import Recording
from benchmarks.measures.recognition import word_error_rate
from benchmarks.measures.speakers import diarization_error

PART = "speech"
_WER = (
    "over all words of a set, by jiwer, with both texts normalised as in the Whisper paper (Radford et al., 2022); "
    "characters for Chinese"
)
_TRANSCRIPT = "the script that espeak-ng spoke, or the transcript of a real recording"


def speech_figures(
    films: Sequence[KnownFilm], recordings: Sequence[Recording], videos: Mapping[str, Video]
) -> Iterator[Figure]:
    """Measure speech."""
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    languages: list[tuple[str, str | None, str | None]] = []
    hallucinated, silent = 0, 0
    for film in films:
        video = videos[film.path.name]
        if film.truth.language is None:
            hallucinated, silent = hallucinated + len(video.words.split()), silent + 1
            continue
        pairs[film.truth.language].append((film.truth.transcript, video.words))
        languages.append((film.path.name, film.truth.language, video.row["language"]))
    for recording in recordings:
        video = videos[recording.path.name]
        if not recording.language:
            hallucinated, silent = hallucinated + len(video.words.split()), silent + 1
            continue
        name = "en, real voices" if recording.language == "en" else f"{recording.language}, real voices"
        pairs[name].append((recording.text, video.words))
        languages.append((recording.path.name, recording.language, video.row["language"]))
    for name, found in sorted(pairs.items()):
        said = [reference for reference, _ in found]
        real = "real" in name
        files = "1 file" if len(found) == 1 else f"{len(found)} files"
        yield Figure(
            PART,
            f"word error rate, {name if real else f'{name}, synthetic voice'}",
            word_error_rate(said, [heard for _, heard in found], name[:2]),
            "%",
            f"{files}, {sum(len(text.split()) for text in said)} words"
            if not name.startswith("zh")
            else f"{files}, {sum(sum(map(str.isalnum, text)) for text in said)} characters",
            _WER,
            _TRANSCRIPT,
            "lower",
            0.05 if name == "en, real voices" else None,
        )
    yield Figure(
        PART, "hallucinated words", hallucinated, "words", f"{silent} videos",
        "words in `utterances` of videos with only silence, music, noise or engine sounds", "no speech", "lower", 0,
    )  # fmt: skip
    yield Figure(
        PART, "language", sum(known == found for _, known, found in languages) / max(1, len(languages)), "%",
        f"{len(languages)} videos, {len({known for _, known, _ in languages})} languages",
        "share of videos with the right `videos.language`", "the language of the script or recording", "higher",
    )  # fmt: skip
    yield from _speakers(films, videos)


def _speakers(films: Sequence[KnownFilm], videos: Mapping[str, Video]) -> Iterator[Figure]:
    for film in films:
        video = videos[film.path.name]
        known = [(each.start_s, each.end_s, each.speaker) for each in film.truth.spoken if each.speaker]
        found = [(row["start_s"], row["end_s"], row["speaker"]) for row in video.utterances if row["speaker"]]
        if len({name for _, _, name in known}) < 2 or not found:
            continue
        yield Figure(
            PART, "diarization error rate", diarization_error(known, found, film.truth.duration_s), "%",
            f"{len(known)} sentences of {len({name for _, _, name in known})} voices",
            "missed, false and confused speech over all speech, with speaker names matched for the best score; 0.25 s "
            "around each turn is ignored", "the times at which each synthetic voice speaks", "lower",
        )  # fmt: skip
