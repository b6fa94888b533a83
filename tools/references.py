"""Write the references that are made from the code into the pages of the docs, between their marks.

`python tools/references.py docs`, or `make schema`: `cli.md` from the argument parser, `policy.md` from the
policy's JSON Schema. The rest of a page is written by hand and stays as it is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from llm.arguments import build_parser
from llm.providers.policy_schema import json_schema

START, END = "<!-- reference: begin -->", "<!-- reference: end -->"
_TYPES = {"boolean": "true, false", "string": "text", "number": "number", "integer": "whole number"}
_LARGEST = 10**9
"""A bound above it is there for the arithmetic, not for whoever reads this."""


def main() -> None:
    """Rewrite both pages in the folder that is named."""
    folder = Path(sys.argv[1])
    for name, reference in (("cli.md", command_line()), ("policy.md", policy())):
        page = folder / name
        before, _, rest = page.read_text("utf-8").partition(START)
        page.write_text(f"{before}{START}{reference}{END}{rest.partition(END)[2]}", "utf-8")


def command_line() -> str:
    """Exit codes, then every command with its arguments, as the parser has them."""
    parser = build_parser()
    blocks = ["## Exit codes", _exit_codes(parser.epilog or ""), "## Commands"]
    for name, help_text, command in commands(parser):
        blocks += [f"### `{name}`", f"{_sentence(help_text)}", _arguments(command)]
    return "\n\n".join(["", *filter(None, blocks), ""])


def commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Each command with its line of help and its parser; of a group its verbs."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            told = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, command in action.choices.items():
                below = list(commands(command))
                yield from below or [(command.prog, told[name], command)]


def _exit_codes(epilog: str) -> str:
    told = " ".join(epilog.partition("exit codes:")[2].split())
    rows = (part.strip().partition(" ") for part in told.split("·"))
    return _table(("code", "means"), ((code, means) for code, _, means in rows))


def _arguments(parser: argparse.ArgumentParser) -> str:
    formatter = parser._get_formatter()
    rows = [
        (f"`{_name(action)}`", _default(action), formatter._expand_help(action))
        for action in parser._actions
        if not isinstance(action, argparse._HelpAction)
    ]
    return _table(("argument", "default", "what it does"), rows)


def _name(action: argparse.Action) -> str:
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    value = metavar or "|".join(map(str, action.choices or ())) or action.dest
    if not action.option_strings:
        return f"[{value}]" if action.nargs == "?" else value
    words = ", ".join(action.option_strings)
    return words if action.nargs == 0 else f"{words} {value}"


def _default(action: argparse.Action) -> str:
    """Where there is one that is a value; what a list or a switch begins with is nothing to tell."""
    plain = action.default is not None and not isinstance(action.default, bool | list)
    shown = f"{action.default:g}" if isinstance(action.default, float) else action.default
    return f"`{shown}`" if plain and action.default != "" and action.nargs != 0 else ""


def policy() -> str:
    """Every table of the policy file with its keys, in the order in which they are met."""
    schema: Any = json_schema()
    tables: Mapping[str, Any] = schema["$defs"]
    blocks = ["## The file", _keys("", tables["PolicyFile"], tables)]
    for path, name in _nested(tables["PolicyFile"], tables, ""):
        blocks += [f"## `{path}`", tables[name]["description"], _keys(path, tables[name], tables)]
    return "\n\n".join(["", *blocks, ""])


def _nested(table: Mapping[str, Any], tables: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for key, value in table["properties"].items():
        name, lanes = _table_of(value), value.get("type") == "object"
        if name:
            here = ".".join(filter(None, (path, key, "LANE" if lanes else "")))
            yield here, name
            yield from _nested(tables[name], tables, here)


def _table_of(value: Mapping[str, Any]) -> str:
    """The table that a key holds, in a mapping or beside other choices too; "" where it holds none."""
    choices = (value, value.get("additionalProperties", {}), *value.get("anyOf", ()))
    return next((found["$ref"].rpartition("/")[2] for found in choices if "$ref" in found), "")


def _keys(path: str, table: Mapping[str, Any], tables: Mapping[str, Any]) -> str:
    rows = [
        (f"`{key}`", _kind(value, key in table["required"]), _plain(value.get("default")), value["description"])
        for key, value in table["properties"].items()
    ]
    return _table(("key", "value", "default", "what it does"), rows)


def _kind(value: Mapping[str, Any], required: bool) -> str:
    if "enum" in value:
        words = ", ".join(f"`{word}`" for word in value["enum"])
    elif value.get("type") == "array":
        words = "list"
    elif _table_of(value):
        words = "a table each lane" if value.get("type") == "object" else "a table"
        words += "".join(f", or `{word}`" for choice in value.get("anyOf", ()) for word in choice.get("enum", ()))
    elif value.get("type") == "object":
        words = "a list each: " + ", ".join(f"`{word}`" for word in value["propertyNames"]["enum"])
    else:
        words = _TYPES[value["type"]] + _range(value)
    return f"{words}; needed" if required else words


def _range(value: Mapping[str, Any]) -> str:
    low, high = value.get("minimum"), value.get("maximum", _LARGEST)
    if low is None:
        return ""
    return f", {low} or more" if high >= _LARGEST else f", {low} to {high:,}"


def _plain(default: Any) -> str:
    if default is None or default == []:
        return ""
    if isinstance(default, list):
        return ", ".join(f"`{item}`" for item in default)
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    main()
