"""Read the stdin contract: one JSON object → `RepairRequest`. Anything else is refused, naming the field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llm.errors import InputError

if TYPE_CHECKING:  # a bad request is refused before anything heavier than `json` is imported
    from llm.domain import RepairRequest

MAX_BYTES = 64 << 20
"""The largest request that is read."""

_KEYS = ("logs", "files", "workspace", "checks", "assets", "meta", "context", "trace_id")

_ALLOW = ("paths", "suppressions")


def read_request(raw: bytes, **options: Any) -> RepairRequest:
    """The request in `raw` (UTF-8 JSON); `options` are fields of `RepairRequest` that the command line sets.

    Raises InputError: empty, too large, not JSON (with line and column), a duplicate or unknown key (with the
    nearest valid one), a value of the wrong type (with its path), or nothing to work on.
    """
    data = _object(raw)
    _refuse_unknown(data)
    if not any(data.get(key) for key in ("logs", "files", "workspace")):
        raise InputError("", "the request is empty: one of `logs`, `files`, `workspace` must be there")
    fields: dict[str, Any] = {
        "logs": _texts(data, "logs"),
        "files": _texts(data, "files"),
        "workspace": _workspace(data.get("workspace")),
        "checks": _checks(data.get("checks")),
        "assets": _assets(data),
        "meta": _meta(data),
        "context": _mapping(data, "context"),
        "trace_id": _trace_id(data.get("trace_id")),
    }
    from llm.domain import RepairRequest

    return RepairRequest(**fields, **options)


def new_trace_id() -> str:
    """A fresh id for a run."""
    import uuid

    return str(uuid.uuid4())


def nearest(word: str, valid: tuple[str, ...]) -> str:
    """ "; did you mean `x`?" for the closest valid word, else the list of all."""
    from difflib import get_close_matches

    close = get_close_matches(word, valid, n=1, cutoff=0.5)
    return f"did you mean `{close[0]}`?" if close else f"valid are {', '.join(valid)}"


def _object(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_BYTES:
        raise InputError("stdin", f"the request is larger than {MAX_BYTES >> 20} MiB")
    if not raw.strip():
        raise InputError("stdin", "nothing was given; a JSON object is expected")
    try:
        data = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise InputError("stdin", f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise InputError("stdin", f"not JSON: {error.msg} at line {error.lineno} column {error.colno}") from error
    except RecursionError as error:
        raise InputError("stdin", "nested too deeply") from error
    except ValueError as error:
        raise InputError("stdin", "a number has too many digits") from error
    if not isinstance(data, dict):
        raise InputError("stdin", f"expected a JSON object, got {_kind(data)}")
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise InputError(key, "the key is there twice")
        made[key] = value
    return made


def _refuse_unknown(data: Mapping[str, Any]) -> None:
    for key in data:
        if key not in _KEYS:
            raise InputError(key, f"unknown key; {nearest(key, _KEYS)} (`meta` takes anything else)")


def _kind(value: object) -> str:
    names: dict[type, str] = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")


def _mapping(data: Mapping[str, Any], field: str, told: str = "") -> Mapping[str, Any]:
    """`told`: what an error calls the field."""
    value = data.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InputError(told or field, f"expected an object, got {_kind(value)}")
    return value


def _meta(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Whatever it holds, but for `allow`: what a candidate may do in this run, as far as the policy lets it."""
    meta = _mapping(data, "meta")
    allow = _mapping(meta, "allow", "meta.allow")
    for key in allow:
        if key not in _ALLOW:
            raise InputError(f"meta.allow.{key}", f"unknown key; {nearest(key, _ALLOW)}")
    paths = allow.get("paths", [])
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise InputError("meta.allow.paths", "expected a list of globs")
    if not isinstance(allow.get("suppressions", False), bool):
        raise InputError("meta.allow.suppressions", f"expected a boolean, got {_kind(allow['suppressions'])}")
    return meta


def _texts(data: Mapping[str, Any], field: str) -> Mapping[str, str]:
    """An object whose values are all text that can be written down (no lone surrogate)."""
    texts = _mapping(data, field)
    for name, text in texts.items():
        _text(text, f"{field}.{name}")
        _text(name, f"{field} key")
    return texts


def _text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise InputError(field, f"expected a string, got {_kind(value)}")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(field, f"holds a lone surrogate at character {error.start}") from error
    return value


def _workspace(value: object) -> Path | None:
    if value is None:
        return None
    text = _text(value, "workspace")
    if not text or "\0" in text:
        raise InputError("workspace", "expected a path")
    return Path(text)


def _checks(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InputError("checks", f"expected a list of commands, got {_kind(value)}")
    for position, command in enumerate(value):
        if not _text(command, f"checks[{position}]").strip() or "\0" in command:
            raise InputError(f"checks[{position}]", "expected a command")
    return tuple(value)


def _assets(data: Mapping[str, Any]) -> Mapping[str, Any]:
    assets = _mapping(data, "assets")
    for name, asset in assets.items():
        field = f"assets.{name}"
        if not isinstance(asset, dict):
            raise InputError(field, f"expected an object with `media_type` and `base64`, got {_kind(asset)}")
        _text(asset.get("media_type"), f"{field}.media_type")
        _base64(asset.get("base64"), f"{field}.base64")
    return assets


def _base64(value: object, field: str) -> None:
    import base64
    import binascii

    try:
        base64.b64decode(_text(value, field), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(field, f"not base64: {error}") from error


def _trace_id(value: object) -> str:
    if value is None:
        return new_trace_id()
    import uuid

    text = _text(value, "trace_id")
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise InputError("trace_id", f"expected a UUID, got {text[:60]!r}") from error
