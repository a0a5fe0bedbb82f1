import pytest

from pipeline.lake import KeyframeRecord, SceneRecord
from pipeline.view.wording import format_share, format_size, match_reason, percent, spell_duration, weights_reason

KEYFRAME = KeyframeRecord("v-f00000", 1.0, 0, 320, 180, "", "", ())


@pytest.mark.parametrize(("size_bytes", "written"), [(0, "0 bytes"), (99_999, "99,999 bytes"), (1_250_000, "1.2 MB")])
def test_sizes_are_written_in_bytes_or_megabytes(size_bytes: int, written: str) -> None:
    assert format_size(size_bytes) == written


@pytest.mark.parametrize(("share", "coordinate", "written"), [(-1, "0%", "-100%"), (1 / 3, "33.333%", "33%")])
def test_shares_are_written_for_people_and_as_coordinates(share: float, coordinate: str, written: str) -> None:
    assert (percent(share), format_share(share)) == (coordinate, written)


@pytest.mark.parametrize(
    ("seconds", "spelled"), [(0, "0 seconds"), (61, "1 minute 1 second"), (7322, "2 hours 2 minutes 2 seconds")]
)
def test_durations_are_spelled_for_screen_readers(seconds: float, spelled: str) -> None:
    assert spell_duration(seconds) == spelled


def test_a_match_names_its_kind_and_retrievers() -> None:
    assert match_reason("frame", ["visual"]) == "seen, appearance"
    assert match_reason("speech", ["semantic", "lexical"]) == "said, meaning and words"


@pytest.mark.parametrize(
    ("text", "weights", "keyframes", "reason"),
    [
        ("two words", (0.75, 0.25), 1, "Text counts for 75% (2 words), frames for 25% (1 keyframe)."),
        ("one", (0.5, 0.5), 2, "Text counts for 50% (1 word), frames for 50% (2 keyframes)."),
        ("", (0.0, 1.0), 1, "This scene has no text, so only its frames count (1 keyframe)."),
        ("two words", (1.0, 0.0), 0, "This scene has no keyframes, so only its text counts (2 words)."),
        ("", (0.0, 0.0), 0, "This scene has no text and no keyframe to compare."),
    ],
)
def test_a_scene_explains_its_weights(text: str, weights: tuple[float, float], keyframes: int, reason: str) -> None:
    scene = SceneRecord(0.0, 1.0, text, "", (), (), (), *weights, keyframes=(KEYFRAME,) * keyframes)
    assert weights_reason(scene) == reason
