"""ruff's fixes as candidates: the real ruff turns red, and green after the candidate."""

from __future__ import annotations

from pathlib import Path

from llm.fixers.ruff import FIXER
from tests.fixers.red_builds import red_build

LINT = "ruff check --no-cache ."
FORMAT = "ruff format --no-cache --check ."
RULES = '[tool.ruff.lint]\nselect = ["E", "F", "I", "UP"]\n'


def test_an_unused_import_goes(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": RULES,
        "app.py": "import os\nimport sys\n\nprint(sys.argv)\n",
        "other.py": "x = 1\n",
    }
    with red_build(tmp_path, files, LINT) as build:
        first, *_ = build.candidates(FIXER)
        assert build.green(first)
        assert build.after(first) == {"app.py": "import sys\n\nprint(sys.argv)\n"}
        assert "F401" in first.origin


def test_imports_are_sorted_and_crlf_stays(tmp_path: Path) -> None:
    files = {"pyproject.toml": RULES, "app.py": "import sys\r\nimport os\r\n\r\nprint(os.sep, sys.argv)\r\n"}
    with red_build(tmp_path, files, LINT) as build:
        winner = build.proven(FIXER)
        assert build.after(winner)["app.py"] == "import os\r\nimport sys\r\n\r\nprint(os.sep, sys.argv)\r\n"


def test_an_unsafe_fix_is_only_the_second_candidate(tmp_path: Path) -> None:
    source = "import os\n\n\ndef same(x):\n    unused = x\n    return x == None\n"
    with red_build(tmp_path, {"pyproject.toml": RULES, "app.py": source}, LINT) as build:
        safe, unsafe = build.candidates(FIXER)
        assert not build.green(safe)
        assert build.green(unsafe)
        assert build.after(unsafe)["app.py"] == "\n\ndef same(x):\n    return x is None\n"
        assert safe.prior > unsafe.prior


def test_a_file_is_formatted(tmp_path: Path) -> None:
    files = {"app.py": "x = {  'a':1 }\n", "fine.py": "y = 1\n"}
    with red_build(tmp_path, files, FORMAT) as build:
        winner = build.proven(FIXER)
        assert build.after(winner) == {"app.py": 'x = {"a": 1}\n'}


def test_lint_and_format_are_fixed_in_one_candidate(tmp_path: Path) -> None:
    files = {"pyproject.toml": RULES, "app.py": "import os\nx = 'a'\n"}
    with red_build(tmp_path, files, FORMAT, LINT) as build:
        assert build.after(build.proven(FIXER)) == {"app.py": 'x = "a"\n'}


def test_a_fix_does_not_unformat_what_a_green_check_wants_formatted(tmp_path: Path) -> None:
    source = "from typing import (\n    Dict,\n    List,\n)\n\nx: List[int] = []\n"
    files = {"pyproject.toml": RULES, "app.py": source}
    with red_build(tmp_path, files, LINT, FORMAT) as build:
        assert build.run(build.checks[1]).green
        assert build.green(build.proven(FIXER))


def test_only_red_rules_are_fixed(tmp_path: Path) -> None:
    """A check that selects one rule leaves what the configuration would also fix."""
    check = "ruff check --no-cache --select F401 ."
    files = {"pyproject.toml": RULES, "app.py": "import sys\nimport os\nimport re\n\nprint(sys, os)\n"}
    with red_build(tmp_path, files, check) as build:
        assert build.after(build.proven(FIXER))["app.py"] == "import sys\nimport os\n\nprint(sys, os)\n"


def test_a_check_in_a_directory_of_its_own(tmp_path: Path) -> None:
    check = "uv run ruff check --no-cache --output-format=concise ."
    files = {"packages/api/a b.py": "import os\n", "c.py": "import os\n"}
    with red_build(tmp_path, files, check, directory="packages/api") as build:
        assert build.after(build.proven(FIXER)) == {"packages/api/a b.py": ""}


def test_a_program_that_ruff_cannot_read_gives_no_candidate(tmp_path: Path) -> None:
    with red_build(tmp_path, {"app.py": "def f(:\n"}, LINT) as build:
        assert build.candidates(FIXER) == []


def test_other_red_checks_are_not_wanted(tmp_path: Path) -> None:
    with red_build(tmp_path, {"app.py": "x = 1\n"}, "exit 1") as build:
        assert not FIXER.wants(build.red())
