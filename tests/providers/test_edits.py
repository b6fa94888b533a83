"""Reading edits out of models' answers: the table of `edit_cases`, and files with an unusual layout."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from llm.providers.answers import AnswerError, Defect, other_style, read_answer, retry_hint
from llm.workspace.diff import make_diff

from .edit_cases import ADDED, BLOCKS, CALC, DIFFS, ENVELOPES, FIX, ONE, REFUSED, USABLE, WHOLE, Case


def _named(cases: list[Case]) -> list[object]:
    return [pytest.param(case, id=case.name) for case in cases]


@pytest.mark.parametrize("case", _named(USABLE))
def test_an_answer_gives_the_files_it_means(case: Case) -> None:
    assert read_answer(case.answer, case.files).after == case.after


@pytest.mark.parametrize("case", _named(REFUSED))
def test_an_answer_that_cannot_be_used_says_why(case: Case) -> None:
    with pytest.raises(AnswerError) as caught:
        read_answer(case.answer, case.files)
    assert caught.value.reason is case.defect, caught.value
    assert caught.value.detail in retry_hint(caught.value)


@pytest.mark.parametrize(
    ("form", "cases"),
    [("whole", WHOLE), ("search_replace", BLOCKS), ("udiff", DIFFS), ("envelope", ENVELOPES)],
)
def test_the_form_is_told(form: str, cases: list[Case]) -> None:
    assert {read_answer(case.answer, case.files).format for case in cases} == {form}


@pytest.mark.parametrize("case", _named(USABLE))
def test_the_diff_of_an_edit_is_one_that_git_takes(case: Case, tmp_path: Path) -> None:
    for path, text in case.files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(text.encode())
    diff = make_diff(case.files, read_answer(case.answer, case.files).after)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff.encode(), check=True)
    after = {path: (tmp_path / path).read_text() for path, text in case.after.items() if text is not None}
    assert after == {path: text for path, text in case.after.items() if text is not None}


@pytest.mark.parametrize("answer", [f"src/calc.py\n```python\n{ADDED}```", FIX], ids=["whole", "block"])
@pytest.mark.parametrize(
    "dressed",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: "\ufeff" + text.replace("\n", "\r\n"),
        lambda text: text.removesuffix("\n"),
        lambda text: text.replace("import math\n", "import math\r\n"),
        lambda text: text.replace("\n\nclass", "\n\x0c\nclass").replace("two times", "two\u200e times"),
    ],
    ids=["CRLF", "BOM", "BOM and CRLF", "no last newline", "one CRLF", "form feed and marks"],
)
def test_what_a_model_does_not_see_stays_as_it_was(answer: str, dressed) -> None:  # type: ignore[no-untyped-def]
    assert read_answer(answer, {"src/calc.py": dressed(CALC)}).after == {"src/calc.py": dressed(ADDED)}


def test_a_first_line_behind_a_byte_order_mark_is_found() -> None:
    answer = "<<<<<<< SEARCH\nimport os\n=======\nimport sys\n>>>>>>> REPLACE"
    assert read_answer(answer, {"a.py": "\ufeffimport os\n"}).after == {"a.py": "\ufeffimport sys\n"}


def test_lines_around_a_change_stay_as_the_file_has_them() -> None:
    before = "def f(a):   \n    b = a\t\n    return c\n"
    seen = "def f(a):\n    b = a\n    return c"
    answer = f"<<<<<<< SEARCH\n{seen}\n=======\n{seen.replace('return c', 'return b')}\n>>>>>>> REPLACE"
    assert read_answer(answer, {"a.py": before}).after == {"a.py": before.replace("return c", "return b")}


def test_two_places_that_are_nearly_alike_are_refused() -> None:
    before = "total = compute_the_sum(first, second_1)\nx = 1\ntotal = compute_the_sum(first, second_2)\n"
    answer = "<<<<<<< SEARCH\ntotal = compute_the_sum(first, second_9)\n=======\nx\n>>>>>>> REPLACE"
    with pytest.raises(AnswerError) as caught:
        read_answer(answer, {"a.py": before})
    assert caught.value.reason is Defect.AMBIGUOUS
    once = before.replace("compute_the_sum(first, second_2)", "0")
    assert read_answer(answer, {"a.py": once}).after == {"a.py": "x\nx = 1\ntotal = 0\n"}


def test_a_line_number_decides_between_equal_places() -> None:
    before = "def a():\n    return 1\n\n\ndef b():\n    return 1\n"
    diff = "--- a/s.py\n+++ b/s.py\n@@ -6 +6 @@\n-    return 1\n+    return 2\n"
    assert read_answer(diff, {"s.py": before}).after == {
        "s.py": "def a():\n    return 1\n\n\ndef b():\n    return 2\n"
    }


def test_a_file_that_holds_the_markers_itself_can_be_given_whole() -> None:
    before = f"CASE = '''\n{FIX}\n'''\nA = 1\n"
    after = before.replace("A = 1", "A = 2")
    assert read_answer(f"t.py\n```python\n{after}```", {"t.py": before}).after == {"t.py": after}


def test_a_block_that_does_not_fit_never_becomes_the_file() -> None:
    answer = "src/calc.py\n```python\n<<<<<<< SEARCH\nnot there at all\n=======\nx\n>>>>>>> REPLACE\n```"
    with pytest.raises(AnswerError) as caught:
        read_answer(answer, {"src/calc.py": CALC})
    assert caught.value.reason is Defect.NOT_FOUND


def test_an_ellipsis_is_code_in_python() -> None:
    after = "class P(Protocol):\n    def f(self) -> int:\n        ...\n"
    assert read_answer(f"p.py\n```python\n{after}```", {"p.py": ""}).after == {"p.py": after}


def test_the_other_style_is_another() -> None:
    assert {style: other_style(style) for style in ("whole", "search_replace", "udiff")} == {
        "whole": "search_replace",
        "search_replace": "whole",
        "udiff": "search_replace",
    }
    assert read_answer(FIX, {"src/calc.py": CALC}).after == ONE
