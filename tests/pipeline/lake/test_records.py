import pytest

from pipeline.lake import Lake, read_records, read_utterances, read_video, read_videos
from pipeline.lake.records import ALL_PARTS, Part
from schemas.errors import LakeError
from tests.pipeline.lake.lakes import analysis, publish


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake.create(str(tmp_path_factory.mktemp("filled") / "lake"))
    publish(lake, "01", ["aaaa1111", "aaaa2222", "bbbb3333"], failed=["bbbb3333"])
    return lake


def test_a_record_has_everything_the_analysis_found(filled: Lake) -> None:
    shown, made = read_video(filled, "aaaa1111"), analysis("aaaa1111")
    assert shown.summary == made.summary
    assert (shown.summary.abstract_source, shown.summary.abstract_dropped) == ("model:tiny-bart", 2)
    assert (shown.headline, shown.chapters) == (made.summary.headline, made.summary.chapters)
    assert shown.file_chapters == made.file_chapters
    assert shown.shots == made.shots
    assert [(each.text, each.words) for each in shown.utterances] == [
        (each.text, each.words) for each in made.transcript.utterances
    ]
    assert [(each.time_s, each.caption, each.labels) for each in shown.keyframes] == [
        (each.time_s, each.caption, pytest.approx(each.labels)) for each in made.keyframes
    ]
    assert [(each.start_s, each.caption) for each in shown.scenes] == [
        (each.start_s, each.caption) for each in made.scenes
    ]
    assert [each.frame_id for scene in shown.scenes for each in scene.keyframes] == [
        each.frame_id for each in shown.keyframes
    ]
    assert [each.frame_id for each in shown.storyboard] == list(made.summary.keyframe_ids)
    assert shown.errors == ()


def test_a_failed_video_has_its_error(filled: Lake) -> None:
    with pytest.raises(LakeError, match="could not be analysed"):
        read_video(filled, "bbbb3333")
    shown = read_video(filled, "bbbb3333", allow_failed=True)
    assert (shown.status, shown.headline, shown.shots, shown.summary.sentences) == ("failed", "", (), ())
    [error] = shown.errors
    assert (error.kind, error.message) == ("corrupt", "bbbb3333 is broken.")


def test_videos_come_in_the_requested_order_without_failed_ones(filled: Lake) -> None:
    names = ["bbbb3333", "aaaa2222", "unknown", "aaaa1111"]
    assert [each.video_id for each in read_videos(filled, names)] == ["aaaa2222", "aaaa1111"]
    assert [each.video_id for each in read_videos(filled)] == ["aaaa1111", "aaaa2222"]
    assert [each.video_id for each in filled.read(lambda connection: read_records(connection, names))] == [
        "bbbb3333", "aaaa2222", "aaaa1111"
    ]  # fmt: skip


@pytest.mark.parametrize("part", sorted(ALL_PARTS))
def test_only_the_requested_parts_are_read(filled: Lake, part: Part) -> None:
    shown = read_video(filled, "aaaa1111", parts=ALL_PARTS - {part})
    # Words are read with utterances, and objects with keyframes.
    found = {
        "words": [word for each in shown.utterances for word in each.words],
        "objects": [item for each in shown.keyframes for item in each.objects],
    }
    found |= {name: getattr(shown, name) for name in ALL_PARTS - set(found)}
    lacking = {name for name in ALL_PARTS if not found[name]}
    assert lacking == {part} | {"utterances": {"words"}, "keyframes": {"objects"}}.get(part, set())


def test_a_range_of_a_transcript_can_be_read(filled: Lake) -> None:
    whole = read_video(filled, "aaaa1111").utterances
    part = filled.read(lambda connection: read_utterances(connection, "aaaa1111", start=1, count=1))
    assert [each.text for each in part] == [each.text for each in whole[1:2]]
