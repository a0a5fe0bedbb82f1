"""Complete and partial analyses of one film with any settings, for tests and benchmarks of what is redone."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from pipeline.analysis.video import VideoAnalyzer, load_models
from pipeline.extras.sample.draw import read_photo
from pipeline.extras.sample.narrated import Narrator, Scene, make_narrated_video, still
from pipeline.extras.sample.packages import package_file
from pipeline.extras.sample.slides import bars, content_slide, title_slide
from pipeline.lake import Origin, analysis_of, video_tables
from pipeline.run.stage_inputs import stages_of_role, stages_of_setting
from schemas.config import ANALYSIS_SECTIONS, Config
from schemas.records import Analysis, VideoTask
from schemas.stages import READS, STAGES, Stage
from tests.kept_models import models_kept

_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "media.sample_interval_s": (0.5, 1.0, 2.0),
    "media.max_side_px": (320, 480),
    "media.audio_track": (None, 0, "de"),
    "shots.detector": ("hybrid", "content"),
    "shots.min_shot_s": (0.2, 3.0),
    "keyframes.interval_s": (1.0, 10.0),
    "keyframes.thumbnail_width_px": (64, 320),
    "speech.engine": ("auto", "none"),
    "speech.language": (None, "en", "de"),
    "speech.channels": ("auto", "mix", "split"),
    "speech.beam_size": (1, 2),
    "speech.word_times": (True, False),
    "speech.vad_threshold": (0.5, 0.9),
    "speech.min_avg_logprob": (-1.0, -0.05),
    "speakers.threshold": (-1.0, 0.35, 1.0),
    "speakers.model": ("auto", "none"),
    "sounds.model": ("auto", "none"),
    "sounds.min_score": (0.5, 0.9),
    "text.pooling": ("mean", "cls"),
    "text.max_tokens": (8, 256),
    "text.batch_tokens": (64, 1024),
    "vision.labels": (0, 2, 5),
    "vision.min_label_score": (0.0, 0.05, 0.5),
    "vision.precision": ("auto", "bfloat16"),
    "vision.batch_size": (2, 16),
    "ocr.engine": ("rapidocr", "none"),
    "ocr.min_score": (0.5, 0.99),
    "objects.min_score": (0.3, 0.45, 0.95),
    "objects.model": ("embedded:ssd-mobilenet-v2", "none"),
    "scenes.min_scene_s": (0.5, 4.0),
    "scenes.max_scene_s": (3.0, 180.0),
    "scenes.similarity": (0.0, 0.55, 0.95),
    "fusion.method": ("early", "projected", "hybrid"),
    "fusion.text_weight": (0.2, 0.7),
    "topics.taxonomy": ("general", "none"),
    "topics.count": (0, 3, 10),
    "topics.min_score": (0.01, 0.5),
    "keyphrases.count": (0, 2, 6),
    "keyphrases.diversity": (0.0, 0.4, 1.0),
    "summary.sentences": (1, 5),
    "summary.redundancy": (0.0, 0.9),
    "summary.highlights": (0, 5),
    "summary.keyframes": (1, 8),
    "summary.min_chapter_s": (1.0, 30.0),
}
_BASES: tuple["Settings", ...] = (
    {},
    {"fusion.method": "hybrid", "speech.min_avg_logprob": -0.05, "keyframes.interval_s": 1.0, "vision.labels": 2},
    {"speech.engine": "none", "text.pooling": "cls", "scenes.similarity": 0.95, "summary.min_chapter_s": 1.0},
)

Settings = Mapping[str, Any]
"""Settings by name, as in `speech.beam_size`."""


@st.composite
def changes(draw: st.DrawFn) -> tuple[Settings, Settings]:
    """Draw settings, and those after a change of one to three that does not redo everything."""
    before = draw(st.sampled_from(_BASES))
    stage = draw(st.sampled_from(STAGES))
    of_stage = [name for name in sorted(_CHOICES) if stages_of_name(name) == (stage,)]
    later = [name for name in sorted(_CHOICES) if stages_of_name(name) in {("text",), ("understanding",)}]
    others = st.lists(st.sampled_from(sorted({*of_stage, *later})), max_size=2)
    names = [draw(st.sampled_from(of_stage)), *draw(others)]
    config = config_of(before)
    values = {name: [each for each in _CHOICES[name] if each != _value(config, name)] for name in names}
    return before, {**before, **{name: draw(st.sampled_from(values[name])) for name in names}}


def stages_of_name(name: str) -> tuple[Stage, ...]:
    """Return the stages that read a setting, or the model that it names, without those that read their results."""
    return stages_of_setting(name) or stages_of_role(name.partition(".")[0])


def _value(config: Config, name: str) -> Any:
    section, _, field = name.partition(".")
    return getattr(getattr(config, section), field)


def config_of(settings: Settings) -> Config:
    """Return the defaults, with speech decoded greedily and only once, and these settings."""
    sections: dict[str, dict[str, Any]] = {"speech": {"beam_size": 1, "min_greedy_logprob": -5.0}}
    for name, value in settings.items():
        section, _, field = name.partition(".")
        sections.setdefault(section, {})[field] = value
    return Config.model_validate(sections)


def stages_of(one: Config, other: Config) -> frozenset[Stage]:
    """Return the stages to redo if settings change."""
    fields = {section: type(getattr(one, section)).model_fields for section in ANALYSIS_SECTIONS}
    names = [f"{section}.{field}" for section in fields for field in fields[section]]
    stages = {stage for name in names if _value(one, name) != _value(other, name) for stage in stages_of_name(name)}
    for stage in STAGES:
        if stages & set(READS[stage]):
            stages.add(stage)
    return frozenset(stages)


def make_film(path: Path) -> Path:
    """Make a film of about 8 s: a title slide, a slide with a chart, and a photo, with three spoken sentences.

    They follow each other without a long pause, so that Whisper encodes one window instead of two.
    """
    photo = read_photo(package_file("scikit-image", "skimage/data/coffee.png"))
    size = (640, 360)
    rows, columns = (np.linspace(0, photo.shape[axis] - 1, size[1 - axis]).astype(int) for axis in (0, 1))
    chart = bars((("2020", 0.2), ("2025", 0.5)), (40, 90, 160))
    lines = ("Coffee grows in warm places", "Most of it is sold as beans")
    slides = (
        title_slide("Coffee and Rain", "A short talk"),
        content_slide("Where coffee grows", lines, chart, footer="Coffee and Rain", page="2"),
        np.ascontiguousarray(photo[rows][:, columns]),
    )
    said = (
        ("Coffee is a popular drink.",),
        ("It grows where it rains.", "Most comes from Brazil."),
        (),
    )
    scenes = [Scene(still(_fit(slide, size)), spoken, min_s=1.5) for slide, spoken in zip(slides, said, strict=True)]
    make_narrated_video(path, scenes, fps=12, narrator=Narrator())
    return path


def _fit(picture: Any, size: tuple[int, int]) -> Any:
    import cv2

    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


class Laboratory:
    """Analyses one film with real models, each loaded once for each of its sections of settings.

    Args:
        film: The film.
        threads: Threads of each model.
        made: Models that were loaded before (see `models_kept`).
    """

    def __init__(self, film: Path, *, threads: int = 1, made: Mapping[str, Any] | None = None) -> None:
        self.film, self._threads = film, threads
        self._made: dict[str, Any] = {**(made or {})}
        self._complete: dict[str, dict[str, pa.Table]] = {}

    def analyzer(self, config: Config, stages: Collection[Stage] = STAGES) -> VideoAnalyzer:
        """Return an analyzer with its models loaded."""
        with models_kept(self._made):
            models = load_models(config, device="cpu", threads=self._threads, stages=stages)
        return VideoAnalyzer(config, models, threads=self._threads)

    def complete(self, config: Config) -> dict[str, pa.Table]:
        """Return the rows of a complete analysis."""
        key = config.model_dump_json()
        if key not in self._complete:
            analyzer, uri = self.analyzer(config), str(self.film)
            found = analyzer.analyze(uri, analyzer.probe(uri), video_id="v")
            self._complete[key] = rows_of(analyzer, found, self.film)
        return self._complete[key]

    def redone(
        self,
        rows: Mapping[str, pa.Table],
        config: Config,
        stages: Collection[Stage],
        *,
        film: Path | None = None,
        during: AbstractContextManager[Any] | None = None,
    ) -> dict[str, pa.Table]:
        """Return the rows after a partial redo that starts from other rows.

        Args:
            rows: The rows to start from.
            config: The new settings.
            stages: What to redo; only their models are loaded.
            film: Where the film is now.
            during: What is entered before the redo, when the models are loaded.
        """
        analyzer, before, uri = self.analyzer(config, stages), analysis_of(rows), str(film or self.film)
        with during or nullcontext():
            info = analyzer.probe(uri) if {"picture", "sound"} & set(stages) else before.info
            found = analyzer.analyze(uri, info, video_id="v", stages=stages, before=before)
        return rows_of(analyzer, found, self.film)


def rows_of(analyzer: VideoAnalyzer, found: Analysis, film: Path) -> dict[str, pa.Table]:
    """Return the rows of an analysis, without what differs from run to run."""
    models = analyzer.models
    origin = Origin(
        revision="r",
        shard="5a",
        text=(models.text.info.id, models.text.dimensions),
        vision=(models.vision.info.id, models.vision.dimensions),
        coordinated=models.coordinated.space,
        fused=models.fusion.space,
        committed_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    tables = video_tables(VideoTask("v", (str(film),), film.stat().st_size, 0), found, origin)
    position = tables["videos"].schema.get_field_index("timings_s")
    none = pa.array([[]] * tables["videos"].num_rows, tables["videos"].schema.field(position).type)
    return tables | {"videos": tables["videos"].set_column(position, tables["videos"].schema.field(position), none)}


def differences(one: Mapping[str, pa.Table], other: Mapping[str, pa.Table]) -> list[str]:
    """Return where rows differ: columns by name, with the values."""
    found = []
    for name, table in one.items():
        for column in table.column_names:
            left, right = table.column(column), other[name].column(column)
            if not left.equals(right):
                values = "" if "embedding" in column or column == "thumbnail" else f": {left} != {right}"
                found.append(f"{name}.{column}{values}")
    return found
