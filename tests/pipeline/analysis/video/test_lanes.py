"""One transcript from those of several channels."""

from dataclasses import replace

from pipeline.analysis.video.lanes import merge_lanes
from schemas.records import Transcript, Utterance, Word


def said(
    start_s: float, text: str, speaker: str | None = None, logprob: float = -0.2, language: str = "en"
) -> Utterance:
    """An utterance with a word every half second."""
    words = tuple(Word(word, start_s + n / 2, start_s + n / 2 + 0.4, 0.9) for n, word in enumerate(text.split()))
    return Utterance(0, start_s, words[-1].end_s, text, language, speaker, words, logprob, 0.0, 1.0, ())


def transcript(*utterances: Utterance) -> Transcript:
    speech_s = sum(each.end_s - each.start_s for each in utterances)
    return Transcript("en", 1.0, speech_s, utterances, "fake")


def merged(*lanes: Transcript) -> list[tuple[str, str | None]]:
    result = merge_lanes(dict(enumerate(lanes)))
    assert [each.index for each in result.utterances] == list(range(len(result.utterances)))
    return [(each.text, each.speaker) for each in result.utterances]


def test_utterances_are_in_order_of_time_and_speakers_follow_the_channels() -> None:
    left = transcript(said(0, "Good morning to you."), said(6, "And what happened then?"))
    right = transcript(said(1, "Hello, I am glad to be here."), said(7, "Nothing at all."))
    assert merged(left, right) == [
        ("Good morning to you.", "S1"),
        ("Hello, I am glad to be here.", "S2"),
        ("And what happened then?", "S1"),
        ("Nothing at all.", "S2"),
    ]


def test_two_voices_on_one_channel_stay_two_and_nobody_speaks_on_two_channels() -> None:
    left = transcript(said(0, "One.", "S1"), said(4, "Two.", "S2"), said(8, "Three.", None))
    right = transcript(said(2, "Four.", "S1"))
    assert merged(left, right) == [("One.", "S1"), ("Four.", "S2"), ("Two.", "S3"), ("Three.", None)]


def test_a_mix_or_a_single_channel_with_speech_is_left_as_it_is() -> None:
    alone = transcript(said(0, "Hello."))
    assert merge_lanes({0: alone}) is alone
    assert merge_lanes({0: transcript(), 1: alone}) is alone
    assert not merge_lanes({0: transcript(), 1: transcript()}).utterances


def test_words_that_bleed_into_the_other_channel_are_not_said_twice() -> None:
    left = transcript(said(0, "When did you first see the museum?"), said(9, "I see."))
    right = transcript(said(0.02, "did you first see the museum", logprob=-0.6), said(5, "In May."))
    assert [text for text, _ in merged(left, right)] == ["When did you first see the museum?", "In May.", "I see."]


def test_a_clear_neighbour_does_not_make_both_copies_of_a_sentence_vanish() -> None:
    text = "We met in Rome in the spring."
    left = transcript(said(0, "That was long ago.", logprob=-0.1), said(2.2, text, logprob=-0.3))
    right = transcript(said(2.2, text, logprob=-0.3), said(6, "Oh really?", logprob=-0.1))
    assert [each for each, _ in merged(left, right)] == ["That was long ago.", text, "Oh really?"]


def test_two_people_may_say_the_same_word_at_once_and_the_same_sentence_in_turn() -> None:
    left = transcript(said(0, "Yes."), said(2, "We met in Rome."))
    right = transcript(said(0.1, "Yes.", logprob=-0.5), said(6, "We met in Rome.", logprob=-0.5))
    assert len(merged(left, right)) == 4


def test_the_language_is_the_one_spoken_longest_on_all_channels() -> None:
    both = [said(0, "Ja und nein und ja und nein.", language="de"), said(20, "One two three four five six.")]
    left = transcript(*both[::-1])
    right = transcript(replace(both[0], start_s=40, end_s=43.4), said(60, "Un deux trois quatre cinq.", language="fr"))
    result = merge_lanes({0: left, 1: right})
    assert [share.language for share in result.languages] == ["de", "en", "fr"]
    assert result.language == "de"
    assert 0 < result.language_probability <= 1
