"""Which utterances are sung."""

from dataclasses import replace

import pytest

from pipeline.analysis.sounds import marked_as_sung
from schemas.records import Sound, Transcript
from tests.pipeline.analysis.speakers.test_turns import utterance


def sound(label: str, start_s: float, end_s: float, score: float = 0.9) -> Sound:
    return Sound(0, start_s, end_s, label, score)


@pytest.mark.parametrize(
    ("sounds", "sung"),
    [
        ((), False),
        ((sound("music", 0, 10),), False),
        ((sound("singing", 0, 10),), True),
        ((sound("singing", 3, 10),), True),
        ((sound("singing", 4.5, 10),), False),
        ((sound("singing", 0, 10, 0.6), sound("speech", 0, 10, 0.9)), False),
        ((sound("singing", 0, 10, 0.9), sound("speech", 0, 10, 0.6)), True),
        ((sound("singing", 0, 10), sound("speech", 2, 3)), True),
    ],
)
def test_an_utterance_is_sung_if_singing_is_heard_in_half_of_it_and_more_than_speech(
    sounds: tuple[Sound, ...], sung: bool
) -> None:
    transcript = Transcript("en", 1.0, 4.0, (replace(utterance("La la la", 2.0), end_s=6.0),), "fake")
    [found] = marked_as_sung(transcript, sounds).utterances
    assert found.sung == sung
    assert found.text == transcript.utterances[0].text


def test_hours_of_speech_and_singing_are_compared_at_once() -> None:
    sounds = [sound(label, 10.0 * n, 10.0 * n + 5) for n in range(4000) for label in ("singing", "speech")]
    spoken = tuple(replace(utterance("La la la", 10.0 * n + 1), end_s=10.0 * n + 3) for n in range(4000))
    transcript = Transcript("en", 1.0, 4.0, spoken, "fake")
    assert not any(each.sung for each in marked_as_sung(transcript, sounds).utterances)
