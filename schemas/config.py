"""The configuration: one typed tree. Unknown keys are errors, and every default works on a laptop.

The sections in `ANALYSIS_SECTIONS` determine the results and are part of the revision. The other sections determine
where and how the work runs, and are not. `videolake config` prints the docstrings below each setting.
"""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

COMPOSED = "composed"
"""Captions without a model, in `captions.model` and in the column `caption_source`."""
NO_TAXONOMY = "none"
"""No topics, in `topics.taxonomy`."""
NO_NAMES = "none"
"""No model, in `entities.model`."""
OCR_MODEL = "embedded:pp-ocrv6"
"""The model of `ocr.engine = "rapidocr"`."""
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]+)*")
NO_DETECTOR = "none"
"""No objects, in `objects.model`."""
SPEAKER_MODEL = "embedded:campplus"
"""The model of `speakers.model = "auto"`, if it is installed."""
SOUND_MODEL = "embedded:firered-aed"
"""The model of `sounds.model = "auto"`, if it is installed."""


class Section(BaseModel):
    """Base of all sections: immutable, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


SMALL_FILE_BYTES = 64 * 1024**2
"""With `archive.digest = "auto"`, files up to this size are read whole."""


class ArchiveConfig(Section):
    """Which files of the archive are analysed, and how their content is identified."""

    extensions: tuple[str, ...] = (
        "264", "265", "3g2", "3gp", "aa", "aac", "aax", "ac3", "aif", "aifc", "aiff", "amr", "amv", "ape", "asf", "au",
        "avi", "awb", "caf", "dav", "dif", "divx", "dsf", "dts", "dv", "dvr-ms", "eac3", "ec3", "evo", "f4a", "f4b",
        "f4v", "flac", "flv", "gif", "gxf", "h264", "h265", "hevc", "insv", "isma", "ismv", "ivf", "lrv", "m1v", "m2p",
        "m2t", "m2ts", "m2v", "m4a", "m4b", "m4p", "m4r", "m4v", "mj2", "mjpeg", "mjpg", "mk3d", "mka", "mkv", "mod",
        "mov", "mp2", "mp3", "mp4", "mpa", "mpc", "mpe", "mpeg", "mpg", "mpga", "mpv", "mts", "mxf", "nsv", "nut",
        "nuv", "oga", "ogg", "ogm", "ogv", "ogx", "oma", "opus", "pva", "qt", "ra", "rm", "rmvb", "snd", "spx", "tod",
        "tp", "trp", "ts", "tta", "ty", "vob", "voc", "vro", "w64", "wav", "weba", "webm", "wma", "wmv", "wtv", "wv",
        "xvid", "y4m",
    )  # fmt: skip
    """Extensions of the files to include from folders, in lower case without a dot. Files given one by one are always
    included."""
    digest: Literal["auto", "full", "sampled"] = "auto"
    """How to identify the content of a new file. `auto` reads files up to 64 MiB whole, and samples of larger ones; it
    reads those whole only if another file has the same samples, and on S3 it recognises copies by their ETags. `full`
    reads every byte. `sampled` reads at most 4 MiB, and takes files of one size with the same samples for copies."""
    schemes: tuple[str, ...] | None = None
    """Schemes of the URIs that this run may read, such as `s3`; `file` for local files. If unset, all that the machine
    allows (`VIDEOLAKE_ALLOWED_SCHEMES`, docs/archives.md); never more than those."""
    retry_failed: bool = False
    """Whether to retry videos that failed with a permanent error, such as a damaged file."""


class MediaConfig(Section):
    """How a file is decoded."""

    sample_interval_s: float = Field(1.0, gt=0, le=60)
    """Seconds between candidates for keyframes. Every shot gets a candidate, however short it is."""
    max_side_px: int = Field(1280, ge=160, le=7680)
    """Maximum length of the longer side of the frames that models see, in pixels."""
    audio_track: int | str | None = None
    """Audio track to analyse: its number, counted from 0, or its language, as an ISO 639 code. If unset, the default
    track of the file; if nobody speaks there, another track in which somebody does."""

    @field_validator("audio_track", mode="before")
    @classmethod
    def _number_or_language(cls, value: object) -> object:
        text = str(value)
        if value is None or _LANGUAGE.fullmatch(text):
            return value
        if text.isdecimal():
            return int(text)
        raise ValueError("give the number of a track, counted from 0, or a language code, such as de or deu")


class ShotsConfig(Section):
    """Where shots start and end."""

    detector: Literal["hybrid", "transnetv2", "content"] = "hybrid"
    """`hybrid`: a cheap detector proposes transitions and TransNetV2 scores them. `transnetv2`: the network scores
    every frame. `content`: only the cheap detector."""
    model: str = "embedded:transnetv2"
    """Weights of TransNetV2: `embedded:transnetv2`, or a file or folder."""
    threshold: float = Field(0.5, gt=0, lt=1)
    """Minimum probability of a transition found by TransNetV2."""
    slides: bool = True
    """Whether a shot also starts where part of a still image changes for good, as with a new slide."""
    min_shot_s: float = Field(0.2, ge=0)
    """Minimum length of a shot in seconds. Shorter ones are joined to the previous shot."""


class KeyframesConfig(Section):
    """Which frames become keyframes."""

    interval_s: float = Field(10.0, gt=0)
    """A shot gets one keyframe for each interval of this many seconds. In the first interval of a video, it gets one
    for each quarter of it."""
    duplicate_distance: int = Field(6, ge=0, le=64)
    """A keyframe is dropped as a duplicate of a recent one if their perceptual hashes differ in at most this many of 64
    bits. Every shot keeps at least one keyframe."""
    thumbnail_width_px: int = Field(320, ge=64, le=1920)
    """Width of the stored thumbnail in pixels."""
    thumbnail_quality: int = Field(80, ge=1, le=100)
    """JPEG quality of the thumbnail."""


ChannelMode = Literal["auto", "mix", "split"]


class SpeechConfig(Section):
    """How speech is recognised."""

    engine: Literal["auto", "faster-whisper", "openai-whisper", "none"] = "auto"
    """Implementation of Whisper. `auto` is faster-whisper for CTranslate2 models, such as the embedded one, and
    openai-whisper for others: both have the same word error rate, and faster-whisper is faster. `none` turns speech
    recognition off."""
    model: str = "embedded:whisper-base"
    """Whisper weights: `embedded:whisper-base`, a folder, or a Hub id."""
    language: str | None = None
    """Spoken language, as an ISO 639-1 code. If unset, it is detected, and again where it changes."""
    channels: ChannelMode = "auto"
    """What to do with the channels of the audio. `mix` mixes them to one. `split` recognises each by itself, and their
    speakers are different ones. `auto` splits two channels while they hold different voices, as in a call or an
    interview with one microphone each, and otherwise mixes them."""
    beam_size: int = Field(5, ge=1, le=20)
    """Beams of the decoder, for windows that greedy decoding is unsure of. 1 is greedy decoding for all."""
    min_greedy_logprob: float = -0.15
    """A window is decoded again with `beam_size` beams if the mean token log-probability of greedy decoding is below
    this. 0 decodes nearly all windows again."""
    batch_size: int = Field(8, ge=1, le=128)
    """Windows per batch."""
    compute_type: str = "auto"
    """Precision of CTranslate2. `auto` is int8 on a CPU and float16 on a GPU."""
    translate: bool = False
    """Whether to also translate speech in other languages into English. Whisper "turbo" models cannot translate."""
    word_times: bool = True
    """Whether to compute the start and end of each word."""
    vad_threshold: float = Field(0.5, gt=0, lt=1)
    """Minimum probability for 32 ms of audio to count as speech."""
    min_speech_s: float = Field(0.25, ge=0)
    """Minimum length of speech in seconds. Shorter bursts are ignored."""
    max_no_speech_prob: float = Field(0.6, ge=0, le=1)
    """A window is silence if its no-speech probability is above this and its `avg_logprob` is below
    `min_avg_logprob`."""
    min_avg_logprob: float = -1.0
    """Segments whose mean token log-probability is below this are marked as doubtful."""
    max_compression_ratio: float = 2.4
    """Segments whose zlib compression ratio is above this are treated as repetitions."""


class SpeakersConfig(Section):
    """How speakers are distinguished."""

    model: str = "auto"
    """Speaker encoder. `auto` is `embedded:campplus` if it is installed, otherwise `none`. It can also be a folder or
    file with CAM++ weights, or a model of your own (`plugin:<name>`, `python:package.module:Factory`)."""
    threshold: float = Field(0.35, ge=-1, le=1)
    """Minimum mean cosine similarity at which two groups of voice vectors are the same speaker. A lower value finds
    fewer speakers."""
    max_speakers: int = Field(20, ge=1, le=1000)
    """Maximum number of speakers per video. Those who speak most are kept."""


class SoundsConfig(Section):
    """Which kinds of sound are heard, and when."""

    model: str = "auto"
    """Sound model. `auto` is `embedded:firered-aed`, which knows speech, music and singing, if it is installed,
    otherwise `none`. It can also be a folder or Hub id of an audio classifier, such as AST, which also knows applause,
    laughter, sirens and more, or of a CLAP model, which listens for `names`; or a model of your own (`plugin:<name>`,
    `python:package.module:Factory`). `none` turns the step off."""
    min_score: float = Field(0.5, gt=0, lt=1)
    """Minimum score at which a sound is heard. It ends when its score falls below 0.6 of this."""
    names: tuple[str, ...] = ()
    """Sounds that a CLAP model listens for, as in `a siren`. If empty, a list of 40 common ones."""
    batch_size: int = Field(8, ge=1)
    """Windows per batch, for a model that is not embedded."""


class TextConfig(Section):
    """How text becomes vectors."""

    model: str = "auto"
    """BERT-like text encoder: `embedded:minilm`, a folder, a Hub id, or a model of your own (`plugin:<name>`,
    `python:package.module:Factory`). `auto` encodes every text with `multilingual_model`, so that a question in any
    language finds speech in any other, and English also with `english_model`, which is better at it."""
    english_model: str = "embedded:minilm"
    """With `auto`, the second encoder of English texts. Topics, keyphrases, scenes and summaries of videos in English
    or without speech follow from it alone."""
    multilingual_model: str = "embedded:multilingual-e5-small"
    """With `auto`, the encoder of texts in all languages. `none` uses the English one for all."""
    pooling: Literal["mean", "cls"] = "mean"
    """How the token vectors of a text become one vector."""
    multilingual_pooling: Literal["mean", "cls"] = "mean"
    """The same as `pooling`, for `multilingual_model`."""
    batch_tokens: int = Field(1024, ge=64)
    """Tokens per batch, including padding."""
    max_tokens: int = Field(256, ge=8)
    """Maximum length of a text in tokens. Longer texts are cut."""


class VisionConfig(Section):
    """How frames become vectors and labels."""

    model: str = "embedded:efficientnet-lite0"
    """Frame encoder: `embedded:efficientnet-lite0`, a folder or Hub id of a CLIP-like or image classification model,
    or a model of your own (`plugin:<name>`, `python:package.module:Factory`)."""
    batch_size: int = Field(16, ge=1)
    """Frames per batch."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of the model. `auto` is bfloat16 if the processor supports it natively, otherwise float32."""
    labels: int = Field(5, ge=0, le=100)
    """Maximum number of labels per frame."""
    min_label_score: float = Field(0.05, ge=0, le=1)
    """Minimum probability of a label."""


class OcrConfig(Section):
    """How on-screen text is read."""

    engine: Literal["rapidocr", "none"] = "rapidocr"
    """Text recognition engine. `none` turns it off."""
    min_score: float = Field(0.7, ge=0, le=1)
    """Minimum confidence of a line of text."""
    max_side_px: int = Field(960, ge=160)
    """Maximum length of the longer side of the image that the text detector sees, in pixels."""


class ObjectsConfig(Section):
    """How objects are detected in keyframes."""

    model: str = "embedded:ssd-mobilenet-v2"
    """Object detector: `embedded:ssd-mobilenet-v2`, which knows the 80 classes of COCO; a folder or Hub id of an
    RT-DETR, DETR or similar model with safetensors; a model of your own (`plugin:<name>`,
    `python:package.module:Factory`); or `none`."""
    batch_size: int = Field(8, ge=1)
    """Frames per batch."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of the model, as in `vision.precision`."""
    min_score: float = Field(0.45, gt=0, le=1)
    """Minimum score of an object. docs/understanding.md says what a lower value finds, and how often it is wrong."""


class CaptionsConfig(Section):
    """How keyframes are captioned."""

    model: str = COMPOSED
    """`composed` builds captions from objects, labels, on-screen text and speech. It can also be a folder or Hub id of
    an image-to-text model with safetensors, such as BLIP or GIT, or a model of your own (`plugin:<name>`,
    `python:package.module:Factory`)."""
    batch_size: int = Field(8, ge=1)
    """Frames per batch."""
    max_tokens: int = Field(40, ge=1, le=1000)
    """Maximum length of a caption in tokens of the model."""
    beam_size: int = Field(1, ge=1, le=20)
    """Beams of the decoder; 1 is greedy decoding."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of the model, as in `vision.precision`."""
    prompt: str = "Say in one sentence what this image shows."
    """Prompt for a chat model. Other models take no prompt."""


class ScenesConfig(Section):
    """How shots are grouped into scenes."""

    min_scene_s: float = Field(4.0, ge=0)
    """Minimum length of a scene in seconds. Shorter ones are joined to the more similar neighbour."""
    max_scene_s: float = Field(180.0, gt=0)
    """Maximum length of a scene in seconds. Longer ones are split where neighbouring shots are least similar; a single
    shot is never split."""
    similarity: float = Field(0.55, ge=-1, le=1)
    """Minimum cosine similarity of the fused vectors of neighbouring shots in the same scene."""


class FusionConfig(Section):
    """How text and vision are combined."""

    method: str = Field("early", pattern=r"^(early|projected|hybrid|plugin:.+|python:.+)$")
    """How the text and frames of a scene become one vector. `early` concatenates their vectors. `projected` adds them
    in the space that text and images share. `hybrid` does the same after cross-attention between them. It can also be
    a method of your own (`plugin:<name>`, `python:package.module:Factory`)."""
    text_weight: float = Field(0.7, ge=0, le=1)
    """Weight of text, against frames, in scenes that have both. 0.7 suits the embedded vision model (docs/fusion.md).
    A stronger vision model, such as CLIP, should get more weight, so use a lower value."""
    hybrid_weights: str | None = None
    """Folder written by `videolake train-fusion`. If unset, `hybrid` uses its closed form, which needs no training."""


class TopicsConfig(Section):
    """The topics of scenes and videos."""

    taxonomy: str = "general"
    """Topics to choose from: `general`, the path of a TOML file in the format that `videolake taxonomy` prints, or
    `none`."""
    count: int = Field(3, ge=0, le=100)
    """Maximum number of topics per scene and per video."""
    min_score: float = Field(0.3, ge=0, le=1)
    """Minimum score of a topic. The score is the probability that the topic is right; docs/understanding.md says how
    well it holds."""


class KeyphrasesConfig(Section):
    """The keyphrases of scenes and videos, from speech and on-screen text."""

    count: int = Field(6, ge=0, le=100)
    """Maximum number of keyphrases per scene and per video. 0 turns keyphrases off."""
    diversity: float = Field(0.4, ge=0, le=1)
    """0 selects the phrases most similar to the whole text, 1 the phrases that differ most from each other."""


class EntitiesConfig(Section):
    """The names in speech, on-screen text and subtitles: people, places, organisations, dates and works."""

    model: str = "embedded:en-core-web-sm"
    """Named entity recogniser. The embedded one reads only English. For other languages, a folder or Hub id of a token
    classification model, or a model of your own (`plugin:<name>`, `python:package.module:Factory`); it then reads all
    texts. `none` finds only the names of the gazetteer."""
    gazetteer: str | None = None
    """CSV file with names that you know, and their Wikidata ids (docs/names.md). They are found in all languages."""
    respell: bool = True
    """Whether a name that is on screen corrects the spelling of the same name in the transcript."""
    min_score: float = Field(0.6, ge=0, le=1)
    """Minimum probability of a name, for models that state one. The embedded model does not."""
    batch_size: int = Field(32, ge=1)
    """Texts per batch."""


class SummaryConfig(Section):
    """What the summary of a video contains."""

    sentences: int = Field(5, ge=1, le=100)
    """Maximum number of sentences."""
    redundancy: float = Field(0.3, ge=0, le=1)
    """0 selects the most central sentences, 1 the most different ones (maximal marginal relevance)."""
    highlights: int = Field(5, ge=0, le=100)
    """Maximum number of highlights."""
    keyframes: int = Field(8, ge=0, le=100)
    """Maximum number of keyframes in the storyboard."""
    min_chapter_s: float = Field(30.0, gt=0)
    """Minimum length of a chapter in seconds, unless the video is shorter."""
    model: str | None = None
    """Model that also writes an abstract: a folder or Hub id of a summariser (BART, T5, Pegasus) or an instruct model
    (Llama, Qwen, Mistral). If unset, there is no abstract."""
    nli_model: str | None = None
    """Natural language inference model. If set, it drops sentences of the abstract that do not follow from their
    evidence."""
    max_input_tokens: int = Field(4096, ge=64)
    """Maximum number of tokens that the model reads at once, unless its own limit is lower. Longer videos are read in
    parts."""
    batch_size: int = Field(4, ge=1)
    """Texts per batch."""


class LimitsConfig(Section):
    """Limits for a single video and for a run. A video that exceeds a limit gets a row in `errors`."""

    max_duration_s: float = Field(24 * 3600.0, gt=0)
    """Maximum duration of a video in seconds. Longer videos are refused."""
    max_pixels: int = Field(8192 * 8192, gt=0)
    """Maximum number of pixels in a frame. Videos with larger frames are refused."""
    timeout_s: float = Field(3600.0, gt=0)
    """Maximum time for the analysis of a video in seconds, apart from `timeout_factor`. A video that takes longer
    fails. Each attempt is timed by itself."""
    timeout_factor: float = Field(6.0, ge=0)
    """Additional time per second of video. With the defaults, a video of 10 hours may take 61 hours."""
    max_attempts: int = Field(3, ge=1)
    """Maximum number of attempts to analyse a video whose worker crashes. After that, the video fails. Attempts that
    ended with a lost node or a broken GPU do not count."""
    max_videos: int | None = Field(None, ge=1)
    """Maximum number of videos to analyse in this run. The rest wait for the next run."""

    def time_limit_s(self, duration_s: float) -> float:
        """Return the maximum time for the analysis of a video in seconds.

        Args:
            duration_s: Its duration, or how much of it is known so far.
        """
        # A wrong header may state any duration.
        return self.timeout_s + self.timeout_factor * min(duration_s, self.max_duration_s)


class WorkersConfig(Section):
    """Where the work runs."""

    engine: Literal["ray", "inline"] = "ray"
    """`ray` runs worker processes. `inline` runs everything in this process, for debugging."""
    ray_address: str | None = None
    """Address of a Ray cluster (`auto` or `host:port`). If unset, `RAY_ADDRESS`, or else a new local
    cluster."""
    max_workers: int | None = Field(None, ge=1)
    """Maximum number of workers. If unset, as many as fit the cluster and what its autoscaler can add."""
    num_cpus: float | None = Field(None, gt=0)
    """CPUs per worker. If unset, an equal share of the node: of two CPUs or more, or with GPUs, for each worker that
    fits on them."""
    num_gpus: float | None = Field(None, ge=0)
    """GPUs per worker, which can be a fraction. If unset, 0.5 on nodes with GPUs and 0 on others. If set, only nodes
    with that much are used."""
    threads: int | None = Field(None, ge=1)
    """Threads of the decoder and of each model. If unset, the number of CPUs of the worker, or up to 8 if there are
    fewer videos than workers; with `inline`, `OMP_NUM_THREADS` or all CPUs that the process may use."""
    videos_at_once: int = Field(2, ge=1, le=16)
    """Maximum number of videos that a worker on Ray analyses at the same time, with the same models. While one is
    decoded, another one is transcribed. No more than it has threads, and only one with a GPU."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where models run. `auto` is `cuda` on nodes with a GPU and `cpu` on others. `cuda` uses only nodes with a GPU."""
    decode_ahead: int = Field(8, ge=1)
    """Maximum number of decoded items that wait for the analysis."""


class ShardsConfig(Section):
    """How the work is split into shards. A shard is one Prefect task and one commit. All shards share the workers."""

    max_videos: int = Field(64, ge=1)
    """Maximum number of videos per shard."""
    max_bytes: int = Field(8 * 1024**3, ge=1)
    """Maximum size of a shard in bytes of video. A larger video is a shard of its own. For a video whose duration is
    known from an earlier analysis, 500 kB count per second."""
    retries: int = Field(2, ge=0)
    """Maximum number of retries of a failed shard."""
    retry_delay_s: float = Field(10.0, ge=0)
    """Seconds before the first retry. The delay doubles with each retry."""


class LakeConfig(Section):
    """How a run writes the lake."""

    single_writer: bool = False
    """Whether to write to a store that cannot refuse a second writer. S3, GCS and Azure can. Set this only if no two
    runs write the lake at the same time: they would lose results."""


class SearchConfig(Section):
    """The search index of a lake."""

    index: Literal["auto", "never"] = "auto"
    """`auto`: a run updates the index if the lake has one or is large. `never`: only `videolake index` does."""
    index_from_moments: int = Field(100_000, ge=0)
    """Minimum number of moments in a large lake. In smaller lakes, search is as fast without an index."""


class ReportConfig(Section):
    """What a run reports: an HTML page in the lake, which Prefect links to, and when its failures matter."""

    enabled: bool = True
    """Whether to write `_reports/<run>.html` after a run that analysed at least one video."""
    max_videos: int = Field(48, ge=1, le=1000)
    """Maximum number of videos in the report. The newest are shown."""
    high_error_rate: float = Field(0.1, gt=0, le=1)
    """Share of the videos of a run whose failure is worth a notification (docs/schedule.md)."""


class Config(Section):
    """All settings."""

    archive: ArchiveConfig = ArchiveConfig()
    media: MediaConfig = MediaConfig()
    shots: ShotsConfig = ShotsConfig()
    keyframes: KeyframesConfig = KeyframesConfig()
    speech: SpeechConfig = SpeechConfig()
    speakers: SpeakersConfig = SpeakersConfig()
    sounds: SoundsConfig = SoundsConfig()
    text: TextConfig = TextConfig()
    vision: VisionConfig = VisionConfig()
    ocr: OcrConfig = OcrConfig()
    objects: ObjectsConfig = ObjectsConfig()
    captions: CaptionsConfig = CaptionsConfig()
    scenes: ScenesConfig = ScenesConfig()
    fusion: FusionConfig = FusionConfig()
    topics: TopicsConfig = TopicsConfig()
    keyphrases: KeyphrasesConfig = KeyphrasesConfig()
    entities: EntitiesConfig = EntitiesConfig()
    summary: SummaryConfig = SummaryConfig()
    limits: LimitsConfig = LimitsConfig()
    workers: WorkersConfig = WorkersConfig()
    shards: ShardsConfig = ShardsConfig()
    lake: LakeConfig = LakeConfig()
    search: SearchConfig = SearchConfig()
    report: ReportConfig = ReportConfig()


ANALYSIS_SECTIONS = (
    "media", "shots", "keyframes", "speech", "speakers", "sounds", "text", "vision", "ocr", "objects", "captions",
    "scenes", "fusion", "topics", "keyphrases", "entities", "summary",
)  # fmt: skip
"""The sections that are part of the revision: if one changes, videos are analysed again."""
