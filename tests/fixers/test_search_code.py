"""An edit is read and compiled with as little around it as it needs, and means what it means in the whole file."""

from __future__ import annotations

import ast
import importlib.util
from types import CodeType
from typing import Any

import pytest

from llm.checks.base import INSIDE
from llm.fixers.python_search.edits import Edit, Source
from llm.fixers.python_search.order import single_edits

CODE = '''
from __future__ import annotations
from functools import lru_cache

LIMIT = 3; STEP = 2

class Shop:
    """Sells."""
    rate: float = 0.2

    def __init__(self, items=(), *, name="shop"):
        super().__init__()
        self.__items, self.name = list(items), name

    @property
    def total(self):
        if not self.__items:
            return 0
        elif len(self.__items) > LIMIT:
            return sum(self.__items[:LIMIT])
        else:
            found = 0
            for item in self.__items:
                found += item
        return found

    @total.setter
    def total(self, value):
        self.__items = [value]; self.name = "one"

    class Shelf:
        @lru_cache(maxsize=None)
        def room(self, count, each=STEP):
            # a comment
            while count > each: count -= each
            try:
                return (lambda n: n + count)(each)
            except ValueError:
                pass
            finally:
                count += 1

def outer(values):
    seen = set()
    def inner(value):
        nonlocal seen
        if value not in seen:
            seen |= {value}
        return len(seen)
    return [inner(value) for value in values]
# the end
'''


def edits() -> list[Edit]:
    lines = dict.fromkeys(range(1, CODE.count("\n") + 1), 1.0)
    return [proposal.edit for proposal in single_edits("shop.py", CODE, lines)]


def inside(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, INSIDE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def meaning(code: CodeType) -> list[Any]:
    """All of some code but for its places in the text."""
    own = [code.co_qualname, code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_flags]
    return own + [meaning(c) if isinstance(c, CodeType) else (type(c), c) for c in code.co_consts]


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_code_that_is_put_together_means_what_the_whole_file_means() -> None:
    module, together = inside("torre_warm_code").Module("/shop.py", CODE), 0
    tried = edits()[::3]
    for edit in tried:
        change = [[edit.start, edit.end, edit.text]]
        try:
            whole = compile(edit.apply(CODE), "/shop.py", "exec", dont_inherit=True)
        except SyntaxError:
            with pytest.raises(SyntaxError):
                module.edited(change)
            continue
        code, text = module.edited(change)
        assert (text, meaning(code)) == (edit.apply(CODE), meaning(whole)), edit
        together += module._spliced(change, text) is not None
    assert together > 0.5 * len(tried)
    assert {part.owners for part in module.compiled} == {("Shop",), ("Shop", "Shelf"), ()}


def test_a_function_that_calls_what_the_file_imports_is_compiled_without_the_rest() -> None:
    """Python 3.11 compiles such a call otherwise where it sees the import."""
    text = "import functools\n\ndef folded(values):\n    return functools.reduce(max, values)\n"
    module, start = inside("torre_warm_code").Module("/shop.py", text), text.index("max")
    edited = module._spliced([[start, start + 3, "min"]], text.replace("max", "min"))
    space: dict[str, Any] = {}
    exec(edited, space)
    assert space["folded"]([3, 1, 2]) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("        return found\n", "        return found\n    x = 1\n"),
        ("                count += 1\n", "                count += 1\nx = 1\n"),
        ('        self.__items = [value]; self.name = "one"\n', "        pass\n\nclass More:\n    pass\n"),
        ("                count += 1\n", "                count += 1\n    def more(self):\n        pass\n"),
    ],
)
def test_an_edit_that_leaves_its_method_is_compiled_with_what_it_reaches(old: str, new: str) -> None:
    module, start = inside("torre_warm_code").Module("/shop.py", CODE), CODE.index(old)
    code, text = module.edited([[start, start + len(old), new]])
    assert meaning(code) == meaning(compile(text, "/shop.py", "exec", dont_inherit=True))


def test_an_edits_identity_is_that_of_the_whole_files_tree() -> None:
    """Whatever is parsed to tell it: two edits have one identity where the whole programs have one tree."""
    source = Source("shop.py", CODE)
    programs: dict[str, str] = {}
    unchanged = ast.dump(source.tree)
    for edit in edits()[::5]:
        identity = source.identity(edit)
        assert identity is not None
        tree = ast.dump(ast.parse(edit.apply(CODE)))
        assert tree != unchanged
        assert programs.setdefault(identity, tree) == tree, edit


RETURN = "        return found\n"


@pytest.mark.parametrize(
    ("new", "same"),
    [
        ("        return (found)  # so\n", None),
        ("        # so\n        return found\n", None),
        ("\treturn found\n", None),
        ("        return found)\n", None),
        ("", "\n"),
        ("        return 1\n\n", "        return (1)\n"),
        ("    return found\n", "    return (found)\n"),
    ],
)
def test_edits_that_mean_the_same_are_one_and_neutral_or_broken_ones_none(new: str, same: str | None) -> None:
    source, start = Source("shop.py", CODE), CODE.index(RETURN)
    one = source.identity(Edit(start, start + len(RETURN), new))
    two = source.identity(Edit(start, start + len(RETURN), same)) if same else None
    assert one == two
    assert (one is None) == (same is None)


def test_what_leaves_its_block_is_not_what_stays_in_it() -> None:
    source = Source("f.py", text := "def f(x):\n    if x:\n        g()\n        return 1\n")
    start = text.index("        return 1\n")
    moved = source.identity(Edit(start, len(text), "    return 1\n"))
    assert moved is not None
    assert source.identity(Edit(start, len(text), "        return 1\n\n")) is None
