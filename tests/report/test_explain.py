"""Why this patch: the statement, the kind of edit, and what the others that passed did."""

from __future__ import annotations

from pathlib import Path

from llm.domain import RepairRequest
from llm.pipeline import repair
from llm.report.contract import as_contract
from llm.report.explain import explain, explanation_as_text
from llm.report.formats.explain import FORMAT
from tests.workspace_python import PYTHON

AGE = "def is_adult(age):\n    # eighteen is enough\n    return age > 18\n"
TEST = "from app import is_adult\n\ndef test_it():\n    assert is_adult(18)\n    assert not is_adult(17)\n"


def test_the_winner_is_explained_in_words_and_in_json(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(AGE)
    (tmp_path / "test_app.py").write_text(TEST)
    command = f"{PYTHON} -m pytest -q"
    run = repair(RepairRequest("6f1f4c9e-0000-4000-8000-000000000002", workspace=tmp_path, checks=(command,)))
    found = explain(run)
    assert found is not None
    assert found.made_by.startswith("search: ")
    [place] = found.places
    assert (place.path, place.line, place.before) == ("app.py", 3, ("    return age > 18",))
    assert place.after != place.before
    assert found.others_passed == sum(e.passed for e in run.selection.ranking) - 1
    told = as_contract(run)["report"]["explain"]
    assert told["places"][0]["line"] == 3 and told["others_passed"] == found.others_passed
    text = FORMAT.write(run, {}, False).text
    assert explanation_as_text(run) in text
    assert "app.py:3" in text and "    -     return age > 18" in text


def test_where_nothing_passed_there_is_nothing_to_explain(tmp_path: Path) -> None:
    (tmp_path / "test_app.py").write_text("def test_it():\n    assert 1 == 2\n")
    command = f"{PYTHON} -m pytest -q"
    run = repair(RepairRequest("6f1f4c9e-0000-4000-8000-000000000003", workspace=tmp_path, checks=(command,)))
    assert explain(run) is None
    assert as_contract(run)["report"]["explain"] is None
    assert "Why this patch" not in FORMAT.write(run, {}, False).text
