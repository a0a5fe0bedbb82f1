"""Models: finding them by id, their licences and digests, and where they run. Loading is each step's own."""

from pipeline.models.arrays import cached_array
from pipeline.models.cache import cache_dir
from pipeline.models.device import bf16_is_native, choose_device, set_threads
from pipeline.models.info import ModelInfo
from pipeline.models.licences import EmbeddedModel, embedded_models
from pipeline.models.plugins import is_plugin, make_plugin
from pipeline.models.resolve import resolve

__all__ = [
    "EmbeddedModel",
    "ModelInfo",
    "bf16_is_native",
    "cache_dir",
    "cached_array",
    "choose_device",
    "embedded_models",
    "is_plugin",
    "make_plugin",
    "resolve",
    "set_threads",
]
