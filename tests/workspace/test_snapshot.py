"""The workspace on disk: what is accepted, when it counts as moved, which texts are read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from llm.errors import WorkspaceError
from llm.workspace.snapshot import MAX_FILE_BYTES, fingerprint, open_workspace, read_sources, root_of
from tests.workspace.oracle import write


def test_a_workspace_is_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    assert open_workspace(Path("link")) == tmp_path.resolve() / "real"


@pytest.mark.parametrize(
    ("name", "says"), [("missing", "does not exist"), ("file", "not a directory"), ("loop", "loop")]
)
def test_what_is_no_workspace(name: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(WorkspaceError, match=f"^workspace: .*{says}"):
        open_workspace(tmp_path / name)


def test_a_nul_in_the_path(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError):
        open_workspace(Path(f"{tmp_path}/\0"))


def test_an_unreadable_workspace() -> None:
    unreadable = pytest.raises(WorkspaceError, match="cannot be read")
    with tempfile.TemporaryDirectory() as directory, as_nobody(Path(directory)), unreadable:
        open_workspace(Path(directory))


@contextmanager
def as_nobody(directory: Path) -> Iterator[None]:
    """Root reads everything: as root, become nobody for a while; others close what is their own."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    else:
        directory.chmod(0)
    try:
        yield
    finally:
        os.seteuid(user)
        directory.chmod(0o700)


@pytest.mark.parametrize("marker", [".git", ".torre"])
def test_the_root_is_the_nearest_marked_ancestor(marker: str, tmp_path: Path) -> None:
    deep = tmp_path / "a/b/c"
    deep.mkdir(parents=True)
    assert root_of(deep) == deep
    (tmp_path / marker).mkdir()
    assert root_of(deep) == tmp_path
    (tmp_path / "a/b/.torre").mkdir()
    assert root_of(deep) == tmp_path / "a/b"


def test_a_worktree_s_git_file_marks_a_root(tmp_path: Path) -> None:
    write(tmp_path, {".git": b"gitdir: elsewhere\n", "a/x": b""})
    assert root_of(tmp_path / "a") == tmp_path


MOVES: dict[str, Callable[[Path], object]] = {
    "content of the same size": lambda root: (root / "a.py").write_bytes(b"y\n"),
    "new file": lambda root: (root / "dir/new").write_bytes(b""),
    "deleted file": lambda root: (root / "a.py").unlink(),
    "renamed file": lambda root: (root / "a.py").rename(root / "b.py"),
    "mode": lambda root: (root / "a.py").chmod(0o755),
    "symlink turned": lambda root: (root / "other").rename(root / "link"),
}


@pytest.mark.parametrize("name", MOVES)
def test_a_moved_file_changes_the_fingerprint(name: str, tmp_path: Path) -> None:
    write(tmp_path, {"a.py": b"x\n", "dir/c.py": b"z\n"})
    (tmp_path / "link").symlink_to("a.py")
    (tmp_path / "other").symlink_to("dir")
    os.utime(tmp_path / "a.py", (1, 1))
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    MOVES[name](tmp_path)
    assert fingerprint(tmp_path) != before


@pytest.mark.parametrize("place", [".git", ".torre", "node_modules", "a/.venv", "a/__pycache__", ".mypy_cache"])
def test_what_tools_write_for_themselves_does_not_move_a_workspace(place: str, tmp_path: Path) -> None:
    write(tmp_path, {"a/x.py": b"x\n"})
    before = fingerprint(tmp_path)
    write(tmp_path, {f"{place}/file": b"x"})
    assert fingerprint(tmp_path) == before


def test_sources_are_read_once_and_only_texts(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.py": b"x\r\n",
            "bom.ts": b"\xef\xbb\xbfy\n",
            "dir/é.toml": b"z\n",
            "latin.py": b"\xe9\n",
            "binary.c": b"a\0b",
            "image.png": b"png",
            "large.json": b" " * (MAX_FILE_BYTES + 1),
            "node_modules/m/index.js": b"m",
            ".venv/lib/m.py": b"m",
            "vendor/v.go": b"v",
        },
    )
    (tmp_path / "link.py").symlink_to("/etc/hostname")
    (tmp_path / "loop").symlink_to(".")
    os.mkfifo(tmp_path / "pipe.py")
    assert read_sources(tmp_path) == {"a.py": "x\r\n", "bom.ts": "y\n", "dir/é.toml": "z\n"}


def test_a_directory_that_everybody_may_write_to_rules_nobody(tmp_path: Path) -> None:
    shared, project = tmp_path / "shared", tmp_path / "shared" / "project"
    project.mkdir(parents=True)
    (shared / ".torre").mkdir()
    assert root_of(project) == shared.resolve()
    shared.chmod(0o1777)
    assert root_of(project) == project.resolve()


def test_the_root_of_the_file_system_rules_nobody(tmp_path: Path) -> None:
    assert root_of(tmp_path) != Path("/") != root_of(Path("/usr/share"))
    assert root_of(Path("/")) == Path("/")
