"""The micro-attacks of a probe: run inside the real sandbox once, each must fail for the sandbox to be believed.

`main` runs under the job's own interpreter and prints what got through, one word a line. It also leaves an orphan
that holds stdout open: only if the orphan is killed does the job end in time.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable

PROCESSES = 32
"""How many processes the probe's job may have; it tries twice as many."""


def main(canary: str, outside: str, port: str, abstract: str, path: str) -> None:
    """Try all; the arguments are a file outside, a place to write to, and three listening sockets of the host.

    A write outside may seem to succeed, in the job's own tmpfs: whether it did is seen from outside.
    """
    with contextlib.suppress(OSError):
        os.close(os.open(outside, os.O_WRONLY | os.O_CREAT))
    attacks: dict[str, Callable[[], object]] = {
        "read": lambda: os.close(os.open(canary, os.O_RDONLY)),
        "tcp": lambda: socket.create_connection(("127.0.0.1", int(port)), timeout=1),
        "abstract socket": lambda: socket.socket(socket.AF_UNIX).connect("\0" + abstract),
        "path socket": lambda: socket.socket(socket.AF_UNIX).connect(path),
        "processes": _fork_past_the_limit,
    }
    for name, attack in attacks.items():
        try:
            attack()
        except OSError:
            continue
        sys.stdout.write(f"{name}\n")
    subprocess.Popen(["sleep", "60"], start_new_session=True)
    sys.stdout.write("done\n")


def _fork_past_the_limit() -> None:
    children, (waiting, release) = 0, os.pipe()
    try:
        for children in range(2 * PROCESSES):  # noqa: B007 (read in `finally`)
            if os.fork() == 0:
                os.close(release)
                os.read(waiting, 1)
                os._exit(0)
    finally:
        os.close(release)
        for _ in range(children):
            os.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
