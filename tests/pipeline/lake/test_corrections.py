"""The table of corrections: durable at once, whoever writes the lake; and what a kill leaves."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.corrections import Deriver, Edit, correct, pending_videos
from pipeline.lake import Lake, read_video
from schemas.corrections import Correction, Span
from tests.corrected import correctable
from tests.known_lake import KnownLake
from tests.pipeline.lake.lakes import NOON, publish


def event(number: int, video: str = "v01") -> Correction:
    place = Span(1.0, 2.0)
    return Correction(f"c{number:02}", video, "text", place, (), "a", "b", "Ann", NOON + timedelta(minutes=number))


def test_corrections_are_read_as_they_were_written(any_lake: Lake) -> None:
    assert any_lake.corrections() == {}
    named = replace(event(2), field="speaker", place=None, spans=(Span(0.0, 1.0), Span(3.0, 4.0)), from_value=None)
    undo = replace(event(3, "v02"), undoes="c01", to_value=None)
    any_lake.write_corrections([named, event(1)])
    any_lake.write_corrections([undo])
    assert any_lake.corrections() == {"v01": [event(1), named], "v02": [undo]}
    assert any_lake.corrections(["v02", "v03"]) == {"v02": [undo]}
    assert len(Lake(any_lake.uri).sql("SELECT * FROM corrections WHERE undoes IS NULL")) == 2


def test_a_correction_is_durable_while_another_process_writes_the_lake(lake: Lake) -> None:
    with Lake(lake.uri).lock():
        lake.write_corrections([event(1)])
    assert Lake(lake.uri).corrections() == {"v01": [event(1)]}


def test_many_corrections_are_merged_into_few_files_and_none_is_lost(lake: Lake) -> None:
    for number in range(25):
        lake.write_corrections([event(number)])
    assert lake.corrections()["v01"] == [event(number) for number in range(25)]
    publish(lake, "01", ["v01"])  # the commit of what is made from them
    assert len(list((Path(lake.uri) / "corrections").iterdir())) < 12
    lake.compact()
    assert lake.corrections()["v01"] == [event(number) for number in range(25)]


def test_a_forgotten_video_has_no_corrections(lake: Lake) -> None:
    publish(lake, "01", ["v01", "v02"])
    lake.write_corrections([event(1, "v01"), event(2, "v02")])
    lake.forget(["v01"])
    assert list(lake.corrections()) == ["v02"]
    lake.write_corrections([event(3, "v01")])
    assert list(Lake(lake.uri).corrections()) == ["v02"]


@pytest.mark.models
@pytest.mark.usefixtures("kept_models")
def test_a_kill_loses_no_correction_and_shows_no_half_of_one(
    known_lake: KnownLake,
    tmp_path: Path,
    kill_after: Callable[[Callable[[], object], int], bool],
    kill_moments: Callable[[Lake, Callable[[Lake], object]], list[int]],
) -> None:
    lake = correctable(known_lake, tmp_path)
    deriver = Deriver(Lake(lake.uri), threads=1)
    video = read_video(lake, 'The cat\'s "film" <1>.mp4')
    said = video.utterances[1]
    before = said.text
    first = Edit("text", "The zebra looks out of the window.", Span(said.start_s, said.end_s))

    def undisturbed(copy: Lake) -> None:
        correct(copy, video.video_id, [first], author="Ann", deriver=Deriver(copy, threads=1))

    moments = kill_moments(lake, undisturbed)
    for changes in moments:
        text = f"The zebra number {changes} looks out of the window."
        edit = Edit("text", text, Span(said.start_s, said.end_s))

        def act(edit: Edit = edit) -> None:
            correct(lake, video.video_id, [edit], author="Ann", deriver=deriver)

        assert kill_after(act, changes)
        again = Lake(lake.uri)
        found = read_video(again, video.video_id, parts=frozenset({"utterances", "scenes"}))
        assert found.utterances[1].text in {before, text}
        assert found.utterances[1].text in "".join(scene.text for scene in found.scenes)
        newest = again.corrections()[video.video_id][-1] if again.corrections() else None
        recorded = newest is not None and newest.to_value == text
        assert recorded or found.utterances[1].text == before
        again.clean()
        for video_id in pending_videos(again):
            deriver.apply(video_id)
        before = read_video(again, video.video_id, parts=frozenset({"utterances"})).utterances[1].text
        assert (before == text) is recorded
    assert len(moments) > 6
