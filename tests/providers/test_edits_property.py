"""Random edits written in every form come back as they were; anything else is refused, and soon."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm.providers.answers import AnswerError, read_answer
from llm.workspace.diff import make_diff
from llm.workspace.paths import flaw

from .edit_cases import CALC, FILES, USABLE

LINES = st.text("abcxyz _=():.,#'\"éß`-+@<>*\t", min_size=1, max_size=24).filter(lambda line: bool(line.strip()))
PATHS = ("src/a.py", "b.ts", "deep/er/c.go")


@st.composite
def edits(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, str]]:
    """Files before and after: unique lines, so that each block has one place; nothing that is a form's marker."""
    before, after = {}, {}
    lines = draw(st.lists(LINES, min_size=6, max_size=40, unique_by=str.strip))
    numbered = [f"{index} {line.strip()}" for index, line in enumerate(lines)]
    for path in draw(st.lists(st.sampled_from(PATHS), min_size=1, unique=True)):
        kept = draw(st.permutations(numbered))[: draw(st.integers(4, len(numbered)))]
        at = draw(st.integers(0, len(kept) - 1))
        new = draw(st.lists(LINES, max_size=3)) if at else ["changed"]
        before[path] = "\n".join(kept) + "\n"
        after[path] = "\n".join([*kept[:at], *(f"new {line.strip()}" for line in new), *kept[at + 1 :]]) + "\n"
    return before, after


def _as_whole(before: dict[str, str], after: dict[str, str]) -> str:
    fence = "`" * 30
    return "\n\n".join(f"{path}\n{fence}\n{text}{fence}" for path, text in after.items())


def _as_blocks(before: dict[str, str], after: dict[str, str]) -> str:
    return "\n\n".join(
        f"{path}\n```\n<<<<<<< SEARCH\n{before[path]}=======\n{text}>>>>>>> REPLACE\n```"
        for path, text in after.items()
    )


def _as_diff(before: dict[str, str], after: dict[str, str]) -> str:
    return make_diff(before, after)


def _as_diff_without_numbers(before: dict[str, str], after: dict[str, str]) -> str:
    lines = make_diff(before, after).split("\n")
    fence = "`" * 30
    return f"{fence}diff\n" + "\n".join("@@" if line.startswith("@@") else line for line in lines) + fence


def _as_envelope(before: dict[str, str], after: dict[str, str]) -> str:
    parts = []
    for path, text in after.items():
        old = "".join(f"-{line}\n" for line in before[path].split("\n")[:-1])
        new = "".join(f"+{line}\n" for line in text.split("\n")[:-1])
        parts.append(f"*** Update File: {path}\n@@\n{old}{new}")
    return "*** Begin Patch\n" + "".join(parts) + "*** End Patch"


FORMS = [_as_whole, _as_blocks, _as_diff, _as_diff_without_numbers, _as_envelope]


@pytest.mark.parametrize("written", FORMS)
@settings(max_examples=60, deadline=None)
@given(edit=edits())
def test_an_edit_comes_back_from_every_form(written, edit: tuple[dict[str, str], dict[str, str]]) -> None:  # type: ignore[no-untyped-def]
    before, after = edit
    assert read_answer(written(before, after), before).after == after


PIECES = st.sampled_from(
    [
        *(
            "```",
            "```python",
            "```diff",
            "````",
            "~~~",
            "<<<<<<< SEARCH",
            "=======",
            ">>>>>>> REPLACE",
            "@@",
            "@@ -1 +1 @@",
        ),
        *(
            "*** Begin Patch",
            "*** Update File: src/calc.py",
            "*** Add File: n.py",
            "*** End Patch",
            "--- a/src/calc.py",
        ),
        *("+++ b/src/calc.py", "+x", "-x", " x", "", "src/calc.py", "`../x.py`", "/etc/x.py", "</file>", "# ..."),
        *(
            '<file path="src/calc.py">',
            "\\ No newline at end of file",
            "diff --git a/x.py b/x.py",
            "rename from x.py",
        ),
        *(
            "        return a - b",
            "import math",
            "\ud800",
            "\0",
            "<think>",
            "+++ /dev/null",
            "deleted file mode 100644",
        ),
    ]
)


def _never_worse_than_refused(answer: str) -> None:
    try:
        edit = read_answer(answer, FILES)
    except AnswerError:
        return
    assert edit.after
    assert [path for path in edit.after if flaw(path)] == []
    make_diff(FILES, edit.after)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES | st.text(max_size=10), max_size=25))
def test_no_answer_does_worse_than_being_refused(lines: list[str]) -> None:
    _never_worse_than_refused("\n".join(lines))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(USABLE), st.data())
def test_a_mangled_answer_does_no_worse_than_being_refused(case, data: st.DataObject) -> None:  # type: ignore[no-untyped-def]
    cut = data.draw(st.integers(0, len(case.answer)))
    gone = data.draw(st.integers(0, 40))
    _never_worse_than_refused(case.answer[:cut] + data.draw(st.text(max_size=5)) + case.answer[cut + gone :])


BIG = 5_000_000
LINES_OF_BIG = 45_000  # with a few lines each, just below what is refused for its number of lines
HUGE = {
    "prose": "word " * (BIG // 5),
    "one line": "x" * BIG,
    "blank lines": "\n" * 190_000,
    "backticks": "`" * BIG,
    "fences": "```python\n" * LINES_OF_BIG,
    "paths": "src/calc.py\n" * LINES_OF_BIG,
    "open blocks": "<<<<<<< SEARCH\n" * LINES_OF_BIG,
    "dividers": "src/calc.py\n<<<<<<< SEARCH\n" + "=======\n" * LINES_OF_BIG + ">>>>>>> REPLACE",
    "blocks": "src/calc.py\n"
    + "<<<<<<< SEARCH\nimport math\n=======\nimport math\n>>>>>>> REPLACE\n" * LINES_OF_BIG,
    "tags": '<file path="src/calc.py">\n' * LINES_OF_BIG,
    "attributes": '<file path="a.py" ' + 'path="a.py" ' * (BIG // 12),
    "hunks": "--- a/src/calc.py\n+++ b/src/calc.py\n" + "@@ -1 +1 @@\n-x\n+y\n" * LINES_OF_BIG,
    "headers": "--- a/x\n+++ b/x\n" * LINES_OF_BIG,
    "envelopes": "*** Begin Patch\n*** Update File: src/calc.py\n" + "@@ x\n-x\n+y\n" * LINES_OF_BIG,
    "comments": "src/calc.py\n```\n" + "# " + "." * BIG + "\n```",
    "spaces": " " * BIG + "x",
    "a long file": "src/calc.py\n```python\n" + "x = 1\n" * LINES_OF_BIG + "```",
    "a long block": "src/calc.py\n<<<<<<< SEARCH\n" + "x = 1\n" * LINES_OF_BIG + "=======\ny\n>>>>>>> REPLACE",
    "a long diff line": "--- a/src/calc.py\n+++ b/src/calc.py\n@@ -1 +1 @@\n-" + "x" * BIG + "\n+y\n",
}


@pytest.mark.parametrize("name", HUGE)
def test_five_megabytes_are_read_in_seconds(name: str) -> None:
    began = time.process_time()
    _never_worse_than_refused(HUGE[name])
    assert time.process_time() - began < 5  # measured: below 1.5 s on a shared core


def test_blocks_that_nearly_fit_a_large_file_stay_cheap() -> None:
    text = "".join(f"value_{i} = compute(first_{i}, second)\n" for i in range(20_000))
    block = "<<<<<<< SEARCH\nvalue_{0} = compute(frst_{0}, secnd)\n=======\nx\n>>>>>>> REPLACE\n"
    began = time.process_time()
    with pytest.raises(AnswerError):
        read_answer("a.py\n" + "".join(block.format(i) for i in range(100)), {"a.py": text})
    assert time.process_time() - began < 5
    assert read_answer(f"a.py\n{block.format(3)}", {"a.py": CALC + "value_3 = compute(first_3, secnd)\n"}).after
