"""The directories beyond which a server lets nobody read or write."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

ROOTS = "TORRE_ROOTS"
"""Set by a server for the `torre` that it starts: the directories, as on PATH, that whoever asks it may name."""


def is_served(place: Path, env: Mapping[str, str]) -> bool:
    """Whether a resolved path lies under one of them; where there are none, nobody but the user asks."""
    roots = [Path(root).resolve() for root in env.get(ROOTS, "").split(os.pathsep) if root]
    return not roots or any(place.is_relative_to(root) for root in roots)
