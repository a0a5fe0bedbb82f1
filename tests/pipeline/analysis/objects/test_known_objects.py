import pytest

from tests.known_lake import KnownLake

pytestmark = pytest.mark.models


def test_the_objects_of_a_video_are_in_the_lake_where_they_are_shown(known_lake: KnownLake):
    lake = known_lake.lake
    rows = lake.sql(
        "SELECT o.label, o.time_s, o.score, o.box, f.time_s AS frame_s FROM objects o JOIN frames f USING (frame_id) "
        "JOIN videos v ON v.video_id = o.video_id WHERE v.uri LIKE '%film%' ORDER BY o.time_s"
    ).to_pylist()
    first_cut_s, second_cut_s = known_lake.truth.cuts_s[:2]
    assert "cup" in {row["label"] for row in rows if row["time_s"] < first_cut_s}
    assert {row["label"] for row in rows if first_cut_s <= row["time_s"] < second_cut_s} == {"cat"}
    assert all(row["time_s"] == row["frame_s"] for row in rows)
    assert all(row["score"] >= 0.45 for row in rows)
    counts = lake.sql("SELECT sum(objects) AS stated, (SELECT count(*) FROM objects) AS found FROM videos").to_pylist()
    assert counts[0]["stated"] == counts[0]["found"] >= len(rows)
