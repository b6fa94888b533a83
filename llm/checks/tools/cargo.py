"""cargo: check, clippy and test, by their plain text; offline, as the sandbox is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from llm.checks.base import Instrumented, Reading, Tool
from llm.checks.command import invocation
from llm.checks.reading import from_text
from llm.domain import Check, Stage
from llm.sandbox.base import Completed


class Cargo(Tool):
    name = "cargo"
    stage = Stage.BUILD
    install = "see https://rustup.rs"

    def discover(self, directory: Path) -> Iterator[Check]:
        if (directory / "Cargo.toml").is_file():
            for verb, stage in (("check", Stage.TYPES), ("test", Stage.TESTS)):
                yield Check(f"cargo {verb}", f"cargo {verb}", stage=stage, source="Cargo.toml", confidence=0.8)

    def matches(self, argv: tuple[str, ...]) -> bool:
        run = invocation(argv)
        return run.program == self.name and run.args[:1] in (("build",), ("check",), ("clippy",), ("test",))

    def instrument(self, argv: tuple[str, ...], only: tuple[str, ...] = ()) -> Instrumented:
        return Instrumented(argv, {"CARGO_NET_OFFLINE": "true"})

    def read(self, completed: Completed, workspace: Path, directory: str) -> Reading:
        return Reading(None, from_text(completed, workspace, directory, self.name))


TOOL: Tool = Cargo()
