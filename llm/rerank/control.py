"""The negative control: a check is believed only if it reports a failure that was planted on purpose.

It runs once more with the candidate in place and, under a word that was drawn after the candidate was made, tests
or code that must fail. It must report exactly these, end red, and say of everything else what it said before.
Where it does not, the same is planted in the untouched tree: what is noticed there and not here is a lie.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from pathlib import PurePosixPath
from secrets import token_hex
from threading import Event

from llm.checks.base import Control, Scene
from llm.checks.command import Command, line_of, parse
from llm.checks.compare import INSIDE, flaky
from llm.checks.config import sources
from llm.checks.recognise import tool_of, tools
from llm.domain import Check, CheckResult, TestStatus
from llm.errors import DiffError, UnwritableError
from llm.rerank.examine import Examiner, Files
from llm.rerank.taken_away import taken_away
from llm.workspace.paths import read

_MOST_PATHS = 50
_FAILED = (TestStatus.FAILED, TestStatus.ERROR)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a further look at a check showed: why it lies, why it is in doubt, or what could not be shown."""

    tampering: str = ""
    doubts: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tree:
    """A check as it ran on some tree: the files that were changed in it, and the result."""

    files: Files
    executable: frozenset[str]
    result: CheckResult


def control(untouched: Tree, changed: Tree, examiner: Examiner, stop: Event) -> Heard:
    """Whether the check of `changed`, green there, still notices a failure; one more run of it where it does."""
    if gone := _gone(untouched, changed, examiner):
        return Heard(
            tampering=f"{changed.result.check.name} is green because {gone}, which it complained of, is gone"
        )
    return _planted(untouched, changed, examiner, stop)


def _planted(untouched: Tree, changed: Tree, examiner: Examiner, stop: Event) -> Heard:
    scene = _scene(untouched, changed, examiner)
    original_scene = replace(scene, read=partial(_text, untouched.files, examiner))
    check = changed.result.check
    verdict = Heard()
    for planted, original in zip(_controls(check, scene), _controls(check, original_scene), strict=False):
        try:
            now = _run(planted, changed, examiner, stop)
        except UnwritableError as error:
            verdict = Heard(doubts=(f"no failure can be planted for {check.name}: {error}",))
            continue
        found = _found(planted, changed.result, now, scene.word)
        if not (found.unnoticed or found.copies or found.others):
            return Heard()
        if found.others and not found.unnoticed:
            verdict = Heard(doubts=found.others)  # the planted may be in the others' way: a port, a file
            continue
        before = _run(original, untouched, examiner, stop)
        if now.killed or before.killed:
            return Heard(
                doubts=(f"{check.name} was ended ({now.killed or before.killed}) with a failure planted",)
            )
        owed = _noticed_in(original, before, untouched.result)
        if owed:
            heard = _unlike(found, owed, original.copies, before, check.name)
            if heard.tampering or not set(owed) <= set(original.twins):
                return heard
        if moved := _moved(untouched.result, changed, planted, examiner):
            return Heard(tampering=f"{check.name} does not look where {moved} was moved to")
        if not verdict.doubts and not _ran(before, changed.result):
            verdict = Heard(doubts=(f"{check.name} {_UNKNOWN}",))
    return verdict if verdict.doubts else _no_control(changed, examiner, stop)


_UNKNOWN = "reports no planted failure, and ran nothing before the change to compare that with"


def same(tree: Tree, examiner: Examiner, stop: Event) -> Heard:
    """Whether a check says of a tree again what it said before."""
    known = tree.result
    now = examiner.run(known.check, tree.files, stop, tree.executable)
    if now.killed and not known.killed:
        return Heard(doubts=(f"a second look at {known.check.name} was ended ({now.killed})",))
    return Heard(doubts=flaky([known], [now]))


@dataclass(frozen=True, slots=True)
class _Found:
    """What of the planted was not noticed (or even `passed`), and what else differs from the run without it."""

    noticed: tuple[str, ...]
    unnoticed: tuple[str, ...]
    passed: tuple[str, ...]
    copies: tuple[str, ...]
    others: tuple[str, ...]


def _unlike(
    found: _Found, owed: tuple[str, ...], copies: Mapping[str, str], before: CheckResult, name: str
) -> Heard:
    """What to make of a control that is not as it should; in the untouched tree (`before`) it noticed `owed`.

    Where tests end otherwise in a copy even in the untouched tree, a copy tells nothing.
    """
    if set(owed) & set(found.unnoticed) or found.passed:
        return Heard(tampering=f"{name} no longer notices a failure: one that was planted is not reported")
    if not found.noticed:
        return Heard(doubts=(f"{name} {_UNKNOWN}",))
    if found.others:
        return Heard(doubts=found.others)
    if not found.copies:
        return Heard()
    if _unlike_copies(copies, before, before):
        return Heard(
            note=f"{name}: its tests end otherwise in a copy of their file, so only failures were planted"
        )
    why = f"{name} passes only under names that are known: not so in a copy: {', '.join(found.copies[:3])}"
    passed = (test.id for test in before.tests or () if test.status is TestStatus.PASSED)
    if any(test.startswith(tuple(copies)) for test in passed):
        return Heard(tampering=why)
    return Heard(doubts=(why,))


def _no_control(tree: Tree, examiner: Examiner, stop: Event) -> Heard:
    """Nothing could be planted that the check must report: then it is at least looked at."""
    name = tree.result.check.name
    note = f"{name}: no negative control was possible: nothing could be planted that it must report"
    return replace(same(tree, examiner, stop), note=note)


def _scene(untouched: Tree, changed: Tree, examiner: Examiner) -> Scene:
    check = changed.result.check
    command = parse(check.command)
    return Scene(
        word="z" + token_hex(6),
        argv=command.argv if command and tool_of(command) else (),
        directory=check.directory,
        tests=_tests(untouched.result, changed.result),
        paths=_paths(untouched.result, changed, examiner),
        read=partial(_text, changed.files, examiner),
    )


def _controls(check: Check, scene: Scene) -> Iterator[Control]:
    """Those of the check's tool; behind make or npm, of any that reports through the environment."""
    tool = tool_of(parse(check.command))
    return chain.from_iterable(
        each.control(scene) for each in ((tool,) if tool else tools()) if tool or each.carry()
    )


def _tests(before: CheckResult, after: CheckResult) -> tuple[str, ...]:
    """What passed, and of that first what did not before."""
    known = {test.id for test in before.tests or () if test.status is TestStatus.PASSED}
    passed = [test.id for test in after.tests or () if test.status is TestStatus.PASSED]
    return tuple(sorted(passed, key=lambda name: name in known))


def _paths(before: CheckResult, tree: Tree, examiner: Examiner) -> tuple[str, ...]:
    complained = (diagnostic.path for diagnostic in before.diagnostics if diagnostic.path not in tree.files)
    changed = (path for path, content in tree.files.items() if content is not None)
    top = examiner.workspace
    any_of_it = (path.relative_to(top).as_posix() for path in sources(top / tree.result.check.directory, "*.*"))
    others = (path for path in chain(complained, any_of_it) if (top / path).is_file() and path not in tree.files)
    return tuple(dict.fromkeys(islice(chain(changed, others), _MOST_PATHS)))


def _moved(before: CheckResult, tree: Tree, planted: Control, examiner: Examiner) -> str:
    """A file that the check complained of and that is gone, where there are new ones beside what was planted."""
    gone = (d.path for d in before.diagnostics if tree.files.get(d.path, b"") is None)
    folders = {PurePosixPath(path).parent for path in planted.files}
    added = (path for path, content in tree.files.items() if content is not None and not _original(path, examiner))
    return next(gone, "") if folders <= {PurePosixPath(path).parent for path in added} else ""


def _gone(untouched: Tree, changed: Tree, examiner: Examiner) -> str:
    """What the check, if it is no test, complained of and is not there any more."""
    if untouched.result.tests is not None or untouched.result.green:
        return ""
    before, after = (
        {path: text for path in changed.files if (text := _text(files, examiner, path)) is not None}
        for files in (untouched.files, changed.files)
    )
    return taken_away(untouched.result, before, after)


def _text(files: Files, examiner: Examiner, path: str) -> str | None:
    content = files[path] if path in files else _original(path, examiner)
    return None if content is None else content.decode("utf-8", "surrogateescape")


def _original(path: str, examiner: Examiner) -> bytes | None:
    try:
        return read(path, examiner.workspace)
    except DiffError:  # outside, behind a link, too large: nothing is planted there
        return None


def _run(planted: Control, tree: Tree, examiner: Examiner, stop: Event) -> CheckResult:
    new = {path: text.encode("utf-8", "surrogateescape") for path, text in planted.files.items()}
    check = _with_argv(tree.result.check, planted.argv)
    return examiner.run(check, {**tree.files, **new}, stop, tree.executable)


def _with_argv(check: Check, argv: tuple[str, ...]) -> Check:
    command = parse(check.command)
    if not argv or command is None:
        return check
    return replace(check, command=line_of(Command(command.env, argv)))


def _found(planted: Control, known: CheckResult, now: CheckResult, word: str) -> _Found:
    red = now.exit_code not in (0, None) and not now.not_run
    noticed = tuple(name for name in planted.names if red and _noticed(name, now))
    unnoticed = tuple(name for name in planted.names if name not in noticed)
    return _Found(
        noticed,
        unnoticed,
        tuple(name for name in unnoticed if any(_is(test.id, name) for test in now.tests or ())),
        _unlike_copies(planted.copies, known, now),
        _others(known, now, word, planted.files),
    )


def _noticed(name: str, now: CheckResult) -> bool:
    if now.tests is None:
        return any(name in f"{d.path} {d.message}" for d in now.diagnostics if d.severity == "error")
    states = {test.status for test in now.tests if _is(test.id, name)}
    return not states.isdisjoint(_FAILED) and TestStatus.PASSED not in states


def _is(test: str, name: str) -> bool:
    """Whether an id is that of a planted test, or of one of its cases (`name[case]`)."""
    rest = test.removeprefix(name)
    return test.startswith(name) and not (rest[:1].isalnum() or rest[:1] == "_")


def _unlike_copies(copies: Mapping[str, str], known: CheckResult, now: CheckResult) -> tuple[str, ...]:
    """Tests of copied files that do not end in the copy as they did under their own names."""
    states = {test.id: test.status for test in now.tests or ()}
    copied = (
        (test, new + test.id.removeprefix(old))
        for old, new in copies.items()
        for test in known.tests or ()
        if test.id.startswith(old)
    )
    return tuple(test.id for test, name in copied if states.get(name) is not test.status)


def _others(known: CheckResult, now: CheckResult, word: str, files: Mapping[str, str]) -> tuple[str, ...]:
    """What differs between a run and the same run with something planted, beside that."""
    kept = tuple(d for d in now.diagnostics if word not in f"{d.path} {d.message}" and d.path not in files)
    tests = None if now.tests is None else tuple(test for test in now.tests if word not in test.id)
    rest = replace(now, exit_code=known.exit_code, tests=tests, diagnostics=kept)
    usual = {diagnostic.key for diagnostic in known.diagnostics}
    new = tuple(f"{known.check.name}::{d.key}" for d in kept if d.severity == "error" and d.key not in usual)
    return (*flaky([known], [rest]), *(new if now.tests is None else ()))


def _noticed_in(planted: Control, now: CheckResult, known: CheckResult) -> tuple[str, ...]:
    """The planted that a run on the untouched tree reports and loses nothing by, () where it loses something.

    A file that cannot even be loaded there (which may be the red to repair) is reported in place of its tests."""
    if now.killed or now.not_run or now.exit_code in (0, None) or (now.tests is None) != (known.tests is None):
        return ()
    if {test.id for test in known.tests or ()} - {test.id for test in now.tests or ()}:
        return ()
    noticed = tuple(name for name in planted.names if _noticed(name, now))
    red = tuple(test.id + end for test in now.tests or () if test.status in _FAILED for end in INSIDE)
    return noticed or tuple(_UNLOADED for name in planted.names if name.startswith(red))


_UNLOADED = ""
"""Stands for what would be noticed if the file could be loaded: no name, for a command may select among them."""


def _ran(now: CheckResult, known: CheckResult) -> bool:
    """Whether a run got as far as the tests that another one reports; a tool that reports none always does."""
    names = {test.id for test in known.tests or ()}
    return known.tests is None or any(test.id in names for test in now.tests or ())
