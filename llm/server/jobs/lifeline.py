"""In a child: end when the server has ended, however that was. Its end of a pipe closes then, and only then."""

from __future__ import annotations

import os
import signal
import time
from threading import Thread

_TIDY_S = 10.0


def hold(descriptor: int) -> None:
    """Watch the pipe that was inherited at `descriptor`."""
    os.set_inheritable(descriptor, False)  # no process below this one is to hold it
    Thread(target=_watch, args=(descriptor,), daemon=True).start()


def _watch(descriptor: int) -> None:
    os.read(descriptor, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_TIDY_S)
    os.kill(os.getpid(), signal.SIGKILL)
