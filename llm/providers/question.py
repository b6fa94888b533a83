"""What the lanes of a run are asked: one question, told to each of them in the style that it can follow."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from llm.domain import CheckResult, Diagnostic
from llm.providers.base import Image, ProviderRequest
from llm.providers.credentials import configured_keys
from llm.providers.policy import Policy
from llm.providers.prompt import Feedback, Prompt, build, choose_style

BUDGET_CHARS = 60_000
"""About 15,000 tokens: what is relevant fits, and an answer is still quick and cheap."""

_Told = tuple[str, tuple[Feedback, ...]]


@dataclass(frozen=True)
class Question:
    """The failing build and what may be said of it. Thread-safe; a prompt that lanes share is built once.

    `files` are all texts that an edit may be about, `checks` the baseline's results. `literals` are configured
    keys, which never leave. `images` go to lanes with vision only.
    """

    logs: Mapping[str, str]
    files: Mapping[str, str]
    diagnostics: Sequence[Diagnostic] = ()
    checks: Sequence[CheckResult] = ()
    redact: bool = True
    literals: tuple[str, ...] = field(default=(), repr=False)
    images: tuple[Image, ...] = ()
    editable_tests: Collection[str] = frozenset()
    protected: tuple[str, ...] = ()
    budget_chars: int = BUDGET_CHARS
    _built: dict[_Told, Prompt] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def style(self, lane: str) -> str:
        """The form of edit that this lane is asked for first."""
        return choose_style(self.files, lane, self.diagnostics)

    def prompt(self, style: str, feedback: tuple[Feedback, ...] = ()) -> Prompt:
        """The prompt in this style, with what became of earlier answers as further turns."""
        with self._lock:
            known = self._built.get((style, feedback))
            if known is None:
                known = self._built[style, feedback] = self._build(style, feedback)
            return known

    def _build(self, style: str, feedback: tuple[Feedback, ...]) -> Prompt:
        return build(
            self.logs,
            self.files,
            self.diagnostics,
            self.checks,
            self.budget_chars,
            style,
            self.redact,
            feedback,
            literals=self.literals,
            editable_tests=self.editable_tests,
            protected=self.protected,
        )


def question_of(req: ProviderRequest, policy: Policy, env: Mapping[str, str]) -> Question:
    """The question that a request asks; its pictures are in `meta["assets"]`."""
    from llm.triage.stage import triage

    return Question(
        logs=req.logs,
        files=req.files,
        diagnostics=triage(req.logs).diagnostics,
        redact=policy.redact,
        literals=configured_keys(policy.models.values(), env),
        images=images_of(req.meta.get("assets") or {}),
        protected=policy.protected,
    )


def images_of(assets: Mapping[str, Any]) -> tuple[Image, ...]:
    """The pictures among a request's `assets`, each `{media_type, base64}`; what is no picture is left out."""
    return tuple(
        Image(asset["media_type"], base64.b64decode(asset["base64"]))
        for asset in assets.values()
        if asset["media_type"].startswith("image/")
    )
