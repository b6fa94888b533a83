"""Hostile diffs, each with what it is after; and two appliers that are naive enough to do it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from llm.workspace.paths import folded
from tests.apply.hostile_forms import forms

FILES = {
    "src/app.py": "VALUE = 'old'\n",
    "src/twin.py": "TWIN = 1\n",
    "README.md": "old\n",
    "tests/test_app.py": "def test():\n    assert True\n",
    ".git/config": "[core]\n",
    ".git/hooks/pre-push": "#!/bin/sh\n",
    ".torre/providers.yaml": "race: true\n",
    ".github/workflows/ci.yml": "on: push\n",
    "Makefile": "test:\n\ttrue\n",
}
OUTSIDE = {"secret.txt": "the user's own\n", "twin.py": "TWIN = 1\n"}


@dataclass(frozen=True)
class Hostile:
    """`folds`: it harms only where the file system takes different names for one. `applied`: it may be applied, as
    that harms nobody here; `harmless`: no applier is harmed either, it only must not be believed."""

    diff: str
    folds: bool = False
    applied: bool = False
    harmless: bool = False


def add(path: str, text: str = "x", mode: str = "100644", quoted: bool = False) -> str:
    old, new = (f'"a/{path}"', f'"b/{path}"') if quoted else (f"a/{path}", f"b/{path}")
    return f"diff --git {old} {new}\nnew file mode {mode}\n--- /dev/null\n+++ {new}\n@@ -0,0 +1 @@\n+{text}\n"


def edit(path: str, old: str, new: str) -> str:
    return f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-{old}\n+{new}\n"


def rename(old: str, new: str) -> str:
    return f"diff --git a/{old} b/{new}\nsimilarity index 100%\nrename from {old}\nrename to {new}\n"


def delete(path: str) -> str:
    lines = FILES[path].splitlines()
    body = "".join(f"-{line}\n" for line in lines)
    return f"--- a/{path}\n+++ /dev/null\n@@ -1,{len(lines)} +0,0 @@\n{body}"


def _link(path: str, to: str) -> str:
    return add(path, to, "120000") + "\\ No newline at end of file\n"


def table(outside: Path) -> Mapping[str, Hostile]:
    """By name; `outside` is a directory beside the workspace, which has a link `link` to it."""
    more = {name: Hostile(**asdict(form)) for name, form in forms(outside, add, rename).items()}
    return {**dict(_paths(outside)), **_links(outside), **_others(outside), **_large(), **more}


def _paths(outside: Path) -> Iterator[tuple[str, Hostile]]:
    ups = {
        "up": "../outside/x",
        "down and up": "src/../../outside/x",
        "dot and up": "./../outside/x",
        "dots within": "src/./../../outside/x",
        "an empty part": "a//../../outside/x",
        "dot and empty part": ".//../outside/x",
        "far up": "../../place/outside/x",
        "absolute": f"{outside}/x",
        "absolute, twice": f"/{outside}/x",
    }
    for name, path in ups.items():
        yield f"path {name}", Hostile(add(path))
    yield "path with octal dots", Hostile(add("\\056\\056/outside/x", quoted=True))
    yield "path with an octal slash", Hostile(add("..\\057outside\\057x", quoted=True))
    for path in ("..\\outside\\x", "C:\\x", "C:/x", "c:x"):
        yield f"path {path}", Hostile(add(path), harmless=True)
    own = (
        ".git/hooks/pre-commit",
        ".git/config",
        ".git/info/attributes",
        ".torre/providers.yaml",
        ".torre/apply.lock",
    )
    for path in (*own, ".github/workflows/evil.yml", "sub/.git/config", "sub/.torre/x"):
        known = FILES.get(path)
        yield f"own {path}", Hostile(edit(path, known.split("\n")[0], "evil") if known else add(path))
    lookalikes = (".GIT/config", ".Git/hooks/pre-commit", ".gIt/info/x", ".TORRE/providers.yaml", ".Torre/x")
    unseen = (
        ".g\u200cit/config",
        ".git\u200d/x",
        "\ufeff.git/x",
        ".gi\u202et/x",
        ".to\u200brre/x".replace("\u200b", "\u200c"),
    )
    ends = (".git./x", ".git /x", ".git::$INDEX_ALLOCATION/x", "git~1/x", "torre~1/x", ".torre./x", "src/.GIT/x")
    for path in (*lookalikes, *unseen, *ends):
        yield f"look-alike {path!a}", Hostile(add(path), folds=True)
    yield "case of CI", Hostile(add(".GitHub/workflows/evil.yml"), folds=True)
    yield "look-alike in another script", Hostile(add(".g\u0456t/config"), applied=True, harmless=True)
    yield "case of a file", Hostile(add("SRC/app.py"), folds=True, applied=True)


def _links(outside: Path) -> Mapping[str, Hostile]:
    through = "--- /dev/null\n+++ b/new/x\n@@ -0,0 +1 @@\n+x\n"
    return {
        "symlink": Hostile(_link("new", str(outside))),
        "relative symlink": Hostile(_link("new", "../outside")),
        "symlink and a file through it": Hostile(_link("new", str(outside)) + through),
        "symlink over a file": Hostile(
            edit("src/app.py", "VALUE = 'old'", "x") + _link("src/app.py", str(outside))
        ),
        "symlink by another mode": Hostile(
            "diff --git a/README.md b/README.md\nold mode 100644\nnew mode 120000\n", harmless=True
        ),
        "symlink by its index line": Hostile(
            "diff --git a/src/l b/src/l\nindex 1..2 120000\n" + edit("src/l", "a", "b"), harmless=True
        ),
        "file through a link": Hostile(add("link/x")),
        "edit through a link": Hostile(edit("link/secret.txt", "the user's own", "evil")),
        "edit of a link": Hostile(edit("file-link.txt", "the user's own", "evil")),
        "deletion through a link": Hostile(
            "--- a/link/secret.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-the user's own\n"
        ),
        "rename through a link": Hostile(rename("README.md", "link/README.md")),
        "rename from behind a link": Hostile(rename("link/secret.txt", "stolen.txt")),
        "hard link": Hostile(edit("src/twin.py", "TWIN = 1", "TWIN = 2"), applied=True),
        "submodule": Hostile(add("vendor/x", "Subproject commit " + "1" * 40, "160000"), harmless=True),
        "submodules file": Hostile(add(".gitmodules", '[submodule "x"]'), harmless=True),
    }


def _others(outside: Path) -> Mapping[str, Hostile]:
    conflict = "diff --git a/src/app.py b/src/app.py\n" + edit("../outside/secret.txt", "the user's own", "evil")
    return {
        "rename out": Hostile(rename("README.md", "../outside/README.md")),
        "rename out, absolute": Hostile(rename("README.md", f"{outside}/README.md")),
        "rename into .git": Hostile(rename("README.md", ".git/hooks/pre-commit")),
        "rename in": Hostile(rename("../outside/secret.txt", "stolen.txt")),
        "copy in": Hostile(rename("../outside/secret.txt", "stolen.txt").replace("rename", "copy"), harmless=True),
        "two headers that disagree": Hostile(conflict),
        "old and new name disagree": Hostile(
            edit("src/app.py", "VALUE = 'old'", "x").replace("+++ b/src/app.py", "+++ b/../outside/x")
        ),
        "name with a timestamp": Hostile(
            add("../outside/x").replace("b/../outside/x\n@@", "b/../outside/x\t2024-01-01 00:00:00\n@@")
        ),
        "deletion outside": Hostile(
            "--- a/../outside/secret.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-the user's own\n"
        ),
        "deletion of everything": Hostile("".join(map(delete, FILES))),
        "deletion of all that is no one's own": Hostile(
            "".join(delete(p) for p in FILES if not p.startswith("."))
        ),
        "setuid": Hostile(add("tool", mode="104755"), harmless=True),
        "mode of a file": Hostile(
            "diff --git a/src/app.py b/src/app.py\nold mode 100644\nnew mode 100777\n", harmless=True
        ),
        "device": Hostile(add("null", mode="020666"), harmless=True),
        "NUL in a path": Hostile(add("src/x\0.py"), harmless=True),
        "NUL in a line": Hostile(add("src/x.py", "a\0b"), harmless=True),
        "CR in a path": Hostile(add("../outside/x").replace("\n", "\r\n")),
        "newline in a path": Hostile(add("src/x\\n+++ b/../outside/x", quoted=True), harmless=True),
        "open quote": Hostile(add("src/x", quoted=True).replace('b/src/x"', "b/src/x"), harmless=True),
        "half a surrogate": Hostile(add("src/\ud800"), harmless=True),
        "binary": Hostile(
            "diff --git a/README.md b/README.md\nGIT binary patch\nliteral 3\nKcmZ\n", harmless=True
        ),
        "hunk of no file": Hostile("@@ -1 +1 @@\n-old\n+evil\n", harmless=True),
        "a file under a file": Hostile(add("README.md/x"), harmless=True),
        "a long name": Hostile(add("x" * 300), harmless=True),
        "a deep path": Hostile(add("d/" * 3000 + "x"), harmless=True),
    }


def _large() -> Mapping[str, Hostile]:
    line = "+" + "x" * 99 + "\n"
    many = "".join(f"--- /dev/null\n+++ b/f{n}\n@@ -0,0 +1 @@\n+x\n" for n in range(100_000))
    return {
        "10 MB": Hostile(f"--- /dev/null\n+++ b/big\n@@ -0,0 +1,100000 @@\n{line * 100_000}"),
        "one line of 10 MB": Hostile(add("big", "x" * 10_000_000)),
        "100,000 files": Hostile(many),
        "100,000 hunks": Hostile(
            "--- a/README.md\n+++ b/README.md\n" + "@@ -1 +1 @@\n-old\n+old\n" * 100_000, harmless=True
        ),
    }


def write_naively(diff: str, root: Path, fold: bool = False) -> None:
    """Do what the headers say. `fold`: as a file system that ignores case and unseen characters."""
    old = mode = ""
    body: list[str] = []
    target: Path | None = None
    for line in [*diff.replace("\r\n", "\n").split("\n"), "--- end"]:
        if line.startswith(("--- ", "diff --git ", "rename from ")) and target is not None:
            _put(target, body, mode)
            target, body, mode = None, [], ""
        if line.startswith("new file mode "):
            mode = line[14:]
        elif line.startswith(("--- ", "rename from ")):
            old = _named(line.removeprefix("--- ").removeprefix("rename from "))
        elif line.startswith("rename to "):
            (root / _folded(old, fold)).rename(root / _folded(line[10:], fold))
        elif line == "+++ /dev/null":
            (root / _folded(old, fold)).unlink()
        elif line.startswith("+++ "):
            target = root / _folded(_named(line[4:]), fold)
        elif line.startswith("+"):
            body.append(line[1:])


def _named(name: str) -> str:
    name = name.split("\t")[0].strip('"')
    name = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), name)
    return name[2:] if name[:2] in ("a/", "b/") else name


def _folded(path: str, fold: bool) -> str:
    if not fold:
        return path
    parts = (folded(part).partition(":")[0].rstrip(" .") for part in path.split("/"))
    return "/".join({"git~1": ".git", "torre~1": ".torre"}.get(part, part) for part in parts)


def _put(target: Path, body: list[str], mode: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if mode == "120000":
        target.unlink(missing_ok=True)
        target.symlink_to(body[0])
        return
    with target.open("w") as file:  # in place, as most do
        file.write("".join(f"{line}\n" for line in body))
