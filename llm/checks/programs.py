"""Programs that the user's own commands name by their whole path: `/opt/app/venv/bin/python -m pytest`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from llm.sandbox.toolchain import installation_of

_ABSOLUTE = re.compile(r"""(?<![\w./~$-])/[^\s'"`;&|<>()$]+""")


ROOTS = "TORRE_ROOTS"
"""Set by a server for the `torre` that it starts: the directories, as on PATH, that whoever asks it may read."""


def named_installations(commands: Iterable[str], env: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """What jobs have to read so that these commands' programs run. For commands that the user gave, and never for
    what a repository says: a checkout does not choose what of the machine its code can read. Nor does whoever
    asks a server, beyond its roots."""
    roots = [Path(root).resolve() for root in env.get(ROOTS, "").split(os.pathsep) if root]
    for command in commands:
        for word in _ABSOLUTE.findall(command):
            program = Path(word)
            place = program.parent.resolve()  # the program itself is a link to an interpreter somewhere else
            if not roots or any(place.is_relative_to(root) for root in roots):
                yield from installation_of(program)
