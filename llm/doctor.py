"""What works on this machine, found out by trying it, and a remedy for each thing that does not."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import which
from typing import Any

from llm.domain import Isolation
from llm.errors import InputError, SandboxError, TorreError
from llm.sandbox import open_sandbox, probe_all, serves
from llm.sandbox.base import Job
from llm.workspace.snapshot import root_of

_OLDEST = (3, 11)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `status` is `ok`, `warning` (Torre works with less) or `problem`."""

    name: str
    status: str
    detail: str
    remedy: str = ""
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    def as_line(self) -> str:
        """One line, and the remedy beneath it."""
        mark = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM"}[self.status]
        return f"{mark}  {self.name}: {self.detail}" + (f"\n         remedy: {self.remedy}" if self.remedy else "")


def examine() -> tuple[Finding, ...]:
    """All findings, in the order in which a newcomer needs them."""
    return (_interpreter(), _clash(), *_sandbox(), *_programs(), _typescript(), *_quotas(), *_applies())


def _interpreter() -> Finding:
    found = ".".join(str(n) for n in sys.version_info[:3])
    if sys.version_info[:2] < _OLDEST:
        return Finding("python", "problem", found, "install Python 3.11 or later", 1)
    return Finding("python", "ok", f"{found} ({sys.executable})")


def _clash() -> Finding:
    """Another distribution may install the same import name, `llm`; the later install wins."""
    from importlib.metadata import packages_distributions

    others = sorted(set(packages_distributions().get("llm", [])) - {"torre-llm"})
    if not others:
        return Finding("import name", "ok", f"`llm` is Torre ({Path(__file__).parent})")
    remedy = "install Torre in an environment of its own: `uv tool install torre-llm` or `pipx install torre-llm`"
    return Finding("import name", "problem", f"`llm` is also installed by {', '.join(others)}", remedy, 1)


def _sandbox() -> Iterator[Finding]:
    """By what the policy that holds in this directory accepts."""
    wanted, probes = _least_accepted(), probe_all()
    enough = any(serves(probe.isolation, wanted) for probe in probes)
    for probe in probes:
        name, purpose = f"sandbox {probe.name}", f"; {probe.purpose}" if probe.purpose else ""
        if serves(probe.isolation, wanted):
            yield Finding(name, "ok", f"{probe.isolation} isolation (probed)")
        elif probe.isolation is not Isolation.NONE:
            asked = f"not taken: the policy here asks for `isolation: {wanted}`"
            yield Finding(name, "ok", f"{probe.isolation} isolation (probed); {asked}")
        elif not enough and serves(probe.gives, wanted):
            yield Finding(name, "problem", probe.problem, probe.remedy, 5)
        else:
            yield Finding(
                name, "ok" if purpose else "warning", f"not used: {probe.problem}{purpose}", probe.remedy
            )
    if enough:
        yield _workspace(root_of(Path.cwd()), wanted)


def _workspace(root: Path, wanted: Isolation) -> Finding:
    """What works elsewhere may not work over this directory: it may be another user's, or of a file system that
    cannot be mapped."""
    try:
        with open_sandbox(root, least=wanted) as sandbox:
            sandbox.execute(Job(("true",)))
    except SandboxError as error:
        return Finding("workspace", "problem", str(error), error.remedy, 5)
    except InputError as error:
        return Finding("workspace", "warning", str(error), "run this in the directory of a project")
    return Finding("workspace", "ok", f"a job runs in {root}")


def _least_accepted() -> Isolation:
    from llm.providers.policy import ProvidersPolicy

    try:
        return ProvidersPolicy(root_of(Path.cwd())).policy.isolation
    except TorreError:  # which `torre policy check` and every run tell of
        return Isolation.FULL


def _programs() -> Iterator[Finding]:
    needs = {
        "git": ("diffs that do not apply exactly are salvaged with less success", "install git"),
        "node": ("JavaScript and TypeScript checks and fixers cannot run", "install Node.js 20 or later"),
    }
    for name, (consequence, remedy) in needs.items():
        path = which(name)
        yield Finding(name, "ok", path) if path else Finding(name, "warning", f"not found: {consequence}", remedy)


def _quotas() -> Iterator[Finding]:
    from llm.ledger.sharing import PER_JOB, REMEDY, caps_are_per_job

    if caps_are_per_job(os.environ):
        yield Finding("quotas", "warning", PER_JOB, REMEDY)


def _applies() -> Iterator[Finding]:
    """What an interrupted apply left in this directory's project is not only told: it is finished."""
    from llm.apply.lock import standing
    from llm.apply.undo import finish
    from llm.providers.policy import ProvidersPolicy

    root = root_of(Path.cwd())
    if not (root / ".torre").is_dir():
        return
    try:
        found = standing(root, os.environ)
        if found.alive:
            yield Finding(
                "apply", "ok", f"under way: {found.holder.what if found.holder else 'by another process'}"
            )
            return
        finished = finish(root, os.environ, ProvidersPolicy(root).policy.rules)
    except TorreError as error:
        yield Finding("apply", "problem", str(error), "torre unlock", 1)
        return
    for undone in finished.undone:
        yield Finding(
            "apply", "ok", f"run {undone.trace_id} was interrupted: taken back {', '.join(undone.files)}"
        )
    if finished.holder and not finished.undone:
        yield Finding("apply", "ok", f"interrupted while {finished.holder.what}: no file is half done")
    for folder in finished.foreign:
        yield Finding(
            "apply", "warning", f"{folder} was not made by this user: it is not believed", f"rm -r {folder}"
        )


def _typescript() -> Finding:
    from llm.setup_tools import typescript_home

    folder = typescript_home()
    if os.access(folder / "node_modules" / "typescript" / "package.json", os.R_OK):
        return Finding("typescript code fixes", "ok", str(folder))
    return Finding(
        "typescript code fixes",
        "warning",
        "no TypeScript of Torre's own; only a workspace that has one with a language service gets code fixes",
        "torre setup typescript",
    )
