"""The arena's attacks, in the setting this is run in: JSON on stdout.

Run from a copy of the package (see `runner.readable_package`) in which `tests` and what they need lies as well.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.attacks.arena import ATTACKS, SIEGES, Outcome, arena
from tests.attacks.attack import Attack, Siege
from tests.sandbox.runner import running_as

MIB = 1 << 20
_TOOL = str(Path(__file__).parents[2] / "llm" / "__init__.py")
"""A file of this user's that jobs may read."""
OF_THE_SAME_USER = (
    Attack("opens a file of the user's to all", "os.chmod(HOME + '/secret.txt', 0o666); through()"),
    Attack("closes the user's home", "os.chmod(HOME + '/.ssh', 0o755); through()"),
    Attack(
        "changes the mode of a file that it has open",
        f"os.fchmod(os.open({_TOOL!r}, os.O_RDONLY), 0o644); through()",
    ),
    Attack(
        "changes a mode through its own link",
        f"os.chdir(WORKSPACE); os.symlink({_TOOL!r}, 'a-link'); os.chmod('a-link', 0o644); through()",
    ),
    Attack(
        "changes a mode through /proc",
        f"file = os.open({_TOOL!r}, os.O_RDONLY); os.chmod(f'/proc/self/fd/{{file}}', 0o644); through()",
    ),
    Attack("changes the times of a file of the user's", "os.utime(HOME + '/secret.txt'); through()"),
    Attack("marks a file of the user's", "os.setxattr(HOME + '/secret.txt', 'user.a', b'1'); through()"),
    Attack("gives a file of the user's away", "os.chown(HOME + '/secret.txt', -1, os.getegid()); through()"),
    Attack(
        "limits a process of the user's",
        "import resource; resource.prlimit(T['pid'], resource.RLIMIT_CPU, (60, 60)); through()",
    ),
    Attack("slows a process of the user's", "os.setpriority(os.PRIO_PROCESS, T['pid'], 5); through()"),
    Attack("pins a process of the user's", "os.sched_setaffinity(T['pid'], {0}); through()"),
    Attack(
        "opens a message queue",
        "\nif _libc.mq_open(b'/torre-test', 0o102, 0o600, None) >= 0: through(); _libc.mq_unlink(b'/torre-test')",
    ),
)
"""What only ownership decides: beyond Landlock, and of no use in namespaces of one's own."""
_FILL = "import os\nn = 0\nwhile True:\n n += 1\n with open(str(n), 'wb') as f: f.write(bytes({0}))"
COUNTED = (
    Siege("fills the disk without end", _FILL.format(MIB), {"exit_code": 1}, {"disk_bytes": 30 * MIB}),
    Siege("makes files without end", _FILL.format(0), {"exit_code": 1}, {"inodes": 500}),
    Siege(
        "starts threads without end",
        "import threading, time\nwhile True:\n try: threading.Thread(target=time.sleep, args=(60,)).start()\n"
        " except RuntimeError: pass",
        {"exit_code": 1},
        {"processes": 100},
    ),
)


def main(sieged: str) -> None:
    package = Path(__file__).parents[2]
    with running_as("own", package, "reduced") as runner, arena(runner) as field:
        (facts,) = runner.run_all([{"argv": ["id", "-u"]}])
        told = {
            "isolation": facts["isolation"],
            "missing": facts["missing"],
            "uid": facts["stdout"].strip(),
            "attacks": _plain(field.attack((*ATTACKS, *OF_THE_SAME_USER))),
            "controls": _plain(field.controls(OF_THE_SAME_USER)),
            "sieges": _plain(field.besiege((*SIEGES, *COUNTED))) if sieged else {},
        }
    json.dump(told, sys.stdout)


def _plain(outcomes: dict[str, Outcome]) -> dict[str, tuple[bool, str]]:
    return {name: (outcome.held, outcome.said) for name, outcome in outcomes.items()}


if __name__ == "__main__":
    main(*sys.argv[1:])
