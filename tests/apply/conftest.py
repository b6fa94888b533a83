"""A user of one's own, and a project of theirs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.apply.projects import make


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """The user's environment: state and configuration of their own, no wish to apply."""
    for name in ("CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    for name in ("TORRE_APPLY", "TORRE_LEDGER", "PROVIDERS_V1"):
        monkeypatch.delenv(name, raising=False)
    return os.environ


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project before the fix."""
    return make(tmp_path / "project")
