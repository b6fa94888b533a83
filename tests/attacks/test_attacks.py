"""Every hostile behaviour of the table is held in the sandbox, and works outside of it."""

from __future__ import annotations

import pytest

from tests.attacks.arena import ATTACKS, SIEGES, Arena, Outcome, arena
from tests.attacks.attack import Attack, Control, Siege
from tests.sandbox.runner import CHECKOUT, Runner, readable_package, running_as


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.name)
def test_held(attack: Attack, attacked: dict[str, Outcome]) -> None:
    outcome = attacked[attack.name]
    assert outcome.held, outcome.said


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.name)
def test_control(attack: Attack, controls: dict[str, Outcome]) -> None:
    """The same code is not held where there is no sandbox."""
    if attack.name not in controls:
        assert attack.control is Control.ROOT
        pytest.skip("this attack works for root alone, and the tests are not run by root")
    outcome = controls[attack.name]
    if attack.optional and ("ENOSYS" in outcome.said or "FileNotFoundError" in outcome.said):
        pytest.skip("this kernel has nothing of the kind to attack")
    assert not outcome.held, outcome.said


@pytest.mark.parametrize("siege", SIEGES, ids=lambda s: s.name)
def test_siege_held(siege: Siege, besieged: dict[str, Outcome]) -> None:
    assert besieged[siege.name].held, besieged[siege.name].said


@pytest.mark.parametrize("siege", SIEGES, ids=lambda s: s.name)
def test_siege_control(siege: Siege, unconfined: Arena) -> None:
    outcome = unconfined.siege_control(siege)
    assert not outcome.held, outcome.said


def test_all_are_held_for_who_is_root_of_a_container_alone() -> None:
    """Whose jobs are nobody, as root's are."""
    with readable_package() as package, running_as("rootless", package) as rootless, arena(rootless) as laid_out:
        held = laid_out.attack()
    assert {name: outcome.said for name, outcome in held.items() if not outcome.held} == {}


def test_all_of_this_counts_as_full_isolation(runner: Runner) -> None:
    assert runner.sh("true")["isolation"] == "full"


def test_names_are_told_apart() -> None:
    names = [*(a.name for a in ATTACKS), *(s.name for s in SIEGES)]
    assert len(set(names)) == len(names) == len({a.slug for a in ATTACKS}) + len(SIEGES) >= 40


def test_the_threat_model_tells_of_every_attack_and_of_no_other() -> None:
    """Its table is made by `bench.attacks`."""
    page = (CHECKOUT / "docs" / "threat-model.md").read_text()
    table = page.partition("<!-- attacks: begin -->")[2].partition("<!-- attacks: end -->")[0]
    told = [line.split("|")[1].strip() for line in table.splitlines() if " held " in line or "LEAKS" in line]
    assert told == [*(a.name for a in ATTACKS), *(s.name for s in SIEGES)]
