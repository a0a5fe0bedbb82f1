"""Analyse one video: probe it, decode it once, pass frames and audio to their steps, then fuse and summarise."""

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

from pipeline.analysis.media import DecodeStats, decode, prefetch, probe
from pipeline.analysis.scenes import (
    TextSpan,
    build_scenes,
    caption_keyframes,
    find_subjects,
    fuse_scenes,
    screen_spans,
    speech_spans,
    written_text,
)
from pipeline.analysis.shots import FrameSampler
from pipeline.analysis.speakers import VoiceSession
from pipeline.analysis.summary import summarize
from pipeline.analysis.text import TextEncoder
from pipeline.analysis.video.audio_track import AudioTrack
from pipeline.analysis.video.clock import StepClock
from pipeline.analysis.video.models import Models
from pipeline.analysis.video.visual_track import VisualTrack
from schemas.config import Config
from schemas.media import AudioBlock, FrameBatch, MediaInfo, SampledFrame
from schemas.records import Analysis, Keyframe, Shot, Utterance

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
        with AudioTrack(self.models.speech, clock, self._voices()) as audio:
            self._decode(uri, info, visual, audio, clock=clock, stats=stats, progress=progress)
            if visual:
                visual.finish(stats.duration_s)
            transcript = audio.finish()
        encoder = self.models.text.for_language(transcript.language)
        shots = tuple(visual.shots) if visual else ()
        keyframes = tuple(visual.keyframes) if visual else ()
        utterances, keyframes, screen = self._encode_texts(
            transcript.utterances, keyframes, shots, stats.duration_s, encoder=encoder, clock=clock
        )
        with clock.step("scenes"):
            keyframes = caption_keyframes(keyframes, utterances)
            scenes = build_scenes(
                shots,
                keyframes,
                utterances,
                screen,
                duration_s=stats.duration_s,
                text_dimensions=self.models.text.dimensions,
                vision_dimensions=self.models.vision.dimensions,
                coordinated_dimensions=self.models.coordinated.space[1],
                scenes=self.config.scenes,
                fusion=self.config.fusion,
            )
        with clock.step("subjects"):
            taxonomy = self.models.topics
            subjects = find_subjects(
                scenes,
                keyframes,
                utterances,
                encoder=encoder,
                space=taxonomy.of(encoder) if taxonomy else None,
                topics=self.config.topics,
                keyphrases=self.config.keyphrases,
            )
            scenes = subjects.scenes
        with clock.step("summary"):
            summary = summarize(
                scenes,
                shots,
                keyframes,
                utterances,
                video_id=video_id,
                duration_s=stats.duration_s,
                config=self.config.summary,
                uri=uri,
            )
        with clock.step("fusion"):
            texts = [*speech_spans(utterances, self.models.text.dimensions), *screen]
            scenes = fuse_scenes(scenes, texts, keyframes, self.models.fusion, self.models.coordinated)
        if self.models.abstract is not None:
            with clock.step("abstract"):
                summary = self.models.abstract.add_abstract(
                    summary, utterances, keyframes, shots, video_id=video_id, language=transcript.language
                )
        return Analysis(
            info=info,
            duration_s=stats.duration_s,
            frame_count=stats.frame_count,
            corrupt_packets=stats.corrupt_packets,
            shots=shots,
            keyframes=keyframes,
            transcript=replace(transcript, utterances=utterances),
            scenes=scenes,
            summary=replace(summary, topics=subjects.topics, keyphrases=subjects.keyphrases),
            text_model=self.models.text.model_for(transcript.language),
            timings_s=clock.seconds,
            warnings=tuple(stats.warnings),
        )

    def _voices(self) -> VoiceSession | None:
        return VoiceSession(self.models.speakers, self.config.speakers) if self.models.speakers else None

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
        encoder: TextEncoder,
        clock: StepClock,
    ) -> tuple[tuple[Utterance, ...], tuple[Keyframe, ...], list[TextSpan]]:
        written = screen_spans(keyframes, duration_s, shots)
        with clock.step("text"):
            texts = [utterance.text for utterance in utterances] + [text for _, _, text in written]
            vectors = encoder.encode(texts)
        spoken = tuple(
            replace(utterance, embedding=vector) for utterance, vector in zip(utterances, vectors, strict=False)
        )
        screen = [
            TextSpan(start_s=start_s, end_s=end_s, text=text, embedding=vector, kind="screen")
            for (start_s, end_s, text), vector in zip(written, vectors[len(utterances) :], strict=True)
        ]
        by_text = {span.text: span.embedding for span in screen}
        described = tuple(replace(frame, text_embedding=by_text.get(written_text(frame))) for frame in keyframes)
        return spoken, described, screen


def _position_s(item: AudioBlock | FrameBatch | SampledFrame) -> float:
    if isinstance(item, FrameBatch):
        return float(item.times_s[-1]) if len(item.times_s) else 0.0
    return item.start_s if isinstance(item, AudioBlock) else item.time_s
