"""The picture and sound stages: decode a file once, and pass its frames and its audio to their steps."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import replace
from functools import partial

from pipeline.analysis.media import DecodeStats, decode, prefetch
from pipeline.analysis.shots import FrameSampler
from pipeline.analysis.speakers import VoiceSession
from pipeline.analysis.video.audio_track import SILENCE, AudioTrack, Heard
from pipeline.analysis.video.clock import StepClock
from pipeline.analysis.video.isolation import StageErrors
from pipeline.analysis.video.models import Models
from pipeline.analysis.video.stored import stored_keyframes, stored_shots, stored_sounds, stored_transcript
from pipeline.analysis.video.visual_track import VisualTrack
from schemas.config import Config
from schemas.media import AudioBlock, AudioStream, DecodedItem, FrameBatch, MediaInfo, SampledFrame
from schemas.records import WARNING_PARTS, Analysis, Summary, WarningPart
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
        progress: Called with the position of the decoder, in seconds.
        errors: Takes what a stage raises. The other one goes on.
    """

    def __init__(
        self,
        config: Config,
        models: Models,
        *,
        threads: int,
        clock: StepClock,
        progress: Progress,
        errors: StageErrors,
    ) -> None:
        self._config, self._models, self._threads = config, models, threads
        self._clock, self._progress, self._errors = clock, progress, errors

    def run(self, uri: str, info: MediaInfo, stages: Collection[Stage], before: Analysis | None) -> Analysis:
        """Decode a file, transcribe the audio stream in which somebody speaks, and describe its frames.

        Args:
            uri: Location of the file.
            info: The result of `probe` for this file.
            stages: `picture`, `sound` or both.
            before: What is kept of the other one; None if both are redone.

        Returns:
            `before` with what was found; without it, an analysis that lacks the results of the later stages.

        Raises:
            MediaError: The file cannot be decoded, or is over the limits.
        """
        stats = DecodeStats()
        visual = VisualTrack(self._models, self._config, self._clock) if info.video and "picture" in stages else None
        heard = info.audio_streams if "sound" in stages else ()
        with (
            closing(visual) if visual else nullcontext(),
            closing(self._audio_track(info.audio_streams, listen=bool(heard))) as audio,
        ):
            if visual is None and info.video:
                audio.unneeded.add(info.video.index)
            if not heard:
                audio.unneeded.update(stream.index for stream in info.audio_streams)
            known_s = before.duration_s if before else None
            self._decode(uri, info, visual, audio, stats=stats, progress=self._progress, known_s=known_s)
            if "sound" not in self._errors:
                with self._errors.apart("sound"):
                    audio.end()
            if visual and "picture" not in self._errors:
                with self._errors.apart("picture"):
                    visual.finish(stats.duration_s)
            listened, spoken = self._heard(audio)
        if spoken:
            info = _with_audio(info, spoken, stats)
            listened = self._listen_again(uri, info, stats)
        if "picture" in self._errors:
            visual = None
        found = Analysis(
            info=_with_measured_rate(info, stats),
            duration_s=stats.duration_s,
            frame_count=stats.frame_count,
            corrupt_packets=stats.corrupt_packets,
            clock_jumps=stats.clock_jumps,
            shots=stored_shots(visual.shots if visual else ()),
            keyframes=stored_keyframes(visual.keyframes if visual else ()),
            transcript=stored_transcript(listened.transcript),
            sounds=stored_sounds(listened.sounds),
            scenes=(),
            summary=_NOT_SUMMARISED,
            warnings=_in_order(stats.warnings),
            file_chapters=stats.chapters,
            subtitle_files=stats.subtitle_files,
            subtitles=stats.subtitles,
        )
        return found if before is None else _merged(before, found, stages)

    def read_again(self, uri: str, info: MediaInfo, before: Analysis) -> Analysis:
        """Return an earlier analysis with the subtitles and chapters that the file, and files beside it, have now.

        The file is read to its end, but nothing of it is decoded.

        Args:
            uri: Location of the file.
            info: The result of `probe` for this file.
            before: The earlier analysis.

        Raises:
            MediaError: The file cannot be read.
        """
        stats = DecodeStats()
        streams = (info.video, *info.audio_streams)
        with closing(AudioTrack(None, self._clock, info.audio_streams)) as audio:
            audio.unneeded.update(stream.index for stream in streams if stream)
            self._decode(uri, info, None, audio, stats=stats, progress=self._progress, known_s=before.duration_s)
        kept = [(message, part) for message, part in before.warnings.items() if part != "subtitles"]
        again = [(message, part) for message, part in stats.warnings.items() if part == "subtitles"]
        return replace(
            before,
            warnings=_in_order(dict([*kept, *again])),
            file_chapters=stats.chapters,
            subtitle_files=stats.subtitle_files,
            subtitles=stats.subtitles,
        )

    @property
    def _voices(self) -> Callable[[], VoiceSession] | None:
        model = self._models.speakers
        return partial(VoiceSession, model, self._config.speakers, model.info.id) if model else None

    def _audio_track(self, streams: Sequence[AudioStream], *, listen: bool = True) -> AudioTrack:
        if not listen:
            return AudioTrack(None, self._clock, streams)
        sounds = self._models.sounds.session() if self._models.sounds else None
        return AudioTrack(self._models.speech, self._clock, streams, self._voices, sounds)

    def _listen_again(self, uri: str, info: MediaInfo, stats: DecodeStats) -> Heard:
        """Decode a file again for the audio stream in which somebody speaks, and listen to that."""
        again = DecodeStats()
        with closing(self._audio_track(info.audio_streams[:1])) as audio:
            others = {stream.index for stream in (info.video, *info.other_audio) if stream}
            audio.unneeded.update(others)
            self._decode(uri, info, None, audio, stats=again, progress=lambda _: None, known_s=stats.duration_s)
            for message in again.warnings:
                stats.warn(message, part="audio")
            return self._heard(audio)[0]

    def _heard(self, audio: AudioTrack) -> tuple[Heard, AudioStream | None]:
        """Return what was heard, and the stream in which somebody speaks if that is another one."""
        if "sound" not in self._errors:
            with self._errors.apart("sound"):
                heard = audio.finish()
                return heard, audio.spoken(heard.transcript)
        return Heard(SILENCE), None

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
                self._take(item, visual, audio)
                progress(_position_s(item))

    def _take(self, item: DecodedItem, visual: VisualTrack | None, audio: AudioTrack) -> None:
        if isinstance(item, AudioBlock):
            if "sound" not in self._errors:
                with self._errors.apart("sound"):
                    audio.add(item)
        elif visual is not None and "picture" not in self._errors:
            with self._errors.apart("picture"):
                if isinstance(item, FrameBatch):
                    visual.add_batch(item)
                else:
                    visual.add_frame(item)


def _merged(before: Analysis, found: Analysis, stages: Collection[Stage]) -> Analysis:
    """Return an earlier analysis with what a pass for one of the two stages has found.

    Subtitles and chapters were read again, because a subtitle file may have changed.
    """
    read = replace(
        before,
        duration_s=found.duration_s,
        warnings=_merged_warnings(before.warnings, found.warnings, "images" if "picture" in stages else "audio"),
        file_chapters=found.file_chapters,
        subtitle_files=found.subtitle_files,
        subtitles=found.subtitles,
    )
    if "picture" in stages:
        info = replace(found.info, audio=before.info.audio, other_audio=before.info.other_audio)
        return replace(read, info=info, frame_count=found.frame_count, shots=found.shots, keyframes=found.keyframes)
    info = replace(found.info, video=before.info.video)
    return replace(read, info=info, transcript=found.transcript, sounds=found.sounds)


def _merged_warnings(
    before: Mapping[str, WarningPart], found: Mapping[str, WarningPart], redone: WarningPart
) -> dict[str, WarningPart]:
    """Return earlier warnings, with those about what was redone replaced, and those that are new."""
    kept = {message: part for message, part in before.items() if part not in {redone, "subtitles"}}
    return _in_order(kept | {message: part for message, part in found.items() if message not in kept})


def _in_order(warnings: Mapping[str, WarningPart]) -> dict[str, WarningPart]:
    return dict(sorted(warnings.items(), key=lambda pair: WARNING_PARTS.index(pair[1])))


def _position_s(item: AudioBlock | FrameBatch | SampledFrame) -> float:
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
