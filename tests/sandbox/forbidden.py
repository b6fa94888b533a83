"""A command where user namespaces are forbidden for real, as in a container that may not make any.

`python forbidden.py container COMMAND...`: root with the capabilities that container engines leave it.
`python forbidden.py ordinary COMMAND...`: an ordinary user; this one, or another if this is root.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from llm.sandbox import mounts
from tests.sandbox.runner import ORDINARY_UID

_OF_A_CONTAINER = (
    *("chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap", "net_bind_service"),
    *("net_raw", "sys_chroot", "mknod", "audit_write", "setfcap"),
)


def main(kind: str, *command: str) -> None:
    """Never returns."""
    entered, may_go = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(may_go[1])
        mounts.unshare(mounts.CLONE_NEWUSER)
        os.write(entered[1], b"+")
        os.read(may_go[0], 1)
        Path("/proc/sys/user/max_user_namespaces").write_text("0")
        os.execvp("setpriv", [*_prefix(kind), *command])
    os.read(entered[0], 1)
    root = os.geteuid() == 0
    uids, gids = (
        ("0 0 4294967295", "0 0 4294967295")
        if root
        else (f"{os.geteuid()} {os.geteuid()} 1", f"{os.getegid()} {os.getegid()} 1")
    )
    mounts.map_ids(pid, uids, gids)
    os.close(may_go[1])
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _prefix(kind: str) -> list[str]:
    kept = _OF_A_CONTAINER if kind == "container" else ()
    prefix = ["setpriv", "--inh-caps=-all", "--bounding-set=" + ",".join(["-all", *(f"+{name}" for name in kept)])]
    if kind == "ordinary" and os.geteuid() == 0:
        prefix += [f"--reuid={ORDINARY_UID}", f"--regid={ORDINARY_UID}", "--clear-groups"]
    return prefix


if __name__ == "__main__":
    main(*sys.argv[1:])
