"""The templates of the pages, and answers made of them."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from starlette.responses import HTMLResponse

from flows.web import wording
from pipeline.view import make_environment

_FOLDER = Path(__file__).parent
_CACHING = {"cache-control": "private, no-cache"}


@cache
def environment() -> jinja2.Environment:
    """Return the templates with their filters."""
    filters: dict[str, Callable[..., Any]] = {
        "by_kind": wording.by_kind,
        "mention_times": wording.mention_times,
        "similar_params": wording.similar_params,
        "lang": wording.lang,
        "language": wording.language_name,
        "marked": wording.marked,
        "query": urlencode,
        "remedy": wording.what_to_do,
        "seconds": lambda value: f"{float(value):.2f}".rstrip("0").rstrip("."),
    }
    return make_environment(_FOLDER / "templates", filters)


def render_text(template: str, **context: Any) -> str:  # noqa: ANN401 - what templates take
    """Fill a template."""
    return environment().get_template(template).render(**context)


def render(template: str, *, status: int = 200, **context: Any) -> HTMLResponse:  # noqa: ANN401
    """Fill a template and return it as a response."""
    return HTMLResponse(render_text(template, **context), status_code=status, headers=_CACHING)


@cache
def static_text(name: str) -> str:
    """Return a file of `static/`."""
    return (_FOLDER / "static" / name).read_text(encoding="utf-8")
