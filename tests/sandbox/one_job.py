"""Run one job as whoever runs this: JSON on stdin, the fields of Completed as JSON on stdout."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from llm.sandbox import open_sandbox
from llm.sandbox.base import Job, Limits


def main() -> None:
    request = json.load(sys.stdin)
    files = {path: text if text is None else text.encode() for path, text in request.get("files", {}).items()}
    limits = Limits(**{"wall_s": 30, **request.get("limits", {})})
    job = Job(
        tuple(request["argv"]), request.get("directory", "."), files, env=request.get("env", {}), limits=limits
    )
    with open_sandbox(Path(request["workspace"])) as sandbox:
        done = sandbox.execute(job)
    fields = {name: getattr(done, name) for name in ("exit_code", "duration_s", "killed")}
    texts = {name: getattr(done, name).decode(errors="replace") for name in ("stdout", "stderr", "report")}
    json.dump({**fields, **texts, "isolation": sandbox.isolation}, sys.stdout)


if __name__ == "__main__":
    main()
