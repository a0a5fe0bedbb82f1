"""The language of each stretch: it changes where the speech does, and not because of a short noisy part."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.speech import SpeechRecognizer, recognizer
from pipeline.analysis.speech.engines import ENDING_FRAMES, Encoded, Span
from pipeline.analysis.speech.language_tracker import LanguageTracker, Stretch, detection_frames, speech_units
from pipeline.analysis.speech.languages import Evidence, likely_languages
from pipeline.analysis.speech.transcription import Transcriber
from pipeline.analysis.speech.voice_activity import SpeechSegment
from pipeline.analysis.speech.windows import Window, plan_window
from schemas.config import SpeechConfig
from schemas.media import AudioBlock
from schemas.records import Utterance, language_shares
from tests.material import speak

RATE = 16_000
LEVELS = {"en": 0.1, "de": 0.5, "??": 0.9}


def heard(language: str, probability: float, seconds: float) -> Evidence:
    rest = "de" if language != "de" else "en"
    return {language: probability, rest: (1 - probability) / 2, "la": (1 - probability) / 2}, seconds


EN, DE = heard("en", 0.95, 10.0), heard("de", 0.95, 10.0)


def test_a_lasting_change_is_a_change_and_a_return_too() -> None:
    assert likely_languages([EN, EN, DE, DE]) == ["en", "en", "de", "de"]
    assert likely_languages([DE, EN, DE]) == ["de", "en", "de"]
    assert likely_languages([DE, DE], "en") == ["de", "de"]


@pytest.mark.parametrize("noise", [heard("la", 0.75, 2.0), heard("cy", 0.6, 5.0), heard("de", 0.5, 30.0)])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_short_or_unsure_part_does_not_change_the_language(noise: Evidence, place: int) -> None:
    evidence = [EN, EN]
    evidence.insert(place, noise)
    assert likely_languages(evidence) == ["en"] * 3


def test_related_languages_that_share_their_probability_do_not_alternate() -> None:
    no, nn = {"no": 0.6, "nn": 0.35}, {"nn": 0.6, "no": 0.35}
    assert len(set(likely_languages([(no, 30.0), (nn, 30.0)] * 10))) == 1


def test_an_unclear_part_goes_with_what_follows_at_the_start() -> None:
    assert likely_languages([heard("la", 0.3, 3.0), DE, EN, EN]) == ["de", "de", "en", "en"]


@given(st.lists(st.tuples(st.sampled_from(["en", "de", "fr"]), st.floats(0, 1), st.floats(0.1, 30)), max_size=12))
def test_every_part_has_a_language_that_was_heard(parts: list[tuple[str, float, float]]) -> None:
    evidence = [heard(*part) for part in parts]
    languages = likely_languages(evidence)
    assert len(languages) == len(parts)
    assert set(languages) <= {max(p, key=p.__getitem__) for p, _ in evidence} | {"en", "de", "fr", "la"}


@given(st.lists(st.tuples(st.integers(2_600, 60_000), st.integers(512, 448_000)), min_size=1, max_size=8))
def test_units_cover_the_speech_of_a_window_in_order(spans: list[tuple[int, int]]) -> None:
    segments, end = [], 0
    for pause, length in spans:
        segments.append(SpeechSegment(end + pause, end + pause + length, 0.9))
        end += pause + length
    units = speech_units(plan_window(segments))
    edges = [edge for unit in units for edge in unit]
    assert edges == sorted(edges)
    assert (edges[0], edges[-1]) == (segments[0].start, segments[-1].end)
    assert all(any(a <= s.start and s.end <= b for a, b in units) or s.end - s.start > 6 * RATE for s in segments)


ENCODED: list[tuple[object, int]] = []
"""The pieces of each window that was encoded, and to how many frames it was padded."""


class Levels:
    """An engine that tells the language by the level of the audio: en is quiet, de is loud, and louder is unclear."""

    name, n_mels, multilingual, num_languages = "levels", 80, True, 99

    def select(self, encoded: Encoded, indices: list[int]) -> Encoded:
        return Encoded([encoded.features[index] for index in indices], len(indices))

    def join(self, parts: list[Encoded]) -> Encoded:
        return Encoded([each for part in parts for each in part.features], sum(part.windows for part in parts))

    def detect(self, encoded: Encoded, spans: list[Span], ending: Encoded | None = None) -> list[dict[str, float]]:
        found = []
        for window, first, last in spans:
            audio = encoded.features[window]
            if last - first < 1500:
                silence = ending.features[0] if ending else np.zeros(1500 * 320 - len(audio))
                assert len(silence) >= ENDING_FRAMES * 320, "silence follows each part"
                assert not silence.any()
            part = audio[first * 320 : last * 320]
            heard = {code: float(np.mean(np.isclose(part, level))) for code, level in LEVELS.items()}
            total = sum(heard.values()) or 1.0
            found.append({"en": heard["en"] / total, "de": heard["de"] / total, "la": 0.6 * heard["??"] / total})
        return found


class MisledByShortUnits(Levels):
    """Hears a third language in short parts of a window."""

    def detect(self, encoded: Encoded, spans: list[Span], ending: Encoded | None = None) -> list[dict[str, float]]:
        found = super().detect(encoded, spans, ending)
        short = [last - first <= 100 for _, first, last in spans]
        return [{"la": 0.6} if each else right for each, right in zip(short, found, strict=True)]


class MisledByUnits(Levels):
    """Does not know what is spoken in less than 5 s of German."""

    def detect(self, encoded: Encoded, spans: list[Span], ending: Encoded | None = None) -> list[dict[str, float]]:
        found = super().detect(encoded, spans, ending)
        lengths = [last - first for _, first, last in spans]
        return [
            {"la": 0.6, "de": 0.1} if each.get("de", 0.0) > 0.5 and length < 250 else each
            for length, each in zip(lengths, found, strict=True)
        ]


class Levelled(Transcriber):
    """Encodes a window as its audio."""

    def encode(self, windows: list[Window], frames: int = 1500) -> Encoded:  # type: ignore[override]
        ENCODED.extend((window.plan.pieces, frames) for window in windows)
        return Encoded([window.audio for window in windows], len(windows))

    def encode_silence(self, frames: int) -> Encoded:
        ENCODED.append(((), frames))
        return Encoded([np.zeros(frames * 320, np.float32)], 1)


def window(first_s: float, *said: tuple[str, float]) -> Window:
    """Return a window of speech in these languages for so many seconds each, with pauses of 0.4 s."""
    segments, parts, at = [], [], round(first_s * RATE)
    for language, seconds in said:
        length = round(seconds * RATE)
        segments.append(SpeechSegment(at, at + length, 0.9))
        parts.append((at, np.full(length, LEVELS[language], np.float32)))
        at += length + 6400
    plan = plan_window(segments, after=round(first_s * RATE) - 6400, before=at)
    audio = np.zeros(plan.samples, np.float32)
    for start, part in parts:
        audio[plan.position(start) : plan.position(start) + len(part)] = part
    return Window(plan, audio)


def stretches(
    *batches: list[Window], engine: Levels | None = None, transcriber: Transcriber | None = None
) -> list[list[tuple[str, float, float]]]:
    """Return language, start and end of each window that is transcribed, per batch, in order of time."""
    tracker = LanguageTracker(transcriber or Levelled(engine or Levels(), SpeechConfig()))  # type: ignore[arg-type]
    held: list[Window] = []
    found = []
    for number, batch in enumerate(batches, 1):
        decided, held = tracker.stretches([*held, *batch], final=number == len(batches))
        found.append(sorted((spoken(each, w) for each in decided for w in each.windows), key=lambda each: each[1]))
        for each in decided:
            assert all(np.array_equal(a, w.audio) for a, w in zip(each.encoded.features, each.windows, strict=True))
    assert not held
    return found


def spoken(stretch: Stretch, window: Window) -> tuple[str, float, float]:
    segments = window.plan.segments
    return stretch.language, segments[0].start / RATE, segments[-1].end / RATE


def test_a_window_is_split_where_the_language_changes() -> None:
    both = window(1.0, ("en", 5.0), ("en", 4.0), ("de", 5.0), ("de", 4.0))
    [found] = stretches([both])
    assert found == [("en", 1.0, pytest.approx(10.4)), ("de", pytest.approx(10.8), pytest.approx(20.2))]


def test_languages_may_alternate_within_a_minute() -> None:
    batch = [window(t, ("en", 6.0), ("de", 5.0), ("en", 4.0)) for t in (1.0, 20.0, 40.0)]
    [found] = stretches(batch)
    assert [language for language, _, _ in found] == ["en", "de", "en"] * 3


@pytest.mark.parametrize("engine", [Levels(), MisledByShortUnits(), MisledByUnits()])
def test_a_switch_is_found_wherever_it_falls_in_a_window(engine: Levels) -> None:
    sentences = [("en", 4.0), ("en", 3.0), ("en", 4.5), ("de", 4.0), ("de", 3.0), ("en", 4.0)]
    for first in range(3):
        [found] = stretches([window(1.0, *sentences[first:])], engine=engine)
        assert [language for language, _, _ in found] == ["en", "de", "en"]


def test_one_language_stays_one_language_although_short_units_mislead() -> None:
    [found] = stretches([window(1.0, ("en", 4.0), ("en", 3.0), ("en", 2.0))], engine=MisledByShortUnits())
    assert found == [("en", 1.0, pytest.approx(10.8))]


def test_silence_is_encoded_once_for_all_tracks_and_only_for_windows_that_do_not_end_with_enough() -> None:
    ENCODED.clear()
    transcriber = Levelled(Levels(), SpeechConfig())  # type: ignore[arg-type]
    full = [("en", 9.0), ("de", 9.0), ("en", 10.0)]
    stretches([window(1.0, ("en", 9.0), ("de", 9.0))], transcriber=transcriber)
    assert all(pieces for pieces, _ in ENCODED)
    for _ in range(2):
        [found] = stretches([window(1.0, *full), window(40.0, *full)], transcriber=transcriber)
        assert [language for language, _, _ in found] == ["en", "de", "en"] * 2
    assert [frames for pieces, frames in ENCODED if not pieces] == [1500]


def test_a_window_is_examined_as_a_whole_only_if_its_units_do_not_agree() -> None:
    class Counting(Levels):
        wholes = 0

        def detect(self, encoded: Encoded, spans: list[Span], ending: Encoded | None = None) -> list[dict[str, float]]:
            self.wholes += sum(last - first == 1500 for _, first, last in spans)
            return super().detect(encoded, spans, ending)

    engine = Counting()
    stretches([window(1.0, ("en", 6.0), ("en", 6.0)), window(40.0, ("de", 20.0))], engine=engine)
    assert engine.wholes == 0
    stretches([window(1.0, ("en", 6.0), ("de", 6.0))], engine=engine)
    assert engine.wholes == 1


@pytest.mark.parametrize("probability", [0.55, 0.65, 0.75, 0.85])
def test_a_window_whose_units_are_unclear_keeps_its_language_between_others(probability: float) -> None:
    class Unclear(Levels):
        def detect(self, encoded: Encoded, spans: list[Span], ending: Encoded | None = None) -> list[dict[str, float]]:
            found = super().detect(encoded, spans, ending)
            units = {"de": probability, "nl": 1 - probability}
            return [
                units if each.get("de", 0.0) > 0.5 and last - first < 1500 else each
                for each, (_, first, last) in zip(found, spans, strict=True)
            ]

    english, german = [("en", 6.0)] * 3, [("de", 5.5)] * 4
    [found] = stretches([window(1.0, *english), window(40.0, *german), window(80.0, *english)], engine=Unclear())
    assert [language for language, _, _ in found] == ["en", "de", "en"]


def test_a_short_unclear_part_is_transcribed_in_the_language_around_it() -> None:
    [found] = stretches([window(1.0, ("en", 6.0), ("??", 2.0), ("en", 6.0))])
    assert found == [("en", 1.0, pytest.approx(15.8))]


def test_a_change_at_the_end_of_a_batch_is_decided_with_the_next() -> None:
    first = [window(1.0, ("en", 20.0)), window(25.0, ("en", 8.0), ("de", 4.0))]
    before, after = stretches(first, [window(40.0, ("de", 20.0))])
    assert [language for language, _, _ in before] == ["en"]
    assert [language for language, _, _ in after] == ["en", "de", "de"]


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(["en", "de", "??"]), st.floats(1.0, 9.0)), min_size=1, max_size=3),
        min_size=2,
        max_size=6,
    ),
    st.integers(1, 5),
)
def test_nothing_is_encoded_twice_wherever_the_language_changes(said: list[list[tuple[str, float]]], cut: int) -> None:
    ENCODED.clear()
    windows = [window(1.0 + 30.0 * n, *each) for n, each in enumerate(said)]
    stretches(*[batch for batch in (windows[:cut], windows[cut:]) if batch])
    assert len(ENCODED) == len(set(ENCODED))


@given(st.integers(512, 448_000))
def test_parts_are_padded_by_up_to_two_seconds_or_to_the_shortest_context(samples: int) -> None:
    longest_s, seconds = samples / RATE, detection_frames(samples) / 50
    assert longest_s <= seconds <= 30
    assert seconds in {12, 30} or longest_s + 1 <= seconds < longest_s + 2


def test_speech_without_a_pause_is_split_near_the_change() -> None:
    segment = SpeechSegment(0, 24 * RATE, 0.9)
    audio = np.concatenate([np.full(12 * RATE, LEVELS["en"]), np.full(12 * RATE, LEVELS["de"])]).astype(np.float32)
    plan = plan_window([segment], before=24 * RATE)
    [found] = stretches([Window(plan, audio)])
    assert [language for language, _, _ in found] == ["en", "de"]
    assert found[0][2] == pytest.approx(12.0, abs=0.6)


def test_the_shares_of_languages_add_up_and_the_longest_comes_first() -> None:
    shares = language_shares([utterance_in("en", 10.0), utterance_in("de", 30.0), utterance_in("en", 8.0)])
    assert [each.language for each in shares] == ["de", "en"]
    assert sum(each.share for each in shares) == pytest.approx(1.0)
    assert language_shares([]) == ()
    assert [each.share for each in language_shares([utterance_in("en", 0.0), utterance_in("fr", 0.0)])] == [0.5, 0.5]


def utterance_in(language: str, seconds: float) -> Utterance:
    return Utterance(0, 0.0, seconds, "", language, None, (), 0.0, 0.0, 1.0, ())


@pytest.mark.models
@pytest.mark.usefixtures("kept_whisper")
@pytest.mark.parametrize("engine", ["faster-whisper", "openai-whisper"])
def test_two_languages_in_one_recording_are_both_written_as_spoken(engine: str) -> None:
    pause = np.zeros(RATE // 2, np.float32)
    english = speak("Good morning. The museum opens at nine o'clock, and the garden is free for everybody.")
    spanish = speak("Buenos días. El museo abre a las nueve y el jardín es gratis para todos.", "es-419", 130)
    config = SpeechConfig(engine=engine, beam_size=1, min_greedy_logprob=-5.0)
    session = SpeechRecognizer(config, device="cpu", threads=1).session()
    session.add(AudioBlock(0.0, np.concatenate([english, pause, spanish])))
    transcript = session.finish()
    said = {each.language: "" for each in transcript.languages}
    for utterance in transcript.utterances:
        said[utterance.language] += utterance.text.lower()
    assert "the museum opens" in said["en"]
    assert "el museo" in said["es"]
    assert set(said) == {"en", "es"}


@pytest.mark.models
@pytest.mark.usefixtures("kept_whisper")
def test_whisper_knows_the_language_of_most_parts_of_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    examined: list[str] = []

    class Watched(LanguageTracker):
        def _detect(self, windows, encoded, slices):  # type: ignore[no-untyped-def]
            found = super()._detect(windows, encoded, slices)
            examined.extend(max(each, key=each.__getitem__) for each in found)
            return found

    monkeypatch.setattr(recognizer, "LanguageTracker", Watched)
    said = {
        "en-us": "Good morning. The museum opens at nine. The garden is free. We have a new picture of the sea.",
        "es-419": "Buenos días. El museo abre a las nueve. El jardín es gratis. Tenemos un cuadro nuevo del mar.",
    }
    config = SpeechConfig(engine="faster-whisper", beam_size=1, min_greedy_logprob=-5.0)  # the text does not matter
    loaded, right = SpeechRecognizer(config, device="cpu", threads=1), 0
    parts = 0
    for voice, text in said.items():
        examined.clear()
        session = loaded.session()
        session.add(AudioBlock(0.0, speak(text, voice, 130)))
        session.finish()
        parts += len(examined)
        right += examined.count(voice[:2])
    assert parts >= 6
    assert right >= 0.75 * parts, "without silence after them, it knows one in ten"
