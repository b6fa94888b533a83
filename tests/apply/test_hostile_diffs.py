"""Every hostile diff, all the way: judged as a candidate, and applied as if it had been proven."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from llm.apply.transaction import Terms, apply_plan
from llm.errors import ApplyError, DiffError
from llm.workspace.diff import parse
from llm.workspace.patch import apply
from llm.workspace.rules import check_rules
from tests.apply.hostile_diffs import FILES, OUTSIDE, table, write_naively
from tests.apply.projects import RULES, plan

Env = Mapping[str, str]
NAMES = tuple(table(Path("/outside")))
_ODD_FILES, _ODD_BYTES, _ENOUGH = 1_000, 100_000, 200_000


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A workspace and what lies beside it: a link leads there, and one file of it has a name in both."""
    place = tmp_path / "place"
    root, outside = place / "workspace", place / "outside"
    for top, files in ((root, FILES), (outside, OUTSIDE)):
        for path, text in files.items():
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).write_text(text)
    (root / "link").symlink_to(outside)
    (root / "file-link.txt").symlink_to(outside / "secret.txt")
    (root / "src/twin.py").unlink()
    os.link(outside / "twin.py", root / "src/twin.py")
    return place


def _state(place: Path) -> dict[str, str]:
    """Everything that is not Torre's own record of this run."""
    found = {}
    for folder, folders, names in os.walk(place):
        for path in (Path(folder, name) for name in (*names, *folders)):
            if path.is_dir() and not path.is_symlink():
                continue
            told = str(path.readlink()) if path.is_symlink() else sha256(path.read_bytes()).hexdigest()
            found[path.relative_to(place).as_posix()] = f"{path.lstat().st_mode:o} {told}"
    records = ("workspace/.torre/journal/", "workspace/.torre/.gitignore")
    return {path: told for path, told in found.items() if not path.startswith(records)}


def _sensitive(state: Mapping[str, str]) -> dict[str, str]:
    """What no diff may ever change: all outside, git's, Torre's, CI's, and where links lead."""
    owned = {"outside", ".git", ".torre", ".github"}
    return {path: told for path, told in state.items() if owned & set(path.split("/")) or told.startswith("12")}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_outside_changes_and_what_is_refused_changes_nothing(name: str, place: Path, env: Env) -> None:
    root = place / "workspace"
    hostile = table(place / "outside")[name]
    before = _state(place)
    refused = _judged(hostile.diff, root)
    assert bool(refused) or hostile.applied
    assert _state(place) == before
    wanted = replace(
        plan(root, after={"README.md": b"new\n"}), diff=hostile.diff, originals=_originals(hostile.diff, root)
    )
    if hostile.applied:
        apply_plan(wanted, env, Terms(RULES))
    else:
        with pytest.raises((DiffError, ApplyError)):
            apply_plan(wanted, env, Terms(RULES))
        assert _state(place) == before
    assert _sensitive(_state(place)) == _sensitive(before)


def _judged(diff: str, root: Path) -> str:
    """Why it is no candidate, "" where it is one."""
    try:
        patch = parse(diff)
        check_rules(patch, apply(patch, root), root, RULES)
    except DiffError as error:
        return str(error)
    return ""


def _originals(diff: str, root: Path) -> Mapping[str, str | None]:
    """As if it had been proven on these very files."""
    made = {}
    with suppress(DiffError):
        for path in (path for file in parse(diff).files for path in file.paths):
            with suppress(OSError, ValueError):
                made[path] = sha256((root / path).read_bytes()).hexdigest() if (root / path).exists() else None
    return made


def test_there_are_enough_of_them() -> None:
    assert len(NAMES) >= 60
    harmful = [name for name, hostile in table(Path("/outside")).items() if not hostile.harmless]
    assert len(harmful) >= 45


@pytest.mark.parametrize("name", [n for n, hostile in table(Path("/outside")).items() if not hostile.harmless])
def test_a_naive_applier_is_harmed(name: str, place: Path) -> None:
    """The control. It works on a copy, and what it writes outside lies in the test's own directory."""
    hostile = table(place / "outside")[name]
    before = _state(place)
    with suppress(OSError, ValueError):
        write_naively(hostile.diff[:_ENOUGH], place / "workspace", hostile.folds)
    assert _harm(before, _state(place), place)


def _harm(before: Mapping[str, str], after: Mapping[str, str], place: Path) -> str:
    if _sensitive(after) != _sensitive(before):
        return "something that is nobody's to change"
    if (
        len(after) > len(before) + _ODD_FILES
        or sum(p.stat().st_size for p in place.rglob("*") if p.is_file()) > _ODD_BYTES
    ):
        return "a full disk"
    if not any(path in after for path in ("workspace/src/app.py", "workspace/README.md")):
        return "nothing is left"
    lost = [path for path, told in before.items() if after.get(path) != told]
    return f"changed: {lost}" if lost else ""
