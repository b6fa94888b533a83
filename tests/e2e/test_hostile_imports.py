"""A workspace's `yaml.py` must not run on the host because somebody stood in it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import MODULE, REPOSITORY, Torre

SHADOWED = (
    *(
        "yaml",
        "json",
        "msgspec",
        "unidiff",
        "whatthepatch",
        "argparse",
        "uuid",
        "signal",
        "subprocess",
        "tempfile",
    ),
    *("sqlite3", "threading", "ruff", "typing_extensions", "sitecustomize", "usercustomize", "shtab"),
)


@pytest.fixture
def trap(tmp_path: Path) -> tuple[Path, Callable[[], str]]:
    """A directory full of modules that say when they are run, and what they have said."""
    root, marker = tmp_path / "trap", tmp_path / "marker"
    root.mkdir()
    for name in SHADOWED:
        source = f"with open({str(marker)!r}, 'a') as file:\n    file.write({name!r} + ' ')\n"
        (root / f"{name}.py").write_text(source)
    return root, lambda: marker.read_text() if marker.exists() else ""


def test_the_trap_works(trap: tuple[Path, Callable[[], str]], env: dict[str, str]) -> None:
    """Positive control: an interpreter that is started there the usual way runs the module."""
    root, said = trap
    subprocess.run([sys.executable, "-c", "import yaml"], cwd=root, env=env, check=True, timeout=60)
    assert said() == "yaml "


@pytest.mark.parametrize(
    "request_", [{"flies": 1}, {"files": {"a.txt": ""}, "checks": ["true"]}], ids=["bad", "good"]
)
def test_the_module_imports_nothing_from_here(
    torre: Torre, trap: tuple[Path, Callable[[], str]], request_: object
) -> None:
    root, said = trap
    python_path = {"PYTHONPATH": str(REPOSITORY)}
    ran = torre(stdin=json.dumps(request_), cwd=root, command=MODULE, extra=python_path)
    assert said() == ""
    assert ran.exit_code == (2 if "flies" in str(request_) else 0), ran.stderr
    ran.json()


@pytest.mark.parametrize("arguments", [("fix", "-"), ("checks",), ("doctor",), ("--version",)], ids=" ".join)
def test_the_command_imports_nothing_from_here(
    torre: Torre, trap: tuple[Path, Callable[[], str]], arguments: tuple[str, ...]
) -> None:
    root, said = trap
    torre(*arguments, stdin='{"files": {"a.txt": ""}, "checks": ["true"]}', cwd=root)
    assert said() == ""


def test_neither_when_the_workspace_itself_is_repaired(torre: Torre, trap: tuple[Path, Callable[[], str]]) -> None:
    """Here the modules do run, in the checks: where they run there is no marker to write."""
    root, said = trap
    ran = torre("fix", "--json", "--check", "python3 -c 'import yaml; raise SystemExit(3)'", cwd=root)
    assert ran.exit_code == 1, ran.stderr
    assert said() == ""
