"""Analyse one video: probe it, decode it once, pass frames and audio to their steps, then fuse and summarise."""

import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

from pipeline.analysis.media import DecodeStats, decode, prefetch, probe
from pipeline.analysis.scenes import (
    Dimensions,
    TextSpan,
    VideoContent,
    build_scenes,
    caption_keyframes,
    find_scenes,
    find_subjects,
    fuse_scenes,
    screen_spans,
    speech_spans,
    written_text,
)
from pipeline.analysis.shots import FrameSampler
from pipeline.analysis.speakers import VoiceSession
from pipeline.analysis.summary import Abstract, build_summary, extract_summary
from pipeline.analysis.text import TextEncoder
from pipeline.analysis.video.audio_track import AudioTrack
from pipeline.analysis.video.clock import StepClock
from pipeline.analysis.video.models import Models
from pipeline.analysis.video.visual_track import VisualTrack
from schemas.config import Config
from schemas.media import AudioBlock, AudioStream, FrameBatch, MediaInfo, SampledFrame
from schemas.records import Analysis, Keyframe, Shot, Subtitle, Transcript, Utterance

logger = logging.getLogger(__name__)

Progress = Callable[[float], None]
"""Called with the seconds of video decoded so far, after every decoded item."""


class VideoAnalyzer:
    """Runs all steps on one video after another with the same loaded models. Not thread-safe.

    Args:
        config: The whole configuration.
        models: Loaded by `load_models` from the same configuration.
        threads: Decoder threads.
    """

    def __init__(self, config: Config, models: Models, *, threads: int) -> None:
        self.config = config
        self.models = models
        self._threads = threads
        self._dimensions = Dimensions(
            text=models.text.dimensions, vision=models.vision.dimensions, coordinated=models.coordinated.space[1]
        )

    def probe(self, uri: str) -> MediaInfo:
        """Return what a file contains, without decoding it.

        Raises:
            MediaError: The file is neither video nor audio, or is over the limits.
        """
        return probe(uri, self.config.media, self.config.limits)

    def analyze(self, uri: str, info: MediaInfo, *, video_id: str, progress: Progress = lambda _: None) -> Analysis:
        """Run every step on a video.

        Args:
            uri: Location of the file.
            info: The result of `probe` for this file.
            video_id: Prefix of the ids of frames and utterances in the evidence of the summary.
            progress: Called with the position of the decoder, in seconds.

        Raises:
            MediaError: The file cannot be decoded, or is over the limits.
        """
        clock = StepClock()
        stats = DecodeStats()
        visual = VisualTrack(self.models, self.config, clock) if info.video else None
        info, transcript = self._hear(uri, info, visual, clock=clock, stats=stats, progress=progress)
        languages = [each.language for each in transcript.languages]
        encoder = self.models.text.for_languages(languages)
        video = self._encode_texts(
            transcript.utterances,
            tuple(visual.keyframes) if visual else (),
            tuple(visual.shots) if visual else (),
            stats.duration_s,
            language=transcript.language or "en",
            clock=clock,
        )
        with clock.step("text"):
            subtitles = _encoded(stats.subtitles, self.models.text, transcript.language or "en")
        with clock.step("scenes"):
            found = find_scenes(video, dimensions=self._dimensions, config=self.config.scenes)
        with clock.step("subjects"):
            subjects = find_subjects(
                found,
                video,
                encoder=encoder,
                space=self.models.topics.of(encoder) if self.models.topics else None,
                topics=self.config.topics,
                keyphrases=self.config.keyphrases,
            )
        with clock.step("fusion"):
            fused = fuse_scenes(found, video, method=self.models.fusion, space=self.models.coordinated)
        scenes = build_scenes(found, subjects.scenes, fused)
        with clock.step("summary"):
            extract = extract_summary(scenes, video, video_id=video_id, uri=uri, config=self.config.summary)
        abstract = Abstract()
        if self.models.abstract is not None:
            with clock.step("abstract"):
                abstract = self.models.abstract.write(
                    extract.chapters, video, video_id=video_id, language=transcript.language
                )
        return Analysis(
            info=_with_measured_rate(info, stats),
            duration_s=stats.duration_s,
            frame_count=stats.frame_count,
            corrupt_packets=stats.corrupt_packets,
            clock_jumps=stats.clock_jumps,
            shots=tuple(video.shots),
            keyframes=tuple(video.keyframes),
            transcript=replace(transcript, utterances=tuple(video.utterances)),
            scenes=scenes,
            summary=build_summary(extract, subjects.video, abstract),
            text_model=" + ".join(dict.fromkeys(self.models.text.model_for(each) for each in languages or (None,))),
            timings_s=clock.seconds,
            warnings=tuple(stats.warnings),
            file_chapters=stats.chapters,
            subtitle_files=stats.subtitle_files,
            subtitles=subtitles,
        )

    @property
    def _voices(self) -> Callable[[], VoiceSession] | None:
        return partial(VoiceSession, self.models.speakers, self.config.speakers) if self.models.speakers else None

    def _hear(
        self,
        uri: str,
        info: MediaInfo,
        visual: VisualTrack | None,
        *,
        clock: StepClock,
        stats: DecodeStats,
        progress: Progress,
    ) -> tuple[MediaInfo, Transcript]:
        """Decode a file and transcribe the audio stream in which somebody speaks, by default the first.

        Returns:
            The description of the file with that stream as `audio`, and the transcript.
        """
        with AudioTrack(self.models.speech, clock, info.audio_streams, self._voices) as audio:
            self._decode(uri, info, visual, audio, clock=clock, stats=stats, progress=progress)
            if visual:
                visual.finish(stats.duration_s)
            transcript = audio.finish()
            spoken = audio.spoken(transcript)
        if not spoken:
            return info, transcript
        info = _with_audio(info, spoken, stats)
        return info, self._transcribe(uri, info, clock=clock, stats=stats)

    def _transcribe(self, uri: str, info: MediaInfo, *, clock: StepClock, stats: DecodeStats) -> Transcript:
        """Decode a file again for the audio stream in which somebody speaks, and transcribe that."""
        again = DecodeStats()
        with AudioTrack(self.models.speech, clock, info.audio_streams[:1], self._voices) as audio:
            others = {stream.index for stream in (info.video, *info.other_audio) if stream}
            audio.unneeded.update(others)
            self._decode(uri, info, None, audio, clock=clock, stats=again, progress=lambda _: None)
            for message in again.warnings:
                stats.warn(message)
            return audio.finish()

    def _decode(
        self,
        uri: str,
        info: MediaInfo,
        visual: VisualTrack | None,
        audio: AudioTrack,
        *,
        clock: StepClock,
        stats: DecodeStats,
        progress: Progress,
    ) -> None:
        items = decode(
            uri,
            info,
            self.config.media,
            self.config.limits,
            wanted=FrameSampler(self.config.media),
            threads=self._threads,
            stats=stats,
            channels=self.config.speech.channels,
            skipped=audio.unneeded,
        )
        with closing(prefetch(clock.timed("decode", items), self.config.workers.decode_ahead)) as ahead:
            for item in ahead:
                if isinstance(item, AudioBlock):
                    audio.add(item)
                elif visual is None:
                    continue
                elif isinstance(item, FrameBatch):
                    visual.add_batch(item)
                elif isinstance(item, SampledFrame):
                    visual.add_frame(item)
                progress(_position_s(item))

    def _encode_texts(
        self,
        utterances: tuple[Utterance, ...],
        keyframes: tuple[Keyframe, ...],
        shots: tuple[Shot, ...],
        duration_s: float,
        *,
        language: str,
        clock: StepClock,
    ) -> VideoContent:
        """Encode speech, each utterance by its language, and on-screen text by that of the video.

        Speech is also added to the composed captions of keyframes.
        """
        written = screen_spans(keyframes, duration_s, shots)
        with clock.step("text"):
            vectors = self.models.text.encode_spoken(
                [*(utterance.text for utterance in utterances), *(text for _, _, text in written)],
                [*(utterance.language for utterance in utterances), *(language for _ in written)],
            )
        spoken = tuple(
            replace(utterance, embedding=vector) for utterance, vector in zip(utterances, vectors, strict=False)
        )
        screen = [
            TextSpan(start_s=start_s, end_s=end_s, text=text, embedding=vector, kind="screen")
            for (start_s, end_s, text), vector in zip(written, vectors[len(utterances) :], strict=True)
        ]
        by_text = {span.text: span.embedding for span in screen}
        described = [replace(frame, text_embedding=by_text.get(written_text(frame))) for frame in keyframes]
        texts = [*speech_spans(spoken, self._dimensions.text), *screen]
        return VideoContent(duration_s, shots, caption_keyframes(described, spoken), spoken, texts)


def _encoded(lines: Sequence[Subtitle], encoder: TextEncoder, spoken: str) -> tuple[Subtitle, ...]:
    """Number lines of subtitles, and encode each text once: several tracks often hold the same.

    A track that does not state its language is taken to be in the one that is spoken.
    """
    keys = [(line.text, line.language or spoken) for line in lines]
    texts = list(dict.fromkeys(keys))
    vectors = dict(zip(texts, encoder.encode_spoken([t for t, _ in texts], [code for _, code in texts]), strict=True))
    pairs = zip(lines, keys, strict=True)
    return tuple(replace(line, index=index, embedding=vectors[key]) for index, (line, key) in enumerate(pairs))


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
        f"audio tracks {names}; media.audio_track chooses one."
    )
    return replace(info, audio=spoken, other_audio=others)


def _with_measured_rate(info: MediaInfo, stats: DecodeStats) -> MediaInfo:
    if info.video is None:
        return info
    fps, varies = stats.frame_rate.measure(info.video.fps)
    return replace(info, video=replace(info.video, fps=fps, fps_varies=varies))
