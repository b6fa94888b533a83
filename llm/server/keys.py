"""API keys: random, shown once, kept as keyed hashes in the user's own configuration.

A key is 256 random bits, so that there is nothing to guess: a slow hash would only let strangers keep the server
busy. The hash is keyed by a file of its own, so that the list of keys alone tells nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from llm.errors import InputError
from llm.ledger.own_file import OwnFile
from llm.providers.trust import config_directory

_MARK = "torre"
_DAY_S = 86400


class Scope(StrEnum):
    """What a key may do. None of them includes another."""

    READ = "read"
    RUN = "run"
    APPLY = "apply"


@dataclass(frozen=True, slots=True)
class Key:
    """One key as it is kept. Times are seconds since the epoch; `expires` and `revoked` are None where they are
    not. The secret is nowhere."""

    id: str
    name: str
    scopes: frozenset[Scope]
    created: float
    expires: float | None
    revoked: float | None

    def holds(self, now: float) -> bool:
        """Whether it opens anything now."""
        return self.revoked is None and (self.expires is None or now < self.expires)


class Keys:
    """The keys of this user. Whoever reads them sees what another process has changed. InputError: the file cannot
    be believed or read."""

    def __init__(self, env: Mapping[str, str], clock: Callable[[], float] = time.time) -> None:
        folder = config_directory(env)
        remedy = "remove it, then make your keys anew"
        self._file = OwnFile(folder / "server-keys.json", "keys", InputError, remedy)
        self._pepper_path = folder / "server-keys.pepper"
        self._clock = clock
        self._seen: tuple[int, int, int] | None = None
        self._entries: dict[str, dict[str, Any]] = {}

    def create(self, name: str, scopes: Collection[Scope], days: float | None = None) -> tuple[Key, str]:
        """A new key, and what its owner presents: this is the only time that it can be seen."""
        key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        now = self._clock()
        with self._file.edit() as entries:
            entries[key_id] = {
                "name": name,
                "scopes": sorted(scopes),
                "hash": self._hash(secret, make=True),
                "created": now,
                "expires": None if days is None else now + days * _DAY_S,
                "revoked": None,
            }
            made = _key(key_id, entries[key_id])
        return made, f"{_MARK}_{key_id}_{secret}"

    def revoke(self, key_id: str) -> Key:
        """From now on it opens nothing. InputError: there is no such key."""
        with self._file.edit() as entries:
            entry = _entry(entries, key_id)
            entry["revoked"] = entry["revoked"] or self._clock()
            return _key(key_id, entry)

    def rotate(self, key_id: str, grace_s: float = 0.0) -> tuple[Key, str]:
        """A new key of the same name and scopes; the old one holds for `grace_s` more. InputError: it does not
        hold."""
        old = next((key for key in self.all() if key.id == key_id), None)
        if old is None or not old.holds(self._clock()):
            raise InputError("id", f"{key_id!r} is no key that holds; `torre keys list` shows them")
        days = None if old.expires is None else (old.expires - old.created) / _DAY_S
        made = self.create(old.name, old.scopes, days)
        with self._file.edit() as entries:
            ends = self._clock() + grace_s
            entries[key_id]["expires"] = ends if old.expires is None else min(ends, old.expires)
        return made

    def all(self) -> tuple[Key, ...]:
        """Every key that was ever made, the oldest first, those that no longer hold too."""
        self._refresh()
        return tuple(sorted((_key(i, entry) for i, entry in self._entries.items()), key=lambda key: key.created))

    def find(self, presented: str) -> Key | None:
        """The key that was presented, None where it is not one that holds. Takes as long either way."""
        self._refresh()
        mark, _, rest = presented.partition("_")
        key_id, _, secret = rest.partition("_")
        entry = self._entries.get(key_id)
        known = entry["hash"] if entry else "0" * 64
        right = hmac.compare_digest(self._hash(secret), known) and mark == _MARK
        if not right or entry is None:
            return None
        key = _key(key_id, entry)
        return key if key.holds(self._clock()) else None

    def _refresh(self) -> None:
        try:
            about = self._file.path.stat()
            seen = (about.st_ino, about.st_mtime_ns, about.st_size)
        except FileNotFoundError:
            seen = None
        if seen is None or seen != self._seen:
            self._entries = self._file.read()
            self._seen = seen

    def _hash(self, secret: str, make: bool = False) -> str:
        return hmac.new(self._pepper(make), secret.encode("utf-8", "replace"), hashlib.sha256).hexdigest()

    def _pepper(self, make: bool) -> bytes:
        if make:
            with suppress(FileExistsError):
                _write_new(self._pepper_path, secrets.token_bytes(32))
        try:
            return self._pepper_path.read_bytes()
        except FileNotFoundError:
            return b"\0"  # no key was ever made: nothing that is presented has a hash among those of none
        except OSError as error:
            raise InputError(str(self._pepper_path), f"cannot be read: {error.strerror}") from error


def _write_new(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
        file.write(content)


def _entry(entries: dict[str, dict[str, Any]], key_id: str) -> dict[str, Any]:
    if key_id not in entries:
        raise InputError("id", f"there is no key {key_id!r}; `torre keys list` shows them")
    return entries[key_id]


def _key(key_id: str, entry: Mapping[str, Any]) -> Key:
    scopes = frozenset(Scope(scope) for scope in entry["scopes"])
    return Key(key_id, entry["name"], scopes, entry["created"], entry["expires"], entry["revoked"])
