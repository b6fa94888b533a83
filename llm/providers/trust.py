"""Which workspace policies this user trusts: `trust.json` in the user's own configuration, by content.

A policy that is edited is not the policy that was trusted: its hash differs, and it has to be trusted anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from llm.errors import PolicyError

POLICY = Path(".torre") / "providers.yaml"
"""The policy file, relative to the workspace's root."""


def config_directory(env: Mapping[str, str]) -> Path:
    """The user's own configuration of Torre. A relative XDG_CONFIG_HOME would lie in a workspace: ignored."""
    base = env.get("XDG_CONFIG_HOME", "")
    home = Path(env["HOME"]) if env.get("HOME") else Path.home()
    return (Path(base) if base.startswith("/") else home / ".config") / "torre"


def content_hash(raw: bytes) -> str:
    """What a policy is known by."""
    return hashlib.sha256(raw).hexdigest()


def trust(root: Path | str, env: Mapping[str, str] = os.environ) -> str:
    """Trust the policy that the workspace has now, and give its hash. PolicyError if it has none."""
    path = Path(root) / POLICY
    try:
        known = content_hash(path.read_bytes())
    except OSError as error:
        raise PolicyError(str(path), f"cannot be read: {error.strerror}") from error
    with _edit(env) as trusted:
        trusted[known] = {"path": str(path.resolve()), "at": int(time.time())}
    return known


def untrust(root: Path | str, env: Mapping[str, str] = os.environ) -> int:
    """Forget all that was ever trusted at this workspace, and its present policy; how many entries that were."""
    path = Path(root) / POLICY
    present = content_hash(path.read_bytes()) if path.is_file() else ""
    with _edit(env) as trusted:
        gone = [known for known, at in trusted.items() if known == present or at["path"] == str(path.resolve())]
        for known in gone:
            del trusted[known]
    return len(gone)


def is_trusted(root: Path | str, env: Mapping[str, str] = os.environ) -> bool:
    """Whether the workspace's present policy is trusted; False if it has none."""
    path = Path(root) / POLICY
    return path.is_file() and is_trusted_content(path.read_bytes(), env)


def is_trusted_content(raw: bytes, env: Mapping[str, str]) -> bool:
    """Whether a policy of exactly this content was trusted."""
    return content_hash(raw) in _load(config_directory(env) / "trust.json")


def _load(path: Path) -> dict[str, dict[str, Any]]:
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            if about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & 0o022:
                raise PolicyError(str(path), "can be written by others: chmod 600 it after you looked into it")
            trusted: dict[str, dict[str, Any]] = json.load(file)["trusted"]
            return trusted
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PolicyError(str(path), "cannot be read; remove it, then trust again what you trust") from error


@contextmanager
def _edit(env: Mapping[str, str]) -> Iterator[dict[str, dict[str, Any]]]:
    """The trusted hashes, to be changed; written back by replacement, one process at a time."""
    import fcntl

    folder = config_directory(env)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "trust.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        trusted = _load(folder / "trust.json")
        yield trusted
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as aside:  # made with mode 0600
            json.dump({"version": 1, "trusted": trusted}, aside, indent=1)
            aside.flush()
            os.fsync(aside.fileno())
        Path(aside.name).replace(folder / "trust.json")
