"""What a policy asks for in `isolation:` is what a run gets, from the red to the applied patch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.e2e.conftest import Torre


def test_a_policy_that_asks_for_strong_isolation_gets_gvisor(example: Callable[[str], Path], torre: Torre) -> None:
    place = example("py-build")
    (place / ".torre").mkdir()
    (place / ".torre" / "providers.yaml").write_text("isolation: strong\n")
    done = torre("fix", "--apply", "--json", place)
    assert done.exit_code == 0, done.stderr
    answer = done.json()
    report = answer["report"]
    assert (answer["mode"], report["isolation"]) == ("PATCH", "strong")
    assert {each["isolation"] for each in report["tried"]} == {"strong"}
    assert answer["applied"]["status"] == "applied", answer["applied"]
