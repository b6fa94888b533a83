"""What a workspace allows: which lanes, how much, at what price, and who may say so.

Two files are read, the user's own and the workspace's. A repository can be hostile, so the workspace's may only
restrict: what it asks for beyond that takes effect after `torre trust`, and is listed in `Policy.untrusted`
until then. `TORRE_POLICY_FROM` names a commit whose policy stands for the workspace's: a change that is proposed
from a fork does not bring its own limits. A policy that cannot be read is never "no limits": PolicyError, and
nobody is called.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TypeVar

from llm.domain import Isolation
from llm.errors import ApplyError, PolicyError
from llm.ledger.base import Caps
from llm.providers.merge import Merged, merge_models
from llm.providers.models import DEFAULT_MODELS, Model
from llm.providers.policy_file import Allow, Budget, PolicyFile, Quota, StageName
from llm.providers.trust import POLICY, config_directory, content_hash, is_trusted_content
from llm.workspace.rules import Rules

_STRICTEST = (Isolation.STRONG, Isolation.FULL, Isolation.REDUCED)
_Caps = TypeVar("_Caps", Quota, Budget)
_NOTHING = PolicyFile()


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds now. Lanes are `vendor/model` ids; money is in USD as in the file (`caps` has micro-USD).

    `allowed` is in the order of the file. `models` has a row for each lane that is known, allowed or not.
    `routes` has only what a file says: stage (or `assets`) → lanes. `untrusted` are sentences that name what the
    workspace's file asked for in vain. `files` are the files that were read, `hash` is their content's.
    """

    allowed: tuple[str, ...] = tuple(DEFAULT_MODELS)
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    providers: bool = False
    budget: Budget = field(default_factory=Budget)
    timezone: str = "UTC"
    models: Mapping[str, Model] = field(default_factory=lambda: DEFAULT_MODELS)
    routes: Mapping[StageName, tuple[str, ...]] = field(default_factory=dict)
    escalate: str = "red"
    race: bool = True
    samples: int = 1
    rounds: int = 2
    stubs: bool = False
    redact: bool = True
    protected: tuple[str, ...] = ()
    allow: Allow = field(default_factory=Allow)
    isolation: Isolation = Isolation.FULL
    untrusted: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    hash: str = ""

    def enabled(self, env: Mapping[str, str] = os.environ) -> bool:
        """Whether lanes may be asked at all: `PROVIDERS_V1` decides, and where it is not set, the policy."""
        switch = env.get("PROVIDERS_V1", "")
        return switch != "0" if switch else self.providers

    @property
    def rules(self) -> Rules:
        """What it adds to the rules that no candidate may break, and takes from them."""
        return Rules(self.protected, self.allow.paths, self.allow.suppressions)

    def caps(self, lane: str) -> Caps:
        """The lane's quota and the budget, as the ledger counts them."""
        quota = self.quotas.get(lane) or Quota()
        return Caps(
            rpm=quota.rpm,
            tpm=quota.tpm,
            concurrency=quota.concurrency,
            daily_calls=quota.daily_calls,
            daily_tokens=quota.daily_tokens,
            daily_usd_micros=_micros(quota.daily_usd),
            budget_daily_usd_micros=_micros(self.budget.daily_usd),
            budget_run_usd_micros=_micros(self.budget.run_usd),
        )


class ProvidersPolicy:
    """The policy of a workspace, read and validated when this is made: PolicyError names file, line and key."""

    def __init__(self, root: Path | str, env: Mapping[str, str] = os.environ) -> None:
        own, theirs = config_directory(env) / POLICY.name, Path(root) / POLICY
        mine, workspace = _content(own), _content(theirs)
        if commit := env.get("TORRE_POLICY_FROM", ""):
            theirs, workspace = Path(f"{commit}:{POLICY}"), _committed(Path(root), commit)
        user = _NOTHING if mine is None else _parse(own, mine, ())
        asked = _NOTHING if workspace is None else _parse(theirs, workspace, tuple(user.models))
        trusted = workspace is not None and is_trusted_content(workspace, env)
        self.trusted = trusted
        read = tuple(path for path, raw in ((own, mine), (theirs, workspace)) if raw is not None)
        known_by = content_hash(b"\0".join((mine or b"", workspace or b"", b"trusted" if trusted else b"")))
        self.policy = replace(_merge(user, asked, trusted), files=read, hash=known_by)

    @property
    def allowed(self) -> tuple[str, ...]:
        """The lanes that may be called."""
        return self.policy.allowed

    @property
    def quotas(self) -> Mapping[str, Quota]:
        """The quotas that the files set, the stricter of the two."""
        return self.policy.quotas

    def filter(self, lanes: Iterable[str]) -> list[str]:
        """Of these lanes the allowed ones, in their order."""
        return [lane for lane in lanes if lane in self.policy.allowed]


def policy_template() -> str:
    """A `providers.yaml` with the seed's values and every other key as a comment, for `torre policy init`."""
    return Path(__file__).with_name("providers.template.yaml").read_text(encoding="utf-8")


def _content(path: Path) -> bytes | None:
    """The file's bytes, None if there is none. What is there and cannot be read is an error, never "none"."""
    misspelt = path.with_suffix(".yml")
    try:
        if misspelt.exists() and not path.exists():
            raise PolicyError(str(misspelt), f"is not read; rename it to {path.name}")
        if not path.exists() and not path.is_symlink():
            return None
        if not path.is_file():
            raise PolicyError(str(path), "is not a file")
        return path.read_bytes()
    except OSError as error:
        raise PolicyError(str(path), f"cannot be read: {error.strerror}") from error


def _committed(root: Path, commit: str) -> bytes | None:
    """The policy as it is in a commit, None if that has none; what the working tree says does not count then."""
    from llm.workspace.git import content_at

    try:
        return content_at(root, commit, POLICY)
    except ApplyError as error:
        raise PolicyError("TORRE_POLICY_FROM", str(error)) from error


def _parse(path: Path, raw: bytes, further_lanes: tuple[str, ...]) -> PolicyFile:
    from llm.providers.policy_reader import read_policy

    return read_policy(path, raw, further_lanes)


def _merge(user: PolicyFile, asked: PolicyFile, trusted: bool) -> Policy:
    models = merge_models(user, asked, trusted)
    untrusted = [*models.untrusted]
    return Policy(
        allowed=_allowed(user.allowed, asked.allowed, models),
        quotas=_stricter_quotas(user.quotas, asked.quotas),
        providers=_providers(user, asked, trusted, untrusted),
        budget=_stricter(user.budget, asked.budget),
        timezone=user.timezone or asked.timezone or "UTC",
        models=models.rows,
        routes={**user.routes, **asked.routes},
        escalate=asked.escalate or user.escalate or "red",
        race=_first(asked.race, user.race, True),
        samples=_least(user.samples, asked.samples) or 1,
        rounds=_least(user.rounds, asked.rounds) or 2,
        stubs=_first(asked.stubs, user.stubs, False),
        redact=_redact(user, asked, trusted, untrusted),
        protected=tuple(dict.fromkeys((*user.protected, *asked.protected))),
        allow=_allow(user.allow, asked.allow, trusted, untrusted),
        isolation=_isolation(user, asked, trusted, untrusted),
        untrusted=tuple(untrusted),
    )


def _allowed(user: tuple[str, ...] | None, asked: tuple[str, ...] | None, models: Merged) -> tuple[str, ...]:
    wanted = asked if asked is not None else user if user is not None else tuple(DEFAULT_MODELS)
    both = (lane for lane in wanted if user is None or lane in user)
    return tuple(dict.fromkeys(lane for lane in both if lane in models.rows))


def _stricter_quotas(user: Mapping[str, Quota], asked: Mapping[str, Quota]) -> Mapping[str, Quota]:
    lanes = dict.fromkeys((*user, *asked))
    return {lane: _stricter(user.get(lane, Quota()), asked.get(lane, Quota())) for lane in lanes}


def _stricter(one: _Caps, other: _Caps) -> _Caps:
    return type(one)(**{f.name: _least(getattr(one, f.name), getattr(other, f.name)) for f in fields(one)})


_Number = TypeVar("_Number", int, float)


def _least(one: _Number | None, other: _Number | None) -> _Number | None:
    return min((n for n in (one, other) if n is not None), default=None)


def _first(*choices: bool | None) -> bool:
    return next(choice for choice in choices if choice is not None)


def _providers(user: PolicyFile, asked: PolicyFile, trusted: bool, untrusted: list[str]) -> bool:
    if asked.providers and not (trusted or user.providers):
        untrusted.append("providers: true turns lanes on: set PROVIDERS_V1=1, or `torre trust`")
        return False
    return _first(asked.providers, user.providers, False)


def _redact(user: PolicyFile, asked: PolicyFile, trusted: bool, untrusted: list[str]) -> bool:
    mine = _first(user.redact, True)
    if asked.redact is False and mine and not trusted:
        untrusted.append("redact: false lets secrets leave the machine: `torre trust`")
        return True
    return _first(asked.redact, mine)


def _allow(user: Allow, asked: Allow, trusted: bool, untrusted: list[str]) -> Allow:
    wider = not set(asked.paths) <= set(user.paths) or (asked.suppressions and not user.suppressions)
    if wider and not trusted:
        untrusted.append("allow lets a candidate break rules: `torre trust`")
        return user
    return Allow(tuple(dict.fromkeys((*user.paths, *asked.paths))), user.suppressions or asked.suppressions)


def _isolation(user: PolicyFile, asked: PolicyFile, trusted: bool, untrusted: list[str]) -> Isolation:
    mine = Isolation(user.isolation or Isolation.FULL)
    wanted = Isolation(asked.isolation or mine)
    if _STRICTEST.index(wanted) > _STRICTEST.index(mine) and not trusted:
        untrusted.append(f"isolation: {wanted} is weaker than {mine}: `torre trust`")
        return mine
    return wanted


def _micros(usd: float | None) -> int | None:
    return None if usd is None else round(usd * 1_000_000)
