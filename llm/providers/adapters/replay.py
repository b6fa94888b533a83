"""Scripted answers from a file: for tests, demos and the replay of a trace. Nothing touches the network.

A lane's row names the file: `{protocol: replay, model: any, base_url: "replay:///path/to/answers.json"}`. It is a
list of objects; an attempt takes the first one that is not used up and whose `when` occurs in the prompt:

    [{"when": "TS2307", "text": "…"}, {"fail": "rate_limit", "status": 429, "retry_after_s": 7}, {"text": "…"}]

`model` restricts a row to one model, `repeat` keeps it for ever, `delay_s` waits before the first text, `stall_s`
in the middle of it, `finish` is `stop`, `length`, `withheld` or "" (a stream that just ends), `tokens_in` and
`tokens_out` stand for the vendor's count. Rows are used up per process, and afresh when the file changes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from urllib.parse import unquote, urlsplit

import msgspec

from llm.providers.base import Answer, Call, Cause, ProviderFailure, estimate_tokens
from llm.providers.diagnosis import diagnose
from llm.providers.exchange import STOP, Exchange, Piece, Pieces, converse

_Version = tuple[str, int, int]


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One scripted answer, or failure."""

    text: str = ""
    when: str = ""
    model: str = ""
    fail: Cause | None = None
    status: int | None = None
    retry_after_s: float | None = None
    delay_s: float = 0.0
    stall_s: float = 0.0
    finish: str = STOP
    tokens_in: int | None = None
    tokens_out: int | None = None
    repeat: bool = False


class ReplayProtocol:
    """The script stands in for the server, and everything above it is real."""

    protocol = "replay"

    def __init__(self) -> None:
        self._scripts: dict[_Version, list[Row]] = {}
        self._lock = Lock()

    def ask(self, call: Call, on_text: Callable[[str], None] = lambda _: None) -> Answer:
        """One attempt. Raises ProviderFailure."""
        return converse(call, self._pieces, diagnose, on_text)

    def warm(self) -> None:
        """Nothing to import."""

    def _pieces(self, exchange: Exchange) -> Pieces:
        prompt = "\n".join([exchange.call.system, *(message.text for message in exchange.call.messages)])
        row = self._take(exchange, prompt)
        exchange.sent = True
        exchange.wait(row.delay_s)
        if row.fail is not None:
            raise _scripted_failure(exchange, row)
        middle = len(row.text) // 2
        tokens_in = estimate_tokens(prompt) if row.tokens_in is None else row.tokens_in
        yield Piece(row.text[:middle], tokens_in=tokens_in)
        exchange.wait(row.stall_s)
        tokens_out = estimate_tokens(row.text) if row.tokens_out is None else row.tokens_out
        yield Piece(row.text[middle:], row.finish, tokens_out=tokens_out)

    def _take(self, exchange: Exchange, prompt: str) -> Row:
        """The first row left that fits; used up unless it repeats."""
        with self._lock:
            rows = self._script(exchange)
            for at, row in enumerate(rows):
                if row.when in prompt and row.model in ("", exchange.call.model):
                    return row if row.repeat else rows.pop(at)
        raise exchange.failure(Cause.BAD_REQUEST, "no scripted answer is left that fits this prompt")

    def _script(self, exchange: Exchange) -> list[Row]:
        path = Path(unquote(urlsplit(exchange.call.base_url).path))
        try:
            version = (str(path), path.stat().st_mtime_ns, path.stat().st_size)
            if version not in self._scripts:
                self._scripts[version] = msgspec.json.decode(path.read_bytes(), type=list[Row])
        except (OSError, msgspec.MsgspecError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise exchange.failure(Cause.BAD_REQUEST, f"{path}: {reason}") from None
        return self._scripts[version]


def _scripted_failure(exchange: Exchange, row: Row) -> ProviderFailure:
    cause = row.fail or Cause.SERVER
    failure = exchange.failure(cause, f"scripted: {cause.value}")
    failure.status, failure.retry_after_s = row.status, row.retry_after_s
    failure.tokens_in, failure.tokens_out = row.tokens_in, row.tokens_out
    return failure


WIRE = ReplayProtocol()
