"""The configuration: one typed tree. Unknown keys are errors; every value has a default that works on a laptop.

`Analysis*` sections decide what the lake says of a video and so enter the revision; the others decide where and how
the work runs, and do not.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

COMPOSED = "composed"
NO_TAXONOMY = "none"
"""Captions without a model, in `captions.model` and in the column `caption_source`."""


class Section(BaseModel):
    """Immutable, strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ArchiveConfig(Section):
    """Which files are taken from the archive, and how their content is told apart."""

    extensions: tuple[str, ...] = (
        "3gp", "aac", "aif", "aiff", "asf", "avi", "flac", "flv", "m2ts", "m4a", "m4v", "mkv", "mov", "mp3", "mp4",
        "mpeg", "mpg", "mts", "mxf", "oga", "ogg", "ogv", "opus", "ts", "vob", "wav", "webm", "wma", "wmv",
    )  # fmt: skip
    """File name endings taken from folders, lower case, no dot. Files named one by one are always taken."""
    digest: Literal["full", "sampled"] = "full"
    """`full` reads every byte of new files; `sampled` reads 4 MiB of each, for stores where reading is dear."""
    retry_failed: bool = False
    """Try again videos whose earlier failure would, by its kind, come again."""


class MediaConfig(Section):
    """How a file is decoded."""

    sample_interval_s: float = Field(1.0, gt=0, le=60)
    """Seconds between candidate frames; every shot gets one however short."""
    max_side_px: int = Field(1280, ge=160, le=7680)
    """Longer side of the frames that models see."""
    audio_track: int | None = Field(None, ge=0)
    """Which sound track, counted from 0; none: the default track."""


class ShotsConfig(Section):
    """Where shots begin and end."""

    detector: Literal["hybrid", "transnetv2", "content"] = "hybrid"
    """`hybrid`: a cheap detector picks places and TransNetV2 judges them; `transnetv2`: the network on every frame;
    `content`: the cheap detector alone."""
    model: str = "embedded:transnetv2"
    """Weights of the network."""
    threshold: float = Field(0.5, gt=0, lt=1)
    """Probability above which the network's transition counts."""
    slides: bool = True
    """Also split where a small part of a still picture changes for good, as on slides."""
    min_shot_s: float = Field(0.2, ge=0)
    """Shorter shots are joined to a neighbour."""


class KeyframesConfig(Section):
    """Which frames are kept."""

    interval_s: float = Field(10.0, gt=0)
    """At least one candidate is chosen for each such stretch of a shot."""
    duplicate_distance: int = Field(6, ge=0, le=64)
    """Keyframes whose perceptual hashes differ in at most so many of 64 bits are duplicates; the sharper is kept."""
    thumbnail_width_px: int = Field(320, ge=64, le=1920)
    """Width of the stored JPEG."""
    thumbnail_quality: int = Field(80, ge=1, le=100)
    """JPEG quality."""


class SpeechConfig(Section):
    """What is said."""

    engine: Literal["auto", "faster-whisper", "openai-whisper", "none"] = "auto"
    """`auto` is the faster of the two at equal word error rate: faster-whisper."""
    model: str = "embedded:whisper-base"
    """Whisper weights: `embedded:whisper-base`, a folder, or a Hub id."""
    language: str | None = None
    """Spoken language if it is known (ISO 639-1); none: detect it."""
    beam_size: int = Field(5, ge=1, le=20)
    """Beams of the decoder; 1 is greedy."""
    batch_size: int = Field(8, ge=1, le=128)
    """Windows decoded together."""
    compute_type: str = "auto"
    """Precision for CTranslate2: `auto` is int8 on a CPU and float16 on a GPU."""
    translate: bool = False
    """Also translate into English what is said in other languages; Whisper "turbo" models cannot."""
    word_times: bool = True
    """Align words."""
    vad_threshold: float = Field(0.5, gt=0, lt=1)
    """Probability above which 32 ms of sound count as speech."""
    min_speech_s: float = Field(0.25, ge=0)
    """Shorter bursts are no speech."""
    max_no_speech_prob: float = Field(0.6, ge=0, le=1)
    """With an `avg_logprob` under `min_avg_logprob`, a window above this is silence."""
    min_avg_logprob: float = -1.0
    """Segments under this mean token log-probability are doubtful."""
    max_compression_ratio: float = 2.4
    """Segments above this zlib ratio repeat themselves."""


class SpeakersConfig(Section):
    """Who speaks."""

    model: str = "auto"
    """Speaker encoder: `auto` is `embedded:campplus` where it is installed, else none; `none`; a folder or file with
    weights of CAM++; or a model of your own package, `plugin:<name>` or `python:package.module:Factory`."""
    threshold: float = Field(0.35, ge=-1, le=1)
    """Mean cosine similarity at which two sets of voice vectors are one speaker; lower finds fewer speakers."""
    max_speakers: int = Field(20, ge=1, le=1000)
    """Speakers a video at most; the most talkative are kept."""


class TextConfig(Section):
    """How text becomes vectors."""

    model: str = "embedded:minilm"
    """Any BERT-like encoder: `embedded:minilm`, a folder, a Hub id, or one of your own (`plugin:<name>`,
    `python:package.module:Factory`); or `auto`: `english_model` or `multilingual_model`, by the video's language."""
    english_model: str = "embedded:minilm"
    """With `auto`, for videos in English and those in which nobody speaks."""
    multilingual_model: str = "none"
    """With `auto`, for videos in other languages; `none`: the English one for all."""
    pooling: Literal["mean", "cls"] = "mean"
    """How token vectors become one."""
    multilingual_pooling: Literal["mean", "cls"] = "mean"
    """The same for `multilingual_model`."""
    batch_tokens: int = Field(1024, ge=64)
    """Tokens a batch, padding included."""
    max_tokens: int = Field(256, ge=8)
    """Longer texts are cut."""


class VisionConfig(Section):
    """How frames become vectors and labels."""

    model: str = "embedded:efficientnet-lite0"
    """Frame encoder: `embedded:efficientnet-lite0`, a folder, a Hub id of a CLIP-like or an image classification
    model, or one of your own (`plugin:<name>`, `python:package.module:Factory`)."""
    batch_size: int = Field(16, ge=1)
    """Frames a batch."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto` is bfloat16 where the processor computes it natively, else float32."""
    labels: int = Field(5, ge=0, le=100)
    """Labels kept a frame."""
    min_label_score: float = Field(0.05, ge=0, le=1)
    """Labels under this probability are not kept."""


class OcrConfig(Section):
    """What is written on the screen."""

    engine: Literal["rapidocr", "none"] = "rapidocr"
    """Reader."""
    min_score: float = Field(0.7, ge=0, le=1)
    """Lines under this confidence are dropped."""
    max_side_px: int = Field(960, ge=160)
    """Longer side of the picture that the text detector sees."""


class CaptionsConfig(Section):
    """Sentences about keyframes."""

    model: str = COMPOSED
    """`composed` of labels, on-screen text and speech; or a folder or Hub id of an image-to-text model with
    safetensors, as of BLIP or GIT, or one of your own (`plugin:<name>`, `python:package.module:Factory`)."""
    batch_size: int = Field(8, ge=1)
    """Frames a batch."""
    max_tokens: int = Field(40, ge=1, le=1000)
    """Longest caption of a model, in its tokens."""
    beam_size: int = Field(1, ge=1, le=20)
    """Beams of the decoder; 1 is greedy."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """As for `vision.precision`."""
    prompt: str = "Say in one sentence what this picture shows."
    """What a chat model is asked; other models take no prompt."""


class ScenesConfig(Section):
    """How shots join into scenes."""

    min_scene_s: float = Field(4.0, ge=0)
    """Shorter scenes join the neighbour most like them."""
    max_scene_s: float = Field(180.0, gt=0)
    """Longer ones are split at their weakest join, where they have one."""
    similarity: float = Field(0.55, ge=-1, le=1)
    """Neighbouring shots at least so alike (cosine of fused vectors) share a scene."""


class FusionConfig(Section):
    """How modalities combine."""

    method: str = Field("early", pattern=r"^(early|projected|hybrid|plugin:.+|python:.+)$")
    """How a scene's text and pictures become one vector. `early`: their vectors joined, both kept whole; `projected`:
    added in the space that texts and pictures share; `hybrid`: there, after each looked at the other; or a method of
    your own package (`plugin:<name>`, `python:package.module:Factory`)."""
    text_weight: float = Field(0.7, ge=0, le=1)
    """Weight of text against pictures where both are there. 0.7 suits the embedded vision model (docs/fusion.md); a
    stronger one, as CLIP, deserves more say."""
    hybrid_weights: str | None = None
    """Folder that `videolake train-fusion` made; none: the hybrid's closed form, which learned nothing."""


class TopicsConfig(Section):
    """What scenes and videos are about."""

    taxonomy: str = "general"
    """Topics to choose from: `general`, the path of a TOML file as `videolake taxonomy` prints, or `none`."""
    count: int = Field(3, ge=0, le=100)
    """Topics of a scene or a video at most."""
    min_score: float = Field(0.5, ge=0, le=1)
    """Topics under this are left out. It is a probability, as far as docs/understanding.md says."""


class KeyphrasesConfig(Section):
    """Which phrases of speech and on-screen text stand for the whole."""

    count: int = Field(6, ge=0, le=100)
    """Phrases of a scene or a video at most; 0: none."""
    diversity: float = Field(0.4, ge=0, le=1)
    """0 picks the phrases nearest to what is said and written, 1 those most unlike each other."""


class SummaryConfig(Section):
    """What the summary holds."""

    sentences: int = Field(5, ge=1, le=100)
    """Sentences at most."""
    redundancy: float = Field(0.3, ge=0, le=1)
    """0 picks the most central sentences, 1 the most different ones (maximal marginal relevance)."""
    highlights: int = Field(5, ge=0, le=100)
    """Highlights at most."""
    keyframes: int = Field(8, ge=0, le=100)
    """Pictures of the storyboard at most."""
    min_chapter_s: float = Field(30.0, gt=0)
    """No chapter is shorter, unless the video is."""
    model: str | None = None
    """Also write an abstract with this model, a folder or Hub id of a summarizer (BART, T5, Pegasus) or an instruct
    model (Llama, Qwen, Mistral); none: no abstract."""
    nli_model: str | None = None
    """Sentences of the abstract must also follow from their evidence by this natural language inference model."""
    max_input_tokens: int = Field(4096, ge=64)
    """Tokens that the model reads at once, if its own window is not smaller; longer videos are read in parts."""
    batch_size: int = Field(4, ge=1)
    """Texts that the model reads together."""


class LimitsConfig(Section):
    """What a single video may cost; over it, it is an `errors` row."""

    max_duration_s: float = Field(24 * 3600.0, gt=0)
    """Longer videos are refused."""
    max_pixels: int = Field(8192 * 8192, gt=0)
    """Larger pictures are refused."""
    timeout_s: float = Field(4 * 3600.0, gt=0)
    """A video that takes longer is given up."""
    max_attempts: int = Field(3, ge=1)
    """A video that kills its worker so many times in a run is given up."""
    max_videos: int | None = Field(None, ge=1)
    """Analyse at most so many new videos in this run."""


class WorkersConfig(Section):
    """Where the work runs."""

    engine: Literal["ray", "inline"] = "ray"
    """`ray`: worker processes; `inline`: in this process, for debugging."""
    ray_address: str | None = None
    """A running Ray cluster (`auto`, `host:port`, `ray://host:port`); none: `RAY_ADDRESS`, else a local one."""
    min_workers: int = Field(1, ge=1)
    """Smallest pool."""
    max_workers: int | None = Field(None, ge=1)
    """Largest pool; none: as many as the cluster holds."""
    num_cpus: float | None = Field(None, gt=0)
    """CPUs a worker; none: 1, or all of a node's share of a GPU where there is one."""
    num_gpus: float | None = Field(None, ge=0)
    """GPUs a worker, fractions allowed; none: 0.5 where the cluster has a GPU, else 0."""
    threads: int | None = Field(None, ge=1)
    """Threads of each model; none: the worker's CPUs."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where models run."""
    decode_ahead: int = Field(8, ge=1)
    """Decoded items waiting between the decoder and the steps."""


class ShardsConfig(Section):
    """How work is cut; a shard is one Prefect task, one Ray Data execution and one commit."""

    max_videos: int = Field(64, ge=1)
    """Videos a shard at most."""
    max_bytes: int = Field(8 * 1024**3, ge=1)
    """Bytes of video a shard at most; a larger video is a shard of its own."""
    retries: int = Field(2, ge=0)
    """Times a failed shard is tried again."""
    retry_delay_s: float = Field(10.0, ge=0)
    """Seconds before the first of them; doubled each time."""


class SearchConfig(Section):
    """The search index that a lake keeps."""

    index: Literal["auto", "never"] = "auto"
    """`auto`: a run brings the index up to date once the lake is large, or has one; `never`: `videolake index` does."""
    index_from_moments: int = Field(100_000, ge=0)
    """Moments from which a lake is large: below, search reads the tables as fast."""


class ReportConfig(Section):
    """The report that a run leaves in the lake, and links to in Prefect."""

    enabled: bool = True
    """Write `_reports/<run>.html` after a run that analysed something."""
    max_videos: int = Field(48, ge=1, le=1000)
    """Newest videos shown in it at most."""


class Config(Section):
    """Everything that can be set."""

    archive: ArchiveConfig = ArchiveConfig()
    media: MediaConfig = MediaConfig()
    shots: ShotsConfig = ShotsConfig()
    keyframes: KeyframesConfig = KeyframesConfig()
    speech: SpeechConfig = SpeechConfig()
    speakers: SpeakersConfig = SpeakersConfig()
    text: TextConfig = TextConfig()
    vision: VisionConfig = VisionConfig()
    ocr: OcrConfig = OcrConfig()
    captions: CaptionsConfig = CaptionsConfig()
    scenes: ScenesConfig = ScenesConfig()
    fusion: FusionConfig = FusionConfig()
    topics: TopicsConfig = TopicsConfig()
    keyphrases: KeyphrasesConfig = KeyphrasesConfig()
    summary: SummaryConfig = SummaryConfig()
    limits: LimitsConfig = LimitsConfig()
    workers: WorkersConfig = WorkersConfig()
    shards: ShardsConfig = ShardsConfig()
    search: SearchConfig = SearchConfig()
    report: ReportConfig = ReportConfig()


ANALYSIS_SECTIONS = (
    "media", "shots", "keyframes", "speech", "speakers", "text", "vision", "ocr", "captions", "scenes", "fusion",
    "topics", "keyphrases", "summary",
)  # fmt: skip
"""The sections that enter the revision: change one and videos are analysed again."""
