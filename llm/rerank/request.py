"""What `torre rerank` takes: a workspace and the candidates to execute there, as one JSON object."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from llm.errors import InputError

Command = Annotated[str, msgspec.Meta(min_length=1)]


class Proposed(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One candidate: a unified diff, and who made it."""

    diff: str
    provider: str = ""


class RerankRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`candidates` are diffs, or objects with `diff`; the first `k` of them are executed (all, without `k`).
    `checks` are shell lines; without them the workspace's own are discovered."""

    workspace: Annotated[str, msgspec.Meta(min_length=1)]
    candidates: Annotated[list[str | Proposed], msgspec.Meta(min_length=1, max_length=256)]
    k: Annotated[int, msgspec.Meta(ge=1, le=256)] | None = None
    checks: Annotated[list[Command], msgspec.Meta(max_length=64)] = []

    @property
    def proposals(self) -> list[dict[str, Any]]:
        """The candidates as `ExecutionReranker.run` takes them."""
        told = (Proposed(one) if isinstance(one, str) else one for one in self.candidates)
        return [{"diff": one.diff, "provider": one.provider} for one in told]


def read_rerank(raw: bytes) -> RerankRequest:
    """The request in `raw`. InputError names the field."""
    try:
        return msgspec.json.decode(raw, type=RerankRequest)
    except msgspec.DecodeError as error:
        words, _, path = str(error).partition(" - at `$.")
        raise InputError(path.rstrip("`") or "stdin", words) from error
