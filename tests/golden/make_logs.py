"""Make the golden logs again: run each real tool on the small broken project of an `inputs/*.txtar`.

    python tests/golden/make_logs.py [NAME …]

A txtar file begins with lines `log name: command` and goes on with files, each under `-- path --`. Every
command runs in a fresh copy at a temporary path; that path, the checkout's and the home directory become
neutral ones in the log. A tool that is not on PATH is named and its logs stay as they are.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TIMEOUT_S = 180.0


def read_txtar(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """The commands by log name and the files by path."""
    head, *parts = re.split(r"^-- (.+) --\n", text, flags=re.MULTILINE)
    commands = dict(line.split(": ", 1) for line in head.splitlines() if line)
    return commands, dict(zip(parts[::2], parts[1::2], strict=True))


def write_project(files: dict[str, str], folder: Path) -> None:
    """Lay the files out, with the checkout's node_modules beside them for the JavaScript tools."""
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
    if "package.json" in files:
        (folder / "node_modules").symlink_to(ROOT / "node_modules")


def run(command: str, folder: Path) -> str:
    """Both streams of one command, as a terminal would show them."""
    path = os.pathsep.join((str(ROOT / ".venv/bin"), str(ROOT / "node_modules/.bin"), os.environ["PATH"]))
    env = {"PATH": path, "HOME": str(Path.home()), "LANG": "C.UTF-8", "GOFLAGS": "-mod=mod", "GOPROXY": "off"}
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=env,
        timeout=TIMEOUT_S,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.stdout.decode("utf-8", "replace")


def scrub(text: str, folder: Path) -> str:
    """Neutral paths instead of this machine's."""
    places = {
        str(folder): "/home/dev/app",
        str(ROOT / ".venv"): "/home/dev/venv",
        str(ROOT): "/home/dev/app",
        sys.base_prefix: "/usr",
        str(Path.home()): "/home/dev",
    }
    for here, neutral in places.items():
        text = text.replace(here, neutral)
    text = re.sub(r"/\S*/site-packages/", "/home/dev/venv/lib/python3.11/site-packages/", text)
    return re.sub(r"(\.\./)+home/dev/app/", "", text)


def make(source: Path) -> Iterator[str]:
    """The log names written for one input."""
    commands, files = read_txtar(source.read_text(encoding="utf-8"))
    for name, command in commands.items():
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place).resolve() / "app"
            folder.mkdir()
            write_project(files, folder)
            text = run(command, folder)
            if re.match(r"/bin/sh: .*not found", text):
                yield f"{name}: {text.strip()}"
                continue
            (HERE / "logs" / f"{name}.log").write_text(scrub(text, folder), encoding="utf-8")
            yield name


if __name__ == "__main__":
    wanted = sys.argv[1:]
    for each in sorted((HERE / "inputs").glob("*.txtar")):
        if not wanted or each.stem in wanted:
            print(*make(each), sep="\n")
