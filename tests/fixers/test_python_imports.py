"""Missing and wrong imports are mended, by what the workspace and its interpreter know."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm.fixers import python_names, search
from llm.fixers.base import Fixer
from llm.fixers.python_imports import FIXER
from llm.fixers.python_search.add_import import add_import
from llm.fixers.python_search.edits import Source
from tests.fixers.red_python import PYTEST, red_python
from tests.workspace_python import PYTHON

RUFF = f"{PYTHON} -m ruff check --isolated --no-cache --select F"
MYPY = f"{PYTHON} -m mypy --no-incremental ."


def test_a_library_name_at_run_time(tmp_path: Path) -> None:
    files = {
        "app.py": '"""Counts."""\n\nimport re\n\n\ndef tally(xs):\n    return [defaultdict(int)[x] for x in xs]\n',
        "test_app.py": "from app import tally\n\ndef test_it():\n    assert tally([1]) == [0]\n",
    }
    with red_python(tmp_path, files) as red:
        after = red.first_green(FIXER)
    assert after["app.py"].startswith('"""Counts."""\n\nimport re\nfrom collections import defaultdict\n\n\ndef')


def test_several_names_in_several_files_in_one_candidate(tmp_path: Path) -> None:
    files = {
        "a.py": "def f():\n    return Path(os.getcwd())\n",
        "b.py": "from __future__ import annotations\n\nX: Callable[[], Path] | None = json.loads('1')\n",
    }
    with red_python(tmp_path, files, RUFF) as red:
        after = red.first_green(FIXER)
    assert after["a.py"].startswith("import os\nfrom pathlib import Path\n")
    assert set(after) == {"a.py", "b.py"}


def test_as_other_files_of_the_workspace_import_it(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/shapes.py": "def area(w, h):\n    return w * h\n",
        "pkg/one.py": "import datetime as dt\n\nNOW = dt.date(2020, 1, 1)\n",
        "pkg/two.py": "def f():\n    return dt.date(2020, 1, 1).year + area(1, 2)\n",
        "test_two.py": "from pkg.two import f\n\ndef test_it():\n    assert f() == 2022\n",
    }
    with red_python(tmp_path, files) as red:
        state = red.state()
        first = next(iter(FIXER.propose(state)))
        assert red.texts(first)["pkg/two.py"].startswith("import datetime as dt\n")
        merged = red_python(tmp_path, {**files, "pkg/two.py": red.texts(first)["pkg/two.py"]})
    with merged as red:
        assert "from pkg.shapes import area\n" in red.first_green(FIXER)["pkg/two.py"]


def test_mypy_name_defined(tmp_path: Path) -> None:
    files = {"app.py": "from typing import Any\n\n\ndef f(x: Any) -> Optional[int]:\n    return None\n"}
    with red_python(tmp_path, files, MYPY) as red:
        assert red.first_green(FIXER)["app.py"].startswith("from typing import Any, Optional\n")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("from shapes import area", "from pkg.shapes import area"),
        ("from pkg.shape import area", "from pkg.shapes import area"),
        ("from pkg.other import area", "from pkg.shapes import area"),
        ("from pkg.shapes import aera as area", "from pkg.shapes import area as area"),
        ("import jsn as json", "import json as json"),
    ],
)
def test_wrong_imports(tmp_path: Path, wrong: str, right: str) -> None:
    body = (
        "\n\ndef f():\n    return json.dumps(1)\n"
        if "json" in wrong
        else "\n\ndef f():\n    return str(area(1, 1))\n"
    )
    files = {
        "pkg/__init__.py": "",
        "pkg/shapes.py": "def area(w, h):\n    return w * h\n",
        "pkg/other.py": "",
        "pkg/two.py": wrong + body,
        "test_two.py": "from pkg.two import f\n\ndef test_it():\n    assert f() == '1'\n",
    }
    with red_python(tmp_path, files, PYTEST) as red:
        assert red.first_green(FIXER)["pkg/two.py"].startswith(right)


LATER: dict[str, tuple[str, Fixer, str]] = {
    "a misspelt name": ("return math.floor(vlaue)", python_names.FIXER, "return math.floor(value)"),
    "a wrong operator": ("return math.floor(value + 1)", search.FIXER, "return math.floor("),
}


@pytest.mark.parametrize("title", LATER)
def test_what_an_import_uncovers_is_the_next_fixers_business(tmp_path: Path, title: str) -> None:
    """The module could not be loaded, no test ran; the import is one step, what then fails the next."""
    body, then, expected = LATER[title]
    code = f"import math\n\nLIMIT = Decimal(1)\n\n\ndef whole(value):\n    {body}\n"
    test = "from app import whole\n\ndef test_whole():\n    assert [whole(n) for n in (1.5, 2)] == [1, 2]\n"
    with red_python(tmp_path / "first", {"app.py": code, "test_app.py": test}) as red:
        step = next(iter(FIXER.propose(red.state())))
        after = {**red.files, **red.texts(step)}
    with red_python(tmp_path / "then", after) as red:
        mended = red.first_green(then)["app.py"]
    assert "from decimal import Decimal\n" in mended
    assert expected in mended


BROKEN_PYTHON = """#!/bin/sh
case "$1" in *torre_names.py) {instead} ;; esac
exec {python} "$@"
"""


@pytest.mark.parametrize(
    "instead",
    [
        r"printf '\377\376 no json' >\"$TORRE_REPORT\"; exit 0",
        "printf '[1, 2]' >\"$TORRE_REPORT\"; exit 0",
        'printf \'{"homes": []}\' >"$TORRE_REPORT"; exit 0',
        r"printf '\377\376 broken' >&2; exit 3",
    ],
)
def test_a_python_that_cannot_say_what_it_has_is_no_end_of_it(tmp_path: Path, instead: str) -> None:
    """What the workspace itself defines is known without it."""
    files = {
        "shapes.py": "def area(w, h):\n    return w * h\n",
        "app.py": "def f():\n    return area(1, 2)\n",
        "test_app.py": "from app import f\n\ndef test_it():\n    assert f() == 2\n",
        ".venv/pyvenv.cfg": "home = /usr/bin\n",
        ".venv/bin/python": BROKEN_PYTHON.format(instead=instead, python=PYTHON),
    }
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch(0o755)
    with red_python(tmp_path, files, "python -m pytest -q") as red:
        first = next(iter(FIXER.propose(red.state())))
        assert red.texts(first)["app.py"].startswith("from shapes import area\n")
        assert any("did not say what it has" in line for line in red.said)


@pytest.mark.parametrize(
    ("before", "way", "after"),
    [
        ("x = 1\n", ("os", "", "os"), "import os\n\nx = 1\n"),
        ("def f(): ...\n", ("os", "", "os"), "import os\n\n\ndef f(): ...\n"),
        ("#!/usr/bin/env python\n\nx = 1\n", ("os", "", "os"), "#!/usr/bin/env python\nimport os\n\nx = 1\n"),
        ('"""D."""\nx = 1\n', ("os", "", "os"), '"""D."""\n\nimport os\n\nx = 1\n'),
        ("from a import b, d\n", ("a", "c", "c"), "from a import b, c, d\n"),
        ("from a import (\n    b,\n    d,\n)\n", ("a", "e", "e"), "from a import (\n    b,\n    d,\n    e,\n)\n"),
        (
            "from __future__ import annotations\n",
            ("os", "", "os"),
            "from __future__ import annotations\n\nimport os\n",
        ),
        ("import sys\r\n\r\nx = 1\r\n", ("re", "", "re"), "import re\r\nimport sys\r\n\r\nx = 1\r\n"),
        ("import sys\n\nimport own\n", ("re", "sub", "s"), "import sys\nfrom re import sub as s\n\nimport own\n"),
        ("import numpy\n", ("own.x", "y", "y"), "import numpy\n\nfrom own.x import y\n"),
        ("import own\n", ("os", "", "os"), "import os\n\nimport own\n"),
        ("import sys", ("os", "path", "path"), "import sys\nfrom os import path\n"),
        ("\ufeffx = 1\n", ("os", "", "os"), "\ufeffimport os\n\nx = 1\n"),
        ("\ufeffimport sys\n", ("os", "", "os"), "\ufeffimport os\nimport sys\n"),
    ],
)
def test_where_an_import_goes(before: str, way: tuple[str, str, str], after: str) -> None:
    assert add_import(Source("a.py", before), *way, own={"own"}).apply(before) == after
