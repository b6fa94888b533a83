"""Templates to pages. All that is told is escaped, and nothing that a terminal or a browser would obey is left in
it: names, logs and diffs come from strangers."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from llm.server.dashboard.charts.waterfall import share_bar, span_bar, split_bar
from llm.server.dashboard.view import words
from llm.server.dashboard.view.diff import diff_lines
from llm.server.dashboard.view.files import static_files
from llm.server.guard import LOCAL, NOBODY
from llm.triage.clean import strip_control

_TEMPLATES = Path(__file__).parents[1] / "templates"
_FILTERS = (
    *(words.money, words.duration, words.share, words.count, words.moment, words.iso),
    *(words.outcome, words.cause, words.place),
)
NAVIGATION = (
    ("/", "Overview"),
    ("/quotas", "Quotas"),
    ("/providers", "Providers"),
    ("/speed", "Speed"),
    ("/runs", "Runs"),
)


def page(request: Request, template: str, status: int = 200, **told: Any) -> HTMLResponse:
    """One page for whoever asks, with what they may do."""
    who = request.scope.get("state", {}).get("principal", NOBODY)
    files = {name: place for name, (place, _, _) in static_files().items()}
    known = {"who": who, "may": {str(scope) for scope in who.scopes}, "keyless": who is LOCAL, "files": files}
    text = (
        _environment()
        .get_template(template)
        .render(**known, path=request.url.path, navigation=NAVIGATION, **{"view": None, **told})
    )
    return HTMLResponse(text.encode("utf-8", "replace"), status)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_plain,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update({told.__name__: told for told in _FILTERS}, exactly=_exactly)
    made.globals.update(span_bar=span_bar, share_bar=share_bar, split_bar=split_bar)
    made.globals.update(diff_lines=diff_lines, caps=words.CAPS)
    return made


def _exactly(value: object) -> Markup:
    """What is sent back as it is: escaped, but with every character that it has."""
    return escape(value)


def _plain(value: Any) -> Any:
    return strip_control(value) if isinstance(value, str) and not isinstance(value, Markup) else value
