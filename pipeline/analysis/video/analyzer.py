"""Analyse one video, stage by stage: decode it once, encode what was said and written, then fuse and summarise."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from pipeline.analysis.corrections import apply_corrections, automatic, correct_understanding
from pipeline.analysis.entities import find_entities, heard, respelled, screen_names
from pipeline.analysis.media import probe
from pipeline.analysis.scenes import (
    Dimensions,
    VideoContent,
    build_scenes,
    find_scenes,
    find_subjects,
    fuse_scenes,
    screen_texts,
    speech_spans,
)
from pipeline.analysis.summary import Abstract, build_summary, extract_summary
from pipeline.analysis.video.clock import StepClock, Turns
from pipeline.analysis.video.isolation import StageErrors
from pipeline.analysis.video.models import Models
from pipeline.analysis.video.perception import Perception, Progress
from pipeline.analysis.video.texts import by_encoder, encode_texts, numbered
from schemas.config import Config
from schemas.corrections import Correction, corrections_digest, standing
from schemas.media import MediaInfo
from schemas.records import Analysis
from schemas.stages import READS, STAGES, Stage

DECODING: tuple[Stage, ...] = ("picture", "sound")
"""The stages that open the file."""


class VideoAnalyzer:
    """Runs all steps on videos with the same loaded models, which several threads share.

    Args:
        config: The whole configuration.
        models: Loaded by `load_models` from the same configuration, for the stages that are asked for.
        threads: Decoder threads.
    """

    def __init__(self, config: Config, models: Models, *, threads: int) -> None:
        self.config = config
        self.models = models
        self._threads = threads
        self._turns = Turns(threads)
        self._dimensions = Dimensions(
            text=models.text.dimensions, vision=models.vision.dimensions, coordinated=models.coordinated.space[1]
        )

    def probe(self, uri: str) -> MediaInfo:
        """Return what a file contains, without decoding it.

        Raises:
            MediaError: The file is neither video nor audio, or is over the limits.
        """
        return probe(uri, self.config.media, self.config.limits)

    def stages_for(self, stages: Collection[Stage], before: Analysis) -> frozenset[Stage]:
        """Return the stages to redo, with those that read them.

        Args:
            stages: The stages that are out of date.
            before: The analysis to start from. If it lacks what the text stage reads, as in the rows of older
                versions, `picture` is added.
        """
        found = set(stages)
        lacks_classes = any(frame.classes is None for frame in before.keyframes)
        if "text" in found and self.models.coordinated.reads_classes and lacks_classes:
            found.add("picture")
        for stage in STAGES:
            if found & set(READS[stage]):
                found.add(stage)
        return frozenset(found)

    def with_current_subtitles(self, uri: str, before: Analysis, *, progress: Progress = lambda _: None) -> Analysis:
        """Return an earlier analysis with the subtitles that a video has now, in its file and in files beside it.

        Nothing is decoded. The stage `text` must be redone with the result.

        Args:
            uri: Location of the file.
            before: The earlier analysis.
            progress: Called with the position of the decoder, in seconds.

        Raises:
            MediaError: The file cannot be read.
        """
        perception = Perception(
            self.config,
            self.models,
            threads=self._threads,
            clock=StepClock(self._turns),
            progress=progress,
            errors=StageErrors(),
        )
        return perception.read_again(uri, self.probe(uri), before)

    def analyze(
        self,
        uri: str,
        info: MediaInfo,
        *,
        video_id: str,
        progress: Progress = lambda _: None,
        stages: Collection[Stage] = STAGES,
        before: Analysis | None = None,
        corrections: Sequence[Correction] = (),
    ) -> Analysis:
        """Run some stages on a video, by default all of them.

        The result has the same rows as a complete analysis with this configuration if `before` was made by one that
        differs only in the settings and models of `stages`. `media.audio_track` is a setting of both `picture` and
        `sound`, because the last shot ends with the audio.

        Args:
            uri: Location of the file. Its name may become the headline.
            info: The result of `probe` for this file. If neither `picture` nor `sound` is redone, the file is not
                opened, and this is `before.info`.
            video_id: Prefix of the ids of frames and utterances in the evidence of the summary.
            progress: Called with the position of the decoder, in seconds.
            stages: The stages to redo, as returned by `stages_for`.
            before: Where the results of the other stages come from, and of a stage that fails.
            corrections: All corrections of the video. They are inputs of the text stage: texts and names replace those
                that were recognised, and what is understood follows from them. Other corrections replace its results.

        Returns:
            The analysis. If a stage raised an error, the others went on without its results, or with those of `before`,
            and the error is in `failed`.

        Raises:
            MediaError: The file cannot be decoded, or is over the limits.
            Exception: Whatever a stage raised, if nothing else was found and there is nothing to start from.
            ValueError: A stage is left out that must run, or the models for a stage are not loaded.
        """
        self._check(stages, before)
        with self._turns.video():
            return self._analyze(
                uri, info, video_id, progress=progress, stages=stages, before=before, corrections=corrections
            )

    def _analyze(
        self,
        uri: str,
        info: MediaInfo,
        video_id: str,
        *,
        progress: Progress,
        stages: Collection[Stage],
        before: Analysis | None,
        corrections: Sequence[Correction],
    ) -> Analysis:
        clock, errors = StepClock(self._turns), StageErrors()
        decoded = [stage for stage in DECODING if stage in stages]
        if decoded:
            perception = Perception(
                self.config, self.models, threads=self._threads, clock=clock, progress=progress, errors=errors
            )
            found = perception.run(uri, info, decoded, before if len(decoded) == 1 else None)
            found = _without_failed(found, errors, decoded, before)
        else:
            assert before is not None  # noqa: S101 - `_check` has refused anything else
            found = before
        # Most of what follows asks the encoder of texts, so videos take turns with all of it.
        with self._turns.of("text"):
            found = self._from_texts(found, uri, stages, video_id, clock=clock, errors=errors, corrections=corrections)
        if before is not None and "understanding" in errors:
            raise errors.found["understanding"]  # the earlier results belong together, and stay
        return replace(found, timings_s=clock.seconds, failed=errors.found)

    def _from_texts(
        self,
        found: Analysis,
        uri: str,
        stages: Collection[Stage],
        video_id: str,
        *,
        clock: StepClock,
        errors: StageErrors,
        corrections: Sequence[Correction],
    ) -> Analysis:
        """Run the stages that read what was seen and heard, and not the file."""
        if "text" in stages:
            with errors.apart("text"):
                with clock.step("entities"):
                    found = _with_right_texts(self._with_right_names(found), corrections)
                found = encode_texts(found, self.models, clock)
                with clock.step("entities"):
                    entities = find_entities(found, self.models.entities, self.models.known_names, video_id=video_id)
                found = replace(found, entities=entities)
        if "text" in errors:
            errors.found["understanding"] = errors.found["text"]  # it reads the vectors of texts
            found = replace(found, subtitles=numbered(found.subtitles))
        elif "understanding" in stages:
            with errors.apart("understanding"):
                found = self._understand(found, uri, video_id=video_id, clock=clock)
                corrected = correct_understanding(found.summary, found.scenes, standing(corrections))
                found = replace(found, summary=corrected.summary, scenes=corrected.scenes)
        return found

    def _with_right_names(self, found: Analysis) -> Analysis:
        """Return what was heard, with names spelled as they are on screen."""
        utterances = tuple(heard(automatic(each)) for each in found.transcript.utterances)
        if self.config.entities.respell:
            utterances = respelled(utterances, screen_names(found, self.models.entities))
        return replace(found, transcript=replace(found.transcript, utterances=utterances))

    def _understand(self, found: Analysis, uri: str, *, video_id: str, clock: StepClock) -> Analysis:
        """Find scenes, their subjects and fused vectors, and the summary. Reads only what the lake stores."""
        utterances, keyframes = found.transcript.utterances, found.keyframes
        video = VideoContent(
            found.duration_s,
            found.shots,
            keyframes,
            utterances,
            [*speech_spans(utterances, self._dimensions.text), *screen_texts(keyframes, found.duration_s, found.shots)],
            found.sounds,
            found.entities,
        )
        encoder = self.models.text.for_languages([each.language for each in found.transcript.languages])
        with clock.step("scenes"):
            grouped = find_scenes(
                video, dimensions=self._dimensions, config=self.config.scenes, text_part=encoder.of_stored
            )
            wholes = self.models.text.of_wholes(
                np.array([each.text_embedding for each in grouped], np.float32), [each.text for each in grouped]
            )
            grouped = [replace(each, text_embedding=whole) for each, whole in zip(grouped, wholes, strict=True)]
        # What is compared from here on, except by fusion, is what one encoder made of the texts.
        compared = by_encoder(video, encoder)
        with clock.step("subjects"):
            subjects = find_subjects(
                [replace(each, text_embedding=encoder.of_stored(each.text_embedding)) for each in grouped],
                compared,
                encoder=encoder,
                space=self.models.topics.of(encoder) if self.models.topics else None,
                topics=self.config.topics,
                keyphrases=self.config.keyphrases,
                tagger=self.models.entities.tagger if self.models.entities else None,
            )
        with clock.step("fusion"):
            fused = fuse_scenes(grouped, video, method=self.models.fusion, space=self.models.coordinated)
        scenes = build_scenes(grouped, subjects.scenes, fused)
        with clock.step("summary"):
            alike = [replace(each, text_embedding=encoder.of_stored(each.text_embedding)) for each in scenes]
            extract = extract_summary(alike, compared, video_id=video_id, uri=uri, config=self.config.summary)
        abstract = Abstract()
        if self.models.abstract is not None:
            with clock.step("abstract"):
                abstract = self.models.abstract.write(
                    extract.chapters,
                    compared,
                    encoder=encoder,
                    video_id=video_id,
                    language=found.transcript.language,
                )
        return replace(found, scenes=scenes, summary=build_summary(extract, subjects.video, abstract))

    def _check(self, stages: Collection[Stage], before: Analysis | None) -> None:
        left_out = set(STAGES) - set(stages)
        if before is None and left_out:
            raise ValueError(f"Without an earlier analysis, all stages must run; left out: {sorted(left_out)}.")
        if before is not None and self.stages_for(stages, before) != frozenset(stages):
            raise ValueError(f"Whoever redoes {sorted(stages)} must redo {sorted(self.stages_for(stages, before))}.")
        if not self.models.stages >= frozenset(stages):
            raise ValueError(f"The models were loaded for {sorted(self.models.stages)}, not for {sorted(stages)}.")


def _with_right_texts(found: Analysis, corrections: Sequence[Correction]) -> Analysis:
    """Return what was heard, with the corrections of texts and speakers."""
    utterances, _ = apply_corrections(found.transcript.utterances, standing(corrections))
    transcript = replace(found.transcript, utterances=utterances)
    return replace(found, transcript=transcript, corrections_digest=corrections_digest(corrections))


def _without_failed(
    found: Analysis, errors: StageErrors, decoded: Collection[Stage], before: Analysis | None
) -> Analysis:
    """Return what was found with earlier results in the place of those of a stage that failed, if there are any.

    Raises:
        Exception: What a stage raised, if none succeeded and there are no earlier results to go on with.
    """
    if before is not None:
        seen = before if "picture" in errors else found
        heard = before if "sound" in errors else found
        return replace(
            found, shots=seen.shots, keyframes=seen.keyframes, transcript=heard.transcript, sounds=heard.sounds
        )
    present = {"picture": found.info.video is not None, "sound": found.info.audio is not None}
    if errors.found and all(stage in errors for stage in decoded if present[stage]):
        raise next(iter(errors.found.values()))
    return found
