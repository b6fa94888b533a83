"""Run jobs as whoever runs this: JSON on stdin, for each the fields of Completed as JSON on stdout."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from llm.domain import Isolation
from llm.sandbox import open_sandbox
from llm.sandbox.base import Job, Limits, Sandbox


def main() -> None:
    request = json.load(sys.stdin)
    opened = open_sandbox(Path(request["workspace"]), least=Isolation(request["least"]))
    with opened as sandbox, ThreadPoolExecutor(request["width"]) as pool:
        json.dump(list(pool.map(lambda job: one(sandbox, job), request["jobs"])), sys.stdout)


def one(sandbox: Sandbox, told: dict[str, Any]) -> dict[str, Any]:
    files = {path: text if text is None else text.encode() for path, text in told.get("files", {}).items()}
    limits = Limits(**{"wall_s": 30, **told.get("limits", {})})
    job = Job(
        tuple(told["argv"]),
        told.get("directory", "."),
        files,
        env=told.get("env", {}),
        stdin=told.get("stdin", "").encode(),
        limits=limits,
    )
    done = sandbox.execute(job)
    fields = {name: getattr(done, name) for name in ("exit_code", "duration_s", "killed")}
    texts = {name: getattr(done, name).decode(errors="replace") for name in ("stdout", "stderr", "report")}
    return {**fields, **texts, "isolation": sandbox.isolation, "missing": sandbox.missing}


if __name__ == "__main__":
    main()
