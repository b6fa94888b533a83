"""Rules that ruff reports and does not fix: each is answered by an edit that keeps what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm.fixers.lint_rules import FIXER
from tests.fixers.red_python import red_python
from tests.workspace_python import PYTHON

RUFF = f"{PYTHON} -m ruff check --isolated --no-cache --line-length 79 --select"

CASES = {
    "E711": ("def test_f():\n    assert f(1) == None\n", "def test_f():\n    assert f(1) is None\n"),
    "E712": (
        "def test_f():\n    assert f(1) == True and f(0) == False\n",
        "def test_f():\n    assert f(1) is True and f(0) is False\n",
    ),
    "E722": (
        "try:\n    x = int('a')\nexcept:\n    x = 0\n",
        "try:\n    x = int('a')\nexcept Exception:\n    x = 0\n",
    ),
    "E721": (
        "def f(a, b):\n    return not type(a) == type(b)\n",
        "def f(a, b):\n    return type(a) is not type(b)\n",
    ),
    "B904": (
        "def f(s):\n    try:\n        return int(s)\n    except (TypeError, ValueError):\n"
        "        raise KeyError(s)\n",
        "def f(s):\n    try:\n        return int(s)\n    except (TypeError, ValueError) as error:\n"
        "        raise KeyError(s) from error\n",
    ),
    "B018": ("def f(x):\n    x.missing\n", "def f(x):\n    _ = x.missing\n"),
    "B004": ("def f(x):\n    return hasattr(x, '__call__')\n", "def f(x):\n    return callable(x)\n"),
    "E741": (
        "def f(rows):\n    for l in rows:\n        print(l)\n",
        "def f(rows):\n    for item in rows:\n        print(item)\n",
    ),
    "N806": (
        "def f():\n    MyTotal = 1\n    return MyTotal\n",
        "def f():\n    my_total = 1\n    return my_total\n",
    ),
    "E702": ("def f():\n    a = 1; b = 2\n    return a, b\n", "def f():\n    a = 1\n    b = 2\n    return a, b\n"),
    "E701": (
        "def f(x):\n    if x: return 1\n    return 2\n",
        "def f(x):\n    if x:\n        return 1\n    return 2\n",
    ),
    "E402": (
        "import os\n\nx = os.sep\nimport sys\nprint(sys.path)\n",
        "import os\nimport sys\n\nx = os.sep\nprint(sys.path)\n",
    ),
    "ERA001": ("x = 1\n# x = 2\ny = 3\n", "x = 1\ny = 3\n"),
}


@pytest.mark.parametrize("code", CASES)
def test_one_rule(tmp_path: Path, code: str) -> None:
    before, after = CASES[code]
    with red_python(tmp_path, {"app.py": before}, f"{RUFF} {code} .") as red:
        assert red.first_green(FIXER) == {"app.py": after}


def test_a_long_comment_and_a_long_string(tmp_path: Path) -> None:
    comment = "# " + "word " * 20 + "end"
    text = f"{comment}\nx = print(\n    'a long text {'which goes on ' * 5}to its end'\n)\n"
    with red_python(tmp_path, {"app.py": text}, f"{RUFF} E501 .") as red:
        after = red.first_green(FIXER)["app.py"]
    assert "".join(after.replace("#", "").split()[:21]) == "word" * 20 + "end"
    spaces: dict[str, str] = {}
    exec(after.split("x = print(")[1].join(["value = (", ""]), spaces)
    assert spaces["value"] == "a long text " + "which goes on " * 5 + "to its end"


def test_names_of_a_star_import_are_imported_by_name(tmp_path: Path) -> None:
    text = "from os.path import *\n\nprint(join('a', 'b'), basename('c'))\n"
    with red_python(tmp_path, {"app.py": text}, f"{RUFF} F403,F405 .") as red:
        after = red.first_green(FIXER)["app.py"]
    assert after.startswith("from os.path import basename, join\n")


def test_what_a_package_imports_of_its_own_is_exported(tmp_path: Path) -> None:
    files = {
        "pack/__init__.py": "from json import dumps\n\nfrom pack.core import run\n",
        "pack/core.py": "def run():\n    return 1\n",
    }
    with red_python(tmp_path, files, f"{RUFF} F401 .") as red:
        after = red.first_green(FIXER)["pack/__init__.py"]
    assert after.strip() == "from pack.core import run as run"


def test_several_rules_in_several_files_are_one_candidate(tmp_path: Path) -> None:
    files = {
        "a.py": CASES["E722"][0],
        "b.py": CASES["B018"][0] + "\n\n" + CASES["E721"][0].replace("def f", "def g"),
    }
    with red_python(tmp_path, files, f"{RUFF} E722,B018,E721 .") as red:
        after = red.first_green(FIXER)
    assert set(after) == {"a.py", "b.py"}


def test_a_member_that_lacks_self(tmp_path: Path) -> None:
    text = "class A:\n    def f(self):\n        return self.g()\n\n    def g(self):\n        return f()\n"
    with red_python(tmp_path, {"app.py": text}, f"{RUFF} F821 .") as red:
        assert list(FIXER.propose(red.state())) == []  # nothing says that the class has an f
    used = text.replace("return f()", "self.f()\n        return f()")
    with red_python(tmp_path, {"app.py": used}, f"{RUFF} F821 .") as red:
        assert red.first_green(FIXER)["app.py"].endswith("return self.f()\n")
