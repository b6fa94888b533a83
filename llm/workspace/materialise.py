"""A request without a workspace: its files, written into a private temporary directory."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from llm.domain import RepairRequest
from llm.errors import InputError
from llm.workspace.paths import flaw


@contextmanager
def materialise(request: RepairRequest) -> Iterator[Path]:
    """A directory (mode 0700) that holds `request.files` and is gone afterwards.

    InputError names the first of `files["…"]` whose path is not plain and relative, lies in `.git/`, or is also
    the directory of another; nothing is written then.
    """
    contents = {path: _encoded(path, text) for path, text in request.files.items()}
    _refuse_paths(contents)
    workspace = Path(tempfile.mkdtemp(prefix="torre-")).resolve()
    try:
        for path, content in contents.items():
            target = workspace / path
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_new(path, target, content)
        yield workspace
    finally:
        shutil.rmtree(workspace)


def refuse_other_texts(request: RepairRequest, workspace: Path) -> None:
    """With a workspace, `files` may only name what is there: what is repaired is what lies on disk.

    InputError names the first of `files["…"]` that is not in the workspace or holds another text there.
    """
    for path, text in request.files.items():
        if why := flaw(path):
            raise InputError(_field(path), why)
        try:
            same = (workspace / path).read_bytes() == _encoded(path, text)
        except OSError as error:
            raise InputError(_field(path), f"is not in the workspace: {error.strerror}") from error
        if not same:
            raise InputError(_field(path), "differs from the workspace's file; save it, or leave `workspace` out")


def _refuse_paths(contents: Mapping[str, bytes]) -> None:
    folders = {parent.as_posix(): path for path in contents for parent in PurePosixPath(path).parents}
    for path in contents:
        if why := flaw(path):
            raise InputError(_field(path), f"not a path inside a workspace: {why}")
        if ".git" in path.split("/"):
            raise InputError(_field(path), "a repository's own files cannot be sent")
        if path in folders:
            raise InputError(_field(path), f"is both a file and the directory of {folders[path]!r}")


def _encoded(path: str, text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise InputError(_field(path), "the text holds half a surrogate pair") from error


def _write_new(path: str, target: Path, content: bytes) -> None:
    """`x`: two paths that the file system takes for one (by case) must not overwrite each other."""
    try:
        with target.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise InputError(_field(path), "is the same file as another on this file system") from None


def _field(path: str) -> str:
    printable = path[:200].encode("utf-8", "backslashreplace").decode()
    return f'files["{printable}"]'
