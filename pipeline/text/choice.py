"""Which text encoders a configuration means: one, or an English and a multilingual one."""

from schemas.config import TextConfig

BOTH = " + "
"""Stands between the ids of the models of one space."""


def chosen_text_configs(config: TextConfig) -> tuple[TextConfig, ...]:
    """Return the settings of each encoder that is wanted, with its model's id in `model`.

    `auto` means both, the English one first, where a multilingual one is named; else the English one alone.
    """
    if config.model != "auto":
        return (config,)
    english = config.model_copy(update={"model": config.english_model})
    if config.multilingual_model == "none":
        return (english,)
    multilingual = {"model": config.multilingual_model, "pooling": config.multilingual_pooling}
    return english, config.model_copy(update=multilingual)


def text_config_of(space: str, config: TextConfig) -> TextConfig:
    """Return settings by which queries are encoded as the vectors of a space were.

    Args:
        space: Id of the space, as the columns' metadata has it: that of a model, or those of both.
        config: The other settings.
    """
    if BOTH.join(chosen.model for chosen in chosen_text_configs(config)) == space:
        return config
    english, both, multilingual = space.partition(BOTH)
    if not both:
        return config.model_copy(update={"model": space})
    return config.model_copy(update={"model": "auto", "english_model": english, "multilingual_model": multilingual})
