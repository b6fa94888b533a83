"""Diagnostics' paths, relative to the workspace where that can be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm.domain import Diagnostic
from llm.triage.paths import relative_to


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "shop.py").touch()
    return tmp_path


def relative(path: str, workspace: Path) -> str:
    (found,) = relative_to([Diagnostic(tool="mypy", message="", path=path)], workspace)
    return found.path


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("app/shop.py", "app/shop.py"),
        ("./app/shop.py", "app/shop.py"),
        (r"app\shop.py", "app/shop.py"),
        ("", ""),
        ("/home/runner/work/app/app/shop.py", "app/shop.py"),
        (r"D:\a\shop\app\shop.py", "app/shop.py"),
        ("/elsewhere/other.py", "/elsewhere/other.py"),
        ("/x/../app/../../etc/passwd", "/x/../app/../../etc/passwd"),
        ("/" + "n" * 5000, "/" + "n" * 5000),
    ],
)
def test_a_path_from_anywhere(path: str, told: str, workspace: Path) -> None:
    assert relative(path, workspace) == told


def test_an_absolute_path_inside(workspace: Path) -> None:
    assert relative(f"{workspace}/app/gone.py", workspace) == "app/gone.py"
    assert relative(f"{workspace}/../x.py", workspace) == f"{workspace}/../x.py"


def test_a_workspace_behind_a_symlink(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    link = tmp_path_factory.mktemp("links") / "here"
    link.symlink_to(workspace)
    assert relative(f"{workspace.resolve()}/app/gone.py", link) == "app/gone.py"
