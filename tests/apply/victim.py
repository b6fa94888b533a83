"""Processes killed while they apply: `python -m tests.apply.victim MODE PLACE [KILLS SEED]`.

One process imports everything once; each apply is a fork of it, so that hundreds of kills take seconds. `each`
kills at every system call that changes the disk, one after the other; `random` at any moment at all.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

from llm.apply.change import intend, write
from llm.apply.journal import Journals, State
from llm.apply.lock import hold, standing
from llm.apply.plan import Proof
from llm.apply.transaction import Terms, apply_plan
from llm.apply.tree import Tree
from llm.apply.undo import finish, rolled_back_unless_committed, undo
from llm.domain import Check
from llm.errors import ApplyError
from tests.apply.projects import GREEN, NEW, RED, RULES, Files, make, plan, tree

TERMS = Terms(RULES)
APP: Files = {"app.py": NEW["app.py"]}
_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod")


def main(mode: str, place: Path, kills: int = 0, seed: int = 0) -> None:
    """Print what came of it, as JSON."""
    modes: dict[str, Callable[[], object]] = {
        "random": lambda: at_random(place, kills, random.Random(seed)),
        "each": lambda: at_each_call(place),
        "hang": lambda: interrupted(place, Proof(Check("hang", "sleep 3600"))),
        "green": lambda: interrupted(place, GREEN),
        "red": lambda: interrupted(place, RED),
        "commit": lambda: interrupted(place, GREEN, commit=True),
        "small": lambda: in_a_small_place(place),
        "full": lambda: undone_on_a_full_disk(place),
    }
    print(json.dumps(modes[mode]()))


def at_random(place: Path, kills: int, dice: random.Random) -> dict[str, int]:
    """Kill so many, at moments spread over an apply or an undo, some of the recoveries too."""
    seen = {"old": 0, "new": 0, "recovered": 0}
    scene = Scene(place, {**NEW, **{f"many/{n}.txt": b"new\n" for n in range(60)}})
    for turn in range(kills):
        undoing = turn % 3 == 2
        root = scene.set(applied=undoing)
        work = partial(_undo, root) if undoing else partial(_apply, root, scene.after)
        _killed(work, after_s=dice.uniform(0, scene.seconds * 1.1))
        if dice.random() < 0.3:
            _killed(partial(_finish, root), after_s=dice.uniform(0, scene.seconds))
        seen["recovered"] += _recovered(root)
        seen[scene.which()] += 1
    return seen


def at_each_call(place: Path) -> dict[str, int]:
    """Kill at the first call that changes the disk, then at the second, and so on to the end."""
    seen = {"old": 0, "new": 0, "recovered": 0, "calls": 0}
    scene = Scene(place, NEW)
    for undoing in (False, True):
        for number in count(1):
            root = scene.set(applied=undoing)
            work = partial(_undo, root) if undoing else partial(_apply, root, scene.after)
            ended = _killed(work, at_call=number)
            seen["recovered"] += _recovered(root)
            seen[scene.which()] += 1
            if ended:
                seen["calls"] += number - 1
                break
    return seen


class Scene:
    """The project before and after an apply, to be set up as often as it is needed."""

    def __init__(self, place: Path, after: Files) -> None:
        self.after = after
        self._root = place / "project"
        self._kept = {applied: place / f"applied-{applied}" for applied in (False, True)}
        make(self._root)
        shutil.copytree(self._root, self._kept[False])
        self._old = tree(self._root)
        began = time.monotonic()
        _apply(self._root, after)
        self.seconds = time.monotonic() - began
        self._new = tree(self._root)
        shutil.copytree(self._root, self._kept[True])

    def set(self, applied: bool) -> Path:
        """The project as it was before the apply, or after it."""
        shutil.rmtree(self._root)
        shutil.copytree(self._kept[applied], self._root)
        return self._root

    def which(self) -> str:
        """Whether it is the old tree or the new; it may be no other, and nothing may be in the next one's way."""
        now = tree(self._root)
        assert now in (self._old, self._new), f"torn: {now}"
        assert standing(self._root, os.environ).holder is None, "a stale lock"
        return "old" if now == self._old else "new"


def interrupted(root: Path, proof: Proof, commit: bool = False) -> list[str]:
    """An apply that goes on until somebody presses Ctrl-C; what it raises and notes, or what became of it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background would ignore it
    try:
        applied = apply_plan(plan(root, proof, after=APP), os.environ, Terms(RULES, commit=commit))
    except KeyboardInterrupt as error:
        return [type(error).__name__, *error.__notes__]
    return [applied.status, str(applied.exit_code)]


def in_a_small_place(place: Path) -> list[str]:
    """An apply that runs out of room, or meets a directory that cannot be written; what it says."""
    make(place)
    big = place.stat().st_dev == (place / "pkg").stat().st_dev
    if not big:
        subprocess.run(["mount", "-o", "remount,bind,ro", place / "pkg"], check=True)
    after = {"app.py": b"new\n", "pkg/latin.txt": b"new\n" * (25_000 if big else 1)}
    before = tree(place)
    with Journals(place, os.environ) as journals, Tree.open(place) as files, hold(place, os.environ, "t") as lock:
        intent = intend(files, {n: files.read(n) for n in after}, after, (), workspace=".", trace_id="t")
        try:
            journal = journals.begin(intent.manifest, intent.before)
            with rolled_back_unless_committed(journal, files, lock):
                list(write(journal, files, intent.after))
        except ApplyError as error:
            return [str(error), "as it was" if tree(place) == before else "changed"]
    return ["it was written"]


def undone_on_a_full_disk(place: Path) -> list[str]:
    """An undo when not one block is left, and again when there is room."""
    root = make(place / "project")
    old = tree(root)
    with Journals(root, os.environ) as journals, Tree.open(root) as files:
        before = {name: files.read(name) for name in NEW}
        intent = intend(files, before, NEW, (), workspace=".", trace_id="t")
        journal = journals.begin(intent.manifest, intent.before)
        list(write(journal, files, intent.after))
        journal.enter(State.COMMITTED)
    new = tree(root)
    with suppress(OSError), (place / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    try:
        _undo(root)
    except ApplyError as error:
        said = [str(error), "as it was" if tree(root) == new else "changed"]
    (place / "filler").unlink()
    _undo(root)
    return [*said, "taken back once there is room" if tree(root) == old else "torn"]


def _apply(root: Path, after: Files) -> None:
    apply_plan(plan(root, after=after), os.environ, TERMS)


def _undo(root: Path) -> None:
    undo(root, os.environ, RULES)


def _finish(root: Path) -> None:
    finish(root, os.environ, RULES)


def _recovered(root: Path) -> bool:
    """Whether there was anything to undo. What the killed process had just forked has its lock until it has begun
    a program of its own."""
    until = time.monotonic() + 5
    while standing(root, os.environ).alive:
        assert time.monotonic() < until, "the lock outlives its process"
        time.sleep(0.001)
    return bool(finish(root, os.environ, RULES).undone)


def _killed(work: Callable[[], None], after_s: float = 60.0, at_call: int = 0) -> bool:
    """Do it in a fork that is killed; whether it ended before that."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        if at_call:
            sys.addaudithook(_killer(at_call))
        work()
        os._exit(0)
    until = time.monotonic() + after_s
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert status in (0, signal.SIGKILL), f"it failed: {status}"
            return status == 0
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1] == 0


def _killer(at_call: int) -> Callable[[str, tuple[object, ...]], None]:
    """Kills this process at the nth call that changes the disk, just before it is made."""
    left = at_call

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_CREAT | os.O_WRONLY)
        if event in _CHANGES or writes:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return hook


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:]))
