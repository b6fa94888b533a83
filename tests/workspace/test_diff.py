"""Diffs made by Torre are what git takes them for; diffs of others are read, mended or refused."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from llm.domain import DiscardReason
from llm.errors import DiffError
from llm.workspace.diff import MAX_BYTES, diff_size, make_diff, parse
from llm.workspace.patch import apply, executables, rendered
from tests.workspace.oracle import after_git, git_diff, overlaid, tree, write

_LONG = "".join(f"line {i}\n" for i in range(60))

ROUND_TRIPS: dict[str, tuple[dict[str, str], dict[str, str | None]]] = {
    "edit": ({"a.py": _LONG}, {"a.py": _LONG.replace("line 30\n", "changed\n")}),
    "first and last line": ({"a.py": _LONG}, {"a.py": "zero\n" + _LONG.replace("line 59\n", "end\n")}),
    "repeated lines": ({"a.py": "x\n" * 40}, {"a.py": "x\n" * 20 + "y\n" + "x\n" * 19}),
    "growing": ({"a.py": "x\n" * 9}, {"a.py": "x\n" * 12}),
    "new file": ({"a.py": "x\n"}, {"dir/new.py": "1\n2\n"}),
    "new empty file": ({"a.py": "x\n"}, {"pkg/__init__.py": ""}),
    "deleted file": ({"a.py": "x\n", "b.py": "y\n"}, {"b.py": None}),
    "deleted empty file": ({"a.py": "x\n", "b.py": ""}, {"b.py": None}),
    "emptied file": ({"a.py": "x\ny\n"}, {"a.py": ""}),
    "filled file": ({"a.py": ""}, {"a.py": "x\n"}),
    "no newline before": ({"a.py": "x\ny"}, {"a.py": "x\ny\n"}),
    "no newline after": ({"a.py": "x\ny\n"}, {"a.py": "x\ny"}),
    "no newline in both": ({"a.py": "x\ny"}, {"a.py": "z\ny"}),
    "new without newline": ({"a.py": "x\n"}, {"b.py": "y"}),
    "spaces in the path": ({"my dir/a b.py": "x\n"}, {"my dir/a b.py": "y\n"}),
    "unicode in the path": ({"é/ü\u2028.py": "x\n"}, {"é/ü\u2028.py": "y\n"}),
    "newline, quotes and tab in the path": ({'a\n"b"\t.py': "x\n"}, {'a\n"b"\t.py': "y\n"}),
    "new file with spaces": ({"a.py": ""}, {"x y/é z.py": "x\n"}),
    "CRLF": ({"a.py": "x\r\ny\r\nz\r\n"}, {"a.py": "x\r\nY\r\nz\r\n"}),
    "mixed newlines": ({"a.py": "x\r\ny\nz\r\n"}, {"a.py": "x\r\nY\nz\r\n"}),
    "form feed and lone CR": ({"a.py": "x\x0c\ny\rz\n\x85w\n"}, {"a.py": "x\x0c\ny\rZ\n\x85w\n"}),
    "lines like headers": ({"a.sql": "-- x\n++ y\n@@ z\n"}, {"a.sql": "-- a\n++ b\n@@ c\n"}),
    "BOM": ({"a.py": "\ufeffx\ny\n"}, {"a.py": "\ufeffX\ny\n"}),
    "several files": ({"a.py": "x\n", "b.py": "y\n"}, {"a.py": "X\n", "b.py": None, "c.py": "z\n"}),
    "directory named a": ({"a/b/c.py": "x\n"}, {"a/b/c.py": "y\n"}),
    "bytes that are not UTF-8": ({"a.py": "\udce9t\udce9\nx\n"}, {"a.py": "\udce9t\udce9\ny\n"}),
}


def encoded(texts: Mapping[str, str | None]) -> dict[str, bytes]:
    return {path: text.encode("utf-8", "surrogateescape") for path, text in texts.items() if text is not None}


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_made_diff_means_the_same_to_git_and_to_us(name: str, tmp_path: Path) -> None:
    before, after = ROUND_TRIPS[name]
    write(tmp_path, encoded(before))
    diff = make_diff(before, after)
    ours = overlaid(encoded(before), apply(diff, tmp_path))
    assert ours == encoded({**before, **after})
    assert rendered(apply(diff, tmp_path), tmp_path) == diff
    assert after_git(tmp_path, diff) == ours


@pytest.mark.parametrize(
    "options",
    [
        "-U3",
        "-U1",
        "-U0",
        "-U8 --histogram",
        "--no-prefix",
        "--src-prefix=i/ --dst-prefix=w/",
        "-M -p --stat",
        "--binary",
    ],
)
def test_diffs_made_by_git_are_applied_as_git_does(options: str, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for number, (before, after) in enumerate(ROUND_TRIPS.values()):
        write(old / str(number), encoded(before))
        write(new / str(number), encoded({**before, **after}))
    diff = git_diff(old, new, *options.split())
    assert diff.count("diff --git") >= len(ROUND_TRIPS)
    assert overlaid(tree(old), apply(diff, old)) == tree(new)


def test_equal_files_give_no_diff() -> None:
    assert make_diff({"a": "x\n", "gone": None}, {"a": "x\n", "gone": None}) == ""


def test_a_diff_in_a_large_file_is_small_and_quick() -> None:
    text = "".join(f"value = {i % 7}\n" for i in range(50_000))
    lines = text.split("\n")
    lines[25_000] = "changed"
    assert diff_size(parse(make_diff({"a": text}, {"a": "\n".join(lines)}))) == 2


def test_executable_mode_of_a_new_file_is_kept(tmp_path: Path) -> None:
    diff = make_diff({}, {"run.sh": "#!/bin/sh\n"}, executable=["run.sh"])
    assert executables(parse(diff), tmp_path) == {"run.sh"}
    after_git(tmp_path, diff)
    assert (tmp_path / "run.sh").stat().st_mode & 0o111


def test_rename_of_an_executable_keeps_its_mode_when_rendered(tmp_path: Path) -> None:
    write(tmp_path, {"a.sh": b"x\n"})
    (tmp_path / "a.sh").chmod(0o755)
    patch = parse("diff --git a/a.sh b/b.sh\nsimilarity index 100%\nrename from a.sh\nrename to b.sh\n")
    after = apply(patch, tmp_path)
    assert after == {"a.sh": None, "b.sh": b"x\n"}
    assert after_git(tmp_path, rendered(after, tmp_path, executables(patch, tmp_path))) == {"b.sh": b"x\n"}
    assert (tmp_path / "b.sh").stat().st_mode & 0o111


@pytest.mark.parametrize(
    ("headers", "paths"),
    [
        ("--- a/x.py\n+++ b/x.py\n", ("x.py", "x.py")),
        ("--- x.py\n+++ x.py\n", ("x.py", "x.py")),
        ("--- ./x.py\n+++ ./x.py\n", ("x.py", "x.py")),
        ("--- i/x.py\n+++ w/x.py\n", ("x.py", "x.py")),
        ("--- a/x.py\n+++ a/x.py\n", ("a/x.py", "a/x.py")),
        ("--- x.py.orig\n+++ x.py\n", ("x.py.orig", "x.py")),
        ("--- a/x.py\t2024-01-01 10:00:00.000 +0100\n+++ b/x.py\t2024-01-01 10:00:01\n", ("x.py", "x.py")),
        ("--- a/x.py 2024-01-01 10:00:00\n+++ b/x.py 2024-01-01 10:00:01\n", ("x.py", "x.py")),
        ("--- a/my x.py\t\n+++ b/my x.py\t\n", ("my x.py", "my x.py")),
        ('--- "a/\\303\\251.py"\n+++ "b/\\303\\251.py"\n', ("é.py", "é.py")),
        ("--- /dev/null\n+++ b/x.py\n", ("", "x.py")),
        ("--- a/x.py\n+++ /dev/null\n", ("x.py", "")),
        ("diff --git a/x.py b/x.py\nindex 1..2 100644\n--- a/x.py\n+++ b/x.py\n", ("x.py", "x.py")),
        ("diff --git a/x.py b/y.py\nrename from x.py\nrename to y.py\n--- a/x.py\n+++ b/y.py\n", ("x.py", "y.py")),
    ],
)
def test_names_in_headers(headers: str, paths: tuple[str, str]) -> None:
    (file,) = parse(headers + "@@ -1 +1 @@\n-x\n+y\n").files
    assert (file.old_path, file.new_path) == paths


HUNK = "@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n"
HEAD = "--- a/f.txt\n+++ b/f.txt\n"

REFUSED: dict[str, tuple[str, DiscardReason]] = {
    "empty": ("", DiscardReason.INVALID_DIFF),
    "prose": ("I would change line 3.\n", DiscardReason.INVALID_DIFF),
    "header only": (HEAD, DiscardReason.INVALID_DIFF),
    "git header only": (f"diff --git a/f.txt b/f.txt\n{HEAD}", DiscardReason.INVALID_DIFF),
    "add without content or mode": ("--- /dev/null\n+++ b/f.txt\n", DiscardReason.INVALID_DIFF),
    "bare hunk header": (f"{HEAD}@@\n-two\n+TWO\n", DiscardReason.INVALID_DIFF),
    "hunk header with a name only": (f"{HEAD}@@ def f(): @@\n-two\n+TWO\n", DiscardReason.INVALID_DIFF),
    "combined diff": (f"{HEAD}@@@ -1 -1 +1 @@@\n--two\n++TWO\n", DiscardReason.INVALID_DIFF),
    "hunk without a body": (f"{HEAD}@@ -1,3 +1,3 @@\n", DiscardReason.INVALID_DIFF),
    "hunk without a file": (HUNK, DiscardReason.INVALID_DIFF),
    "line without its mark": (f"{HEAD}@@ -1,4 +1,3 @@\n one\nlost\n-two\n+TWO\n", DiscardReason.INVALID_DIFF),
    "half a surrogate pair": (f"{HEAD}{HUNK}\ud800", DiscardReason.INVALID_DIFF),
    "NUL": (f"{HEAD}{HUNK}\0", DiscardReason.INVALID_DIFF),
    "git binary": ("diff --git a/f b/f\nGIT binary patch\nliteral 3\nKcmZ\n", DiscardReason.INVALID_DIFF),
    "binary files differ": ("Binary files a/f and b/f differ\n", DiscardReason.INVALID_DIFF),
    "new symlink": (
        "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd\n",
        DiscardReason.PATH_ESCAPE,
    ),
    "edited symlink": (
        f"diff --git a/l b/l\nindex 1..2 120000\n{HEAD}{HUNK}",
        DiscardReason.PATH_ESCAPE,
    ),
    "submodule": (
        "diff --git a/s b/s\nnew file mode 160000\n--- /dev/null\n+++ b/s\n@@ -0,0 +1 @@\n+Subproject commit 1\n",
        DiscardReason.PATH_ESCAPE,
    ),
    "setuid": ("diff --git a/s b/s\nnew file mode 104755\n", DiscardReason.INVALID_DIFF),
    "mode only": ("diff --git a/f b/f\nold mode 100644\nnew mode 100755\n", DiscardReason.INVALID_DIFF),
    "copy": ("diff --git a/f b/g\ncopy from f\ncopy to g\n", DiscardReason.INVALID_DIFF),
    "two names": (f"--- a/f.txt\n+++ b/g.txt\n{HUNK}", DiscardReason.INVALID_DIFF),
    "no names": (f"--- /dev/null\n+++ /dev/null\n{HUNK}", DiscardReason.INVALID_DIFF),
    "open quote": (f'--- "a/f.txt\n+++ "b/f.txt\n{HUNK}', DiscardReason.INVALID_DIFF),
    "unknown escape": (f'--- "a/\\q"\n+++ "b/\\q"\n{HUNK}', DiscardReason.INVALID_DIFF),
    "too many bytes": (HEAD + HUNK + "+x\n" * (MAX_BYTES // 3), DiscardReason.TOO_LARGE),
    "too many files": (
        "".join(f"--- a/{i}\n+++ b/{i}\n@@ -1 +1 @@\n-x\n+y\n" for i in range(501)),
        DiscardReason.TOO_LARGE,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_the_parser(name: str) -> None:
    text, reason = REFUSED[name]
    with pytest.raises(DiffError) as refused:
        parse(text)
    assert refused.value.reason is reason


def test_the_same_diff_whole_is_taken() -> None:
    assert diff_size(parse(HEAD + HUNK)) == 2


@pytest.mark.parametrize(
    "head",
    [
        "diff --git " + "a " * 450_000 + "\nnew file mode 100644\n",
        "--- a/" + " " * 900_000 + "x\n+++ b/x\n@@ -0,0 +1 @@\n+x\n",
        '--- /dev/null\n+++ "b/' + "\\101" * 225_000 + '"\n@@ -0,0 +1 @@\n+x\n',
    ],
    ids=["a git header of spaces", "a name of spaces", "a name of escapes"],
)
def test_a_header_of_a_megabyte_costs_no_more_than_its_length(head: str) -> None:
    """Trying every space, or every run of them, costs the square: minutes."""
    began = time.process_time()
    with suppress(DiffError):
        parse(head)
    assert time.process_time() - began < 5
