"""Programs that the user's own commands name by their whole path: `/opt/app/venv/bin/python -m pytest`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from llm.sandbox.toolchain import installation_of

_ABSOLUTE = re.compile(r"""(?<![\w./~$-])/[^\s'"`;&|<>()$]+""")


def named_installations(commands: Iterable[str]) -> Iterator[Path]:
    """What jobs have to read so that these commands' programs run. For commands that the user gave, and never for
    what a repository says: a checkout does not choose what of the machine its code can read."""
    for command in commands:
        for word in _ABSOLUTE.findall(command):
            yield from installation_of(Path(word))
