"""What an output format offers: a run in, the text for stdout out. No format prints or writes a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from llm.domain import Run
from llm.report.text import Paint, last_line
from llm.triage.clean import strip_control
from llm.workspace.secrets import without_keys


@dataclass(frozen=True, slots=True)
class Written:
    """`text` is the whole result. `remark` is for a person, on stderr. `appended` is further text for files that
    the environment names, added at their end."""

    text: str
    remark: str = ""
    appended: Mapping[Path, str] = field(default_factory=dict)


class Format(Protocol):
    """A module in `report/formats/` with a `FORMAT` object; its file name is the name for `--format`."""

    def write(self, run: Run, env: Mapping[str, str], colour: bool) -> Written:
        """The run in this form. `colour`: it goes to a terminal that shows colours. Never raises for any run."""


def remark(run: Run) -> str:
    """What a person wants to know where stdout is for a machine: the summary and the last line."""
    summary = " ".join(strip_control(run.summary).split())
    return without_keys(f"{summary}\n{last_line(run, Paint(False))}", run.keys)
