"""Apply, roll back, lock, undo: on real files, with real checks in the sandbox."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Timer

import pytest

from llm.apply.journal import KEEP, Journals
from llm.apply.lock import hold, standing
from llm.apply.plan import Proof
from llm.apply.transaction import Terms, apply_plan, begin_apply, terms_for
from llm.apply.undo import finish, undo, unlock
from llm.domain import ApplyStatus, Isolation
from llm.errors import ApplyError, LedgerError
from tests.apply.projects import GREEN, MODES, NEW, OLD, RED, RULES, make, plan, tree

Env = Mapping[str, str]
TERMS = Terms(RULES)


def test_a_green_apply_writes_exactly_these_bytes_and_keeps_modes(project: Path, env: Env) -> None:
    applied = apply_plan(plan(project, GREEN), env, TERMS)
    assert (applied.status, applied.exit_code) == (ApplyStatus.APPLIED, 0)
    assert [result.green for result in applied.results] == [True]
    for name, content in NEW.items():
        assert ((project / name).read_bytes() if (project / name).exists() else None) == content
    assert all((project / name).stat().st_mode & 0o777 == mode for name, mode in MODES.items())
    assert not (project / "pkg" / "deep").exists() and (project / "kept.txt").read_bytes() == OLD["kept.txt"]
    assert not list(project.rglob(".torre-*")) and not standing(project, env).holder


def test_a_new_file_has_the_umask_and_an_executable_one_its_bit(project: Path, env: Env) -> None:
    wanted = plan(project, after={"tool": b"#!/bin/sh\n", "text": b"x\n"})
    diff = wanted.diff.replace("100644", "100755", 1)  # the first file of the diff
    first = "text" if wanted.diff.index("b/text") < wanted.diff.index("b/tool") else "tool"
    apply_plan(replace(wanted, diff=diff), env, TERMS)
    modes = {name: (project / name).stat().st_mode & 0o777 for name in ("tool", "text")}
    assert modes.pop(first) == 0o755 and set(modes.values()) == {0o644}


def test_owners_stay(project: Path, env: Env) -> None:
    owner = 1234 if os.geteuid() == 0 else os.geteuid()
    for folder in (project, *(p for p in project.rglob("*") if ".torre" not in p.parts)):
        os.chown(folder, owner, -1)
    apply_plan(plan(project, GREEN), env, TERMS)
    owners = {name: (project / name).stat().st_uid for name in (*NEW, "made/here") if (project / name).exists()}
    assert set(owners.values()) == {owner}, owners
    undo(project, env, RULES)
    assert (project / "pkg/deep/gone.txt").stat().st_uid == owner == (project / "pkg/deep").stat().st_uid


def _attributes(path: Path) -> dict[str, bytes]:
    return {name: os.getxattr(path, name) for name in os.listxattr(path) if name != "security.selinux"}


def test_extended_attributes_and_access_lists_stay(project: Path, env: Env) -> None:
    """Through an apply, an undo, and the return of a file that was deleted."""
    listed = bytes.fromhex(
        "02000000 01000600ffffffff 02000400d2040000 04000400ffffffff 10000600ffffffff 20000000ffffffff"
    )
    for name in ("app.py", "pkg/deep/gone.txt"):
        os.setxattr(project / name, "user.origin", b"\x00by hand")
        os.setxattr(project / name, "system.posix_acl_access", listed)
    before, old = tree(project), _attributes(project / "app.py")
    assert set(old) == {"user.origin", "system.posix_acl_access"}
    apply_plan(plan(project, GREEN), env, TERMS)
    assert _attributes(project / "app.py") == old
    assert (project / "app.py").read_bytes() == NEW["app.py"]
    undo(project, env, RULES)
    assert tree(project) == before
    assert _attributes(project / "app.py") == old == _attributes(project / "pkg/deep/gone.txt")
    (project / "copy").write_bytes(b"control: a file that is written anew")
    (project / "copy").rename(project / "app.py")
    assert _attributes(project / "app.py") == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may set a capability or keep set-uid on a change")
def test_what_would_give_new_content_power_does_not_stay(project: Path, env: Env) -> None:
    capability = bytes.fromhex("0100000200040000000000000000000000000000")  # cap_net_bind_service+ep
    os.setxattr(project / "run.sh", "security.capability", capability)
    (project / "app.py").chmod(0o4755)
    apply_plan(plan(project, GREEN), env, TERMS)
    assert _attributes(project / "run.sh") == {}
    assert (project / "app.py").stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize(
    ("policy", "accept", "least"),
    [
        ("", False, Isolation.FULL),
        ("", True, Isolation.FULL),
        ("isolation: reduced\n", False, Isolation.FULL),
        ("isolation: reduced\n", True, Isolation.REDUCED),
        ("isolation: strong\n", True, Isolation.STRONG),
    ],
)
def test_files_are_changed_on_full_isolation_or_by_a_flag(
    project: Path, env: Env, policy: str, accept: bool, least: Isolation
) -> None:
    """A policy that accepts less for a run does not accept it for an apply, nor does the flag alone."""
    own = Path(env["XDG_CONFIG_HOME"]) / "torre" / "providers.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(policy)
    assert terms_for(project, env, accept_reduced=accept).least is least
    assert begin_apply(project, env, commit=False, accept_reduced=accept).least is least


@pytest.mark.parametrize(
    ("where", "helps"),
    [(".torre", "an apply keeps its lock"), (".torre/journal", "no directory"), ("state", "set XDG_STATE_HOME")],
)
def test_what_cannot_be_written_is_named_with_what_helps(project: Path, env: Env, where: str, helps: str) -> None:
    """Not with a ledger elsewhere: an apply's lock and journal lie here whatever the ledger is."""
    place = Path(env["XDG_STATE_HOME"]) if where == "state" else project / where
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(exist_ok=True)
    place.write_text("in the way")
    with pytest.raises((ApplyError, LedgerError)) as refused:
        apply_plan(plan(project), env, TERMS)
    assert "TORRE_LEDGER" not in str(refused.value)
    assert helps in str(refused.value)


def test_a_workspace_below_its_root_is_taken_back_from_there(tmp_path: Path, env: Env) -> None:
    root = tmp_path / "root"
    (root / ".git").mkdir(parents=True)
    workspace = make(root / "packages" / "one")
    (workspace / ".torre").rmdir()
    before = tree(root)
    assert apply_plan(plan(workspace, GREEN), env, TERMS).number == 1
    assert tree(root) != before and (root / ".torre" / "journal" / "1").is_dir()
    undo(root, env, RULES)
    assert tree(root) == before


@pytest.mark.parametrize("proof", [RED, replace(GREEN, passed=2)], ids=["red", "tests are gone"])
def test_red_restores_every_byte_and_locks_until_unlocked(project: Path, env: Env, proof: Proof) -> None:
    before = tree(project)
    applied = apply_plan(plan(project, GREEN, proof), env, TERMS)
    assert (applied.status, applied.exit_code) == (ApplyStatus.ROLLED_BACK, 6)
    assert tree(project) == before and proof.check.name in applied.reason
    with pytest.raises(
        ApplyError, match=r"is locked: .* rolled back: .*; look at it, then `torre unlock`"
    ) as refused:
        apply_plan(plan(project, GREEN), env, TERMS)
    assert refused.value.exit_code == 2 and tree(project) == before
    assert "rolled back" in unlock(project, env, RULES).reason
    assert apply_plan(plan(project, GREEN), env, TERMS).exit_code == 0


@pytest.mark.parametrize("name", ["app.py", "pkg/deep/gone.txt", "made/here/added.txt"])
def test_what_changed_since_is_refused(project: Path, env: Env, name: str) -> None:
    wanted = plan(project, GREEN)
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_bytes(b"the user's own\n")
    before = tree(project)
    with pytest.raises(ApplyError, match=f"{name}: changed since"):
        apply_plan(wanted, env, TERMS)
    assert tree(project) == before
    assert apply_plan(plan(project, after={"kept.txt": b"still free\n"}), env, TERMS).exit_code == 0


def test_a_file_the_proof_knew_nothing_of_is_refused(project: Path, env: Env) -> None:
    wanted = plan(project, GREEN)
    originals = {name: value for name, value in wanted.originals.items() if name != "app.py"}
    with pytest.raises(ApplyError, match=r"app\.py"):
        apply_plan(replace(wanted, originals=originals), env, TERMS)


def test_undo_goes_back_apply_by_apply(project: Path, env: Env) -> None:
    states = [tree(project)]
    steps = ({"app.py": b"new 1\n"}, {"app.py": b"new 2\n", "kept.txt": None}, {"extra/more.txt": b"new 3\n"})
    for after in steps:
        apply_plan(plan(project, after=after), env, TERMS)
        states.append(tree(project))
    for more in (2, 1, 0):
        assert tree(project) == states.pop()
        assert undo(project, env, RULES).more == more
    assert tree(project) == states.pop()
    with pytest.raises(ApplyError, match="nothing was applied"):
        undo(project, env, RULES)


@pytest.mark.parametrize("state", ["committed", "undoing"])
def test_undo_asks_first_whether_it_may_write_there(project: Path, env: Env, state: str) -> None:
    """About what a killed undo left, too."""
    asked = []

    def refuse(workspace: Path) -> None:
        asked.append(workspace)
        raise PermissionError

    apply_plan(plan(project, GREEN), env, TERMS)
    (project / ".torre/journal/1/state").write_text(state)
    before = tree(project)
    with pytest.raises(PermissionError):
        undo(project, env, RULES, allow=refuse)
    assert tree(project) == before and asked == [project] and not standing(project, env).holder
    if state == "committed":
        undo(project, env, RULES, allow=asked.append)
    else:
        finish(project, env, RULES)
    assert tree(project) != before


def test_undo_does_not_touch_what_changed_since(project: Path, env: Env) -> None:
    apply_plan(plan(project, GREEN), env, TERMS)
    (project / "app.py").write_bytes(b"edited by the user\n")
    before = tree(project)
    with pytest.raises(ApplyError, match=r"app\.py was changed since"):
        undo(project, env, RULES)
    assert tree(project) == before and not standing(project, env).holder
    (project / "app.py").write_bytes(NEW["app.py"] or b"")
    assert undo(project, env, RULES).files == tuple(sorted(NEW))


def test_a_directory_that_got_company_is_not_removed(project: Path, env: Env) -> None:
    apply_plan(plan(project), env, TERMS)
    (project / "made" / "mine.txt").write_text("mine")
    undo(project, env, RULES)
    assert [p.name for p in (project / "made").iterdir()] == ["mine.txt"]


def test_only_so_many_applies_are_kept(project: Path, env: Env) -> None:
    for number in range(KEEP + 2):
        apply_plan(plan(project, after={"app.py": b"%d\n" % number}), env, TERMS)
    with Journals(project, env) as journals:
        assert len(journals.ours()) == KEEP
    assert len(list((project / ".torre" / "journal").iterdir())) == KEEP


def test_a_weak_sandbox_is_not_enough(project: Path, env: Env) -> None:
    weak = replace(plan(project, GREEN), isolation=Isolation.REDUCED)
    with pytest.raises(ApplyError, match="only reduced isolation"):
        apply_plan(weak, env, TERMS)
    assert apply_plan(weak, env, Terms(RULES, Isolation.REDUCED)).exit_code == 0


def test_one_apply_at_a_time(project: Path, env: Env) -> None:
    with hold(project, env, "applying the first"):
        for refused in (lambda: apply_plan(plan(project), env, TERMS), lambda: unlock(project, env, RULES)):
            with pytest.raises(ApplyError, match="is locked: applying the first, by process"):
                refused()
    assert apply_plan(plan(project), env, TERMS).exit_code == 0


def test_a_lock_whose_process_is_gone_is_taken_over(project: Path, env: Env) -> None:
    with hold(project, env, "applying") as lock:
        (project / ".torre" / "apply.lock").rename(project / "saved")
        assert lock.holder.pid
    (project / "saved").rename(project / ".torre" / "apply.lock")
    with (project / ".torre" / "apply.lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # nobody holds it
    assert apply_plan(plan(project), env, TERMS).exit_code == 0


def test_a_name_that_is_not_utf_8_is_a_name(project: Path, env: Env) -> None:
    name = os.fsdecode(b"caf\xe9.py")
    (project / name).write_bytes(b"old\n")
    before = tree(project)
    after = {name: b"new\n", os.fsdecode(b"new\xff/x"): b"new\n"}
    apply_plan(plan(project, after=after), env, TERMS)
    assert (project / name).read_bytes() == b"new\n"
    assert undo(project, env, RULES).files == tuple(sorted(after)) and tree(project) == before


def test_a_lock_can_be_kept_for_a_name_that_is_not_utf_8(project: Path, env: Env) -> None:
    name = os.fsdecode(b"caf\xe9.py")
    (project / name).write_bytes(b"old\n")
    apply_plan(plan(project, after={name: b"new\n"}), env, TERMS)
    (project / ".torre/journal/1/state").write_text("applying")
    (project / name).write_bytes(b"edited after the crash\n")
    with pytest.raises(ApplyError, match="was changed since"):
        finish(project, env, RULES)
    assert "caf\\udce9.py was changed since" in (standing(project, env).holder or pytest.fail()).kept
    assert ".torre/journal/1/before" in unlock(project, env, RULES).abandoned[0]


@pytest.mark.parametrize("edited", [False, True])
def test_a_file_that_moves_takes_its_mode_along(project: Path, env: Env, edited: bool) -> None:
    """A diff says no more of it than the x bit: what only its owner could read would be open to all."""
    secret = b"".join(b"line %d\n" % n for n in range(9))
    (project / "private.txt").write_bytes(secret)
    (project / "private.txt").chmod(0o600)
    before = tree(project)
    moved = secret.replace(b"line 4", b"another line") if edited else secret
    after = {"private.txt": None, "elsewhere/moved.txt": moved, "other.txt": b"nothing of it\n"}
    apply_plan(plan(project, after=after), env, TERMS)
    modes = [(project / name).stat().st_mode & 0o777 for name in ("elsewhere/moved.txt", "other.txt")]
    assert modes == [0o600, 0o644]
    undo(project, env, RULES)
    assert tree(project) == before


def test_a_file_that_comes_and_goes_within_a_diff_is_none(project: Path, env: Env) -> None:
    wanted = plan(project, after={"app.py": b"new\n"})
    made = "--- /dev/null\n+++ b/brief.txt\n@@ -0,0 +1 @@\n+x\n--- a/brief.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
    wanted = replace(wanted, diff=wanted.diff + made, originals={**wanted.originals, "brief.txt": None})
    assert apply_plan(wanted, env, TERMS).files == ("app.py",)


def test_who_only_looks_at_the_lock_is_in_nobodys_way(project: Path, env: Env) -> None:
    lock = project / ".torre" / "apply.lock"
    lock.parent.mkdir(exist_ok=True)
    looker = os.open(lock, os.O_RDONLY | os.O_CREAT, 0o600)
    fcntl.flock(looker, fcntl.LOCK_SH)
    looked = Timer(0.1, os.close, [looker])
    looked.start()
    with hold(project, env, "an apply"):
        assert standing(project, env).alive
    looked.join()
