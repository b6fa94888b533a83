"""What a checkout brings, and what happens to files while they are changed: nothing outside is ever written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from llm.apply.change import intend, restore, write
from llm.apply.journal import Journal, Journals
from llm.apply.lock import hold
from llm.apply.transaction import Terms, apply_plan
from llm.apply.tree import Tree
from llm.apply.undo import finish, undo
from llm.domain import DiscardReason
from llm.errors import ApplyError, DiffError, LedgerError
from llm.ledger.home import state_directory
from llm.ledger.ours import note
from llm.workspace.paths import hash_of
from llm.workspace.rules import Rules
from tests.apply.projects import NEW, OLD, RULES, plan, tree

Env = Mapping[str, str]
TERMS = Terms(RULES)
HERE = Path(__file__).parents[2]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory that no apply may change, with a file like one of the project's."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "latin.txt").write_bytes(OLD["pkg/latin.txt"])
    return folder


def _begun(project: Path, journals: Journals, files: Tree) -> Journal:
    """A journal of the whole change, with nothing written yet."""
    intent = intend(files, {n: files.read(n) for n in NEW}, NEW, (), workspace=".", trace_id="t")
    return journals.begin(intent.manifest, intent.before)


def _swap_for_a_link(folder: Path, target: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to(target)


def test_a_directory_swapped_for_a_link_leads_nowhere(project: Path, env: Env, outside: Path) -> None:
    wanted = plan(project, after={"pkg/latin.txt": NEW["pkg/latin.txt"]})
    _swap_for_a_link(project / "pkg", outside)
    with pytest.raises(DiffError) as refused:
        apply_plan(wanted, env, TERMS)
    assert refused.value.reason is DiscardReason.PATH_ESCAPE
    assert (outside / "latin.txt").read_bytes() == OLD["pkg/latin.txt"]
    (project / "pkg/latin.txt").write_bytes(b"control: by its path it is the outer file")
    assert (outside / "latin.txt").read_bytes().startswith(b"control")


@pytest.mark.parametrize("back", [False, True], ids=["write", "restore"])
def test_a_link_put_in_between_two_steps_leads_nowhere(project: Path, env: Env, outside: Path, back: bool) -> None:
    with Journals(project, env) as journals, Tree.open(project) as files:
        journal = _begun(project, journals, files)
        steps = write(journal, files, tuple(NEW.values()))
        if back:
            list(steps)
            steps = restore(journal, files)
        next(steps)
        _swap_for_a_link(project / "pkg", outside)
        with pytest.raises(ApplyError, match="symlink"):
            list(steps)
    assert [p.name for p in outside.iterdir()] == ["latin.txt"]
    assert (outside / "latin.txt").read_bytes() == OLD["pkg/latin.txt"]


def test_a_file_swapped_for_a_link_is_not_written_through(project: Path, env: Env, outside: Path) -> None:
    wanted = plan(project, after={"app.py": b"new\n"})
    (project / "app.py").unlink()
    (project / "app.py").symlink_to(outside / "latin.txt")
    with pytest.raises(DiffError, match="is a symlink"):
        apply_plan(wanted, env, TERMS)
    with Tree.open(project) as files, pytest.raises(ApplyError, match="symlink"):
        files.read("app.py")
    assert (outside / "latin.txt").read_bytes() == OLD["pkg/latin.txt"]


def test_a_file_that_changes_between_two_steps_is_not_lost(project: Path, env: Env) -> None:
    with Journals(project, env) as journals, Tree.open(project) as files:
        steps = write(_begun(project, journals, files), files, tuple(NEW.values()))
        next(steps)
        (project / "pkg/latin.txt").write_bytes(b"typed just now")
        with pytest.raises(ApplyError, match="was changed meanwhile"):
            list(steps)
    assert (project / "pkg/latin.txt").read_bytes() == b"typed just now"


def test_the_other_name_of_a_hard_link_keeps_its_bytes(project: Path, env: Env, outside: Path) -> None:
    os.link(project / "app.py", outside / "twin.py")
    apply_plan(plan(project, after={"app.py": b"new\n"}), env, TERMS)
    assert (outside / "twin.py").read_bytes() == OLD["app.py"]
    os.link(project / "app.py", outside / "second.py")
    with (project / "app.py").open("ab") as file:
        file.write(b"control: written in place")
    assert b"control" in (outside / "second.py").read_bytes()


@pytest.mark.parametrize(
    "name", [".git/hooks/pre-commit", ".GIT/config", ".torre/providers.yaml", "../x", "a\u200c/.g\u200cit/x"]
)
def test_a_kept_diff_goes_through_the_rules_again(project: Path, env: Env, name: str) -> None:
    wanted = plan(project, after={"app.py": b"new\n"})
    hostile = replace(
        wanted, diff=wanted.diff.replace("app.py", name), originals={name: wanted.originals["app.py"]}
    )
    before = tree(project.parent)
    with pytest.raises(DiffError):
        apply_plan(hostile, env, TERMS)
    after = {path: told for path, told in tree(project.parent).items() if not path.startswith("state")}
    assert after == before


def _planted(project: Path, env: Env) -> Path:
    """A journal in working order that came with the checkout: whoever undoes it writes `app.py`."""
    with Journals(project, env) as journals, Tree.open(project) as files:
        intent = intend(
            files, {"app.py": files.read("app.py")}, {"app.py": OLD["app.py"]}, (), workspace=".", trace_id="t"
        )
        manifest = replace(
            intent.manifest, changes=(replace(intent.manifest.changes[0], before=hash_of(b"evil\n")),)
        )
        journal = journals.begin(manifest, (b"evil\n",))
    folder = project / journal.folder
    (folder / "state").write_text("applying")
    shutil.rmtree(state_directory(env) / "journals")
    return folder


def test_a_journal_that_came_with_a_checkout_is_not_believed(project: Path, env: Env) -> None:
    folder = _planted(project, env)
    with pytest.raises(ApplyError, match=r"nothing was applied .*\.torre/journal/1 is not this user's"):
        undo(project, env, RULES)
    apply_plan(plan(project, after={"kept.txt": b"new\n"}), env, TERMS)
    assert (project / "app.py").read_bytes() == OLD["app.py"] and folder.exists()
    note(state_directory(env) / "journals", sha256((folder / "manifest.json").read_bytes()).hexdigest()[:32])
    undo(project, env, RULES)
    assert (project / "app.py").read_bytes() == b"evil\n", "control: believed, it would have been carried out"


def test_a_journal_that_was_changed_is_not_believed(project: Path, env: Env) -> None:
    apply_plan(plan(project), env, TERMS)
    manifest = project / ".torre/journal/1/manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"app.py", b"foo.py"))
    with pytest.raises(ApplyError, match="is not this user's"):
        undo(project, env, RULES)


def test_old_bytes_that_were_changed_are_not_put_back(project: Path, env: Env) -> None:
    apply_plan(plan(project), env, TERMS)
    before = tree(project)
    (project / ".torre/journal/1/before/0").write_bytes(b"evil\n")
    with pytest.raises(ApplyError, match=r"before/0 is damaged"):
        undo(project, env, RULES)
    assert tree(project) == before


def test_undo_goes_through_every_path_rule(project: Path, env: Env) -> None:
    apply_plan(plan(project), env, TERMS)
    before = tree(project)
    with pytest.raises(DiffError, match=r"'app\.py' is protected"):
        undo(project, env, Rules(protected=("app.py",)))
    assert tree(project) == before
    undo(project, env, RULES)
    assert tree(project) != before


@pytest.mark.parametrize("believed", [False, True])
def test_a_lock_that_came_with_a_checkout_locks_nothing(project: Path, env: Env, believed: bool) -> None:
    with hold(project, env, "planting") as lock:
        lock.keep("a reason of somebody else's")
    if believed:
        with pytest.raises(ApplyError, match="somebody else's"):
            apply_plan(plan(project), env, TERMS)
    else:
        shutil.rmtree(state_directory(env) / "locks")
        assert apply_plan(plan(project), env, TERMS).exit_code == 0


@pytest.mark.parametrize("name", [".torre", ".torre/journal", ".torre/apply.lock"])
def test_links_in_place_of_torres_own_are_refused(project: Path, env: Env, outside: Path, name: str) -> None:
    shutil.rmtree(project / ".torre")
    if name != ".torre":
        (project / ".torre").mkdir()
    (project / name).symlink_to(outside if name != ".torre/apply.lock" else outside / "lock")
    before = tree(project)
    with pytest.raises((ApplyError, LedgerError), match="link"):
        apply_plan(plan(project), env, TERMS)
    assert tree(project) == before and [p.name for p in outside.iterdir()] == ["latin.txt"]


_IN_A_SMALL_PLACE = """
mount -t tmpfs -o {options} none "$1" && {before} && cd "$2" && exec "$3" -m tests.apply.victim small "$1"
"""


@pytest.mark.parametrize(
    ("options", "before", "words"),
    [
        ("size=96k", "true", "No space left on device"),
        ("size=4m", 'mkdir "$1/pkg" && mount -t tmpfs none "$1/pkg"', "Read-only file system"),
    ],
    ids=["full disk", "read-only directory"],
)
def test_where_it_cannot_be_written_every_byte_is_as_it_was(
    tmp_path: Path, env: Env, options: str, before: str, words: str
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    script = _IN_A_SMALL_PLACE.format(options=options, before=before)
    argv = [
        "unshare",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        script,
        "sh",
        str(place),
        str(HERE),
        sys.executable,
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert words in done.stdout and "as it was" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("inside", [False, True], ids=["outside", "in the workspace"])
def test_a_lock_that_is_a_second_name_of_a_file_is_not_written(
    project: Path, env: Env, outside: Path, inside: bool
) -> None:
    """An archive can bring a hard link. The control: what opens it for writing writes that file."""
    twin = project / "kept.txt" if inside else outside / "latin.txt"
    content = twin.read_bytes()
    os.link(twin, project / ".torre/apply.lock")
    with pytest.raises(ApplyError, match=r"apply\.lock: has another name elsewhere; remove it"):
        apply_plan(plan(project, after={"app.py": b"new\n"}), env, TERMS)
    assert twin.read_bytes() == content and (project / "app.py").read_bytes() == OLD["app.py"]
    (project / ".torre/apply.lock").write_bytes(b"control")
    assert twin.read_bytes() == b"control"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["fifo", "directory"])
def test_a_lock_that_is_no_file_is_named(project: Path, env: Env, make: Callable[[Path], None]) -> None:
    make(project / ".torre/apply.lock")
    for refused in (
        lambda: apply_plan(plan(project), env, TERMS),
        lambda: undo(project, env, RULES),
        lambda: finish(project, env, RULES),
    ):
        with pytest.raises(ApplyError, match=r"apply\.lock: (is no plain file; remove it|.*Is a directory)"):
            refused()


def test_an_undo_on_a_full_disk_is_refused_in_words(tmp_path: Path, env: Env) -> None:
    place = tmp_path / "place"
    place.mkdir()
    script = 'mount -t tmpfs -o size=256k none "$1" && cd "$2" && exec "$3" -m tests.apply.victim full "$1"'
    argv = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", str(place), str(HERE)]
    done = subprocess.run([*argv, sys.executable], capture_output=True, text=True, check=False, timeout=60)
    assert "apply.lock: cannot be written: No space left" in done.stdout, done.stdout + done.stderr
    assert "as it was" in done.stdout and "taken back once there is room" in done.stdout


def _as_file(folder: Path) -> None:
    folder.write_text("{}")


def _as_dangling_link(folder: Path) -> None:
    folder.symlink_to("nowhere")


def _with_a_link(folder: Path) -> None:
    folder.mkdir()
    (folder / "manifest.json").symlink_to("/etc/passwd")


def _with_a_directory(folder: Path) -> None:
    (folder / "manifest.json").mkdir(parents=True)


def _with_a_fifo(folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / "manifest.json")


@pytest.mark.parametrize("odd", [_as_file, _as_dangling_link, _with_a_link, _with_a_directory, _with_a_fifo])
def test_what_lies_among_the_journals_and_is_none_is_in_nobodys_way(
    project: Path, env: Env, odd: Callable[[Path], None]
) -> None:
    """A checkout could bring it, and would have kept every apply and undo from working."""
    before = tree(project)
    (project / ".torre/journal").mkdir()
    odd(project / ".torre/journal/7")
    assert finish(project, env, RULES).foreign == (".torre/journal/7",)
    apply_plan(plan(project), env, TERMS)
    assert tree(project) != before
    undo(project, env, RULES)
    assert tree(project) == before
