"""What a tool is: what it takes and gives, as JSON Schema, and the `torre` command that does it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llm import report
from llm.server.shapes import SHAPES

Schema = Mapping[str, Any]
Given = Mapping[str, Any]

WORKSPACE: Schema = {
    "type": "string",
    "minLength": 1,
    "description": "the project's directory, under one of the server's roots (default: the first root)",
}
RUN: Schema = {
    "type": "string",
    "pattern": "^(last|[0-9a-fA-F][0-9a-fA-F-]{0,35})$",
    "description": "a run: the beginning of its trace id, or `last`",
}


@dataclass(frozen=True, slots=True)
class Command:
    """Arguments of `torre`, and the JSON object that it reads on stdin, if it does."""

    argv: tuple[str, ...]
    stdin: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as the protocol tells of it; `command` makes the command line for arguments that fit `takes`.

    `env` is added to the command's environment. `destructive`: it writes to the user's files.
    """

    title: str
    description: str
    gives: Schema
    command: Callable[[Given, Path], Command]
    takes: Schema = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    destructive: bool = False
    read_only: bool = False

    @property
    def input_schema(self) -> dict[str, Any]:
        """Every tool takes a workspace."""
        properties = {"workspace": WORKSPACE, **self.takes}
        return {
            "type": "object",
            "properties": properties,
            "required": list(self.needs),
            "additionalProperties": False,
        }


def of_contract(name: str) -> Schema:
    """A definition of the contract's published output (`torre schema output`)."""
    definitions = _contract()
    return _whole(definitions[name], definitions)


def of_api(name: str) -> Schema:
    """A shape that the HTTP API answers with."""
    text = json.dumps(dict(SHAPES)).replace("#/components/schemas/Output.", "#/components/schemas/")
    shapes = json.loads(text.replace("#/components/schemas/", "#/$defs/"))
    return _whole(shapes[name], {**_contract(), **shapes})


def _contract() -> dict[str, Any]:
    published = json.loads(Path(report.__path__[0], "output.schema.json").read_text("utf-8"))
    definitions: dict[str, Any] = published["$defs"]
    return definitions


def _whole(schema: Schema, definitions: Mapping[str, Any]) -> Schema:
    """With the definitions that it comes to in the end, and no other: clients give schemas to a model to read."""
    needed: dict[str, Any] = {}
    waiting = [schema]
    while waiting:
        for name in re.findall(r'"#/\$defs/([^"]+)"', json.dumps(waiting.pop())):
            if name not in needed:
                needed[name] = definitions[name]
                waiting.append(definitions[name])
    return {**schema, "$defs": needed} if needed else schema
