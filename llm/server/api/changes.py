"""What is answered at once, and only to who waits for it: ranking given candidates, an editor's patch, an
apply."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from llm.apply.lock import refuse_locked
from llm.apply.telling import ASKED_BY
from llm.apply.undo import Undone, undo
from llm.domain import ApplyStatus
from llm.errors import InputError
from llm.kept.plans import kept_plan
from llm.providers.policy import ProvidersPolicy
from llm.request import new_trace_id
from llm.rerank.request import RerankRequest
from llm.server.api.records import told_story
from llm.server.api.runs import accepted, arguments, is_over, refuse_failed
from llm.server.audit import note
from llm.server.guard import Principal, read_body
from llm.server.jobs.rows import Asked
from llm.server.keys import Scope
from llm.server.operation import Answer, Operation, in_thread
from llm.server.problem import Json, Problem
from llm.server.service import Service, address_of, principal_of, service_of
from llm.server.shapes import ApplyBody, EditorBody, EditorDiagnostic, UndoBody
from llm.workspace.snapshot import root_of

_T = TypeVar("_T")
_EDITOR_S = 60.0
_EDITOR: Mapping[str, Any] = {"max_seconds": 20.0, "deadline": _EDITOR_S, "accept_ambiguous": False, "files": True}


async def _rerank(request: Request) -> Response:
    service = service_of(request)
    body = _read(await read_body(request), RerankRequest)
    workspace = await in_thread(service.workspace, body.workspace)
    payload = msgspec.json.encode(msgspec.structs.replace(body, workspace=str(workspace)))
    argv = ("rerank", "--json", "--deadline", f"{service.settings.run_s:g}")
    who = principal_of(request)
    asked = Asked(new_trace_id(), "rerank", who.id, str(workspace), str(root_of(workspace)), argv, payload, True)
    found = dict(await _attended(request, service, asked))
    return Json({name: value for name, value in found.items() if name not in ("schema_version", "exit_code")})


async def _editor(request: Request) -> Response:
    service = service_of(request)
    body = _read(await read_body(request), EditorBody)
    told: dict[str, Any] = {"files": body.files, "logs": logs_of(body.diagnostics), "checks": body.checks or None}
    if body.workspace is not None:
        told["workspace"] = body.workspace
    raw, argv = json.dumps(told).encode(), arguments(service, _EDITOR)
    asked = await in_thread(accepted, service, principal_of(request), raw, argv, "editor", True)
    return Json(dict(await _attended(request, service, asked)))


async def _apply(request: Request) -> Response:
    """Once it has begun it is ended, whoever is gone: half an apply is none."""
    service, who = service_of(request), principal_of(request)
    body = _read(await read_body(request), ApplyBody)
    asked = await in_thread(_planned, service, who, body)
    about = {"action": "apply", "trace_id": body.trace_id.lower(), "workspace": asked.workspace, "job": asked.id}
    tell = partial(_tell, request, Path(asked.root), about)
    await tell(outcome="begun")
    try:
        _, ticket = await service.desk.take(asked)
        await ticket.over.wait()
        result = refuse_failed(ticket)
    except Problem as problem:
        await tell(outcome="refused", reason=problem.detail)
        raise
    applied = result["applied"]
    await tell(outcome=applied["status"], files=applied["files"], undo=applied["undo"])
    if applied["status"] != ApplyStatus.APPLIED:
        raise Problem(409, "rolled-back", applied["reason"] or "it was not applied", more={"applied": applied})
    return Json({"trace_id": result["trace_id"], "applied": applied})


async def _undo(request: Request) -> Response:
    """No check is run, so that it needs no process of its own; its journal ends it if this one dies."""
    service = service_of(request)
    body = _read(await read_body(request), UndoBody)
    root, trace_id = await in_thread(service.root, body.workspace), body.trace_id.lower()
    tell = partial(_tell, request, root, {"action": "undo", "trace_id": trace_id, "workspace": str(root)})
    await tell(outcome="begun")
    try:
        undone = await in_thread(_undone, service, principal_of(request), root, trace_id)
    except Problem as problem:
        await tell(outcome="refused", reason=problem.detail)
        raise
    await tell(outcome="undone", files=undone.files)
    return Json({"undone": asdict(undone)})


def _undone(service: Service, who: Principal, root: Path, trace_id: str) -> Undone:
    """The root may lie above the server's own, with workspaces beside them that are not its to touch."""
    rules = ProvidersPolicy(root, service.env).policy.rules
    return undo(root, {**service.env, ASKED_BY: who.id}, rules, trace_id, allow=service.workspace)


async def _tell(request: Request, root: Path, about: Mapping[str, Any], **how: Any) -> None:
    """Into the audit log."""
    who, service = principal_of(request), service_of(request)
    await in_thread(lambda: note(root, service.env, who, address_of(request), **about, **how))


def _planned(service: Service, who: Principal, body: ApplyBody) -> Asked:
    """The apply as a job. Problem: 404 without such a run, 409 where it proved nothing; LockedError."""
    root = service.root(body.workspace)
    told_story(service, root, body.trace_id)
    try:
        plan = kept_plan(root, service.env, body.trace_id)
    except InputError as error:
        raise Problem(409, "unproven", str(error), "trace_id") from error
    workspace = service.workspace(plan.workspace)
    refuse_locked(root, service.env)
    argv = ("apply", plan.trace_id, "--path", str(workspace), "--json", *(["--commit"] if body.commit else []))
    return Asked(new_trace_id(), "apply", who.id, str(workspace), str(root), argv, b"", attended=True)


async def _attended(request: Request, service: Service, asked: Asked) -> Mapping[str, Any]:
    """The result of a job that ends when whoever asked for it is gone."""
    _, ticket = await service.desk.take(asked)
    if not await is_over(ticket, request):
        await service.desk.cancel(ticket)
        raise Problem(503, "stopping", "the server is stopping")
    return refuse_failed(ticket)


def logs_of(diagnostics: Iterable[EditorDiagnostic]) -> dict[str, str]:
    """An editor's complaints as the logs of their tools: name → text, in the form that the tool itself prints."""
    lines: dict[str, list[str]] = defaultdict(list)
    for one in diagnostics:
        lines[one.source or "editor"].append(_line(one))
    return {source: "\n".join(told) + "\n" for source, told in lines.items()}


def _line(one: EditorDiagnostic) -> str:
    message = " ".join(one.message.split())
    if one.source in ("ts", "tsc", "typescript"):
        code = one.code if one.code.startswith("TS") else f"TS{one.code}"
        return f"{one.path}({one.line},{one.column}): {one.severity} {code}: {message}"
    code = f"  [{one.code}]" if one.code else ""
    return f"{one.path}:{one.line}:{one.column}: {one.severity}: {message}{code}"


def _read(raw: bytes, body: type[_T]) -> _T:
    """The body. Problem: 400 for what is no JSON, 422 for what is not what it has to be."""
    try:
        return msgspec.json.decode(raw, type=body)
    except msgspec.ValidationError as error:
        words, _, path = str(error).partition(" - at `$")
        field = path.strip("`").lstrip(".") or "body"
        raise Problem(422, "input", f"{field}: {words}", field) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, "json", f"body: not JSON that can be read: {error}", "body") from error


OPERATIONS = (
    Operation(
        "POST",
        "/v1/rerank",
        "rerank",
        Scope.RUN,
        "Execute given candidates against the workspace's checks, and say which one is proven.",
        _rerank,
        {200: Answer("The verdict on each; `selected_index` is null where none is proven.", "Reranked")},
        (409,),
        body="RerankRequest",
    ),
    Operation(
        "POST",
        "/v1/editor/patch",
        "editor_patch",
        Scope.RUN,
        "A patch for open files and what is wrong with them, within a minute.",
        _editor,
        {200: Answer("The contract's output, with the changed files in `files_out`.", "Output")},
        (409,),
        body="EditorBody",
    ),
    Operation(
        "POST",
        "/v1/apply",
        "apply",
        Scope.APPLY,
        "Write a proven patch to the files, all of it and green, or nothing.",
        _apply,
        {200: Answer("It is applied, and the checks are green on the files.", "Applied")},
        (404, 409, 423),
        body="ApplyBody",
    ),
    Operation(
        "POST",
        "/v1/undo",
        "undo",
        Scope.APPLY,
        "Take the last apply back, byte for byte, if it is of this run.",
        _undo,
        {200: Answer("The files are what they were before it.", "Undone")},
        (409, 423),
        body="UndoBody",
    ),
)
