"""The picture and sound stages: decode a file once, and pass its frames and its audio to their steps."""

from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial

from pipeline.analysis.media import DecodeStats, decode, prefetch
from pipeline.analysis.shots import FrameSampler
from pipeline.analysis.speakers import VoiceSession
from pipeline.analysis.video.attempts import StageAttempts
from pipeline.analysis.video.audio_track import SILENCE, AudioTrack
from pipeline.analysis.video.clock import StepClock
from pipeline.analysis.video.models import Models
from pipeline.analysis.video.stored import stored_keyframes, stored_shots, stored_transcript
from pipeline.analysis.video.visual_track import VisualTrack
from schemas.config import Config
from schemas.media import AudioBlock, AudioStream, DecodedItem, FrameBatch, MediaInfo
from schemas.records import (
    WARNING_PARTS,
    Analysis,
    Keyframe,
    Shot,
    Summary,
    Transcript,
    WarningPart,
)
from schemas.stages import Stage

Progress = Callable[[float], None]
"""Called with the seconds of video decoded so far, after every decoded item."""

_NOT_SUMMARISED = Summary("", (), (), (), (), ())


class Perception:
    """Decodes one video for the stages that are redone.

    What a file holds, such as its duration, is measured when everything is decoded. A pass for one of the two stages
    keeps it: settings do not change it, apart from `media.audio_track`, whose change redoes both stages.

    Args:
        config: The whole configuration.
        models: The loaded models.
        threads: Decoder threads.
        clock: Records the seconds of each step.
        attempts: Runs the stages. One that fails finds nothing, and the other goes on.
        progress: Called with the position of the decoder, in seconds.
    """

    def __init__(
        self,
        config: Config,
        models: Models,
        *,
        threads: int,
        clock: StepClock,
        attempts: StageAttempts,
        progress: Progress,
    ) -> None:
        self._config, self._models, self._threads = config, models, threads
        self._clock, self._attempts, self._progress = clock, attempts, progress

    def run(self, uri: str, info: MediaInfo, stages: Collection[Stage], before: Analysis | None) -> Analysis:
        """Decode a file, transcribe the audio stream in which somebody speaks, and describe its frames.

        Args:
            uri: Location of the file.
            info: The result of `probe` for this file.
            stages: `picture`, `sound` or both.
            before: Has what is kept of a stage that is not redone, or fails; None if both are redone.

        Returns:
            `before` with what was found; if both are redone, an analysis that lacks the results of the later stages.

        Raises:
            MediaError: The file cannot be decoded, or is over the limits.
        """
        known_s = before.duration_s if before and len(stages) == 1 else None
        stats = DecodeStats()
        visual = VisualTrack(self._models, self._config, self._clock) if info.video and "picture" in stages else None
        heard = info.audio_streams if "sound" in stages else ()
        with AudioTrack(self._models.speech if heard else None, self._clock, info.audio_streams, self._voices) as audio:
            if visual is None and info.video:
                audio.unneeded.add(info.video.index)
            if not heard:
                audio.unneeded.update(stream.index for stream in info.audio_streams)
            self._decode(uri, info, visual, audio, stats=stats, progress=self._progress, known_s=known_s)
            shots, keyframes = self._seen(visual, stats.duration_s)
            info, transcript = self._heard(uri, info, audio, stats)
        found = Analysis(
            info=_with_measured_rate(info, stats),
            duration_s=stats.duration_s,
            frame_count=stats.frame_count,
            corrupt_packets=stats.corrupt_packets,
            clock_jumps=stats.clock_jumps,
            shots=shots,
            keyframes=keyframes,
            transcript=transcript,
            scenes=(),
            summary=_NOT_SUMMARISED,
            warnings=_in_order(stats.warnings),
            file_chapters=stats.chapters,
            subtitle_files=stats.subtitle_files,
            subtitles=stats.subtitles,
        )
        if known_s is not None and before is not None:
            found = _merged(before, found, stages)
        if before is not None and "picture" in self._attempts.failed:
            found = replace(found, shots=before.shots, keyframes=before.keyframes)
        if before is not None and "sound" in self._attempts.failed:
            info = replace(found.info, audio=before.info.audio, other_audio=before.info.other_audio)
            found = replace(found, info=info, transcript=before.transcript)
        return found

    def _seen(self, visual: VisualTrack | None, duration_s: float) -> tuple[tuple[Shot, ...], tuple[Keyframe, ...]]:
        if visual and "picture" not in self._attempts.failed:
            with self._attempts.of("picture"):
                visual.finish(duration_s)
                return stored_shots(visual.shots), stored_keyframes(visual.keyframes)
        return (), ()

    def _heard(self, uri: str, info: MediaInfo, audio: AudioTrack, stats: DecodeStats) -> tuple[MediaInfo, Transcript]:
        """Return the transcript of the audio stream in which somebody speaks, and the file with that as `audio`."""
        if "sound" not in self._attempts.failed:
            with self._attempts.of("sound"):
                transcript = audio.finish()
                spoken = audio.spoken(transcript)
                if spoken:
                    info = _with_audio(info, spoken, stats)
                    transcript = self._transcribe(uri, info, stats)
                return info, stored_transcript(transcript)
        return info, SILENCE

    @property
    def _voices(self) -> Callable[[], VoiceSession] | None:
        return partial(VoiceSession, self._models.speakers, self._config.speakers) if self._models.speakers else None

    def _transcribe(self, uri: str, info: MediaInfo, stats: DecodeStats) -> Transcript:
        """Decode a file again for the audio stream in which somebody speaks, and transcribe that."""
        again = DecodeStats()
        with AudioTrack(self._models.speech, self._clock, info.audio_streams[:1], self._voices) as audio:
            others = {stream.index for stream in (info.video, *info.other_audio) if stream}
            audio.unneeded.update(others)
            self._decode(uri, info, None, audio, stats=again, progress=lambda _: None, known_s=stats.duration_s)
            for message in again.warnings:
                stats.warn(message, part="audio")
            return SILENCE if "sound" in self._attempts.failed else audio.finish()

    def _decode(
        self,
        uri: str,
        info: MediaInfo,
        visual: VisualTrack | None,
        audio: AudioTrack,
        *,
        stats: DecodeStats,
        progress: Progress,
        known_s: float | None,
    ) -> None:
        items = decode(
            uri,
            info,
            self._config.media,
            self._config.limits,
            wanted=FrameSampler(self._config.media),
            threads=self._threads,
            stats=stats,
            channels=self._config.speech.channels,
            skipped=audio.unneeded,
            known_s=known_s,
        )
        with closing(prefetch(self._clock.timed("decode", items), self._config.workers.decode_ahead)) as ahead:
            for item in ahead:
                stage: Stage = "sound" if isinstance(item, AudioBlock) else "picture"
                if stage not in self._attempts.failed:
                    with self._attempts.of(stage):
                        _pass_on(item, visual, audio)
                progress(_position_s(item))


def _pass_on(item: DecodedItem, visual: VisualTrack | None, audio: AudioTrack) -> None:
    if isinstance(item, AudioBlock):
        audio.add(item)
    elif isinstance(item, FrameBatch):
        if visual is not None:
            visual.add_batch(item)
    elif visual is not None:
        visual.add_frame(item)


def _merged(before: Analysis, found: Analysis, stages: Collection[Stage]) -> Analysis:
    """Return an earlier analysis with what a pass for one of the two stages has found.

    Subtitles and chapters were read again, because a subtitle file may have changed.
    """
    read = replace(
        before,
        warnings=_merged_warnings(before.warnings, found.warnings, "images" if "picture" in stages else "audio"),
        file_chapters=found.file_chapters,
        subtitle_files=found.subtitle_files,
        subtitles=found.subtitles,
    )
    if "picture" in stages:
        info = replace(found.info, audio=before.info.audio, other_audio=before.info.other_audio)
        return replace(read, info=info, frame_count=found.frame_count, shots=found.shots, keyframes=found.keyframes)
    return replace(read, info=replace(found.info, video=before.info.video), transcript=found.transcript)


def _merged_warnings(
    before: Mapping[str, WarningPart], found: Mapping[str, WarningPart], redone: WarningPart
) -> dict[str, WarningPart]:
    """Return earlier warnings, with those about what was redone replaced, and those that are new."""
    kept = {message: part for message, part in before.items() if part not in {redone, "subtitles"}}
    return _in_order(kept | {message: part for message, part in found.items() if message not in kept})


def _in_order(warnings: Mapping[str, WarningPart]) -> dict[str, WarningPart]:
    return dict(sorted(warnings.items(), key=lambda pair: WARNING_PARTS.index(pair[1])))


def _position_s(item: DecodedItem) -> float:
    if isinstance(item, FrameBatch):
        return float(item.times_s[-1]) if len(item.times_s) else 0.0
    return item.start_s if isinstance(item, AudioBlock) else item.time_s


def _with_audio(info: MediaInfo, spoken: AudioStream, stats: DecodeStats) -> MediaInfo:
    """Return the description of a file with another audio stream as the one to transcribe."""
    others = tuple(stream for stream in info.audio_streams if stream != spoken)
    names = ", ".join(stream.name for stream in sorted(info.audio_streams, key=lambda stream: stream.track))
    stats.warn(
        f"Nobody speaks in audio track {others[0].name}, so track {spoken.name} was transcribed. The file has the "
        f"audio tracks {names}; media.audio_track chooses one.",
        part="audio",
    )
    return replace(info, audio=spoken, other_audio=others)


def _with_measured_rate(info: MediaInfo, stats: DecodeStats) -> MediaInfo:
    if info.video is None:
        return info
    fps, varies = stats.frame_rate.measure(info.video.fps)
    return replace(info, video=replace(info.video, fps=fps, fps_varies=varies))
