"""The OpenAPI 3.1 document of the API, made of the operations and of the schemas that the commands publish."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from llm import report
from llm.report.failure import SCHEMA_VERSION
from llm.server.operation import EVERYWHERE, Answer, Operation, Parameter
from llm.server.problem import MEDIA_TYPE, TITLES
from llm.server.shapes import BODIES, SHAPES

_REF = "#/components/schemas/{name}"
_DESCRIPTION = """\
`torre serve`: a red build in, a proven patch out. A body is what the command line takes as JSON; a run goes on \
without the connection and outlives a restart of the server. Every refusal is an RFC 9457 problem."""
_RETRIED = {"Retry-After": {"description": "seconds", "schema": {"type": "integer", "minimum": 1}}}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "urn:torre:problem:…"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "field": {"type": "string", "description": "what of the request it is about"},
    },
}


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """The document as plain JSON, in the order of the operations."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Torre", "version": SCHEMA_VERSION, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "a key of `torre keys create`"}
            },
            "schemas": _schemas(),
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.words,
        "responses": {
            **{str(status): _answer(answer) for status, answer in operation.answers.items()},
            **{str(status): _refusal(status) for status in sorted(_refusals(operation))},
        },
    }
    if operation.scope is None:
        made["security"] = []
    else:
        made["description"] = f"Needs the scope `{operation.scope}`."
    parameters = [*_in_path(operation), *(_parameter(p, "query") for p in operation.query)]
    parameters += [_parameter(p, "header") for p in operation.headers]
    if parameters:
        made["parameters"] = parameters
    if operation.body:
        made["requestBody"] = {"required": True, "content": {"application/json": _schema(operation.body)}}
    return made


def _refusals(operation: Operation) -> set[int]:
    of_bodies = {413, 415} if operation.method != "GET" else set()
    reading = {400, 408} if operation.body else set()
    return {*EVERYWHERE, *operation.refusals, *of_bodies, *reading}


def _in_path(operation: Operation) -> list[dict[str, Any]]:
    if "{id}" not in operation.path:
        return []
    schema = {"type": "string", "format": "uuid"}
    return [{"name": "id", "in": "path", "required": True, "description": "the id of a run", "schema": schema}]


def _parameter(parameter: Parameter, place: str) -> dict[str, Any]:
    told = {"name": parameter.name, "in": place, "description": parameter.words, "schema": parameter.schema}
    return {**told, "required": False}


def _answer(answer: Answer) -> dict[str, Any]:
    made: dict[str, Any] = {"description": answer.words}
    if answer.headers:
        made["headers"] = {
            name: {"description": words, "schema": {"type": "string"}} for name, words in answer.headers.items()
        }
    if answer.schema:
        made["content"] = {answer.media: _schema(answer.schema)}
    elif answer.media:
        made["content"] = {answer.media: {"schema": {"type": "string"}}}
    return made


def _refusal(status: int) -> dict[str, Any]:
    retried = {"headers": _RETRIED} if status in (429, 503) else {}
    return {"description": TITLES[status], **retried, "content": {MEDIA_TYPE: _schema("Problem")}}


def _schema(name: str) -> dict[str, Any]:
    return {"schema": {"$ref": _REF.format(name=name)}}


def _schemas() -> dict[str, Any]:
    _, bodies = msgspec.json.schema_components(BODIES, ref_template=_REF)
    published = {**_published("Input", "input"), **_published("Output", "output")}
    return {"Problem": _PROBLEM, **published, **bodies, **SHAPES}


def _published(name: str, which: str) -> dict[str, Any]:
    """A schema of `torre schema` as components: its definitions become neighbours."""
    text = Path(report.__path__[0], f"{which}.schema.json").read_text("utf-8")
    schema = json.loads(text.replace('"#/$defs/', f'"#/components/schemas/{name}.'))
    inner: Mapping[str, Any] = schema.pop("$defs", {})
    schema.pop("$schema", None)
    return {name: schema, **{f"{name}.{key}": value for key, value in inner.items()}}
