"""What a repository has installed: its manifests and lock files. See docs/decisions/0006.

A check runs on what is installed, without a network. So nothing that a candidate adds to a manifest is ever tried:
it would be installed later, on other machines, by the trust that the proof of something else has earned.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

_LOCKS = frozenset(
    {
        *("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"),
        *("poetry.lock", "uv.lock", "pdm.lock", "pylock.toml", "pipfile.lock", "cargo.lock", "go.sum"),
        *("gemfile.lock", "composer.lock", "environment.yml", "environment.yaml"),
        *("deno.lock", "conda-lock.yml", "go.work.sum", "mix.lock", "pubspec.lock", "package.resolved"),
    }
)
_LISTS = (
    *("*requirements*.txt", "*requirements*.in", "reqs*.txt", "constraints*.txt", "go.mod", "go.work", "gemfile"),
    *("*.gemspec", "conanfile.txt", "cpanfile", "packages.config", "directory.packages.props", "pubspec.yaml"),
    *("pnpm-workspace.yaml", "vcpkg.json", "composer.json"),
)

_HEADS = ("module ", "go ")
"""Of `go.mod`: its own name, and the language's version."""


def changed_dependencies(path: str, before: bytes | None, after: bytes | None) -> str:
    """What of a manifest or lock file would have something else installed, or "".

    Comments, order and layout are free, and so is whatever else stands in a manifest.
    """
    name = path.rpartition("/")[2].casefold()
    if name in _LOCKS:
        return f"{path} [a lock file]"
    declared = _MANIFESTS.get(name) or (_lines if _is_list(path.casefold(), name) else None)
    if declared is None and name.endswith(".py"):
        declared = _script
    if declared is None:
        return ""
    try:
        old, new = (declared(content.decode("utf-8-sig")) if content else {} for content in (before, after))
    except (ValueError, SyntaxError, RecursionError):
        return f"{path} cannot be read as what it is"
    return next((f"{path} [{key.splitlines()[0]}]" for key in {**old, **new} if old.get(key) != new.get(key)), "")


def _is_list(path: str, name: str) -> bool:
    in_folder = f"/{path}".rpartition("/")[0].endswith("/requirements") and name.endswith((".txt", ".in"))
    return in_folder or any(fnmatchcase(name, glob) for glob in _LISTS)


def _lines(text: str) -> dict[str, Any]:
    """Of a file with a dependency a line: each line without its comment is a key."""
    lines = (re.split(r"(?:^|\s)(?:#|//)", line)[0].strip() for line in text.splitlines())
    return {" ".join(line.split()): True for line in lines if line and not line.startswith(_HEADS)}


def _script(text: str) -> dict[str, Any]:
    """What a Python script says in its head that it needs (`# /// script`)."""
    return {f"script {block[0]}": True for block in _HEAD.finditer(text)}


_HEAD = re.compile(r"^# /// script[ \t]*\n(?:#(?:| .*)\n)+", re.MULTILINE)


def _pyproject(text: str) -> dict[str, Any]:
    import tomllib

    data = tomllib.loads(text)
    project = data.get("project")
    own = {f"project.{key}": project.get(key) for key in _PROJECT} if isinstance(project, dict) else {}
    return {**own, **{key: data.get(key) for key in ("dependency-groups", "build-system")}}


_PROJECT = ("dependencies", "optional-dependencies")


def _package_json(text: str) -> dict[str, Any]:
    import json

    data = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError("not an object")
    words = ("depend", "overrides", "resolutions", "packagemanager", "workspaces", "pnpm", "gypfile")
    return {key: value for key, value in data.items() if any(word in key.casefold() for word in words)}


def _cargo(text: str) -> dict[str, Any]:
    import tomllib

    data = tomllib.loads(text)
    build = data["package"].get("build") if isinstance(data.get("package"), dict) else None
    words = ("dependencies", "patch", "replace", "target", "workspace", "features")
    return {"package.build": build, **{key: data[key] for key in data if any(word in key for word in words)}}


def _pipfile(text: str) -> dict[str, Any]:
    import tomllib

    return tomllib.loads(text)


def _setup_cfg(text: str) -> dict[str, Any]:
    from configparser import Error, RawConfigParser

    parser = RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except Error as error:
        raise ValueError(str(error)) from error
    told = {f"{name}.{key}": value.split() for name in parser.sections() for key, value in parser[name].items()}
    return {key: value for key, value in told.items() if "requir" in key or "dependency" in key}


def _setup_py(text: str) -> dict[str, Any]:
    """What its calls are given for `install_requires` and the like."""
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    given = {keyword.arg or "": ast.dump(keyword.value) for call in calls for keyword in call.keywords}
    return {name: value for name, value in given.items() if "requir" in name or name == "dependency_links"}


_MANIFESTS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "pyproject.toml": _pyproject,
    "package.json": _package_json,
    "cargo.toml": _cargo,
    "pipfile": _pipfile,
    "setup.cfg": _setup_cfg,
    "setup.py": _setup_py,
}
