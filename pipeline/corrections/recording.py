"""Record corrections of a video, apply them, and list them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from pipeline.analysis.corrections import apply_corrections, same_chapter
from pipeline.corrections.deriving import Deriver
from pipeline.corrections.edits import Edit, make_corrections, make_undo
from pipeline.lake import Lake, Part, VideoRecord, read_records, read_video
from pipeline.run import load_config
from schemas.corrections import Correction, corrections_digest, standing
from schemas.errors import PendingCorrectionError

PARTS: frozenset[Part] = frozenset({"utterances", "words", "scenes"})
"""What corrections are made from."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of corrections."""

    corrections: tuple[Correction, ...]
    """Those that were recorded; empty if everything was right already."""
    pending: str = ""
    """Why they are not applied yet; empty if they are."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A correction with its state."""

    correction: Correction
    holds: bool
    """Whether it was not taken back, and does not take back another one."""
    placed: bool
    """Whether it fits what the analysis found; true if it does not hold."""


@dataclass(frozen=True, slots=True)
class History:
    """All corrections of a video."""

    listed: tuple[Listed, ...]
    """Newest first."""
    pending: bool
    """Whether the results were made with other corrections, so that these are not applied yet."""


def correct(
    lake: Lake, video: str, edits: Iterable[Edit], *, author: str, deriver: Deriver | None = None, apply: bool = True
) -> Recorded:
    """Change values of a video.

    The corrections are durable before anything is made from them. Then the texts and the understanding of the video are
    made again and published, without opening its file.

    Args:
        lake: The lake.
        video: Id, start of an id, file name, path or URI.
        edits: What to change.
        author: Who changes it.
        deriver: Keeps loaded models; None loads them.
        apply: Whether to apply the corrections now. Otherwise `Deriver.apply` or the next run does.

    Raises:
        ConfigurationError: The video has no such utterance, speaker, chapter or topic, or a value is invalid.
        LakeError: There is no such video, or the lake cannot be written.
    """
    record = read_video(lake, video, parts=PARTS)
    return correct_record(lake, record, edits, author=author, deriver=deriver, apply=apply)


def correct_record(
    lake: Lake,
    record: VideoRecord,
    edits: Iterable[Edit],
    *,
    author: str,
    deriver: Deriver | None = None,
    apply: bool = True,
) -> Recorded:
    """Change values of a video that was read with `PARTS`; see `correct`."""
    events = lake.corrections([record.video_id]).get(record.video_id, [])
    made = make_corrections(record, edits, events, author)
    if made:
        lake.write_corrections(made, single_writer=load_config().lake.single_writer)
    return _applied(lake, record.video_id, made, deriver, apply=apply and bool(made))


def undo(
    lake: Lake, video: str, correction: str, *, author: str, deriver: Deriver | None = None, apply: bool = True
) -> Recorded:
    """Take a correction back, or an undo.

    Args:
        lake: The lake.
        video: Id, start of an id, file name, path or URI.
        correction: Id of the correction, or the start of its id.
        author: Who takes it back.
        deriver: Keeps loaded models; None loads them.
        apply: Whether to apply that now.

    Raises:
        ConfigurationError: There is no such correction, or it was taken back already.
        LakeError: There is no such video, or the lake cannot be written.
    """
    return undo_of(
        lake, read_video(lake, video, parts=()).video_id, correction, author=author, deriver=deriver, apply=apply
    )


def undo_of(
    lake: Lake, video_id: str, correction: str, *, author: str, deriver: Deriver | None = None, apply: bool = True
) -> Recorded:
    """Take back a correction of the video with an id; see `undo`."""
    made = make_undo(lake.corrections([video_id]).get(video_id, []), correction, author)
    lake.write_corrections([made], single_writer=load_config().lake.single_writer)
    return _applied(lake, video_id, [made], deriver, apply=apply)


def pending_videos(lake: Lake) -> list[str]:
    """Return the videos whose corrections are not applied."""
    events = lake.corrections()
    made = lake.sql("SELECT video_id, corrections_digest FROM videos WHERE status = 'ok'").to_pylist()
    return [
        row["video_id"]
        for row in made
        if row["corrections_digest"] != corrections_digest(events.get(row["video_id"], ()))
    ]


def history(lake: Lake, video: str) -> History:
    """Return all corrections of a video, with those that no longer fit.

    Args:
        lake: The lake.
        video: Id, start of an id, file name, path or URI.

    Raises:
        LakeError: There is no such video.
    """
    video_id = read_video(lake, video, parts=(), allow_failed=True).video_id
    found = lake.read(partial(read_records, video_ids=[video_id], parts=PARTS), moments=False)[0]
    return history_of(found, lake.corrections([video_id]).get(video_id, []))


def history_of(record: VideoRecord, events: Sequence[Correction]) -> History:
    """Return the corrections of a video that was read with its words."""
    holding = standing(events)
    _, unplaced = apply_corrections(record.utterances, holding)
    lost = {each.correction_id for each in unplaced}
    for each in holding:
        if each.field == "chapter_title" and same_chapter(record.chapters, each.place) is None:
            lost.add(each.correction_id)
    ids = {each.correction_id for each in holding}
    listed = [Listed(each, each.correction_id in ids, each.correction_id not in lost) for each in reversed(events)]
    return History(tuple(listed), record.row.get("corrections_digest") != corrections_digest(events))


def _applied(
    lake: Lake, video_id: str, made: Sequence[Correction], deriver: Deriver | None, *, apply: bool
) -> Recorded:
    if not apply:
        return Recorded(tuple(made))
    try:
        (deriver or Deriver(lake)).apply(video_id)
    except PendingCorrectionError as error:
        return Recorded(tuple(made), str(error))
    return Recorded(tuple(made))
