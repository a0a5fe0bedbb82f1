"""The pool of a run on Ray: actors that load their models once and take videos of any shard.

One thread owns all state. Whatever happens, such as an answer of an actor or a new batch, is an event in its queue, so
that nothing is locked and nothing is polled. Actors rather than Ray Data, because the pool needs what Ray Data does not
have: workers whose size depends on the node, nodes that join, the end of a single broken worker, and outcomes that go
to the shard they belong to.
"""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from pipeline.lake import Lake
from schemas.errors import DeviceError, LakeError, ModelError, RunStoppedError, VideolakeError
from schemas.outcome import VideoOutcome
from schemas.records import VideoTask
from workers.job import RunJob
from workers.positions import PositionReader
from workers.provision import Member, Provision
from workers.ray_worker import MakeWorker, Started, video_worker

_TICK_S = 1.0
_MAX_DEVICE_ERRORS = 3
"""After so many devices broke under a video, the next ones count as its attempts."""

Event = Callable[[], None]


@dataclass(order=True, slots=True)
class Item:
    """A video in the pool. Items are taken in the order of their numbers."""

    number: int
    task: VideoTask = field(compare=False)
    batch: "RayBatch" = field(compare=False)
    device_errors: int = field(default=0, compare=False)
    suspected: bool = field(default=False, compare=False)
    """Whether its worker has ended. From then on it has a worker to itself, so that the one that ends workers is found,
    and costs no other video an attempt."""


class _Withdrawn:
    """The answer for a video that no worker had begun when its shard failed."""


class RayPool:
    """Workers on the connected Ray cluster.

    Args:
        job: The run.
        positions: Called about once a second with the progress of the running videos.
        logger: For what happens to workers and nodes.
        make_worker: Makes the worker in each actor.

    Raises:
        ConfigurationError: No worker fits any node of the cluster, nor one that it can start.
    """

    concurrent = True

    def __init__(
        self,
        job: RunJob,
        *,
        positions: Callable[[dict[str, float]], None] = lambda _: None,
        logger: Any = logging.getLogger(__name__),  # noqa: ANN401, B008 - or one of Prefect's adapters
        make_worker: MakeWorker = video_worker,
    ) -> None:
        import ray

        self._job, self._logger, self._positions = job, logger, positions
        self._reader = PositionReader()
        self._job_ref, self._make_worker = ray.put(job), ray.put(make_worker)
        self._provision = Provision(job.config.workers, logger)
        self.node_id: str = ray.get_runtime_context().get_node_id()
        """The node of this process."""
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._numbers = itertools.count()
        self._waiting: list[Item] = []
        self._ready: dict[Member, list[Item]] = {}
        """The videos of each worker that has its models."""
        self._expected = 0
        self._batches: set[RayBatch] = set()
        self._room: list[SimpleQueue[Exception | None]] = []
        self._ended: Exception | None = None
        self._closed = False
        self._next_tick_s = 0.0
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name="pool", daemon=True),
            threading.Thread(target=self._report_positions, name="positions", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def expect(self, videos: int) -> None:
        """Say how many videos will be submitted beside those that were, so that enough workers start."""
        self.post(partial(self._expect, videos))

    def wait_for_room(self) -> None:
        """Wait until a worker will soon have nothing to do.

        Raises:
            VideolakeError: The pool cannot work any more; the message says why.
        """
        answer: SimpleQueue[Exception | None] = SimpleQueue()
        self.post(partial(self._room.append, answer))
        if self._closed:
            answer.put(self._ended)
        error = answer.get()
        if error is not None:
            raise error

    def submit(self, shard: str, tasks: Sequence[VideoTask]) -> "RayBatch":
        """Give the pool videos of a shard."""
        batch = RayBatch(self, shard, self._job.lake_uri, tasks)
        self.post(partial(self._submit, batch, tasks))
        if self._closed and self._ended:
            batch.end(self._ended)  # such as the retry of a shard that has waited for its turn
        return batch

    def close(self) -> None:
        """End all workers. Batches that are not finished raise `RunStoppedError`."""
        self.post(partial(self._end, RunStoppedError("The run was stopped. Finished videos are kept.")))
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def post(self, event: Event) -> None:
        """Let the thread of the pool call a function."""
        self._events.put(event)

    # Everything below runs in the thread of the pool, except `_report_positions`.

    def _run(self) -> None:
        while not (self._stop.is_set() and self._ended):
            try:
                self._step()
            except Exception as error:  # a bug, or a lost cluster, must end the run, not leave it waiting
                self._logger.exception("The pool of workers failed")
                self._end(error)
            self._answer_room()
        self._closed = True  # whoever asks from here on is answered at once
        while not self._events.empty():
            with suppress(Exception):
                self._events.get()()
        while self._room:
            self._answer_room()
        self._provision.close()
        self._reader.forget()

    def _step(self) -> None:
        with suppress(Empty):
            self._events.get(timeout=_TICK_S)()
        if self._ended is None:
            self._assign()
            if time.monotonic() >= self._next_tick_s:
                self._next_tick_s = time.monotonic() + _TICK_S
                self._adjust()

    def _expect(self, videos: int) -> None:
        self._expected = videos

    def _submit(self, batch: "RayBatch", tasks: Sequence[VideoTask]) -> None:
        self._expected = max(0, self._expected - len(tasks))
        self._batches.add(batch)
        if self._ended is not None:
            batch.end(self._ended)
        for task in tasks:
            heapq.heappush(self._waiting, Item(next(self._numbers), task, batch))

    def repeat(self, item: Item) -> None:
        """Analyse a video again, before those that were submitted later."""
        if item.batch.withdrawn:
            item.batch.put(item, _Withdrawn())
        else:
            heapq.heappush(self._waiting, item)

    def withdraw(self, batch: "RayBatch") -> None:
        """Take back the videos of a batch that no worker has begun."""
        batch.withdrawn = True
        taken = [item for item in self._waiting if item.batch is batch]
        self._waiting = [item for item in self._waiting if item.batch is not batch]
        heapq.heapify(self._waiting)
        for item in taken:
            batch.put(item, _Withdrawn())

    def forget(self, batch: "RayBatch") -> None:
        """Drop a batch whose outcomes nobody waits for any more."""
        self._batches.discard(batch)

    def _end(self, error: Exception) -> None:
        self._ended = self._ended or error
        for batch in self._batches:
            batch.end(self._ended)

    def _answer_room(self) -> None:
        # A shard is opened a little early, so that its preparation delays no worker.
        places = sum(member.size.videos_at_once for member in self._ready)
        if self._room and (self._ended or (places and len(self._waiting) <= places // 16)):
            self._room.pop(0).put(self._ended)

    def _adjust(self) -> None:
        """Start workers as far as there are videos and nodes for them."""
        wanted = len(self._waiting) + sum(map(len, self._ready.values())) + self._expected
        try:
            started = self._provision.adjust(wanted)
        except VideolakeError as error:
            self._end(error)
            return
        for member in started:
            self._watch(member.actor.start.remote(), partial(self._started, member))

    def _watch(self, ref: Any, then: Callable[[Any], None]) -> None:  # noqa: ANN401 - an object reference
        """Post an event when a call of an actor has ended, with its future."""
        ref.future().add_done_callback(lambda future: self.post(partial(then, future)))

    def _started(self, member: Member, future: Any) -> None:  # noqa: ANN401 - of `Started`
        if future.exception() is not None:
            self._provision.failed_to_start(member, future.exception())
            return
        started: Started = future.result()
        if self._provision.joined(member, started):
            call = member.actor.prepare.remote(self._job_ref, member.size.threads, self._make_worker, self._reader.pool)
            self._watch(call, partial(self._prepared, member))

    def _prepared(self, member: Member, future: Any) -> None:  # noqa: ANN401 - of an error or None
        if future.exception() is not None:
            self._provision.failed_to_start(member, future.exception())
        elif isinstance(future.result(), DeviceError):
            self._provision.broke(member, future.result(), starting=True)
        elif future.result() is not None:
            self._provision.refused(member, future.result())
        else:
            self._ready[member] = []

    def _assign(self) -> None:
        # A video shares a worker only if no other one is about to be ready for it.
        starting = self._provision.placed - len(self._ready)
        while self._waiting:
            member = free_worker(self._waiting[0], self._ready, share=len(self._waiting) > starting)
            if member is None:
                return
            item = heapq.heappop(self._waiting)
            self._ready[member].append(item)
            shared = member.size.videos_at_once > 1 and not item.suspected
            call = member.actor.analyse.remote(item.task, item.batch.shard, shared=shared)
            self._watch(call, partial(self._analysed, member, item))

    def _analysed(self, member: Member, item: Item, future: Any) -> None:  # noqa: ANN401 - of an outcome or error
        from ray.exceptions import RayTaskError

        error = future.exception()
        answer = error if isinstance(error, RayTaskError) else None if error else future.result()
        if answer is None:
            self._logger.warning(
                "A worker ended while it analysed %s, which is tried again: %s", item.task.uris[0], _first_line(error)
            )
            if (running := self._ready.pop(member, None)) is not None:
                self._provision.lost(member)
                # Also one that was alone: as another might have joined it, its attempt does not count.
                for each in running:
                    each.suspected = True
            self.repeat(item)
        elif isinstance(answer, DeviceError):
            if self._ready.pop(member, None) is not None:
                self._provision.broke(member, answer, starting=False)
            item.batch.put(item, answer)
        elif isinstance(answer, ModelError):
            self._end(answer)
        else:
            if member in self._ready:
                member.strikes = 0
                self._ready[member] = [each for each in self._ready[member] if each is not item]
            item.batch.put(item, answer)

    def _report_positions(self) -> None:
        while not self._stop.wait(_TICK_S):
            running = {item.task.video_id for items in list(self._ready.values()) for item in list(items)}
            found_s = self._reader.read()
            if found_s is not None:
                self._positions({name: at_s for name, at_s in found_s.items() if name in running})


class RayBatch:
    """Videos of one shard in a `RayPool`.

    Args:
        pool: Where they are analysed.
        shard: Id of their shard.
        lake_uri: Where their rows are staged.
        tasks: The videos.
    """

    def __init__(self, pool: RayPool, shard: str, lake_uri: str, tasks: Sequence[VideoTask]) -> None:
        self.shard = shard
        self._pool, self._lake_uri = pool, lake_uri
        self._pending = len(tasks)
        self._answers: SimpleQueue[tuple[Item, object] | Exception] = SimpleQueue()
        self.withdrawn = False

    def put(self, item: Item, answer: object) -> None:
        """Pass the answer for a video."""
        self._answers.put((item, answer))

    def end(self, error: Exception) -> None:
        """Pass the error that ended the pool."""
        self._answers.put(error)

    def outcomes(self) -> Iterator[VideoOutcome]:
        """Yield the outcome of each video, in the order in which they finish.

        Raises:
            LakeError: The lake cannot be written. The videos that were running are awaited first.
            VideolakeError: The pool has ended; the message says why.
        """
        failure: Exception | None = None
        try:
            while self._pending:
                got = self._answers.get()
                if isinstance(got, Exception):
                    raise got
                item, answer = got
                if isinstance(answer, DeviceError) and failure is None:
                    answer = self._repeat(item)
                    if answer is None:
                        continue
                self._pending -= 1
                if isinstance(answer, VideoOutcome):
                    yield answer
                elif isinstance(answer, Exception) and failure is None:
                    failure = answer
                    self._pool.post(partial(self._pool.withdraw, self))
        finally:
            if self._pending:
                self._pool.post(partial(self._pool.withdraw, self))  # nobody will ask for the rest
            self._pool.post(partial(self._pool.forget, self))
        if failure is not None:
            raise failure

    def _repeat(self, item: Item) -> Exception | None:
        """Give a video back to the pool. Return the error that prevents it."""
        item.device_errors += 1
        if item.device_errors > _MAX_DEVICE_ERRORS:
            # So many devices do not break by chance: from now on, the video is suspected.
            try:
                Lake(self._lake_uri).begin_attempt(self.shard, item.task.video_id, self._pool.node_id)
            except (LakeError, OSError) as error:
                return error
        self._pool.post(partial(self._pool.repeat, item))
        return None


def free_worker(item: Item, running: Mapping[Member, Sequence[Item]], *, share: bool) -> Member | None:
    """Return the worker that has the least to do, of those that have room for a video; None if none has.

    Args:
        item: The video.
        running: The videos of each worker.
        share: Whether the video may share a worker at all. Suspected ones never do.
    """

    def has_room(member: Member) -> bool:
        videos = running[member]
        suspected = item.suspected or any(each.suspected for each in videos)
        return not videos or (share and not suspected and len(videos) < member.size.videos_at_once)

    return min(filter(has_room, running), key=lambda member: len(running[member]), default=None)


def _first_line(error: BaseException | None) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{lines[0]} {lines[-1].strip()}" if len(lines) > 1 else "".join(lines)
