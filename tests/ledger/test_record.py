"""Where the record of a run lies, and that a checkout cannot lead it elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm.ledger.record import open_record


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def test_it_lies_in_the_workspace_and_is_not_committed(tmp_path: Path, state: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    with open_record(root, "id", lambda _: None) as record:
        record.emit("triage", stage="types")
    line = json.loads((root / ".torre" / "runs" / "id.jsonl").read_text())
    assert (line["kind"], line["stage"]) == ("triage", "types")
    assert "*\n!providers.yaml" in (root / ".torre" / ".gitignore").read_text()
    assert not state.exists()


@pytest.mark.parametrize("link", [".torre", ".torre/runs"])
def test_a_link_is_not_followed(tmp_path: Path, state: Path, link: str) -> None:
    root, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(elsewhere)
    with open_record(root, "id", lambda _: None) as record:
        record.emit("triage", stage="types")
    assert list(elsewhere.iterdir()) == []
    assert (state / "torre" / "runs" / "id.jsonl").exists()


def test_a_state_directory_inside_a_workspace_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / ".torre").symlink_to(tmp_path)
    monkeypatch.chdir(root)
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with open_record(root, "id", lambda _: None):
        pass
    assert not (root / "state").exists()
    assert (tmp_path / "home" / ".local" / "state" / "torre" / "runs" / "id.jsonl").exists()
