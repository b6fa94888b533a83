"""The one place outside the sandbox that starts a process: git, on a single file in a private directory, to commit
what was applied, or to read a file of a commit. A repository's configuration can name programs; none is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from llm.errors import ApplyError

_TIMEOUT_S = 30.0
_COMMIT_S = 60.0
_SAFE = tuple(
    word
    for setting in (
        *("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.untrackedCache=false", "core.editor=false"),
        *("gc.auto=0", "maintenance.auto=false", "submodule.recurse=false", "core.pager=cat"),
    )
    for word in ("-c", setting)
)
"""Beats the repository's own configuration wherever that could start a program."""
_IDENTITY = frozenset(f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL", "DATE"))
_FORGIVING = ("--recount", "--ignore-whitespace", "--whitespace=nowarn")


def apply_forgiving(hunks: bytes, content: bytes) -> bytes | None:
    """`content` with `hunks` applied by git: first with all of the context, then with one line of it.

    None where git is missing, too slow, or refuses. Git sees a file of a neutral name in an empty directory,
    so that neither the diff's paths nor a repository around can mislead it.
    """
    program = _git()
    if not program:
        return None
    patch = b"--- a/file\n+++ b/file\n" + hunks
    for extra in ((), ("-C1",)):
        with tempfile.TemporaryDirectory(prefix="torre-") as directory:
            file = Path(directory, "file")
            file.write_bytes(content)
            if _run((program, "apply", *_FORGIVING, *extra, "-"), patch, directory):
                return file.read_bytes()
    return None


def content_at(root: Path, commit: str, path: Path) -> bytes | None:
    """The file `path`, relative to `root`, as it is in a commit; None where it is not there. Nothing is fetched,
    and neither filter nor hook runs. ApplyError: no git, no such commit here, or something else than a file."""
    if not _git():
        raise ApplyError("git is not installed")
    known = _ask(
        root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}", allowed=(0, 1)
    )
    if not known:
        raise ApplyError(f"{commit!r} is not a commit of this repository; in CI, fetch it first")
    found = _ask(root, "ls-tree", "-z", known.strip(), "--", path.as_posix())
    if not found:
        return None
    mode, _, name = found.partition("\t")[0].split(" ")
    if not mode.startswith("100"):
        raise ApplyError(f"{path} is not a file in {commit!r}")
    return _ask(root, "cat-file", "blob", name).encode("utf-8", "surrogateescape")


def refuse_commit(workspace: Path, paths: Sequence[str]) -> None:
    """ApplyError where a commit of exactly these files would hold more than Torre's work, or would run what the
    repository says: no git or repository, a file with uncommitted changes, one that git was told not to look at,
    a filter of the repository's own."""
    if not _git():
        raise ApplyError("--commit needs git, which is not installed")
    filters = _ask(workspace, "check-attr", "-z", "filter", "--", *paths).split("\0")[2::3]
    if named := sorted(set(filters) & _own_filters(workspace)):
        raise ApplyError(f"--commit would run this repository's own filter {named[0]!r} outside the sandbox")
    status = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignored")
    if mine := _ask(workspace, *status, "--ignore-submodules=all", "--", *paths):
        first = mine.split("\0")[0][len("XY ") :]
        raise ApplyError(f"--commit would take changes of yours along: {first} has some that are not committed")
    marked = _ask(workspace, "ls-files", "-z", "-v", "--", *paths).split("\0")
    if hidden := [line[len("h ") :] for line in marked if line[:1].islower() or line[:1] == "S"]:
        raise ApplyError(f"--commit cannot tell what is yours in {hidden[0]}: git was told not to look at it")


def commit(workspace: Path, paths: Sequence[str], message: str) -> str:
    """Commit exactly these files, and give the commit's id; what else is staged stays staged. ApplyError in git's
    words. No hook runs (it would, outside the sandbox, on a candidate's code), and nothing is signed."""
    new = [path for path in paths if (workspace / path).exists() and not _ask(workspace, "ls-files", "--", path)]
    if new:
        _ask(workspace, "add", "--intent-to-add", "--force", "--", *new)
    options = ("--quiet", "--no-verify", "--no-gpg-sign", "--cleanup=verbatim", "--no-status")
    try:
        _ask(workspace, "commit", *options, "--message", message, "--only", "--", *paths)
    except ApplyError:
        if new:
            _ask(workspace, "rm", "--quiet", "--cached", "--", *new)
        raise
    return _ask(workspace, "rev-parse", "HEAD").strip()


def _own_filters(workspace: Path) -> set[str]:
    """The filters whose programs the repository's own configuration names; the user's may run."""
    lines = _ask(workspace, "config", "--show-scope", "--name-only", "--get-regexp", "^filter\\.", allowed=(0, 1))
    told = (line.partition("\t") for line in lines.splitlines())
    return {key.split(".", 1)[1].rpartition(".")[0] for scope, _, key in told if scope not in ("system", "global")}


def _ask(workspace: Path, *words: str, allowed: tuple[int, ...] = (0,)) -> str:
    """What git says about the workspace's repository. ApplyError where it refuses."""
    argv = (_git(), "--literal-pathspecs", *_SAFE, *words)
    try:
        done = subprocess.run(
            argv, cwd=workspace, env=_own_environment(), capture_output=True, timeout=_COMMIT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ApplyError(f"git {words[0]} took more than {_COMMIT_S:.0f} s") from error
    if done.returncode not in allowed:
        said = done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}"
        raise ApplyError(f"git {words[0]}: {said}")
    return done.stdout.decode("utf-8", "surrogateescape")


def _own_environment() -> dict[str, str]:
    """The user's, for their name and their ignore rules, without what would point git somewhere else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _IDENTITY}
    return {**kept, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": ""}


def _run(argv: tuple[str, ...], stdin: bytes, directory: str) -> bool:
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            cwd=directory,
            env=_environment(directory),
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _environment(directory: str) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": directory,
        "LC_ALL": "C",
        "GIT_CEILING_DIRECTORIES": str(Path(directory).resolve().parent),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }


def _git() -> str:
    """Absolute path of git, "" where it is missing. A relative entry of PATH could be the workspace's own."""
    found = shutil.which("git") or ""
    return found if Path(found).is_absolute() else ""
