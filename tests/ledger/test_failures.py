"""A ledger that cannot be had: a named error, exit code 2, and no grant."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from llm.errors import LedgerError
from llm.ledger.base import Claim, Grant
from llm.ledger.home import open_store
from llm.ledger.redis import RedisStore
from llm.ledger.sqlite import SqliteStore
from llm.ledger.sqlite_file import UPGRADES, upgrade
from tests.ledger.test_races import ROOT

CLAIM = Claim("vendor/model", "run", 100, 100)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(tmp_path / "state")}


def test_it_is_exit_code_2() -> None:
    assert LedgerError.exit_code == 2


def test_locked(path: Path) -> None:
    store = SqliteStore(path, busy_s=0.2)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        with pytest.raises(LedgerError, match=r"ledger\.sqlite: locked by another process for more than 0\.2 s"):
            store.reserve(CLAIM)
        assert time.monotonic() - began < 5
    assert isinstance(store.reserve(CLAIM), Grant)


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_corrupt(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"ledger\.sqlite: corrupt"):
        SqliteStore(path)


def test_corrupt_in_the_middle(path: Path) -> None:
    SqliteStore(path).close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))
    with pytest.raises(LedgerError, match="corrupt"):
        SqliteStore(path)


def test_another_programs_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE clock (seen)")
    with pytest.raises(LedgerError, match="not a ledger of Torre's"):
        SqliteStore(path)


def test_a_newer_version_is_refused(path: Path) -> None:
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(UPGRADES) + 1}")
    with pytest.raises(LedgerError, match="newer Torre"):
        SqliteStore(path)


def test_an_older_version_is_brought_up_to_date_and_keeps_its_counts(path: Path) -> None:
    store = SqliteStore(path)
    assert isinstance(store.reserve(CLAIM), Grant)
    store.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        upgrade(db, (*UPGRADES, "ALTER TABLE call ADD COLUMN stage TEXT"))
        upgrade(db, (*UPGRADES, "ALTER TABLE call ADD COLUMN stage TEXT"))  # already there: nothing to do
        assert db.execute("SELECT tokens, stage FROM call").fetchall() == [(100, None)]
        assert db.execute("PRAGMA user_version").fetchone() == (len(UPGRADES) + 1,)


def test_a_ledger_without_its_clock_is_corrupt(path: Path) -> None:
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM clock")
    with pytest.raises(LedgerError, match="corrupt"):
        SqliteStore(path)


def _in_a_mount(folder: Path, mount: str) -> subprocess.CompletedProcess[str]:
    """Make calls in `folder` after a mount of this process's own; skip where the kernel allows none."""
    folder.mkdir()
    script = f'{mount} && exec {sys.executable} -m tests.ledger.racers "$0/ledger.sqlite" none 1 "$1"'
    calls = folder.parent / "calls"
    probe = subprocess.run(["unshare", "-Urm", "true"], capture_output=True)
    if probe.returncode:
        pytest.skip("no user namespaces here")
    argv = ["unshare", "-Urm", "sh", "-c", script, str(folder), str(calls)]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("mount", "told"),
    [
        ('mount -t tmpfs -o size=48k none "$0"', "full"),
        ('mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"', "Read-only|readonly"),
    ],
    ids=["full", "read-only"],
)
def test_disk(tmp_path: Path, mount: str, told: str) -> None:
    done = _in_a_mount(tmp_path / "disk", mount)
    assert done.returncode != 0
    assert "LedgerError" in done.stderr
    assert any(word in done.stderr for word in told.split("|")), done.stderr
    assert (tmp_path / "calls").read_text() == ""


def test_the_same_calls_go_through_on_a_disk_with_room(tmp_path: Path) -> None:
    done = _in_a_mount(tmp_path / "disk", 'mount -t tmpfs -o size=8m none "$0"')
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "calls").read_text() == "call\n" * 3


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"nowhere/ledger\.sqlite"):
        SqliteStore(tmp_path / "nowhere" / "ledger.sqlite")


def test_redis_gone(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="no call is made"):
        RedisStore(f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(LedgerError) as told:
        RedisStore("redis://user:geheim@127.0.0.1:1/0")
    assert "geheim" not in str(told.value)
    assert "127.0.0.1:1" in str(told.value)


def test_the_workspaces_own_ledger_is_made_and_found_again(tmp_path: Path, env: dict[str, str]) -> None:
    first = open_store(tmp_path, env)
    assert isinstance(first.reserve(CLAIM), Grant)
    assert open_store(tmp_path, env).standing("UTC")["vendor/model"].open.calls == 1
    assert "!providers.yaml" in (tmp_path / ".torre" / ".gitignore").read_text()


def test_a_ledger_that_arrived_with_a_checkout_is_not_believed(tmp_path: Path, env: dict[str, str]) -> None:
    open_store(tmp_path, {"XDG_STATE_HOME": str(tmp_path / "somebody-else")}).close()
    with pytest.raises(LedgerError, match="not made by this user"):
        open_store(tmp_path, env)
    named = {**env, "TORRE_LEDGER": str(tmp_path / ".torre" / "ledger.sqlite")}
    assert isinstance(open_store(tmp_path, named).reserve(CLAIM), Grant)  # told by name, it is


@pytest.mark.parametrize("link", [".torre", ".torre/ledger.sqlite"])
def test_a_link_in_the_ledgers_place_is_not_followed(tmp_path: Path, env: dict[str, str], link: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / link).parent.mkdir(exist_ok=True)
    (tmp_path / link).symlink_to(elsewhere)
    with pytest.raises(LedgerError, match="is a link"):
        open_store(tmp_path, env)
    assert list(elsewhere.iterdir()) == []


def test_nothing_is_left_beside_the_ledger(tmp_path: Path, env: dict[str, str]) -> None:
    open_store(tmp_path, env).close()
    assert sorted(p.name for p in (tmp_path / ".torre").iterdir()) == [".gitignore", "ledger.sqlite"]
    assert (tmp_path / ".torre" / "ledger.sqlite").stat().st_mode & 0o777 == 0o600
