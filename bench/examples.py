"""Every example turned green by the installed command, and the wall time of each."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.figure import emit, wall_s

ROOT = Path(__file__).resolve().parent.parent
TORRE = Path(sys.executable).with_name("torre")


def main() -> None:
    names = sorted(p.name for p in (ROOT / "examples").iterdir() if p.is_dir())
    green = 0
    for name in names:
        answers: list[bytes] = []

        def fix(name: str = name, answers: list[bytes] = answers) -> None:
            argv = [str(TORRE), "fix", "--json", f"examples/{name}"]
            answers.append(subprocess.run(argv, cwd=ROOT, capture_output=True, check=False).stdout)

        seconds = wall_s(fix)
        mode = json.loads(answers[0])["mode"]
        green += mode == "PATCH"
        emit(f"examples.{name}", seconds, "s", mode=mode)
    emit("examples.green", green, "examples", f"all {len(names)}")


if __name__ == "__main__":
    main()
