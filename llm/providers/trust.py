"""Which workspace policies this user trusts: `trust.json` in the user's own configuration, by content.

A policy that is edited is not the policy that was trusted: its hash differs, and it has to be trusted anew.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path

from llm.errors import PolicyError
from llm.ledger.own_file import OwnFile

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
    with _file(env).edit() as trusted:
        trusted[known] = {"path": str(path.resolve()), "at": int(time.time())}
    return known


def untrust(root: Path | str, env: Mapping[str, str] = os.environ) -> int:
    """Forget all that was ever trusted at this workspace, and its present policy; how many entries that were."""
    path = Path(root) / POLICY
    present = content_hash(path.read_bytes()) if path.is_file() else ""
    with _file(env).edit() as trusted:
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
    return content_hash(raw) in _file(env).read()


def _file(env: Mapping[str, str]) -> OwnFile:
    remedy = "remove it, then trust again what you trust"
    return OwnFile(config_directory(env) / "trust.json", "trusted", PolicyError, remedy)
