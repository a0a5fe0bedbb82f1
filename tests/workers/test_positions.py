from workers.positions import PositionWriter


def test_the_position_of_a_video_is_kept_until_the_worker_begins_another_one() -> None:
    write = PositionWriter("pool", "worker")
    write("a", 1.0)
    write("b", 2.0)
    write("a", 3.0)
    write("a", None)
    write("b", 4.0)
    assert write._newest == {"a": 3.0, "b": 4.0}, "the pool may not have counted a yet"
    write("c", 0.5)
    assert write._newest == {"b": 4.0, "c": 0.5}


def test_a_video_that_is_tried_again_in_the_same_worker_has_its_new_position() -> None:
    write = PositionWriter("pool", "worker")
    write("a", 3.0)
    write("a", None)
    write("a", 1.0)
    write("b", 1.0)
    assert write._newest == {"a": 1.0, "b": 1.0}
