import threading

from flows.shard_queue import ShardQueue
from pipeline.run import Shard
from schemas.records import VideoTask


def shard(longest: int, videos: int = 1) -> Shard:
    tasks = tuple(VideoTask(f"v{longest}-{number}", ("/v.mp4",), longest, 0) for number in range(videos))
    return Shard(f"s{longest}", "r", tasks, longest)


def test_the_shard_with_the_longest_video_comes_first_whenever_it_was_planned() -> None:
    queue = ShardQueue()
    for longest in (1, 3, 2):
        queue.put(shard(longest, videos=longest))
    assert queue.videos == 6
    assert (queue.wait(), queue.get().id) == (True, "s3")
    queue.put(shard(5))
    queue.close()
    assert [queue.get().id for _ in range(3) if queue.wait()] == ["s5", "s2", "s1"]
    assert not queue.wait()
    assert queue.videos == 0


def test_waiting_ends_with_a_shard_or_when_none_will_come() -> None:
    queue, found = ShardQueue(), list[bool]()
    waiting = threading.Thread(target=lambda: found.append(queue.wait()))
    waiting.start()
    queue.close()
    waiting.join()
    assert found == [False]
