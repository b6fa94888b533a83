"""Programs that the user's own commands name by their whole path: `/opt/app/venv/bin/python -m pytest`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from llm.sandbox.toolchain import installation_of
from llm.workspace.roots import is_served

_ABSOLUTE = re.compile(r"""(?<![\w./~$-])/[^\s'"`;&|<>()$]+""")


def named_installations(commands: Iterable[str], env: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """What jobs have to read so that these commands' programs run. For commands that the user gave, and never for
    what a repository says: a checkout does not choose what of the machine its code can read. Nor does whoever
    asks a server, beyond its roots."""
    for command in commands:
        for word in _ABSOLUTE.findall(command):
            program = Path(word)
            place = program.parent.resolve()  # the program itself is a link to an interpreter somewhere else
            if is_served(place, env):
                yield from installation_of(program)
