"""Find a plugin by its file name: to add one is to add one file.

A room (`llm/triage/parsers`, `llm/checks/tools`, …) holds one module a plugin, each with a module-level object
of the agreed name. Files are listed without being imported; a module is imported when it is first asked for.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parent


@cache
def names(room: str) -> tuple[str, ...]:
    """The bare names of the plugins in a room such as `checks.tools`, sorted, nothing imported."""
    folder = _ROOT.joinpath(*room.split("."))
    return tuple(sorted(f.stem for f in folder.glob("*.py") if not f.stem.startswith("_")))


def load(room: str, name: str, attribute: str) -> Any:
    """The plugin object `attribute` of module `name` in `room`. AttributeError and ImportError are bugs."""
    return getattr(import_module(f"llm.{room}.{name}"), attribute)


def load_all(room: str, attribute: str) -> tuple[Any, ...]:
    """Every plugin object of a room, in the order of the names."""
    return tuple(load(room, name, attribute) for name in names(room))
