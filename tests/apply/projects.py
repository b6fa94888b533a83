"""A project whose files are hard to keep, what a fix makes of them, and the plan to apply that."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from llm.apply.plan import Plan, Proof
from llm.domain import Check, Isolation
from llm.providers.policy import Policy
from llm.workspace.patch import rendered
from llm.workspace.paths import hash_of

Files = Mapping[str, bytes | None]
RULES = Policy().rules
ID = "1b2c0000-0000-4000-8000-000000000001"
OLD: dict[str, bytes] = {
    "app.py": b"\xef\xbb\xbfVALUE = 'old'\r\nOTHER = 1\r\n",
    "run.sh": b"#!/bin/sh\necho old\n",
    "pkg/latin.txt": b"caf\xe9 old, no newline at the end",
    "pkg/deep/gone.txt": b"old\n",
    "kept.txt": b"not touched\n",
}
MODES = {"run.sh": 0o750, "pkg/latin.txt": 0o640}
NEW: Files = {
    "app.py": b"\xef\xbb\xbfVALUE = 'new'\r\nOTHER = 1\r\n",
    "run.sh": b"#!/bin/sh\necho new\n",
    "pkg/latin.txt": b"caf\xe9 new, no newline at the end",
    "pkg/deep/gone.txt": None,
    "made/here/added.txt": b"new\n",
}
GREEN = Proof(Check("new", "grep -q new app.py"))
RED = Proof(Check("old", "grep -q old app.py"))


def make(root: Path) -> Path:
    """The project as it is before the fix."""
    for name, content in OLD.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(MODES.get(name, 0o644))
    (root / "pkg" / "deep").chmod(0o770)  # more than most umasks let through
    (root / ".torre").mkdir(exist_ok=True)  # the project is its own root, whatever lies above
    return root


def plan(
    root: Path, *proofs: Proof, after: Files = NEW, trace_id: str = "1b2c0000-0000-4000-8000-000000000001"
) -> Plan:
    """What a run would have proven of these files as they are now."""
    originals = {name: hash_of(_content(root / name)) for name in after}
    return Plan(ID, str(root), rendered(after, root), Isolation.FULL, originals, proofs)


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def tree(root: Path) -> dict[str, str]:
    """Every file, link and directory with its mode and content; Torre's own directory and git's are left out."""
    found = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in (".torre", ".git")]
        for name in (*names, *folders):
            path = Path(folder, name)
            info = path.lstat()
            content = path.read_bytes() if stat.S_ISREG(info.st_mode) else b""
            found[str(path.relative_to(root))] = f"{info.st_mode:o} {content!r}"
    return found
