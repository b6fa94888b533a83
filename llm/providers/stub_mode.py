"""Stub mode: when it is on, and what the lanes then answer. Nobody is called and nothing is counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from llm.domain import RouteDecision, SkipReason
from llm.errors import DiffError
from llm.providers import credentials
from llm.providers.base import ProviderRequest, ProviderResponse
from llm.providers.models import Model
from llm.providers.policy import Policy
from llm.providers.stub import Stub
from llm.workspace.diff import diff_size, parse

_HAS_CREDENTIALS = frozenset({SkipReason.UNPRICED, SkipReason.QUOTA, SkipReason.COOLDOWN, SkipReason.CIRCUIT_OPEN})
"""A lane that is skipped for one of these could be asked but for a cap; a stub must not hide that."""


def stub_mode(
    env: Mapping[str, str],
    policy: Policy,
    decision: RouteDecision,
    stdin_contract: bool,
    answers: Callable[[Model], bool] = credentials.answers,
) -> bool:
    """Whether lanes answer with their stubs: when asked for (`TORRE_STUBS`, then the policy's `stubs`), and by
    itself only in the stdin contract, when no lane of the real decision has credentials or a server that answers.
    """
    wish = env.get("TORRE_STUBS", "")
    if wish:
        return wish != "0"
    return policy.stubs or (stdin_contract and not _anyone_real(policy, decision, answers))


def stub_candidates(decision: RouteDecision, req: ProviderRequest) -> list[ProviderResponse]:
    """One answer a lane of the decision, in its order; each says `"stub": true` in its meta."""
    return [stub_of(lane).generate(req) for lane in decision.providers]


def best_stub(candidates: Sequence[ProviderResponse]) -> int | None:
    """Stubs compete with each other only: the smallest change, then the shortest; None where none made a diff."""
    made = [(_size(c.diff), c.tokens_out, i) for i, c in enumerate(candidates) if _size(c.diff)]
    return min(made)[2] if made else None


def stub_of(lane: str) -> Stub:
    """The lane's stub; a lane of the user's own has one that says so."""
    from llm.providers.adapters.anthropic import AnthropicStub
    from llm.providers.adapters.google import GoogleStub
    from llm.providers.adapters.local import LocalStub
    from llm.providers.adapters.openai import OpenAIStub

    known = {stub.name: stub for stub in (LocalStub, OpenAIStub, AnthropicStub, GoogleStub)}
    if lane in known:
        return known[lane]()
    stub = Stub()
    stub.name, stub.note = lane, f"{lane}: stub"
    return stub


def _size(diff: str) -> int:
    try:
        return diff_size(parse(diff))
    except DiffError:
        return 0


def missing_keys(decision: RouteDecision, policy: Policy, env: Mapping[str, str]) -> tuple[str, ...]:
    """The variables to set for a real answer of the decision's lanes."""
    keys = (credentials.credential(policy.models[lane], env) for lane in decision.providers)
    return tuple(key.variable for key in keys if key.variable and not key.present)


def _anyone_real(policy: Policy, decision: RouteDecision, answers: Callable[[Model], bool]) -> bool:
    skipped = (each.lane for each in decision.skipped if each.reason in _HAS_CREDENTIALS)
    models = (policy.models[lane] for lane in (*decision.providers, *skipped))
    return any(model.api_key_env or answers(model) for model in models)
