"""What goes in and out of the API beside the contract's own objects: bodies as types, answers as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from llm.rerank.request import Command, RerankRequest
from llm.server.jobs.rows import State

_Text = Annotated[str, msgspec.Meta(min_length=1)]
_UUID = r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"


class ApplyBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which run's patch is written to the files of its workspace; `commit`: and committed, exactly these files."""

    trace_id: Annotated[str, msgspec.Meta(pattern=_UUID)]
    workspace: _Text | None = None
    commit: bool = False


class UndoBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which run's apply is taken back: it has to be the last one that stands in its workspace."""

    trace_id: Annotated[str, msgspec.Meta(pattern=_UUID)]
    workspace: _Text | None = None


class EditorDiagnostic(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One complaint as an editor shows it. `line` and `column` count from 1; `source` is the tool (`mypy`,
    `ts`)."""

    path: _Text
    message: str
    line: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)] = 1
    column: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)] = 1
    severity: Literal["error", "warning"] = "error"
    code: str = ""
    source: str = ""


class EditorBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Open files (relative path → text) and what is wrong with them. With a `workspace` the texts have to be
    saved: what is repaired is what lies on disk. `checks` decide; discovered where absent."""

    files: Annotated[dict[str, str], msgspec.Meta(min_length=1)]
    diagnostics: Annotated[list[EditorDiagnostic], msgspec.Meta(max_length=1000)] = []
    workspace: _Text | None = None
    checks: Annotated[list[Command], msgspec.Meta(max_length=64)] = []


BODIES = (RerankRequest, ApplyBody, UndoBody, EditorBody)
"""Components by the names of the types."""


def _object(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "properties": properties}


def _list(item: Any) -> dict[str, Any]:
    return {"type": "array", "items": item}


def _or_null(kind: str) -> dict[str, Any]:
    return {"type": [kind, "null"]}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


_STRING, _NUMBER, _INTEGER, _ANY = {"type": "string"}, {"type": "number"}, {"type": "integer"}, {"type": "object"}
_JOB = {
    "id": {"type": "string", "format": "uuid", "description": "of the run, and of its trace"},
    "state": {"enum": [str(state) for state in State]},
    "kind": {"enum": ["fix", "rerank", "apply", "editor"]},
    "key": {"type": "string", "description": "the id of the key that asked"},
    "workspace": {"type": "string", "description": "empty for a request of files alone"},
    "created": {"type": "number", "description": "seconds since the epoch, as all times are"},
    "started": _or_null("number"),
    "ended": _or_null("number"),
    "mode": {"enum": ["PATCH", "ADVISORY", ""]},
    "exit_code": _or_null("integer"),
    "summary": _STRING,
    "links": _object("self events trace cancel", self=_STRING, events=_STRING, trace=_STRING, cancel=_STRING),
}
_JOB_ALWAYS = "id state kind key workspace created started ended mode exit_code summary links"

SHAPES: Mapping[str, Any] = {
    "RunLine": _object(_JOB_ALWAYS, **_JOB),
    "Run": _object(
        _JOB_ALWAYS,
        **_JOB,
        result={**_ref("Output"), "description": "the contract's output; there once the state is done"},
        failure={**_ref("Problem"), "description": "why there is none; there once the state is failed"},
    ),
    "Runs": _object("runs next", runs=_list(_ref("RunLine")), next=_or_null("string")),
    "Reranked": _object(
        "selected_index winner candidates discard_reasons ranking why doubts notes",
        selected_index=_or_null("integer"),
        winner=_or_null("object"),
        candidates=_list(_ANY),
        discard_reasons={"type": "object", "additionalProperties": _STRING},
        ranking=_list(_INTEGER),
        why=_STRING,
        doubts=_list(_STRING),
        notes=_list(_STRING),
    ),
    "Applied": _object("trace_id applied", trace_id=_STRING, applied=_ref("Output.applied")),
    "Undone": _object(
        "undone",
        undone=_object(
            "number trace_id files more commit",
            number=_INTEGER,
            trace_id=_STRING,
            files=_list(_STRING),
            more={**_INTEGER, "description": "so many applies can be taken back after it"},
            commit={**_STRING, "description": "the commit that was made of it, which stays"},
        ),
    ),
    "Usage": _object(
        "timezone days usage counted", timezone=_STRING, days=_INTEGER, usage=_list(_ANY), counted=_list(_ANY)
    ),
    "Quotas": _object(
        "enabled timezone lanes budget",
        enabled={"type": "boolean"},
        timezone=_STRING,
        lanes=_list(
            _object("provider allowed model quota", provider=_STRING, model=_STRING, quota=_list(_ref("Window")))
        ),
        budget=_list(_ref("Window")),
    ),
    "Window": _object(
        "name used reserved cap left",
        name=_STRING,
        used=_INTEGER,
        reserved=_INTEGER,
        cap=_or_null("integer"),
        left=_or_null("integer"),
    ),
    "Traces": _object("runs next", runs=_list(_ref("TraceLine")), next=_or_null("number")),
    "TraceLine": _object(
        "trace_id status started workspace mode summary usd_micros unpriced",
        trace_id=_STRING,
        status={"enum": ["finished", "running", "interrupted"]},
        started=_NUMBER,
        workspace=_STRING,
        mode=_STRING,
        summary=_STRING,
        usd_micros=_INTEGER,
        unpriced=_INTEGER,
    ),
    "Trace": _object(
        "run attempts candidates details",
        run=_ref("TraceLine"),
        attempts=_list(_ANY),
        candidates=_list(_ANY),
        details=_ANY,
    ),
    "Event": _object(
        "event data",
        id={"type": "string", "description": "its number; the run's state has none"},
        event={"type": "string", "description": "the kind: checks, baseline, progress, ended, …; state"},
        data={"type": "string", "description": "JSON"},
    ),
    "Health": _object("status", status={"enum": ["ok"]}),
    "Ready": _object("status waiting running", status={"enum": ["ready"]}, waiting=_INTEGER, running=_INTEGER),
    "Document": _object("openapi info paths", openapi=_STRING, info=_ANY, paths=_ANY),
}
