"""Whether the extra `server` of the distribution is installed. Imports nothing of it."""

from __future__ import annotations

from importlib.util import find_spec

from llm.errors import InputError

_NEEDED = ("anyio", "jinja2", "prometheus_client", "starlette", "uvicorn")


def refuse_missing(command: str) -> None:
    """InputError where the server's libraries are not there."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        words = f"needs {', '.join(missing)}: install the extra, pip install 'torre-llm[server]'"
        raise InputError(command, words)
