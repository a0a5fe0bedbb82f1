"""Templates: everything in them is escaped."""

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from starlette.responses import HTMLResponse

from flows.web import film, wording
from pipeline.lake import file_name

_FOLDER = Path(__file__).parent
_COMPRESSED = {"cache-control": "private, no-cache"}


@cache
def environment() -> jinja2.Environment:
    """Return the templates, with what they may call."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "alike": wording.alike,
        "begin_s": film.begin_s,
        "clock": wording.clock,
        "file_name": file_name,
        "lang": wording.lang,
        "language": wording.language_name,
        "megabytes": wording.megabytes,
        "percent": wording.percent,
        "spoken_line": film.spoken_line,
        "spelled": wording.spelled_length,
        "remedy": wording.what_to_do,
        "marked": wording.marked,
        "query": urlencode,
        "seconds": lambda value: f"{float(value):.2f}".rstrip("0").rstrip("."),
    }
    return made


def render_text(template: str, **context: Any) -> str:  # noqa: ANN401 - what templates take
    """Fill a template."""
    return environment().get_template(template).render(**context)


def render(template: str, *, status: int = 200, **context: Any) -> HTMLResponse:  # noqa: ANN401
    """Fill a template as an answer."""
    return HTMLResponse(render_text(template, **context), status_code=status, headers=_COMPRESSED)


@cache
def static_text(name: str) -> str:
    """Return a file of `static/`."""
    return (_FOLDER / "static" / name).read_text(encoding="utf-8")
