"""The forms in which an encoder was trained to read questions and texts. E5 (Wang et al. 2022) has one for each."""

import re
from dataclasses import dataclass

_E5 = re.compile(r"(^|[-_:])e5[-_]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Forms:
    """What to put before a text, by its role; empty for encoders that make no difference."""

    query: str = ""
    """Before a question, to be compared with passages."""
    passage: str = ""
    """Before everything else."""


def forms_of(model_id: str) -> Forms:
    """Return the forms of a text encoder by its name: those of E5, or none.

    Args:
        model_id: `embedded:<name>`, a folder or a Hub id.
    """
    name = model_id.rstrip("/").rpartition("/")[2]
    return Forms("query: ", "passage: ") if _E5.search(name) and "instruct" not in name.lower() else Forms()


def is_multilingual_e5(model_id: str) -> bool:
    """Return whether an encoder is a multilingual E5, whose vectors are corrected by `Languages`."""
    return bool(forms_of(model_id).query) and "multilingual" in model_id.rpartition("/")[2].lower()
