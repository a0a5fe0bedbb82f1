from dataclasses import replace

from pipeline.lake import Lake, read_video
from pipeline.view import video_facts
from schemas.records import Sound
from tests.pipeline.lake.lakes import publish


def test_facts_are_written_for_people(lake: Lake) -> None:
    publish(lake, "01", ["aaaa1111"])
    facts = video_facts(read_video(lake, "aaaa1111"))
    assert facts["Length"] == "0:30"
    assert facts["Video"] == "1280 x 720, 25 frames/s, h264, rotated by 90°"
    assert facts["Language"] == "en (88%)"
    assert facts["Computed in"] == "3.5 s (8.6 x real time)"


def test_facts_name_all_tracks_the_timecode_and_the_creation_time(lake: Lake) -> None:
    publish(lake, "01", ["aaaa1111"])
    facts = video_facts(read_video(lake, "aaaa1111"))
    assert facts["Tracks"] == (
        "0 video: h264, default; 1 audio: aac, eng, 2 channels, Stereo, default; 2 subtitle: mov_text, deu; "
        "3 audio: aac, ger, 2 channels"
    )
    assert facts["Timecode"] == "starts at 10:00:00:00"
    assert facts["Created"] == "2026-11-24 12:00 UTC"


def test_facts_say_when_frames_are_uneven_and_when_a_file_states_another_length(lake: Lake) -> None:
    publish(lake, "01", ["aaaa1111"])
    video = read_video(lake, "aaaa1111")
    facts = video_facts(replace(video, row={**video.row, "fps_varies": True, "stated_duration_s": 407.6}))
    assert facts["Length"] == "0:30 (the file states 6:48)"
    assert "25 frames/s, varying" in facts["Video"]


def test_facts_of_a_lake_of_an_older_version_leave_out_what_it_lacks(lake: Lake) -> None:
    publish(lake, "01", ["aaaa1111"])
    video = read_video(lake, "aaaa1111")
    newer = ("fps_varies", "stated_duration_s", "timecode", "created_at", "tracks")
    facts = video_facts(replace(video, row={**video.row, **dict.fromkeys(newer)}))
    assert facts["Length"] == "0:30"
    assert not {"Tracks", "Timecode", "Created"} & set(facts)


def test_facts_name_the_sounds_that_last_and_not_every_class_that_is_heard_for_a_moment(lake: Lake) -> None:
    publish(lake, "01", ["aaaa1111"])
    video = read_video(lake, "aaaa1111")
    brief = [Sound(n, n, n + 0.1, f"class {n}", 0.6) for n in range(20)]
    long = [Sound(20 + n, 0.0, 20.0 - n, f"long class {n}", 0.6) for n in range(8)]
    heard = video_facts(replace(video, sounds=(*brief, *long)))["Heard"]
    assert heard.split(", ")[0] == "long class 0 0:20"
    assert len(heard.split(", ")) == 6
    assert ", class" not in heard
    assert "Heard" not in video_facts(replace(video, sounds=tuple(brief)))
