"""Where a failure can be planted so that a check must see it: beside a file that it reads, or in that file.

Test files are planted as copies that end in failing tests. So whatever the tests import is at work there too, and
tests under names that nobody could know must end as the known ones do.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from llm.checks import twins
from llm.checks.base import Control, Scene

_MOST_COPIES = 4
_MOST_FOLDERS = 2
_MOST_NAMES = 3
_OWN_NAME = re.compile(r"snapshot|__file__|__filename|__dirname|import\.meta", re.IGNORECASE)
"""What makes a test end otherwise in a copy of its file."""
_SUFFIXED = re.compile(r"(?!test).*(?:tests?|specs?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TestFile:
    """A file with tests: its path in the workspace, and how ids of its tests start, here and in a copy."""

    __test__ = False

    path: str
    start: str
    copied: str


Failing = Callable[[TestFile, str], tuple[str, tuple[str, ...]]]
"""A test file and its text → failing tests to append, and the tails of their ids."""


def beside(path: str, word: str) -> str:
    """A new path in the same directory, for the same patterns (`test_*.py`, `*_test.py`, `*.test.*`)."""
    folder, slash, name = path.rpartition("/")
    stem, dot, suffixes = name.partition(".")
    new = f"{word}_{stem}" if _SUFFIXED.fullmatch(stem) else f"{stem}_{word}"
    return "".join((folder, slash, new, dot, suffixes))


def in_tests(
    scene: Scene,
    files: Iterable[TestFile],
    failing: Failing,
    again: Failing = lambda file, text: ("", ()),
    inside: str = "",
) -> Iterator[Control]:
    """Copies of test files that end in failing tests; then failing tests at the end of the first file itself.

    `again` are further ones for the copies alone, under names that known tests have. Of Python, in whose ids
    `inside` stands between a class and a test, the first file has failing twins as well.
    """
    texts = {file: text for file in files if (text := scene.read(file.path)) is not None}
    chosen = list(texts)[:_MOST_COPIES]
    if not chosen:
        return
    added = {file: failing(file, texts[file]) for file in chosen}
    more = {file: again(file, texts[file]) for file in chosen}
    tests = {file: _tests_of(file, scene, inside) for file in chosen}
    ends = {file: twins.harmless(texts[file], tests[file], scene.word) for file in chosen}
    new = {beside(file.path, scene.word): ends[file] + added[file][0] + more[file][0] for file in chosen}
    first = chosen[0]
    twin, twin_names = _twins(scene, first, texts[first], tests[first], inside)
    new |= twin
    planted = (file.copied + tail for file in chosen for tail in (*added[file][1], *more[file][1]))
    yield Control(
        files=new,
        names=(*planted, *twin_names),
        argv=naming(scene, new),
        copies={file.start: file.copied for file in chosen if not _OWN_NAME.search(texts[file])},
        twins=twin_names,
    )
    code, tails = added[first]
    yield Control({first.path: texts[first] + code}, tuple(first.start + tail for tail in tails))


def _tests_of(file: TestFile, scene: Scene, inside: str) -> twins.Tests:
    """The names of a Python file's tests that passed; none of another language."""
    if not inside:
        return frozenset()
    tails = (name.removeprefix(file.start) for name in scene.tests if name.startswith(file.start))
    return frozenset(tuple(tail.partition("[")[0].split(inside)) for tail in tails)


def _twins(
    scene: Scene, file: TestFile, text: str, tests: twins.Tests, inside: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Files beside a test file with failing twins of its tests, and their ids."""
    files, names = {}, []
    for number, (bent, failing) in enumerate(twins.failing(text, tests, scene.word)):
        word = f"{scene.word}{number}"
        files[beside(file.path, word)] = bent
        names += [file.copied.replace(scene.word, word) + inside.join(each) for each in failing]
    return files, tuple(names)


def in_sources(scene: Scene, suffixes: tuple[str, ...], code: str, name: str = "") -> Iterator[Control]:
    """A new file beside each of the first few directories' sources; then the code at the end of the first source.

    The complaint names `name`, or else the file.
    """
    known = [path for path in scene.paths if path.endswith(suffixes)]
    folders = {PurePosixPath(path).parent: path for path in reversed(known)}
    for path in sorted(folders.values(), key=known.index)[:_MOST_FOLDERS]:
        new = beside(path, scene.word)
        yield Control({new: code}, (name or new,), naming(scene, {new: code}))
    if known and (text := scene.read(known[0])) is not None:
        yield Control({known[0]: f"{text}\n{code}"}, (name or known[0],))


def naming(scene: Scene, new: Iterable[str]) -> tuple[str, ...]:
    """The command with the new files beside its own, where it names single files; () where it does not."""
    added = [path for path in new if _names_files(scene, PurePosixPath(path).suffix)]
    return (*scene.argv, *(os.path.relpath(path, scene.directory) for path in added)) if added else ()


def _names_files(scene: Scene, suffix: str) -> bool:
    words = (word.partition("::")[0] for word in scene.argv[1:])
    inside = (os.path.normpath(f"{scene.directory}/{word}") for word in words if word.endswith(suffix))
    return any(scene.read(path) is not None for path in inside if not path.startswith(("..", "/")))


EXPECTATIONS = (
    "expect(1).toBe(2);",
    "expect([1]).toEqual([2]);",
    "expect({ a: 1 }).toStrictEqual({ a: 2 });",
    "expect(0).toBeTruthy();",
    "expect(() => {}).toThrow();",
    "expect(1).not.toBe(1);",
    "await expect(Promise.resolve(1)).resolves.toBe(2);",
    'throw new Error("WORD");',
    'await Promise.reject(new Error("WORD"));',
)
"""What must fail in the language that jest and vitest share."""


def failing_case(word: str, name: str = "test") -> tuple[str, tuple[str, ...]]:
    """A `unittest.TestCase` of which each test must fail, and the names of its tests, which begin with `name`."""
    start = f"{name}_{word}" if name.startswith("test") else f"test_{name}_{word}"
    code = _CASE.replace("NAME", start).replace("WORD", word)
    return code, tuple(f"{start}_{number}" for number in range(_CASE.count("def ")))


_CASE = """

import unittest as WORD_unittest


class Test_WORD(WORD_unittest.TestCase):
    def NAME_0(self):
        self.assertEqual([1, "WORD"], [2])

    def NAME_1(self):
        self.assertTrue(not self)

    def NAME_2(self):
        with self.assertRaises(KeyError):
            pass

    def NAME_3(self):
        self.assertIn(1, ())

    def NAME_4(self):
        self.assertFalse(self)

    def NAME_5(self):
        self.assertIs(self, None)

    def NAME_6(self):
        self.assertAlmostEqual(1.0, 2.0)

    def NAME_7(self):
        raise AssertionError("WORD")

    def NAME_8(self):
        raise ValueError("WORD")

    def NAME_9(self):
        self.assertEqual(1, 2)

    def NAME_10(self):
        self.assertEqual("WORD", None)

    def NAME_11(self):
        with self.assertRaises(ValueError):
            pass
"""


def failing_tests(word: str, register: str, bodies: tuple[str, ...] = EXPECTATIONS) -> tuple[str, tuple[str, ...]]:
    """JavaScript tests of which each must fail, and their names; `register` brings a function `WORD`.

    Those that wait for nothing are no promises: what throws and what rejects is not caught in the same place."""
    names = tuple(f"{word} {number:02}" for number in range(len(bodies)))
    kinds = ("async " if "await" in body or number % 2 else "" for number, body in enumerate(bodies))
    tests = (
        f'{word}("{name}", {kind}() => {{ {body} }});'
        for name, kind, body in zip(names, kinds, bodies, strict=True)
    )
    return "\n".join(["", "", register, *tests, ""]).replace("WORD", word), names


def known_names(scene: Scene, body: str) -> Failing:
    """Failing tests with the names of known ones: who excuses tests by name excuses these too. They come after
    `failing_tests`; where tests run in no order, none, for which of two with one name is which cannot be known."""
    known = frozenset(scene.tests)

    def again(file: TestFile, text: str) -> tuple[str, tuple[str, ...]]:
        if _RANDOM.search(" ".join((*scene.argv, text, *_settings(scene)))):
            return "", ()
        names = (test.removeprefix(file.start) for test in scene.tests if test.startswith(file.start))
        pairs = ((" ".join(name.split(" > ")), name) for name in names)
        tails = {said: f"{said} #2" if said == name else said for said, name in pairs if " #" not in name}
        new = [(said, tail) for said, tail in tails.items() if file.start + tail not in known][:_MOST_NAMES]
        code = "".join(f"{scene.word}({json.dumps(said)}, () => {{ {body} }});\n" for said, _ in new)
        return code.replace("WORD", scene.word), tuple(tail for _, tail in new)

    return again


_RANDOM = re.compile(r"shuffle|randomi[sz]e", re.IGNORECASE)
_SETTINGS = tuple(
    f"{name}.config.{end}" for name in ("vitest", "vite", "jest") for end in ("ts", "mts", "js", "mjs", "cjs")
)


def _settings(scene: Scene) -> Iterator[str]:
    for name in (*_SETTINGS, "package.json"):
        yield scene.read(os.path.normpath(f"{scene.directory}/{name}")) or ""


def files_of(scene: Scene) -> Iterator[TestFile]:
    """The files of tests whose ids are `path > suite > test`, the path relative to the workspace."""
    for path in dict.fromkeys(name.partition(" > ")[0] for name in scene.tests if " > " in name):
        yield TestFile(path, f"{path} > ", f"{beside(path, scene.word)} > ")
