"""Small red workspaces: their checks run for real, in the sandbox, and so does every candidate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from types import MappingProxyType

from llm.checks.recognise import check_of
from llm.checks.run import run_check
from llm.domain import Candidate, Check, CheckResult
from llm.fixers.base import Fixer, RedState
from llm.sandbox import open_sandbox
from llm.sandbox.base import Sandbox
from llm.workspace.patch import apply

NODE_MODULES = Path(__file__).parents[2] / "node_modules"
_SOURCES = {".py", ".ts", ".tsx", ".js", ".mjs", ".cjs", ".json", ".toml"}


@dataclass
class RedBuild:
    """A workspace with its checks, and what the fixers said."""

    workspace: Path
    sandbox: Sandbox
    checks: tuple[Check, ...]
    said: list[str] = field(default_factory=list)

    def run(self, check: Check, files: Mapping[str, bytes | None] = MappingProxyType({})) -> CheckResult:
        return run_check(check, self.sandbox, self.workspace, files)

    def red(self) -> RedState:
        baseline = tuple(self.run(check) for check in self.checks)
        assert any(not result.green for result in baseline), "the workspace is not red"
        return RedState(
            workspace=self.workspace,
            files=_texts(self.workspace),
            baseline=baseline,
            diagnostics=tuple(d for result in baseline for d in result.diagnostics),
            sandbox=self.sandbox,
            remaining_s=lambda: 30.0,
            cancel=Event(),
            progress=self.said.append,
        )

    def after(self, candidate: Candidate) -> Mapping[str, str]:
        return {path: (text or b"").decode() for path, text in apply(candidate.diff, self.workspace).items()}

    def green(self, candidate: Candidate) -> bool:
        changed = apply(candidate.diff, self.workspace)
        return all(self.run(check, changed).green for check in self.checks)

    def candidates(self, fixer: Fixer) -> list[Candidate]:
        red = self.red()
        assert fixer.wants(red)
        return list(fixer.propose(red))

    def proven(self, fixer: Fixer) -> Candidate:
        """The first candidate after which every check is green."""
        candidates = self.candidates(fixer)
        found = next((candidate for candidate in candidates if self.green(candidate)), None)
        assert found, f"none of {[c.diff for c in candidates]} is green; {self.said}"
        return found


@contextmanager
def red_build(
    workspace: Path, files: Mapping[str, str], *commands: str, directory: str = ".", modules: bool = True
) -> Iterator[RedBuild]:
    """A workspace with these files (newlines as given) and this repository's node_modules, in a sandbox."""
    for path, text in files.items():
        (workspace / path).parent.mkdir(parents=True, exist_ok=True)
        (workspace / path).write_bytes(text.encode())
    if modules:
        (workspace / "node_modules").symlink_to(NODE_MODULES)
    checks = tuple(check_of(command, directory=directory) for command in commands)
    with open_sandbox(workspace, [NODE_MODULES]) as sandbox:
        yield RedBuild(workspace, sandbox, checks)


def _texts(workspace: Path) -> dict[str, str]:
    files = (p for p in workspace.rglob("*") if p.suffix in _SOURCES and "node_modules" not in p.parts)
    return {p.relative_to(workspace).as_posix(): p.read_bytes().decode() for p in files}
