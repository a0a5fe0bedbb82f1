"""HTML templates. Everything that goes into one is escaped."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from pipeline.lake import file_name, well_formed
from pipeline.language import format_time
from pipeline.view.evidence import evidence_start_s, evidence_utterance
from pipeline.view.wording import (
    KIND_WORDS,
    format_score,
    format_share,
    format_size,
    percent,
    spell_duration,
    weights_reason,
)


def make_environment(folder: Path, filters: Mapping[str, Callable[..., Any]] | None = None) -> jinja2.Environment:
    """Return the templates of a folder, with the filters that write times, sizes, scores and reasons.

    Args:
        folder: Where the templates are.
        filters: More filters by name.
    """
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "base64": lambda data: b64encode(data).decode(),
        "clock": format_time,
        "evidence_start_s": evidence_start_s,
        "evidence_utterance": evidence_utterance,
        "file_name": file_name,
        "kind_words": KIND_WORDS.__getitem__,
        "percent": percent,
        "score": format_score,
        "share": format_share,
        "size": format_size,
        "spelled": spell_duration,
        "weights_reason": weights_reason,
        "well_formed": well_formed,
        **(filters or {}),
    }
    return made


def render_page(template: str, **context: Any) -> str:  # noqa: ANN401 - what templates take
    """Fill a template of this package."""
    return _environment().get_template(template).render(**context)


@cache
def _environment() -> jinja2.Environment:
    return make_environment(Path(__file__).parent / "templates")
