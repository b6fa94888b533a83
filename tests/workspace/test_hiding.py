"""What was read by type checkers and is no longer, and what merely looks like it."""

from __future__ import annotations

import pytest

from llm.workspace.hiding import hides
from llm.workspace.suppressions import suppressions
from llm.workspace.tampering import reaches

READ = "def f(x):\n    return x\n"
INSIDE = "    def f(x):\n        return x\n"


@pytest.mark.parametrize(
    "after",
    [
        f"if TYPE_CHECKING:\n    pass\nelse:\n{INSIDE}",
        f"if not typing.TYPE_CHECKING:\n{INSIDE}",
        f"if MYPY:\n    pass\nelse:\n{INSIDE}",
        f"if 0:\n{INSIDE}",
        f"if sys.version_info < (3,):\n{INSIDE}",
        "def f(x):\n    assert False\n    return x\n",
    ],
)
def test_a_function_that_was_read_is_hidden(after: str) -> None:
    assert hides("a.py", READ.encode(), after.encode()) == "f"
    assert hides("a.py", after.encode(), after.encode()) == ""


@pytest.mark.parametrize(
    "after",
    [
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from m import T\nelse:\n    T = object\n" + READ,
        f'if sys.platform == "win32":\n{INSIDE}',
        f"if sys.version_info >= (3, 11):\n    def g(): ...\nelse:\n    def g(): ...\n{READ}",
        "def f(x):\n    if x:\n        return x\n    assert False\n",
        "",
        "def f(:",
    ],
)
def test_honest_branches_hide_nothing(after: str) -> None:
    assert hides("a.py", READ.encode(), after.encode()) == ""


def test_code_in_a_string_is_a_mark_and_other_calls_are_none() -> None:
    assert suppressions("a.py", "exec('''def f(): ...''')\n")
    for fine in (
        "app.exec()\n",
        "exec(code, scope)\n",
        "ast.literal_eval('1')\n",
        "model.eval()\n",
        "eval(text)\n",
    ):
        assert not suppressions("a.py", fine)


def test_code_that_begins_to_look_at_its_caller_reaches_for_the_test() -> None:
    looking = b"import sys\nprint(sys._getframe(1).f_locals)\n"
    assert reaches("a.py", b"", looking)
    assert not reaches("a.py", looking, looking + b"sys._getframe(2)\n")
    assert not reaches("a.py", b"", b"import traceback\ntraceback.print_exc()\n")
