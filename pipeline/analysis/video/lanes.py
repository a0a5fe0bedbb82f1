"""One transcript from those of several channels, each with its own speakers."""

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from schemas.records import Transcript, Utterance, language_shares

_NEAR_S = 0.5
"""The same words on two channels within this time are one utterance and its echo."""
_LONGEST_S = 30.0
"""No utterance is longer."""
_MIN_ECHO_SHARE = 0.7
_MIN_ECHO_WORDS = 2
"""Two people may say the same single word at once."""
_WORD = re.compile(r"\w+")


def merge_lanes(transcripts: Mapping[int, Transcript]) -> Transcript:
    """Merge the transcripts of separated channels.

    Utterances are in order of time and may overlap. Nobody speaks on two channels, so the same name on two of them
    stands for two speakers; where voices were not distinguished, each channel is one speaker.

    Args:
        transcripts: At least one, by the number of its channel.
    """
    spoken = {lane: each for lane, each in transcripts.items() if each.utterances}
    if len(spoken) < 2:
        return next(iter(spoken.values()), next(iter(transcripts.values())))
    voiced = any(utterance.speaker for each in spoken.values() for utterance in each.utterances)
    said = [(lane, each) for lane, transcript in spoken.items() for each in _without_echoes(lane, transcript, spoken)]
    said.sort(key=lambda pair: (pair[1].start_s, pair[1].end_s))
    names: dict[tuple[int, str | None], str] = {}
    utterances = []
    for index, (lane, utterance) in enumerate(said):
        known = utterance.speaker is not None or not voiced
        name = names.setdefault((lane, utterance.speaker), f"S{len(names) + 1}") if known else None
        utterances.append(replace(utterance, index=index, speaker=name))
    language = language_shares(utterances)[0].language
    probabilities = [each.language_probability for each in spoken.values() if each.language == language]
    return Transcript(
        language=language,
        language_probability=max(probabilities, default=min(each.language_probability for each in spoken.values())),
        speech_s=sum(each.speech_s for each in transcripts.values()),
        utterances=tuple(utterances),
        engine=next(iter(spoken.values())).engine,
        voices=tuple(
            replace(voice, speaker=names[lane, voice.speaker])
            for lane, each in spoken.items()
            for voice in each.voices
            if (lane, voice.speaker) in names
        ),
    )


def _without_echoes(lane: int, transcript: Transcript, spoken: Mapping[int, Transcript]) -> list[Utterance]:
    """Return the utterances of a channel that are not heard better on another one."""
    others = [(number, each.utterances) for number, each in spoken.items() if number != lane]
    return [
        utterance
        for utterance in transcript.utterances
        if not any(
            _is_echo(utterance, _clearer((utterance.avg_logprob, -lane), number, _around(utterance, said)))
            for number, said in others
        )
    ]


def _around(utterance: Utterance, others: Sequence[Utterance]) -> Sequence[Utterance]:
    low = bisect_left(others, utterance.start_s - _LONGEST_S, key=lambda each: each.start_s)
    high = bisect_left(others, utterance.end_s + _NEAR_S, key=lambda each: each.start_s)
    return [each for each in others[low:high] if _near(each.start_s, each.end_s, utterance)]


def _clearer(clarity: tuple[float, int], lane: int, others: Sequence[Utterance]) -> list[Utterance]:
    """Return the utterances that the model is surer of. Of two equal ones, that of the first channel is clearer."""
    return [each for each in others if (each.avg_logprob, -lane) > clarity]


def _is_echo(utterance: Utterance, near: Sequence[Utterance]) -> bool:
    words = _WORD.findall(utterance.text.casefold())
    heard = [text for each in near for text in _texts_near(each, utterance)]
    matcher = SequenceMatcher(None, words, heard, autojunk=False)
    same = sum(block.size for block in matcher.get_matching_blocks())
    return same >= max(_MIN_ECHO_WORDS, _MIN_ECHO_SHARE * len(words))


def _texts_near(other: Utterance, utterance: Utterance) -> list[str]:
    if not other.words:
        return _WORD.findall(other.text.casefold())
    near = [word.word for word in other.words if _near(word.start_s, word.end_s, utterance)]
    return [part for text in near for part in _WORD.findall(text.casefold())]


def _near(start_s: float, end_s: float, utterance: Utterance) -> bool:
    return start_s < utterance.end_s + _NEAR_S and end_s > utterance.start_s - _NEAR_S
