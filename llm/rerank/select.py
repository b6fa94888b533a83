"""Choose among evaluated candidates. Pure: no clock, no disk, no network; the same input, the same winner.

The order is the one that measurements favour (docs/decisions/0003): what the checks say first, then how
promising the kind of change is, then how many independent candidates agree, then the smaller and earlier one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from llm.domain import EMBEDDED, Evaluation, Selection

_BEST_GUESS = 0.5

Merit = tuple[int, int, int, int, int, int, int, float, int, int]


def prior_tier(prior: float) -> int:
    """Tenths of a prior: candidates within one tier are equally promising."""
    return round(prior * 10)


def is_guess(evaluation: Evaluation) -> bool:
    """Whether nothing but the checks speaks for it: a search's candidate or a model's, not a tool's own fix."""
    return evaluation.candidate.prior <= _BEST_GUESS


def select(evaluations: Sequence[Evaluation]) -> Selection:
    """Rank all, best first, and name the winner: the best that passed, or none when nothing passed."""
    clusters = _clusters(evaluations)
    ranking = tuple(sorted(evaluations, key=lambda e: merit(e, clusters[e.behaviour])))
    winner = next((e for e in ranking if e.passed), None)
    return Selection(winner=winner, ranking=ranking, why=_why(winner, ranking), ambiguous=_ambiguous(ranking))


def why_ambiguous(selection: Selection) -> str:
    """In words, "" where it is not."""
    winner = selection.winner
    if not selection.ambiguous or winner is None:
        return ""
    if winner.recites:
        return f"the winner adds what a test says, word for word: {winner.recites}"
    differ = f"behave differently: {told}" if (told := winner.distinguishing) else "may behave differently"
    return f"candidates that pass {differ}"


def merit(evaluation: Evaluation, cluster: int = 1) -> Merit:
    """Sort key, lower is better. `cluster` is how many passing candidates behave like this one."""
    return (
        0 if evaluation.passed else 1,
        -len(evaluation.fail_to_pass),
        len(evaluation.newly_failing) + len(evaluation.missing),
        -prior_tier(evaluation.candidate.prior),
        1 if evaluation.recites else 0,
        -max(cluster, evaluation.agreement),
        evaluation.diff_size,
        -evaluation.candidate.prior,
        evaluation.ttg_ms,
        evaluation.index,
    )


def _clusters(evaluations: Sequence[Evaluation]) -> Counter[str]:
    sizes = Counter(e.behaviour for e in evaluations if e.passed)
    sizes[""] = 1  # not measured: nobody is known to behave alike
    return sizes


def _ambiguous(ranking: Sequence[Evaluation]) -> bool:
    """Passing candidates of the best tier that were seen to behave differently. All guesses are one tier here.

    Where the best could not be compared, two of the search's are one too many: it proposes what is near at hand,
    and nothing but the comparison tells its first find from an accident. And one that adds to a table what a test
    says word for word may be the row that was forgotten, or the test learnt by heart.
    """
    passing = [e for e in ranking if e.passed]
    if not passing:
        return False
    if passing[0].recites and is_guess(passing[0]):
        return True
    searched = [e for e in passing if is_guess(e) and e.candidate.provider == EMBEDDED]
    if not passing[0].behaviour and len(searched) > 1 and passing[0] in searched:
        return True
    known = [e for e in passing if e.behaviour]
    return len({e.behaviour for e in known if _one_tier(e, known[0])}) > 1


def _one_tier(one: Evaluation, two: Evaluation) -> bool:
    if is_guess(one) and is_guess(two):
        return True
    return prior_tier(one.candidate.prior) == prior_tier(two.candidate.prior)


def _why(winner: Evaluation | None, ranking: Sequence[Evaluation]) -> str:
    if winner is None:
        return "no candidate turned every red check green" if ranking else "no candidate was found"
    others = sum(e.passed for e in ranking) - 1
    count = len(winner.fail_to_pass)
    fixed = f"{count} red item{'s' * (count != 1)} turned green, none turned red"
    return f"{winner.candidate.origin or winner.candidate.provider}: {fixed}" + (
        f"; preferred to {others} other{'s' * (others != 1)} that passed" if others else ""
    )
