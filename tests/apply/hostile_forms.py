"""More hostile diffs: the forms in which a header, a name or a mode can be written, and what hides in a hunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

UNSEEN = "\u00ad\u034f\u115f\u180b\u180e\u200b\u2060\u206a\u3164\ufe0f\uffa0\U000e0001"
"""What some file system leaves out of a name."""


@dataclass(frozen=True)
class Form:
    """As `hostile_diffs.Hostile`, whose table takes these up."""

    diff: str
    folds: bool = False
    applied: bool = False
    harmless: bool = False


def forms(outside: Path, add: Callable[..., str], rename: Callable[[str, str], str]) -> Mapping[str, Form]:
    """By name. `outside` is a directory beside the workspace."""
    return {
        **dict(_names(outside, add)),
        **_headers(outside),
        **_hunks(add),
        **_modes(add),
        **_moves(rename),
    }


def _names(outside: Path, add: Callable[..., str]) -> Iterator[tuple[str, Form]]:
    for unseen in UNSEEN:
        yield f"unseen {unseen!a}", Form(add(f".g{unseen}it/config"), folds=True)
        yield f"unseen {unseen!a} at the end", Form(add(f".torre{unseen}./providers.yaml"), folds=True)
    for path in ("GIT~1/config", ".git...:x/y", ".GIT\u200d./config", "a/b/.gIt/hooks/x", ".torre:stream/x"):
        yield f"another name {path!a}", Form(add(path), folds=True)
    yield "unseen parent", Form(add("..\u200d/outside/x"), folds=True, harmless=True)
    for path in (".git", ".torre", "sub/.git", "src/.torre"):
        yield f"file {path}", Form(add(path, "gitdir: ../outside"), harmless=path in (".git", ".torre"))
    for path in ("link", "link/../../outside/x", "link/.", "src/", "src//x", "./", "file-link.txt/x"):
        yield f"odd path {path}", Form(add(path), harmless=True)
    for path in ("/proc/self/cwd/../outside/x", "//outside/x", "/../outside/x"):
        yield f"absolute {path}", Form(add(path), harmless=True)
    innocent = ("~/x", "$HOME/x", "\uff0e\uff0e/beyond/x", "\u2025/x", "..\u2215outside\u2215x", "dev/null", "*")
    for path in innocent:
        yield f"only looks like a way out: {path!a}", Form(add(path), applied=True, harmless=True)
    overlong = add("\\300\\256\\300\\256/beyond/x", quoted=True)
    yield "overlong dots", Form(overlong, applied=True, harmless=True)
    for name, path in {"NUL": "src/\\000x", "too large": "\\777x", "too short": "\\05"}.items():
        yield f"escape {name}", Form(add(path, quoted=True), harmless=True)
    yield "unprefixed", Form(add("x").replace("b/x", f"{outside}/x"))


def _headers(outside: Path) -> Mapping[str, Form]:
    body = "@@ -0,0 +1 @@\n+x\n"
    inside = "--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-old\n+evil\n"
    return {
        "no prefix": Form(f"--- /dev/null\n+++ ../outside/x\n{body}"),
        "mnemonic prefixes": Form(f"--- i/../outside/x\n+++ w/../outside/x\n{body}", harmless=True),
        "numbered prefixes": Form(f"--- 1/../outside/x\n+++ 2/../outside/x\n{body}", harmless=True),
        "prefix and dot": Form(f"--- /dev/null\n+++ b/./../outside/x\n{body}"),
        "a prefix and an absolute path": Form(f"--- /dev/null\n+++ b/{outside}/x\n{body}"),
        "subversion": Form(f"Index: ../outside/x\n{'=' * 67}\n--- /dev/null\n+++ ../outside/x\n{body}"),
        "a mail": Form(
            f"From 1 Mon Sep 17\nSubject: x\n---\n x | 1 +\n\n--- /dev/null\n+++ b/../outside/x\n{body}--\n2.4\n"
        ),
        "a fence": Form(f"Sure:\n```diff\n--- /dev/null\n+++ b/../outside/x\n{body}```\n"),
        "empty, by a git header alone": Form(
            "diff --git a/../outside/x b/../outside/x\nnew file mode 100644\n", harmless=True
        ),
        "gone, by a git header alone": Form(
            "diff --git a/link/secret.txt b/link/secret.txt\ndeleted file mode 100644\n", harmless=True
        ),
        "the git header names another": Form(f"diff --git a/../outside/x b/../outside/x\n{inside}", applied=True),
        "twice, the second time outside": Form(f"{inside}--- a/README.md\n+++ b/../outside/x\n{body}"),
        "nowhere to nowhere": Form(f"--- /dev/null\n+++ /dev/null\n{body}", harmless=True),
        "lone CR": Form(f"--- /dev/null\r+++ b/../outside/x\r{body}", harmless=True),
        "other ends of a line": Form(
            f"--- /dev/null\n+++ b/src/x\u2028+++ b/../outside/x\x0b\n{body}", harmless=True
        ),
        "a context diff": Form("*** ../outside/x\n--- ../outside/x\n***************\n*** 0 ****\n", harmless=True),
        "a combined diff": Form("diff --cc ../outside/x\n@@@ -1 -1 +1 @@@\n--a\n++b\n", harmless=True),
        "an ed script": Form("0a\nx\n.\nw ../outside/x\n", harmless=True),
        "a line of spaces": Form("--- /dev/null\n+++ b/" + " " * 900_000 + f"x\n{body}", harmless=True),
        "a git header of spaces": Form("diff --git " + "a " * 450_000 + "\nnew file mode 100644\n", harmless=True),
        "500 files and one": Form(
            "".join(f"--- /dev/null\n+++ b/f{n}\n{body}" for n in range(501)), harmless=True
        ),
    }


def _hunks(add: Callable[..., str]) -> Mapping[str, Form]:
    nested = "+--- /dev/null\n++++ b/../outside/x\n+@@ -0,0 +1 @@\n++x\n"
    head = "--- /dev/null\n+++ b/src/new.txt\n"
    return {
        "a diff as text of a file": Form(f"{head}@@ -0,0 +1,4 @@\n{nested}", applied=True, harmless=True),
        "a diff that a wrong count sets free": Form(
            f"{head}@@ -0,0 +1,1 @@\n+a\n--- /dev/null\n+++ b/../outside/x\n@@ -0,0 +1 @@\n+x\n"
        ),
        "a count without end": Form(f"{head}@@ -0,0 +1,999999999 @@\n+x\n", applied=True, harmless=True),
        "a line number that overflows": Form(f"{head}@@ -0,0 +99999999999999999999 @@\n+x\n", harmless=True),
        "a hunk without lines": Form(f"{head}@@ -0,0 +1 @@\n", harmless=True),
        "a marker alone": Form(
            f"{head}@@ -0,0 +1 @@\n\\ No newline at end of file\n", applied=True, harmless=True
        ),
        "an addition that overwrites": Form(add("README.md", "evil")),
    }


def _modes(add: Callable[..., str]) -> Mapping[str, Form]:
    kinds = {"directory": "040000", "fifo": "010644", "socket": "140777", "octal": "0120000", "sticky": "101777"}
    typechange = (
        "diff --git a/README.md b/README.md\ndeleted file mode 100644\n"
        "--- a/README.md\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n"
    )
    return {
        **{f"mode of a {kind}": Form(add("src/x", mode=mode), harmless=True) for kind, mode in kinds.items()},
        "a file becomes a link": Form(typechange + add("README.md", "../outside/secret.txt", "120000")),
        "a link becomes a file": Form(
            "diff --git a/file-link.txt b/file-link.txt\ndeleted file mode 120000\n"
            "--- a/file-link.txt\n+++ /dev/null\n"
            "@@ -1 +0,0 @@\n-../outside/secret.txt\n" + add("file-link.txt")
        ),
        "a submodule moves on": Form(
            "diff --git a/src/x b/src/x\nindex 1..2 160000\n--- a/src/x\n+++ b/src/x\n"
            "@@ -1 +1 @@\n-Subproject commit 1\n+Subproject commit 2\n",
            harmless=True,
        ),
    }


def _moves(rename: Callable[[str, str], str]) -> Mapping[str, Form]:
    return {
        "a rename in two steps": Form(rename("README.md", "x") + rename("x", "../outside/README.md")),
        "a rename into .torre": Form(rename("README.md", ".torre/journal")),
        "a rename over a link": Form(rename("README.md", "file-link.txt")),
        "a rename of a link": Form(rename("file-link.txt", "src/x"), harmless=True),
        "a rename of a directory": Form(rename("src", "../outside/src")),
        "a rename of everything": Form(rename(".", "../outside/all"), harmless=True),
        "a rename, quoted": Form(rename("README.md", '"\\056\\056/outside/x"'), harmless=True),
        "a rename onto itself": Form(rename("README.md", "README.md"), harmless=True),
        "a rename whose names disagree": Form(
            rename("README.md", "moved.md") + "--- a/README.md\n+++ b/../outside/x\n@@ -1 +1 @@\n-old\n+evil\n",
            applied=True,
        ),
    }
