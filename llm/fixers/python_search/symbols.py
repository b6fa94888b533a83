"""What a workspace's Python files define, import and lack, and what its interpreter knows."""

from __future__ import annotations

import ast
import builtins
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from llm.checks.base import INSIDE
from llm.checks.python import launch_of, python_in
from llm.checks.reading import document
from llm.domain import CheckResult
from llm.fixers._tool import complaint
from llm.fixers.base import RedState
from llm.fixers.python_search.edits import Source, parsed
from llm.sandbox.base import Job, Limits

_NAMES = INSIDE / "torre_names.py"
_TIMEOUT_S = 20.0
_NEAR = 0.6
_IMPLICIT = frozenset({*dir(builtins), "__file__", "__name__", "__doc__", "__path__", "__annotations__"})


class Symbols:
    """An index of the workspace's Python files; those that do not parse are left out."""

    def __init__(self, files: Mapping[str, str]) -> None:
        texts = {path: text for path, text in files.items() if path.endswith(".py")}
        self._parsed = {path: parsed(path, text) for path, text in texts.items()}

    @cached_property
    def sources(self) -> dict[str, Source]:
        """Path → parsed file."""
        return {path: source for path, source in self._parsed.items() if source is not None}

    @cached_property
    def exports(self) -> dict[str, tuple[str, ...]]:
        """Path → names that its top level defines (imports not counted)."""
        return {path: tuple(_defined(source.tree.body)) for path, source in self.sources.items()}

    @cached_property
    def imports(self) -> dict[str, Counter[tuple[str, str]]]:
        """Name → (module, attribute or "") pairs that files import it by, how often. Absolute imports only."""
        found: dict[str, Counter[tuple[str, str]]] = {}
        for source in self.sources.values():
            for node in ast.walk(source.tree):
                for name, origin in _imported(node):
                    found.setdefault(name, Counter())[origin] += 1
        return found

    def usual_imports(self, name: str) -> list[tuple[str, str]]:
        """How other files import a name, the most frequent first."""
        return [origin for origin, _ in self.imports.get(name, Counter()).most_common()]

    @cached_property
    def modules(self) -> dict[str, str]:
        """Dotted name, as an import would say it → path. A `src` folder and folders of no package are left out."""
        return {module_name(path, self._parsed): path for path in self._parsed}

    def unbound(self, path: str) -> Counter[str]:
        """Names that a file reads and nothing in it (nor Python) defines."""
        source = self.sources.get(path)
        if source is None:
            return Counter()
        bound = set(_defined(ast.walk(source.tree))) | {name for n in ast.walk(source.tree) for name in _binds(n)}
        loads = (n.id for n in ast.walk(source.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
        return Counter(name for name in loads if name not in bound and name not in _IMPLICIT)

    def classes(self, name: str) -> Iterator[tuple[str, ast.ClassDef]]:
        """Classes of that name, with their file."""
        for path, source in self.sources.items():
            for node in ast.walk(source.tree):
                if isinstance(node, ast.ClassDef) and node.name == name:
                    yield path, node

    def functions(self, name: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
        """Functions and methods of that name, with their file; a class stands for its `__init__`."""
        for path, source in self.sources.items():
            for node in ast.walk(source.tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
                    yield path, node
                elif isinstance(node, ast.ClassDef) and node.name == name:
                    yield from ((path, n) for n in node.body if _is_init(n))  # type: ignore[misc]


def _is_init(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "__init__"


def _defined(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Assign() | ast.AnnAssign() if _has_target(node):
                yield from (n.id for n in ast.walk(node) if isinstance(n, ast.Name) and _is_store(n))


def _has_target(node: ast.AST) -> bool:
    return not isinstance(node, ast.AnnAssign) or node.value is not None


def _is_store(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _binds(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.arg(arg=name) | ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            yield name
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from (alias.asname or alias.name.split(".")[0] for alias in names)


def _imported(node: ast.AST) -> Iterator[tuple[str, tuple[str, str]]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname or "." not in alias.name:
                yield alias.asname or alias.name, (alias.name, "")
    elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module and node.module != "__future__":
        yield from ((alias.asname or alias.name, (node.module, alias.name)) for alias in node.names)


def module_name(path: str, files: Iterable[str]) -> str:
    """The dotted name of a file: from the outermost folder that is a package, `src/` left out."""
    known = set(files)
    parts = list(PurePosixPath(path).with_suffix("").parts)
    start = len(parts) - 1
    while start > 0 and "/".join([*parts[:start], "__init__.py"]) in known:
        start -= 1
    start = start if start < len(parts) - 1 or len(parts) == 1 else _namespace_start(parts)
    return ".".join(parts[start:]).removesuffix(".__init__")


def _namespace_start(parts: list[str]) -> int:
    """A file in a folder without `__init__.py` is imported from the root (or from `src`)."""
    return 1 if parts[0] in ("src", "lib") else 0


def near(name: str, names: Iterable[str], most: int = 5) -> list[str]:
    """Names spelt much like this one, the nearest first."""
    alike = get_close_matches(name, dict.fromkeys(names), n=most + 1, cutoff=_NEAR)
    return sorted((n for n in alike if n != name), key=lambda n: distance(name, n))[:most]


def distance(one: str, other: str) -> int:
    """Letters to insert, delete, replace or exchange with their neighbour (optimal string alignment)."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        above, row = rows[-1], [i]
        for j, wanted in enumerate(other, 1):
            best = min(above[j] + 1, row[-1] + 1, above[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and (one[i - 2], letter) == (wanted, other[j - 2]):
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


def ask_interpreter(red: RedState, names: Iterable[str], modules: Iterable[str], members: Iterable[str]) -> Any:
    """What the workspace's interpreter knows (see `inside/torre_names.py`); an empty answer where it has none."""
    nothing: dict[str, Any] = {"homes": {}, "importable": [], "members": {}, "library": []}
    directory, python = _python(red)
    if not python:
        return nothing
    question = {"names": sorted(set(names)), "modules": sorted(set(modules)), "members": sorted(set(members))}
    job = Job(
        argv=(*python, str(_NAMES)),
        directory=directory,
        stdin=json.dumps(question).encode(),
        limits=Limits(wall_s=_TIMEOUT_S),
        cancel=red.cancel,
    )
    completed = red.sandbox.execute(job)
    answer = document(completed.report) if completed.exit_code == 0 else None
    if not isinstance(answer, dict) or not all(isinstance(answer.get(k), type(v)) for k, v in nothing.items()):
        red.progress(f"imports: the workspace's Python did not say what it has: {complaint(completed)}")
        return nothing
    return answer


def _python(red: RedState) -> tuple[str, tuple[str, ...]]:
    for result in _red_first(red.baseline):
        launch = launch_of(result.check, red.sandbox)
        if launch is not None:
            return result.check.directory, launch.python
    directory = next((r.check.directory for r in red.baseline if not r.green), ".")
    found = python_in(directory, red.sandbox)
    return directory, (found,) if found else ()


def _red_first(baseline: Iterable[CheckResult]) -> list[CheckResult]:
    return sorted(baseline, key=lambda result: result.green)
