"""Reads a policy file: YAML nodes against the types of `policy_file`, each complaint with line, key path and the
nearest valid key. Anything that is not understood is refused; a value is never repeated, it may be a secret.
"""

from __future__ import annotations

import math
import re
import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

import msgspec
import yaml

from llm.errors import PolicyError
from llm.providers.policy_file import LANE, LARGEST, PATTERNS, RANGES, PolicyFile
from llm.providers.policy_rules import broken_rules, nearest

_MOST_BYTES = 256 * 1024
_DEEPEST = 12
_DECIMAL = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?|[-+]?\.(inf|nan)"


def read_policy(path: Path, raw: bytes, further_lanes: Iterable[str] = ()) -> PolicyFile:
    """The policy in `raw`, the content of the file at `path`. PolicyError names file, line and key path.

    `further_lanes` are known beside the default ones and the file's own (the user's, for a workspace's file).
    """
    return _Reader(path).read(raw, frozenset(further_lanes))


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._nodes: dict[str, yaml.Node] = {}

    def read(self, raw: bytes, further_lanes: frozenset[str]) -> PolicyFile:
        """See `read_policy`."""
        root = self._compose(raw)
        if root is None:
            return PolicyFile()
        self._walk(root, PolicyFile, "$", "")
        plain = yaml.constructor.SafeConstructor().construct_document(root)
        policy = msgspec.convert(plain, PolicyFile)
        for path, problem in broken_rules(policy, further_lanes):
            self._refuse(self._nodes[path], path, problem)
        return policy

    def _compose(self, raw: bytes) -> yaml.Node | None:
        if len(raw) > _MOST_BYTES:
            raise PolicyError(str(self._path), f"is larger than {_MOST_BYTES // 1024} KiB")
        try:
            text = raw.decode("utf-8-sig")
            self._refuse_indirection(text)
            return yaml.compose(text, Loader=yaml.CSafeLoader)
        except UnicodeDecodeError as error:
            raise PolicyError(str(self._path), "is not UTF-8 text") from error
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise PolicyError(self._at(mark), f"broken YAML: {error.problem or error.context}") from error
        except yaml.YAMLError as error:
            raise PolicyError(str(self._path), "broken YAML: a character that YAML does not allow") from error

    def _refuse_indirection(self, text: str) -> None:
        """No anchors, aliases or tags: what is on a line is what holds. And no nesting that nothing here needs."""
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if getattr(event, "anchor", None):
                raise PolicyError(self._at(event.start_mark), "anchors and aliases (& and *) are not used here")
            if getattr(event, "tag", None):
                raise PolicyError(self._at(event.start_mark), "tags (!) are not used here")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise PolicyError(self._at(event.start_mark), "is nested too deeply")

    def _walk(self, node: yaml.Node, wanted: Any, path: str, key: str) -> None:
        self._nodes[path] = node
        if _kind(node) == "nothing":
            self._refuse(node, path, "has no value; leave the key out if it does not apply")
        wanted = _pick(wanted, node)
        origin = get_origin(wanted)
        if is_dataclass(wanted):
            self._walk_keys(node, wanted, path)
        elif origin is Mapping:
            self._walk_table(node, get_args(wanted), path)
        elif origin is tuple:
            if not isinstance(node, yaml.SequenceNode):
                self._refuse(node, path, f"expected a list, got {_kind(node)}")
            for index, item in enumerate(node.value):
                self._walk(item, get_args(wanted)[0], f"{path}[{index}]", key)
        else:
            self._scalar(node, wanted, path, key)

    def _walk_keys(self, node: yaml.Node, wanted: Any, path: str) -> None:
        hints = get_type_hints(wanted)
        pairs = self._pairs(node, path)
        for name, child in pairs:
            if name.value not in hints:
                self._refuse(name, f"{path}.{name.value}", f"unknown key; {nearest(name.value, hints)}")
            self._walk(child, hints[name.value], f"{path}.{name.value}", name.value)
        needed = {f.name for f in fields(wanted) if f.default is MISSING and f.default_factory is MISSING}
        if lacks := sorted(needed - {name.value for name, _ in pairs}):
            self._refuse(node, path, f"lacks {', '.join(lacks)}")

    def _walk_table(self, node: yaml.Node, arguments: tuple[Any, ...], path: str) -> None:
        names, values = arguments
        for name, child in self._pairs(node, path):
            here = f"{path}.{name.value}"
            if get_origin(names) is Literal:
                self._one_of(name, get_args(names), here)
            elif not re.match(LANE, name.value):
                self._refuse(name, here, "a lane has the form vendor/model")
            self._walk(child, values, here, name.value)
            self._nodes[here] = name

    def _pairs(self, node: yaml.Node, path: str) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            self._refuse(node, path, f"expected a mapping, got {_kind(node)}")
        first: dict[str, yaml.Node] = {}
        pairs: list[tuple[yaml.ScalarNode, yaml.Node]] = node.value
        for name, _ in pairs:
            if not isinstance(name, yaml.ScalarNode):
                self._refuse(name, path, "a key has to be a plain word")
            if name.value in first:
                line = first[name.value].start_mark.line + 1
                self._refuse(name, f"{path}.{name.value}", f"duplicate key, first on line {line}")
            first[name.value] = name
        return pairs

    def _scalar(self, node: yaml.Node, wanted: Any, path: str, key: str) -> None:
        if get_origin(wanted) is Literal:
            self._one_of(node, get_args(wanted), path)
            return
        name = _NAMES[wanted]
        if _kind(node) != name and (wanted is not float or _kind(node) != _NAMES[int]):
            self._refuse(node, path, f"expected {name}, got {_kind(node)}")
        if wanted in (int, float):
            self._in_range(node, path, key)
        elif key in PATTERNS and not re.match(PATTERNS[key][0], node.value):
            self._refuse(node, path, f"expected {PATTERNS[key][1]}")

    def _in_range(self, node: yaml.Node, path: str, key: str) -> None:
        low, high = RANGES.get(key, (0, LARGEST))
        if not re.fullmatch(_DECIMAL, node.value):
            # YAML 1.1 reads 010 as eight and 1:30 as ninety, and breaks on 0b_.
            self._refuse(node, path, "expected a plain decimal number")
        value = float(node.value.replace(".inf", "inf").replace(".nan", "nan"))
        if not (math.isfinite(value) and low <= value <= high):
            self._refuse(node, path, f"expected a number from {low} to {high}")

    def _one_of(self, node: yaml.Node, valid: tuple[str, ...], path: str) -> None:
        if _kind(node) != "text" or node.value not in valid:
            word = node.value if isinstance(node, yaml.ScalarNode) else ""
            hint = nearest(word, valid)
            self._refuse(
                node, path, f"expected one of {', '.join(valid)}" + (f"; {hint}" if "mean" in hint else "")
            )

    def _refuse(self, node: yaml.Node, path: str, problem: str) -> NoReturn:
        raise PolicyError(f"{self._at(node.start_mark)}: {path}", problem)

    def _at(self, mark: Any) -> str:
        return f"{self._path}:{mark.line + 1}:{mark.column + 1}" if mark else str(self._path)


_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text", "null": "nothing"}


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    tag = node.tag.rpartition(":")[2]
    return _KINDS.get(tag, f"a {tag}")


def _pick(wanted: Any, node: yaml.Node) -> Any:
    """Of `X | None` or `Table | Literal[…]`, the one that this node can be."""
    if get_origin(wanted) not in (Union, types.UnionType):
        return wanted
    choices = [c for c in get_args(wanted) if c is not type(None)]
    table = isinstance(node, yaml.MappingNode)
    return next((c for c in choices if is_dataclass(c) == table), choices[0])
