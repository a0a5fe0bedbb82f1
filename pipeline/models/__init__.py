"""Models: which ones a configuration uses, where they are, their licences and digests. Each step loads its own.

Names are loaded when they are first used: many commands only ask for the cache folder.
"""

from typing import TYPE_CHECKING

from schemas.lazy_names import lazy_names

if TYPE_CHECKING:
    from pipeline.models.arrays import cached_array
    from pipeline.models.batches import BatchSize, batch_size
    from pipeline.models.cache import cache_dir, is_writable, temporary_folder, written_whole
    from pipeline.models.device import (
        bf16_is_native,
        choose_device,
        default_threads,
        onnx_device,
        onnx_providers,
        onnx_session,
        runs_on,
        set_threads,
        share_threads,
    )
    from pipeline.models.digests import DIGEST_LENGTH, weight_files
    from pipeline.models.embedded import EMBEDDED_PREFIX, EmbeddedModel, embedded_models
    from pipeline.models.faults import device_faults, is_out_of_memory, loading_faults
    from pipeline.models.fetching import fetch
    from pipeline.models.info import ModelInfo
    from pipeline.models.loading import LOAD_ERRORS, LOAD_OPTIONS, load_pretrained, longest_input, quiet_transformers
    from pipeline.models.outputs import OutputCheck
    from pipeline.models.plugins import allow_python_models, check_python_models, is_plugin, make_plugin
    from pipeline.models.protocols import (
        CaptionModel,
        FusionModel,
        NameModel,
        ObjectModel,
        SoundModel,
        SpeakerModel,
        TextModel,
        VisionModel,
    )
    from pipeline.models.resolution import resolve
    from pipeline.models.roster import (
        BOTH,
        Roster,
        fusion_model,
        joined_space,
        multilingual_dimensions,
        roster_of,
        settle,
        text_config_of,
        text_configs,
    )

__all__ = [
    "BOTH",
    "DIGEST_LENGTH",
    "EMBEDDED_PREFIX",
    "LOAD_ERRORS",
    "LOAD_OPTIONS",
    "BatchSize",
    "CaptionModel",
    "EmbeddedModel",
    "FusionModel",
    "ModelInfo",
    "NameModel",
    "ObjectModel",
    "OutputCheck",
    "Roster",
    "SoundModel",
    "SpeakerModel",
    "TextModel",
    "VisionModel",
    "allow_python_models",
    "batch_size",
    "bf16_is_native",
    "cache_dir",
    "cached_array",
    "check_python_models",
    "choose_device",
    "default_threads",
    "device_faults",
    "embedded_models",
    "fetch",
    "fusion_model",
    "is_out_of_memory",
    "is_plugin",
    "is_writable",
    "joined_space",
    "load_pretrained",
    "loading_faults",
    "longest_input",
    "make_plugin",
    "multilingual_dimensions",
    "onnx_device",
    "onnx_providers",
    "onnx_session",
    "quiet_transformers",
    "resolve",
    "roster_of",
    "runs_on",
    "set_threads",
    "settle",
    "share_threads",
    "temporary_folder",
    "text_config_of",
    "text_configs",
    "weight_files",
    "written_whole",
]

__getattr__ = lazy_names(
    __name__,
    {
        "arrays": ("cached_array",),
        "batches": ("BatchSize", "batch_size"),
        "cache": ("cache_dir", "is_writable", "temporary_folder", "written_whole"),
        "device": (
            "bf16_is_native",
            "choose_device",
            "default_threads",
            "onnx_device",
            "onnx_providers",
            "onnx_session",
            "runs_on",
            "set_threads",
            "share_threads",
        ),
        "digests": ("DIGEST_LENGTH", "weight_files"),
        "embedded": ("EMBEDDED_PREFIX", "EmbeddedModel", "embedded_models"),
        "faults": ("device_faults", "is_out_of_memory", "loading_faults"),
        "fetching": ("fetch",),
        "info": ("ModelInfo",),
        "loading": ("LOAD_ERRORS", "LOAD_OPTIONS", "load_pretrained", "longest_input", "quiet_transformers"),
        "outputs": ("OutputCheck",),
        "plugins": ("allow_python_models", "check_python_models", "is_plugin", "make_plugin"),
        "protocols": (
            "CaptionModel",
            "FusionModel",
            "NameModel",
            "ObjectModel",
            "SoundModel",
            "SpeakerModel",
            "TextModel",
            "VisionModel",
        ),
        "resolution": ("resolve",),
        "roster": (
            "BOTH",
            "Roster",
            "fusion_model",
            "joined_space",
            "multilingual_dimensions",
            "roster_of",
            "settle",
            "text_config_of",
            "text_configs",
        ),
    },
)
