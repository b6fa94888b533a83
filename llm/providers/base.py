"""What a provider is, by the contract's names; and the wire beneath it, one protocol a file in `adapters/`.

A `Provider` answers a repair request with a diff. A `Wire` only carries one question to one endpoint and brings
back text, tokens and how it ended; it knows nothing of policies, ledgers, prompts or diffs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Event
from types import MappingProxyType
from typing import Any, Protocol

from llm.workspace.quoting import quote

_EMPTY: Mapping[str, Any] = MappingProxyType({})
CHARACTERS_PER_TOKEN = 4
_NOOP_CONTEXT = 3


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """What a provider is asked: logs by name, files by relative path, and anything else in `meta`."""

    logs: Mapping[str, str]
    files: Mapping[str, str]
    meta: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)


@dataclass(frozen=True, slots=True)
class ProviderResponse:
    """What a provider answered: a unified diff (may be ""), the tokens it used, and how long it took."""

    provider: str
    diff: str
    tokens_in: int
    tokens_out: int
    latency_ms: int
    meta: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)


class Provider(Protocol):
    """One lane that can be asked."""

    name: str

    def generate(self, req: ProviderRequest) -> ProviderResponse:
        """Ask for a fix. Raises ProviderFailure, which costs this lane's candidate only."""


def estimate_tokens(text: str) -> int:
    """About 4 characters a token, at least 1: what is reported where a vendor gives no count."""
    return max(1, -(-len(text) // CHARACTERS_PER_TOKEN))


def make_noop_diff(path: str, content: str, comment: str) -> str:
    """A valid unified diff that adds the line `comment` at the end of `path` and changes nothing that runs.

    `content` is the file as it is; an empty one, CRLF and a missing final newline are all provided for.
    """
    head = f"--- {quote(f'a/{path}')}\n+++ {quote(f'b/{path}')}\n"
    if not content:
        return f"{head}@@ -0,0 +1 @@\n+{comment}\n"
    lines = content.removesuffix("\n").split("\n")
    context = lines[-_NOOP_CONTEXT:]
    first, count = len(lines) - len(context) + 1, len(context)
    hunk = f"@@ -{first},{count} +{first},{count + 1} @@\n"
    ending = "\r" if lines[-1].endswith("\r") else ""
    last = f" {context[-1]}\n"
    if not content.endswith("\n"):
        last = f"-{context[-1]}\n\\ No newline at end of file\n+{context[-1]}\n"
    return head + hunk + "".join(f" {line}\n" for line in context[:-1]) + last + f"+{comment}{ending}\n"


class Cause(StrEnum):
    """How one attempt ended; the closed set of the ledger's rows."""

    OK = "ok"
    RATE_LIMIT = "rate_limit"
    """429 that may pass: honour Retry-After."""
    HARD_QUOTA = "hard_quota"
    """The account is out of credit or quota (402, `insufficient_quota`): one attempt, long cooldown."""
    AUTH = "auth"
    """401 or 403: the key is wrong. One attempt."""
    BAD_REQUEST = "bad_request"
    """400, 404, 413, 422: asking again the same way is no use."""
    SERVER = "server"
    """5xx."""
    UNREACHABLE = "unreachable"
    """No connection, or it was cut before the answer began."""
    TIMEOUT = "timeout"
    """The first byte or the whole answer took too long."""
    TRUNCATED = "truncated"
    """The stream ended without a finish reason, or at the token limit."""
    MALFORMED = "malformed"
    """Bytes that are not the protocol."""
    EMPTY = "empty"
    """An answer without text, or one the vendor withheld (safety, refusal)."""
    TOO_LARGE = "too_large"
    """More text than is read."""
    CANCELLED = "cancelled"
    """Torre ended it: nobody wanted the answer any more."""


class ProviderFailure(Exception):
    """One attempt that brought no answer. `sent`: whether it may have cost something.

    `retry_after_s` is what the server asked for. `tokens_in` and `tokens_out` are what is known to have been used
    (None: unknown). The message never holds a key or the prompt.
    """

    def __init__(
        self,
        cause: Cause,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        sent: bool = True,
        tokens_in: int | None = None,
        tokens_out: int | None = None,
    ) -> None:
        super().__init__(message)
        self.cause = cause
        self.status = status
        self.retry_after_s = retry_after_s
        self.sent = sent
        self.tokens_in = tokens_in
        self.tokens_out = tokens_out


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that goes with a question; `data` are its bytes."""

    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `role` is `user` or `assistant`; the system prompt is apart."""

    role: str
    text: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One physical call: whom, what, how long. `api_key` "" is for servers that need none.

    `first_byte_s` bounds the wait for the first text, `total_s` the whole answer. `cancel`, once set, closes the
    connection. `max_chars` bounds the answer that is read.
    """

    model: str
    base_url: str
    api_key: str = field(repr=False)
    system: str
    messages: tuple[Message, ...]
    max_tokens: int = 8192
    first_byte_s: float = 60.0
    total_s: float = 180.0
    max_chars: int = 2_000_000
    cancel: Event | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Token counts are the vendor's, None where it gave none."""

    text: str
    tokens_in: int | None
    tokens_out: int | None
    tokens_cached: int | None = None
    first_byte_ms: int = 0
    latency_ms: int = 0
    finish: str = "stop"


class Wire(Protocol):
    """A module in `adapters/` with a `WIRE` object: one protocol on its vendor's official SDK."""

    protocol: str
    """The name in the policy's `models:` rows: `openai`, `anthropic`, `google`, `replay`."""

    def ask(self, call: Call, on_text: Callable[[str], None] = lambda _: None) -> Answer:
        """One attempt, streamed, never retried. Raises ProviderFailure; nothing else gets out."""

    def warm(self) -> None:
        """Import the SDK and load what it loads, so that the first `ask` does not wait for it."""
