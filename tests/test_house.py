"""The house rules that a reader relies on: plugins conform, the start is cheap, no name of the stdlib is taken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from llm import plugins

ROOT = Path(__file__).resolve().parent.parent
ROOMS = {
    "triage.parsers": ("PARSER", ("tool", "stage", "parse", "stage_of")),
    "checks.tools": ("TOOL", ("name", "stage", "discover", "matches", "instrument", "read")),
    "sandbox.backends": ("BACKEND", ("name", "rank", "probe", "open")),
    "providers.adapters": ("WIRE", ("protocol", "ask", "warm")),
    "report.formats": ("FORMAT", ("write",)),
    "mcp_server.tools": ("TOOL", ("title", "description", "gives", "command", "input_schema")),
    "fixers": ("FIXER", ("name", "rank", "wants", "missing", "propose")),
}
PLUGINS = [(room, name) for room in ROOMS for name in plugins.names(room) if name != "base"]


@pytest.mark.parametrize(("room", "name"), PLUGINS)
def test_a_plugin_has_what_its_room_agreed_on(room: str, name: str) -> None:
    attribute, parts = ROOMS[room]
    plugin = plugins.load(room, name, attribute)
    assert [part for part in parts if not hasattr(plugin, part)] == []


def test_every_room_has_plugins() -> None:
    assert {room for room, _ in PLUGINS} == set(ROOMS)


def test_no_top_level_file_bears_a_standard_library_name() -> None:
    names = {path.stem for path in (ROOT / "llm").iterdir() if not path.stem.startswith("_")}
    assert names & sys.stdlib_module_names == set()


_START = """
import sys
sys.argv = ["torre", "--version"]
import llm.cli
try:
    llm.cli.main()
except SystemExit:
    pass
print([name for name in ("msgspec", "yaml", "unidiff", "llm.pipeline", "llm.domain") if name in sys.modules])
"""


def test_the_version_needs_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-P", "-c", _START], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
