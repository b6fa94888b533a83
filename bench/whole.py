"""A whole run of Torre on one bug, as the benches of bugs make it."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from llm.domain import RepairRequest, Run
from llm.pipeline import repair

_SEARCHES = 4
"""A whole run may take that many times what its search may: some of the bugs never end."""


def whole_run(workspace: Path, command: str, seconds: float) -> Run:
    """Repair what is red there by this check, with so many seconds of search."""
    workspace.joinpath(".torre").mkdir()  # its own root, whatever lies above
    return repair(
        RepairRequest(
            str(uuid4()),
            workspace=workspace,
            checks=(command,),
            max_seconds=seconds,
            deadline_s=_SEARCHES * seconds,
        )
    )
