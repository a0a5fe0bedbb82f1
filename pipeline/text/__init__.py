"""Text becomes vectors."""

from pipeline.text.choice import chosen_text_configs, text_config_of
from pipeline.text.encoder import TextEncoder

__all__ = ["TextEncoder", "chosen_text_configs", "text_config_of"]
