"""Control sequences in what a check prints reach neither the terminal, nor the JSON, nor the record."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CLIPBOARD = "\x1b]52;c;ZXZpbA==\x07"
"""OSC 52: a terminal that obeys puts this into the clipboard."""
TITLE, ERASE, EIGHT_BITS = "\x1b]0;evil\x07", "\x1b[2J\x1b[1;1H", "\x9b31m"
SEQUENCES = CLIPBOARD + TITLE + ERASE + EIGHT_BITS
CHECK = f"""import sys
evil = bytes.fromhex({SEQUENCES.encode().hex()!r}).decode()
print(evil + "shown", flush=True)
print(evil + "shown as well", file=sys.stderr, flush=True)
assert False, evil + "because"
"""
CONTROLS = [bytes([n]) for n in (*range(9), 11, 12, *range(14, 32), 127)]


def test_control_the_check_itself_writes_them(tmp_path: Path) -> None:
    (tmp_path / "check.py").write_text(CHECK)
    done = subprocess.run([sys.executable, "check.py"], cwd=tmp_path, capture_output=True, check=False)
    assert CLIPBOARD.encode() in done.stdout + done.stderr


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_none_of_them_is_shown_or_stored(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "check.py").write_text(CHECK)
    torre = str(Path(sys.executable).parent / "torre")
    command = [torre, "fix", "--max-seconds", "1", "--check", "python3 check.py", *options, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    assert done.returncode == 1, done.stderr
    shown = done.stdout + done.stderr
    assert [c for c in CONTROLS if c in shown] == []
    assert "\x9b".encode() not in shown and b"\\u001b]52" not in shown
    kept = [file for file in (tmp_path / ".torre").rglob("*") if file.is_file()]
    assert b"because" in shown + b"".join(file.read_bytes() for file in kept), "what it said is told, without them"
    assert [file.name for file in kept if b"]52;c;" in file.read_bytes()] == []
