"""How much goes on."""

from __future__ import annotations

from typing import Any

from llm.server.service import Service


def standing(service: Service) -> dict[str, Any]:
    """Jobs that wait and run; `mark` is another one whenever a job has come, begun or ended."""
    waiting, running = service.desk.standing()
    newest = service.table.jobs(1)
    number = newest[0].number if newest else 0
    parts = [f"{running} running" if running else "", f"{waiting} waiting" if waiting else ""]
    return {
        "waiting": waiting,
        "running": running,
        "words": ", ".join(part for part in parts if part) or "Server idle",
        "mark": f"{number}.{waiting}.{running}",
    }
