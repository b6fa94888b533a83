"""pytest, unittest, ruff and mypy, really run: green, red, and what each says test by test."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from llm.domain import CheckResult, TestStatus
from llm.sandbox.base import Limits
from tests.checks.conftest import Run
from tests.workspace_python import PREFIX

OWN = Path(sys.prefix)
XDIST = "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 pytest -p xdist.plugin -n 2"
"""In Torre's own environment, whose other plugins take seconds to import."""
CALC = "def add(a: int, b: int) -> int:\n    return a - b\n"
TESTS = """
import pytest
from calc import add

def test_add():
    assert add(2, 2) == 4

def test_zero():
    assert add(0, 0) == 0

@pytest.mark.skip(reason="not today")
def test_skipped():
    pass

@pytest.mark.xfail
def test_known():
    assert add(1, 1) == 2

@pytest.fixture
def broken():
    raise RuntimeError("no database")

def test_fixture(broken):
    pass
"""


def statuses(result: CheckResult) -> dict[str, str]:
    return {t.id: t.status.value for t in result.tests or ()}


@pytest.mark.parametrize("command", ["pytest", "python -m pytest -q", "python3 -m pytest", "uv run pytest -q"])
def test_pytest_reports_every_test_by_its_node_id(run: Run, command: str) -> None:
    result = run({"calc.py": CALC, "test_calc.py": TESTS, "conftest.py": ""}, command)
    assert not result.green and result.exit_code == 1 and not result.not_run
    assert statuses(result) == {
        "test_calc.py::test_add": "failed",
        "test_calc.py::test_zero": "passed",
        "test_calc.py::test_skipped": "skipped",
        "test_calc.py::test_known": "skipped",
        "test_calc.py::test_fixture": "error",
    }
    failure = next(d for d in result.diagnostics if d.test_id == "test_calc.py::test_add")
    assert (failure.path, failure.line, failure.code) == ("test_calc.py", 6, "AssertionError")
    assert "assert 0 == 4" in failure.message
    error = next(d for d in result.diagnostics if d.test_id == "test_calc.py::test_fixture")
    assert (error.code, error.line) == ("RuntimeError", 21)


def test_pytest_green(run: Run) -> None:
    result = run({"test_ok.py": "def test_ok(): pass\n"}, "pytest")
    assert result.green and statuses(result) == {"test_ok.py::test_ok": "passed"}


@pytest.mark.parametrize(
    ("command", "makefile"),
    [("make test", "test:\n\tpython -m pytest -q\n"), ("pytest -q | cat; exit 1", ""), ("cd sub && pytest", "")],
)
def test_pytest_reports_through_other_programs(run: Run, command: str, makefile: str) -> None:
    files = {"Makefile": makefile, "sub/test_a.py": "def test_a(): assert 0\n"}
    result = run(files, command)
    assert not result.green and [t.status for t in result.tests or ()] == [TestStatus.FAILED]
    assert result.diagnostics[0].path == "sub/test_a.py"


def test_a_line_with_its_own_pythonpath_still_runs_as_written(run: Run) -> None:
    """It puts Torre's plugin out of reach: the check must not turn red by that."""
    files = {"lib/calc.py": CALC, "test_a.py": "from calc import add\ndef test_a(): assert add(1, 0) == 1\n"}
    assert run(files, "PYTHONPATH=lib pytest -q && true").green
    simple = run(files, "PYTHONPATH=lib pytest -q")
    assert simple.green and statuses(simple) == {"test_a.py::test_a": "passed"}


def test_an_isolated_interpreter_still_runs_as_written(run: Run) -> None:
    result = run({"test_a.py": "def test_a(): pass\n"}, "python -I -m pytest -q")
    assert result.green and result.tests is None and "1 passed" in result.output


def test_own_addopts_are_kept(run: Run) -> None:
    files = {"test_a.py": "def test_fine(): pass\ndef test_broken(): assert 0\n"}
    assert statuses(run(files, "PYTEST_ADDOPTS='-k test_fine' pytest")) == {"test_a.py::test_fine": "passed"}


def test_pytest_collection_error_is_an_item_with_its_place(run: Run) -> None:
    result = run({"app.py": "import nothing_there\n", "test_a.py": "import app\ndef test_a(): pass\n"}, "pytest")
    assert statuses(result) == {"test_a.py": "error"}
    (found,) = result.diagnostics
    assert (found.path, found.line, found.code) == ("app.py", 1, "ModuleNotFoundError")


def test_pytest_syntax_error_is_an_item(run: Run) -> None:
    result = run({"app.py": "def f(:\n", "test_a.py": "import app\ndef test_a(): pass\n"}, "pytest")
    assert statuses(result) == {"test_a.py": "error"}
    assert result.diagnostics[0].code == "SyntaxError"


def test_pytest_broken_conftest_is_red_with_a_diagnostic(run: Run) -> None:
    result = run({"conftest.py": "import nothing_there\n", "test_a.py": "def test_a(): pass\n"}, "pytest")
    assert not result.green and not result.not_run and "nothing_there" in result.output


def test_nothing_collected_is_neither_red_nor_green(run: Run) -> None:
    result = run({"app.py": ""}, "pytest")
    assert result.not_run == "no tests collected" and not result.green


@pytest.mark.parametrize("command", ["pytest", XDIST, "pytest tests", "cd . && pytest"])
def test_only_runs_the_wanted_tests(run: Run, command: str) -> None:
    files = {
        "tests/test_a.py": "def test_a(): pass\ndef test_b(): assert 0\n",
        "tests/test_c.py": "raise SystemError('not collected')\n",
    }
    prefix = OWN if command == XDIST else PREFIX
    result = run(files, command, prefix=prefix, only=("tests/test_a.py::test_a",))
    assert result.green and statuses(result) == {"tests/test_a.py::test_a": "passed"}


def test_xdist_reports_each_test_once(run: Run) -> None:
    files = {"test_a.py": "import pytest\n@pytest.mark.parametrize('n', range(6))\ndef test(n): assert n != 3\n"}
    result = run(files, XDIST, prefix=OWN)
    assert len(result.tests or ()) == 6
    assert [d.test_id for d in result.diagnostics] == ["test_a.py::test[3]"]


def test_a_hanging_test_is_named(run: Run) -> None:
    files = {"test_a.py": "import time\ndef test_a(): pass\ndef test_b(): time.sleep(60)\n"}
    for wall_s in (8, 30, 90):  # pytest has to have begun
        result = run(files, "pytest", limits=Limits(wall_s=wall_s))
        if result.tests:
            break
    assert result.killed == "timeout" and not result.green
    assert statuses(result) == {"test_a.py::test_a": "passed", "test_a.py::test_b": "error"}
    assert "did not finish" in next(t.message for t in result.tests or () if t.id.endswith("test_b"))


def test_a_pytest_inside_the_tests_is_not_part_of_the_report(run: Run) -> None:
    inner = (
        "import subprocess, sys\ndef test_a():\n    subprocess.run([sys.executable, '-m', 'pytest', 'inner'])\n"
    )
    result = run({"test_a.py": inner, "inner/test_b.py": "def test_b(): assert 0\n"}, "pytest test_a.py")
    assert result.green and statuses(result) == {"test_a.py::test_a": "passed"}


UNIT = """
import unittest
from calc import add

class Adds(unittest.TestCase):
    def test_add(self):
        self.assertEqual(add(2, 2), 4)

    def test_zero(self):
        self.assertEqual(add(0, 0), 0)

    @unittest.skip("later")
    def test_later(self):
        pass

    @unittest.expectedFailure
    def test_known(self):
        self.assertEqual(add(1, 1), 2)

    def test_parts(self):
        for n in (0, 1):
            with self.subTest(n=n):
                self.assertEqual(add(0, n), n)
"""


@pytest.mark.parametrize(
    "command", ["python -m unittest", "python3 -m unittest discover -v", "poetry run python -m unittest"]
)
def test_unittest_reports_every_test(run: Run, command: str) -> None:
    result = run({"calc.py": CALC, "test_calc.py": UNIT}, command)
    assert statuses(result) == {
        "test_calc.Adds.test_add": "failed",
        "test_calc.Adds.test_zero": "passed",
        "test_calc.Adds.test_later": "skipped",
        "test_calc.Adds.test_known": "skipped",
        "test_calc.Adds.test_parts": "failed",
    }
    failure = next(d for d in result.diagnostics if d.test_id.endswith("test_add"))
    assert (failure.path, failure.line, failure.code) == ("test_calc.py", 7, "AssertionError")


def test_unittest_green_restricted_and_broken(run: Run) -> None:
    files = {"calc.py": CALC, "test_calc.py": UNIT}
    one = run(files, "python -m unittest discover", only=("test_calc.Adds.test_zero",))
    assert one.green and statuses(one) == {"test_calc.Adds.test_zero": "passed"}
    broken = run({"calc.py": "import nothing_there\n"}, "python -m unittest")
    assert statuses(broken) == {"test_calc": "error"}
    assert (broken.diagnostics[0].path, broken.diagnostics[0].code) == ("calc.py", "ModuleNotFoundError")


def test_unittest_without_tests_is_not_green(run: Run) -> None:
    assert run({"app.py": ""}, "python -m unittest").not_run == "no tests collected"


def test_ruff_red_and_green(run: Run) -> None:
    red = run({"pkg/a.py": "import os\n"}, "ruff check .")
    (found,) = red.diagnostics
    assert (found.path, found.line, found.column, found.code) == ("pkg/a.py", 1, 8, "F401")
    assert not red.green and red.exit_code == 1 and "pkg/a.py:1:8" in red.output
    assert run({"pkg/a.py": "X = 1\n"}, "uv run ruff check --output-format=github .").green


def test_ruff_syntax_error_and_format(run: Run) -> None:
    broken = run({"a.py": "def f(:\n"}, "ruff check .")
    assert not broken.green and {d.path for d in broken.diagnostics} == {"a.py"}
    unformatted = run({"a.py": "x  =  1\n"}, "ruff format --check .")
    assert [d.path for d in unformatted.diagnostics] == ["a.py"] and not unformatted.green


def test_mypy_red_and_green(run: Run) -> None:
    red = run({"a.py": "x: int = 'one'\n"}, "python -m mypy a.py")
    (found,) = red.diagnostics
    assert (found.tool, found.path, found.line, found.column, found.code) == ("mypy", "a.py", 1, 10, "assignment")
    assert not red.green
    assert run({"a.py": "x: int = 1\n"}, "mypy a.py").green


def test_broken_configuration_is_red_and_shown(run: Run) -> None:
    result = run({"a.py": "", "ruff.toml": "line-length = 'wide'\n"}, "ruff check .")
    assert not result.green and not result.not_run and "line-length" in result.output
