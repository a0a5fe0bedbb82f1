from hypothesis import given
from hypothesis import strategies as st

from pipeline.export.time_ranges import time_ranges_of
from schemas.search import Hit

SPANS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 60), st.integers(0, 8)), min_size=1, max_size=8)


@given(SPANS, st.sampled_from([0.0, 1.0, 2.5]))
def test_time_ranges_cover_all_hits_and_do_not_touch(spans: list[tuple[str, int, int]], pad_s: float) -> None:
    hits = [Hit(video, "", "", float(at), float(at + length), "", None, 1.0, ()) for video, at, length in spans]
    time_ranges = time_ranges_of(hits, pad_s)
    for hit in hits:
        holding = [each for each in time_ranges if each.video == hit.video_id and each.start_s <= hit.start_s]
        assert any(each.end_s >= hit.end_s + pad_s for each in holding)
    assert all(each.start_s >= 0 for each in time_ranges)
    for number, one in enumerate(time_ranges):
        for other in time_ranges[number + 1 :]:
            assert one.video != other.video or one.end_s < other.start_s or other.end_s < one.start_s
    assert time_ranges[0].video == hits[0].video_id
