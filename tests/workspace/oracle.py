"""The real `git apply`, as the judge of what Torre computes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


def write(root: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def tree(root: Path) -> dict[str, bytes]:
    return {f.relative_to(root).as_posix(): f.read_bytes() for f in root.rglob("*") if f.is_file()}


def git_apply(root: Path, diff: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "GIT_CEILING_DIRECTORIES": str(root.parent), "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(
        ["git", "apply", *options, "-"],
        input=diff.encode("utf-8", "surrogateescape"),
        cwd=root,
        env=env,
        capture_output=True,
        check=False,
    )


def git_diff(old: Path, new: Path, *options: str) -> str:
    """What git says led from one tree to the other."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_DIR": f"{old.parent}/judge"}

    def git(*arguments: str) -> bytes:
        return subprocess.run(["git", *arguments], check=True, capture_output=True, env=env).stdout

    git("init", "-q")
    trees = []
    for root in (old, new):
        git(f"--work-tree={root}", "-c", "core.autocrlf=false", "add", "-A")
        trees.append(git("write-tree").decode().strip())
    return git("diff", *options, *trees).decode("utf-8", "surrogateescape")


def after_git(root: Path, diff: str, *options: str) -> dict[str, bytes]:
    done = git_apply(root, diff, *options)
    assert done.returncode == 0, done.stderr.decode()
    return tree(root)


def overlaid(before: Mapping[str, bytes], after: Mapping[str, bytes | None]) -> dict[str, bytes]:
    return {path: content for path, content in {**before, **after}.items() if content is not None}
