"""Applying: each defect that models and transports make, encodings, and what must be refused."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from llm.domain import DiscardReason
from llm.errors import DiffError
from llm.workspace.patch import apply, rendered
from tests.workspace.oracle import after_git, git_apply, overlaid, tree, write

HEAD = "--- a/f.txt\n+++ b/f.txt\n"
BEFORE = "one\ntwo\n\nthree\nfour\nfive\n"
AFTER = BEFORE.replace("three", "THREE")
GOOD = f"{HEAD}@@ -1,6 +1,6 @@\n one\n two\n \n-three\n+THREE\n four\n five\n"

DEFECTS = {
    "none": GOOD,
    "wrong counts": GOOD.replace("-1,6 +1,6", "-1,9 +1,2"),
    "counts too small": GOOD.replace("-1,6 +1,6", "-1,2 +1,2"),
    "counts left out": GOOD.replace("-1,6 +1,6", "-1 +1"),
    "wrong line": GOOD.replace("-1,6 +1,6", "-40,6 +40,6"),
    "line zero": GOOD.replace("-1,6 +1,6", "-0,6 +0,6"),
    "CRLF all over": GOOD.replace("\n", "\r\n"),
    "no final newline": GOOD.removesuffix("\n"),
    "stripped blank context": GOOD.replace("\n \n", "\n\n"),
    "stripped blank context and wrong counts": GOOD.replace("\n \n", "\n\n").replace("-1,6 +1,6", "-1,7 +1,7"),
    "fence": f"```diff\n{GOOD}```\n",
    "fence and wrong counts": f"```diff\n{GOOD.replace('1,6', '1,5')}```\n",
    "prose around": f"Here is the fix:\n\n{GOOD}\nIt changes one word.\n",
    "prose, fence, prose": f"Sure - this:\n\n```diff\n{GOOD}```\n\n- one change\n- no more\n",
    "trailing blank lines": GOOD + "\n\n\n",
    "format-patch": f"From 1 Mon\nSubject: x\n\n---\n f.txt | 2 +-\n\n{GOOD}-- \n2.39.5\n",
    "no prefix": GOOD.replace("a/", "").replace("b/", ""),
    "timestamps": GOOD.replace("f.txt\n", "f.txt\t2024-01-01 00:00:00.000000000 +0000\n"),
    "git header": f"diff --git a/f.txt b/f.txt\nindex 123..456 100644\n{GOOD}",
    "quoted": GOOD.replace("a/f.txt", '"a/f.txt"').replace("b/f.txt", '"b/\\146.txt"'),
    "drifted context": GOOD.replace(" one\n", " uno\n"),
    "blanks in the context": GOOD.replace(" four\n", " four  \n"),
    "spurious no-newline marker": GOOD + "\\ No newline at end of file\n",
    "two hunks as two files": f"{GOOD}{HEAD}@@ -5,2 +5,2 @@\n-four\n+four\n five\n",
}


@pytest.mark.parametrize("name", DEFECTS)
def test_defects_are_coped_with(name: str, tmp_path: Path) -> None:
    write(tmp_path, {"f.txt": BEFORE.encode()})
    after = apply(DEFECTS[name], tmp_path)
    assert after == {"f.txt": AFTER.encode()}
    assert tree(tmp_path) == {"f.txt": BEFORE.encode()}, "the workspace itself is untouched"
    assert after_git(tmp_path, rendered(after, tmp_path)) == {"f.txt": AFTER.encode()}


@pytest.mark.parametrize("name", ["wrong counts", "CRLF all over", "no final newline", "drifted context"])
def test_plain_git_refuses_what_we_mend(name: str, tmp_path: Path) -> None:
    write(tmp_path, {"f.txt": BEFORE.encode()})
    done = git_apply(tmp_path, DEFECTS[name])
    assert done.returncode != 0 or tree(tmp_path)["f.txt"] != AFTER.encode()


FILES = {
    "CRLF file, LF diff": (b"one\r\ntwo\r\n\r\nthree\r\nfour\r\nfive\r\n", GOOD),
    "CRLF file, CRLF diff": (b"one\r\ntwo\r\n\r\nthree\r\nfour\r\nfive\r\n", GOOD.replace("\n", "\r\n")),
    "CRLF file, drifted diff": (b"uno\r\ntwo\r\n\r\nthree\r\nfour\r\nfive\r\n", GOOD),
    "BOM": (b"\xef\xbb\xbfone\ntwo\n\nthree\nfour\nfive\n", GOOD),
    "BOM and CRLF": (b"\xef\xbb\xbfone\r\ntwo\r\n\r\nthree\r\nfour\r\nfive\r\n", GOOD),
    "no newline at the end": (b"one\ntwo\n\nthree\nfour\nfive", GOOD),
    "latin-1 elsewhere": (b"one\ntwo\n\nthree\nfour\nfive\n\xe9\xff\n", GOOD),
    "latin-1, drifted": (b"\xe9\none\n\xe8\n\nthree\nfour\nfive\n\xe9\xff\n", GOOD),
    "mixed newlines": (b"one\ntwo\n\nthree\nfour\nfive\nsix\r\n", GOOD),
    "form feeds": (b"one\ntwo\n\nthree\nfour\nfive\n\x0c\x1c\n", GOOD),
}


@pytest.mark.parametrize("name", FILES)
def test_bytes_of_a_file_stay_as_they_are(name: str, tmp_path: Path) -> None:
    content, diff = FILES[name]
    write(tmp_path, {"f.txt": content})
    after = apply(diff, tmp_path)
    assert after == {"f.txt": content.replace(b"three", b"THREE")}
    assert after_git(tmp_path, rendered(after, tmp_path)) == after


def test_a_bom_can_be_removed_on_purpose(tmp_path: Path) -> None:
    write(tmp_path, {"f.txt": b"\xef\xbb\xbfone\n"})
    assert apply(f"{HEAD}@@ -1 +1 @@\n-\ufeffone\n+one\n", tmp_path) == {"f.txt": b"one\n"}


def test_a_last_newline_can_be_added_on_purpose(tmp_path: Path) -> None:
    write(tmp_path, {"f.txt": b"one"})
    diff = f"{HEAD}@@ -1 +1 @@\n-one\n\\ No newline at end of file\n+one\n"
    assert apply(diff, tmp_path) == {"f.txt": b"one\n"}


def test_two_sections_for_one_file_build_on_each_other(tmp_path: Path) -> None:
    write(tmp_path, {"f.txt": b"1\n2\n"})
    diff = f"{HEAD}@@ -1 +1 @@\n-1\n+one\n{HEAD}@@ -1,2 +1,2 @@\n one\n-2\n+two\n"
    assert apply(diff, tmp_path) == {"f.txt": b"one\ntwo\n"}


def test_rename_with_an_edit_is_what_git_makes_of_it(tmp_path: Path) -> None:
    old = {"f.txt": BEFORE.encode()}
    write(tmp_path, old)
    rename = "diff --git a/f.txt b/d/g.txt\nrename from f.txt\nrename to d/g.txt\n--- a/f.txt\n+++ b/d/g.txt\n"
    diff = rename + GOOD.removeprefix(HEAD)
    ours = overlaid(old, apply(diff, tmp_path))
    assert after_git(tmp_path, diff) == ours == {"d/g.txt": AFTER.encode()}


def test_a_hunk_goes_to_the_only_place_that_fits_and_not_to_one_of_two(tmp_path: Path) -> None:
    block = "def f():\n    return 1\n"
    write(tmp_path, {"f.txt": f"{block}# other\n{block}".encode()})
    (only,) = apply(f"{HEAD}@@ -9,2 +9,2 @@\n # other\n-def f():\n+def g():\n", tmp_path).values()
    assert only == f"{block}# other\ndef g():\n    return 1\n".encode()


def test_an_outer_repository_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path / "inner", {"f.txt": BEFORE.encode()})
    assert apply(DEFECTS["drifted context"], tmp_path / "inner") == {"f.txt": AFTER.encode()}


REFUSED = {
    "does not fit": GOOD.replace("-three", "-drei"),
    "missing file": GOOD.replace("f.txt", "g.txt"),
    "adds what exists": "--- /dev/null\n+++ b/f.txt\n@@ -0,0 +1 @@\n+x\n",
    "renames onto a file": "diff --git a/f.txt b/d/h\nrename from f.txt\nrename to d/h\n",
    "renames what is not there": "diff --git a/x b/y\nrename from x\nrename to y\n",
    "deletes a part": "--- a/f.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n",
    "changes nothing": GOOD.replace("+THREE", "+three"),
    "context only": f"{HEAD}@@ -1,2 +1,2 @@\n one\n two\n",
    "does and undoes": GOOD + GOOD.replace("-three\n+THREE", "-THREE\n+three"),
    "a directory": GOOD.replace("f.txt", "d"),
    "a file under a file": "--- /dev/null\n+++ b/f.txt/x\n@@ -0,0 +1 @@\n+x\n",
    "a file and one under it": (
        "--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n--- /dev/null\n+++ b/n/m\n@@ -0,0 +1 @@\n+x\n"
    ),
    "a binary file": GOOD.replace("f.txt", "d/binary"),
    "a binary file renamed": "diff --git a/x b/x\nrename from d/binary\nrename to d/b2\n",
    "a second of three does not fit": GOOD + GOOD.replace("f.txt", "d/h"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_when_applied(name: str, tmp_path: Path) -> None:
    write(tmp_path, {"f.txt": BEFORE.encode(), "d/h": b"h\n", "d/binary": BEFORE.encode() + b"\0"})
    with pytest.raises(DiffError) as refused:
        apply(REFUSED[name], tmp_path)
    assert refused.value.reason is DiscardReason.INVALID_DIFF


def test_a_fifo_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f.txt")
    with pytest.raises(DiffError, match="plain file"):
        apply(GOOD, tmp_path)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "f.txt").open("wb") as file:
        file.truncate(1 << 33)
    with pytest.raises(DiffError) as refused:
        apply(GOOD, tmp_path)
    assert refused.value.reason is DiscardReason.TOO_LARGE


def test_a_file_of_equal_lines_does_not_take_minutes(tmp_path: Path) -> None:
    write(tmp_path, {"f.txt": b"x\n" * 60_000})
    body = " x\n" * 20_000
    with pytest.raises(DiffError):
        apply(f"{HEAD}@@ -1,20001 +1,20001 @@\n{body}-y\n+z\n", tmp_path)


@pytest.mark.parametrize("name", ["wrong line", "wrong counts", "stripped blank context", "blanks in the context"])
def test_most_is_mended_without_git(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    write(tmp_path, {"f.txt": BEFORE.encode()})
    assert apply(DEFECTS[name], tmp_path) == {"f.txt": AFTER.encode()}
    with pytest.raises(DiffError, match="does not fit"):
        apply(DEFECTS["drifted context"], tmp_path)


def test_a_git_of_the_workspace_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"f.txt": BEFORE.encode(), "bin/git": f"#!/bin/sh\ntouch {tmp_path}/ran\n".encode()})
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "bin:/usr/bin:/bin")
    with pytest.raises(DiffError):
        apply(DEFECTS["drifted context"], tmp_path)
    assert not (tmp_path / "ran").exists()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    with pytest.raises(DiffError):
        apply(DEFECTS["drifted context"], tmp_path)
    assert (tmp_path / "ran").exists(), "the trap works where git is found by an absolute path"


def test_a_layer_counts_as_the_workspace(tmp_path: Path) -> None:
    write(tmp_path, {"f.txt": b"1\n", "g.txt": b"1\n"})
    layer = {"f.txt": b"2\n", "new.txt": b"1\n", "g.txt": None}
    assert apply(f"{HEAD}@@ -1 +1 @@\n-2\n+3\n", tmp_path, layer) == {"f.txt": b"3\n"}
    with pytest.raises(DiffError, match="there is no file"):
        apply("--- a/g.txt\n+++ b/g.txt\n@@ -1 +1 @@\n-1\n+2\n", tmp_path, layer)
    with pytest.raises(DiffError, match="exists"):
        apply("--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1 @@\n+1\n", tmp_path, layer)


def test_thousands_of_moved_hunks_are_given_up(tmp_path: Path) -> None:
    """Each is somewhere else in a long file: to look for all of them would take minutes. A few are found."""
    (tmp_path / "long.txt").write_text("".join(f"{n}\n" for n in range(100_000)))

    def moved(count: int) -> str:
        hunks = (f"@@ -{99_000 - n} +1 @@\n-{n}\n+new {n}\n" for n in range(count))
        return "--- a/long.txt\n+++ b/long.txt\n" + "".join(hunks)

    assert (apply(moved(20), tmp_path)["long.txt"] or b"").startswith(b"new 0\nnew 1\n")
    began = time.process_time()
    with pytest.raises(DiffError, match="does not fit"):
        apply(moved(20_000), tmp_path)
    assert time.process_time() - began < 15
