"""Selection is pure: these properties hold for every set of verdicts."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from llm.domain import Candidate, DiscardReason, Evaluation
from llm.rerank.select import prior_tier, select

_ITEMS = st.lists(st.sampled_from(["a", "b", "c"]), unique=True, max_size=3).map(tuple)


@st.composite
def evaluations(draw: st.DrawFn) -> list[Evaluation]:
    count = draw(st.integers(0, 8))
    return [
        Evaluation(
            Candidate(diff=f"d{index}", prior=draw(st.floats(0, 1))),
            index,
            reason=draw(st.one_of(st.none(), st.sampled_from(DiscardReason))),
            fail_to_pass=draw(_ITEMS),
            newly_failing=draw(_ITEMS),
            behaviour=draw(st.sampled_from(["", "x", "y"])),
            agreement=draw(st.integers(1, 3)),
            diff_size=draw(st.integers(1, 50)),
            ttg_ms=draw(st.integers(0, 1000)),
        )
        for index in range(count)
    ]


@given(evaluations())
def test_the_winner_passed_or_there_is_none(made: list[Evaluation]) -> None:
    selection = select(made)
    assert (selection.winner is None) == (not any(e.passed for e in made))
    assert selection.winner is None or selection.winner.passed


@given(evaluations(), st.randoms())
def test_the_order_of_arrival_does_not_matter(made: list[Evaluation], random: object) -> None:
    shuffled = list(made)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert select(shuffled) == select(made)


@given(evaluations())
def test_nothing_is_lost_and_passing_ones_come_first(made: list[Evaluation]) -> None:
    ranking = select(made).ranking
    assert sorted(e.index for e in ranking) == [e.index for e in made]
    assert [e.passed for e in ranking] == sorted((e.passed for e in ranking), reverse=True)


@given(evaluations())
def test_a_losing_candidate_cannot_change_the_winner(made: list[Evaluation]) -> None:
    losers = [replace(e, index=e.index + 100, reason=DiscardReason.CHECKS_RED) for e in made]
    assert select([*made, *losers]).winner == select(made).winner


def passing(index: int, **fields: object) -> Evaluation:
    prior = fields.pop("prior", 0.5)
    assert isinstance(prior, float)
    return replace(Evaluation(Candidate(diff="d", prior=prior), index, fail_to_pass=("t",), diff_size=5), **fields)  # type: ignore[arg-type]


def test_more_fixed_beats_a_better_prior() -> None:
    winner = select([passing(0, prior=0.9), passing(1, fail_to_pass=("t", "u"))]).winner
    assert winner is not None and winner.index == 1


def test_prior_then_agreement_then_size_then_time() -> None:
    ranked = select(
        [
            passing(0, ttg_ms=9),
            passing(1, ttg_ms=3),
            passing(2, diff_size=2, ttg_ms=50),
            passing(3, agreement=2, diff_size=40),
            passing(4, prior=0.9, diff_size=90),
        ]
    ).ranking
    assert [e.index for e in ranked] == [4, 3, 2, 1, 0]


def test_differing_behaviour_in_the_best_tier_is_ambiguous() -> None:
    assert select([passing(0, behaviour="x"), passing(1, behaviour="y")]).ambiguous
    assert not select([passing(0, behaviour="x"), passing(1, behaviour="x")]).ambiguous
    assert not select([passing(0, prior=0.9, behaviour="x"), passing(1, behaviour="y")]).ambiguous


def test_tiers_are_tenths() -> None:
    assert prior_tier(0.94) == prior_tier(0.86) == 9


def test_two_finds_of_the_search_that_nobody_compared_prove_nothing() -> None:
    finds = [Evaluation(Candidate(diff=f"d{n}", prior=0.4), n) for n in range(2)]
    assert select(finds).ambiguous
    assert not select(finds[:1]).ambiguous, "the control: one find has no rival"
    assert not select([replace(e, behaviour="alike") for e in finds]).ambiguous
    best, other = finds[0], replace(finds[1], behaviour="alike", diff_size=9)
    assert select([best, other]).winner == best and select([best, other]).ambiguous, "it was compared with nobody"
    a_tools = Evaluation(Candidate(diff="d", prior=0.9), 5)
    assert not select([*finds, a_tools]).ambiguous, "a tool's own fix stands above guesses"
    lanes = [replace(e, candidate=replace(e.candidate, provider="acme/coder")) for e in finds]
    assert not select(lanes).ambiguous, "models answer for the whole task, each by itself"
