"""Make the texts and the understanding of a video again after a correction, without opening its file."""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.lake import Lake, Origin, analysis_of, shard_id, stage_states, time_after, video_tables
from pipeline.models import choose_device, default_threads
from pipeline.run import History, Recipe, load_config, models_of, read_history, recipe_of, recorded_config
from schemas.corrections import Correction, corrections_digest
from schemas.errors import PendingCorrectionError, VideolakeError
from schemas.records import Failure, StageState, VideoTask
from schemas.stages import Stage

if TYPE_CHECKING:
    from pipeline.analysis.video import VideoAnalyzer

STAGES: tuple[Stage, ...] = ("text", "understanding")

_CURRENT = """
SELECT shard, revision, corrections_digest FROM videos WHERE video_id = $video AND status = 'ok'
"""
_CONFIGURATION = """
SELECT configuration FROM runs WHERE revision = $revision ORDER BY finished_at DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class _Ready:
    """The models of one configuration."""

    analyzer: "VideoAnalyzer"
    origin: partial[Origin]
    recipe: Recipe
    """What the models would give now."""
    history: History
    """What the runs of the lake gave."""


class Deriver:
    """Applies corrections. Loads the models of a configuration once, and keeps them. Thread-safe.

    Args:
        lake: The lake.
        device: As `workers.device` in the configuration.
        threads: CPU threads of the models; None: all cores.
    """

    def __init__(self, lake: Lake, *, device: str = "auto", threads: int | None = None) -> None:
        self._lake, self._single_writer = lake, load_config().lake.single_writer
        self._device, self._threads = device, threads or default_threads()
        self._ready: dict[str, _Ready] = {}
        self._lock = threading.Lock()

    def apply(self, video_id: str) -> bool:
        """Make a video's rows with the corrections that it has now, and publish them.

        Args:
            video_id: An analysed video.

        Returns:
            Whether anything had to be done.

        Raises:
            PendingCorrectionError: A run is writing the lake, or only a run can make the rows. The corrections are
                kept, and the next run that finds the file applies them.
        """
        with self._lock:
            try:
                with self._lake.lock(brief=True, single_writer=self._single_writer):
                    return self._apply(video_id)
            except PendingCorrectionError:
                raise
            except VideolakeError as error:
                raise PendingCorrectionError(str(error)) from error

    def warm_up(self, revision: str | None = None) -> None:
        """Load the models that a correction will need, those of the newest analysis."""
        with self._lock:
            found = self._lake.sql("FROM lake.newest")["revision"].to_pylist()
            if revision or found:
                self._models(revision or found[0])

    def _apply(self, video_id: str) -> bool:
        """Make the rows once. Return whether they had to be made."""
        rows = self._lake.sql(_CURRENT, {"video": video_id}).to_pylist()
        if not rows:
            raise PendingCorrectionError(f"The lake has no analysed video {video_id}.")
        [current] = rows
        events = self._lake.corrections([video_id]).get(video_id, [])
        digest = corrections_digest(events)
        if digest == current["corrections_digest"]:
            return False
        before = self._lake.rows_of(video_id, current["shard"])
        if before is None:
            raise PendingCorrectionError(f"The rows of the video {video_id} are being replaced. Apply it again.")
        ready = self._models(current["revision"], stage_states(before))
        shard = shard_id(current["revision"], [(video_id, f"{current['shard']} {digest}")])
        self._lake.stage(shard, video_id, _made_again(ready, before, events, shard))
        self._lake.commit(shard, current["revision"], [video_id])
        return True

    def _models(self, revision: str, states: Sequence[StageState] = ()) -> _Ready:
        """Return the models that made a video's texts.

        Raises:
            PendingCorrectionError: They are not known, or are others now.
        """
        # PyTorch takes seconds to import, and pages are shown without.
        from pipeline.analysis.video import VideoAnalyzer, load_models

        if revision in self._ready:
            return self._checked(self._ready[revision], states)
        found = self._lake.sql(_CONFIGURATION, {"revision": revision}).to_pylist()
        if not found:
            raise PendingCorrectionError(
                "No run says how the video was analysed. The next run that finds its file applies the correction."
            )
        try:
            config = recorded_config(json.loads(found[0]["configuration"]))
        except (ValueError, AttributeError) as error:
            raise PendingCorrectionError(
                "Another version of Videolake analysed the video, with settings that this one does not know. "
                "The next run that finds its file applies the correction."
            ) from error
        recipe, history = recipe_of(config, models_of(config)), read_history(self._lake)
        models = load_models(
            config, device=choose_device(self._device), threads=self._threads, stages=frozenset(STAGES)
        )
        origin = partial(Origin, **models.encoders, revision=revision)
        ready = _Ready(VideoAnalyzer(config, models, threads=self._threads), origin, recipe, history)
        self._ready[revision] = ready
        return self._checked(ready, states)

    @staticmethod
    def _checked(ready: _Ready, states: Sequence[StageState]) -> _Ready:
        if all(ready.history.is_made(each.name, each.revision, ready.recipe.stages[each.name]) for each in states):
            return ready
        raise PendingCorrectionError(
            "The models or this version of Videolake are others than those that analysed the video. "
            "The next run that finds its file applies the correction."
        )


def _made_again(
    ready: _Ready, before: dict[str, pa.Table], events: Sequence[Correction], shard: str
) -> dict[str, pa.Table]:
    """Return all rows of a video with its corrections."""
    from pipeline.analysis.video import DECODING

    [video] = before["videos"].to_pylist()
    analysis = analysis_of(before)
    if not ready.analyzer.stages_for(STAGES, analysis).isdisjoint(DECODING):
        raise PendingCorrectionError(
            "An older version analysed the video, and its images must be read again. The next run does that, and "
            "applies the correction."
        )
    found = ready.analyzer.analyze(
        video["uri"],
        analysis.info,
        video_id=video["video_id"],
        stages=frozenset(STAGES),
        before=analysis,
        corrections=events,
    )
    states = tuple(replace(each, error=None) if each.name in STAGES else each for each in stage_states(before))
    failures = [
        Failure(**{name: row[name] for name in ("stage", "kind", "message", "traceback", "attempts")})
        for row in before["errors"].to_pylist()
        if row["stage"] in DECODING
    ]
    task = VideoTask(video["video_id"], tuple(video["uris"]), video["size_bytes"], video["mtime_ns"])
    origin = ready.origin(
        shard=shard,
        stages=states,
        committed_at=time_after(video["committed_at"]),
        analysed_at=video.get("analysed_at") or video["committed_at"],
    )
    return video_tables(task, found, origin, failures)
