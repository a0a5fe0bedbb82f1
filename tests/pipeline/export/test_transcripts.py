import json
from dataclasses import replace

from pipeline.export.transcripts import as_json, plain
from tests.pipeline.export.records import said, scenes, video

FILM = video(
    scenes=scenes(0, 10, end_s=60),
    utterances=(
        said("Good morning.", 1, index=0, letter_s=0.125, pause_s=0.0, speaker="speaker 1"),
        said("Welcome.\nAll\x07of you.", 2.5, index=1, speaker="speaker 1"),
        said("Thank you.", 6, index=2, speaker="speaker 2", translation="Thanks."),
        said("Now the sea.", 12, index=3, speaker="speaker 2"),
        said("It is deep.", 20, index=4, speaker="speaker 2"),
    ),
)


def test_a_text_transcript_has_a_paragraph_for_each_scene_speaker_and_long_pause() -> None:
    assert plain(FILM) == (
        "[0:01] speaker 1: Good morning. Welcome. All\ufffdof you.\n\n"
        "[0:06] speaker 2: Thank you.\n\n"
        "[0:12] speaker 2: Now the sea.\n\n"
        "[0:20] speaker 2: It is deep.\n"
    )
    assert "speaker 2: Thanks." in plain(FILM, translation=True)


def test_a_json_transcript_has_all_words_with_times_and_scores() -> None:
    made = json.loads(as_json(FILM))
    assert made["format"] == "videolake-transcript/1"
    assert [each["text"] for each in made["utterances"]] == [each.text for each in FILM.utterances]
    first = made["utterances"][0]
    assert first["id"] == "0123456789abcdef0123456789abcdef-u00000"
    assert first["words"][1] == {"word": "morning.", "start_s": 1.5, "end_s": 2.5, "probability": 0.9}
    assert first["speaker"] == "speaker 1"
    assert made["utterances"][2]["translation"] == "Thanks."


def test_lyrics_are_paragraphs_between_notes() -> None:
    sung = [replace(said("La la la.", 2.0), sung=True), replace(said("Oh yeah.", 3.5), sung=True)]
    assert plain(video(utterances=(said("A song:"), *sung))) == "[0:00] A song:\n\n[0:02] ♪ La la la. Oh yeah. ♪\n"
