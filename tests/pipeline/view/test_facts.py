from pipeline.lake import Lake, read_video
from pipeline.view import video_facts
from tests.pipeline.lake.lakes import publish


def test_facts_are_written_for_people(lake: Lake) -> None:
    publish(lake, "01", ["aaaa1111"])
    facts = video_facts(read_video(lake, "aaaa1111"))
    assert facts["Length"] == "0:30"
    assert facts["Video"] == "1280 x 720, 25 frames/s, h264, rotated by 90°"
    assert facts["Language"] == "en (88%)"
    assert facts["Computed in"] == "3.5 s (8.6 x real time)"
