"""Runs attacks one after another, each in a process of its own: in a job, and outside as the control.

Read as text and given to `python3 -c`; standard library only. JSON on stdin: `facts`, `attacks` (name → code) and
`prefix` (name → command line before the interpreter); on stdout: name → what the attack said.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
import traceback
from contextlib import suppress
from typing import Any

WAIT_S = 10

PRELUDE = """
import ctypes, errno, os, socket, stat, struct, sys
from contextlib import suppress
NAME, WORKSPACE, HOME, OUTSIDE = T["name"], T["workspace"], T["home"], T["outside"] + "/" + T["name"]
VICTIM, HARD = WORKSPACE + "/victims/" + NAME, WORKSPACE + "/hard/" + NAME
_libc = ctypes.CDLL(None, use_errno=True)

def through():
    print("THROUGH", flush=True)

def reads(path):
    with open(path, "rb") as f:
        if f.read(100):
            through()

def opens(path, flags=os.O_RDONLY):
    os.close(os.open(path, flags | os.O_NONBLOCK))
    through()

def call(name, *arguments):
    '''A system call. It got through if the kernel looked at its arguments at all.'''
    ctypes.set_errno(0)
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = _libc.syscall(ctypes.c_long(T["numbers"][name]), *wide)
    code = ctypes.get_errno()
    print(name, result, errno.errorcode.get(code, code))
    if result >= 0 or code not in (errno.EPERM, errno.EACCES, errno.ENOSYS):
        through()
    return result

def works(name, *arguments):
    '''A system call that got through only if it succeeded.'''
    if _libc.syscall(*(ctypes.c_long(a) for a in (T["numbers"][name], *arguments))) >= 0:
        through()
"""


def main() -> None:
    told = json.load(sys.stdin)
    json.dump({name: one(name, code, told) for name, code in told["attacks"].items()}, sys.stdout)


def one(name: str, code: str, told: dict[str, Any]) -> str:
    """What one attack says. It is forked, for speed, unless it needs a command before it."""
    script = f"import json\nT = json.loads({json.dumps({**told['facts'], 'name': name})!r})\n{PRELUDE}\n{code}"
    hear, say = os.pipe()
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException):
            attack(script, told.get("prefix", {}).get(name, []), say)
        os._exit(0)
    os.close(say)
    said, end = b"", time.monotonic() + WAIT_S
    while (left := end - time.monotonic()) > 0 and select.select([hear], [], [], left)[0]:
        if not (chunk := os.read(hear, 4096)):
            break
        said += chunk
    os.close(hear)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return said.decode(errors="replace")[-600:] if left > 0 else "hung"


def attack(script: str, prefix: list[str], say: int) -> None:
    for number, fd in enumerate((os.open(os.devnull, os.O_RDWR), say, say)):
        os.dup2(fd, number)
    if prefix:
        os.execvp(prefix[0], [*prefix, sys.executable, "-I", "-S", "-c", script])
    try:
        exec(compile(script, "attack", "exec"), {"__name__": "attack"})
    except SystemExit:
        pass
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()


if __name__ == "__main__":
    main()
