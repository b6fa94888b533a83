"""What a refusal means: a status, headers and an error body of any vendor → a ProviderFailure.

Nothing that a server wrote gets into a message but a code in lower-case words, and only if it is no part of the
key: servers repeat keys and prompts in their prose.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from llm.providers.base import Cause, ProviderFailure
from llm.providers.exchange import Exchange

_HARD_QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "insufficient_credits",
        "insufficient_balance",
        "billing_error",
        "billing_required",
        "billing_not_active",
        "billing_hard_limit_reached",
        "credits_exhausted",
        "quota_exhausted",
    }
)
_BAD_KEY_CODES = frozenset({"invalid_api_key", "api_key_invalid", "authentication_error", "unauthenticated"})
_MONEY = re.compile(r"\b(credits?|billing|insufficient (balance|funds|quota))\b", re.IGNORECASE)
_PER_DAY = re.compile(r"per_?day", re.IGNORECASE)
_CODE = re.compile(r"[a-z][a-z_.]{1,47}")
_STATUS_OF = {
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "billing_error": 402,
    "authentication_error": 401,
    "permission_error": 403,
    "invalid_request_error": 400,
    "not_found_error": 404,
    "request_too_large": 413,
}
_NEVER_RAN = range(300, 500)


def refused(exchange: Exchange) -> ProviderFailure:
    """The failure that an answer of status 300 and up is."""
    return _failure(exchange, exchange.status, _parsed(exchange.body))


def broken_off(exchange: Exchange, body: object) -> ProviderFailure:
    """The failure that an error event in mid-stream is: the status was 200, the body has its own code."""
    error = _error_of(body)
    return _failure(exchange, _status_of(error), error)


def _failure(exchange: Exchange, status: int, body: object) -> ProviderFailure:
    error = _error_of(body)
    wait_s = _retry_after_s(exchange.headers, error)
    code = _printable_code(error, exchange.call.api_key)
    failure = exchange.failure(_cause(status, error, wait_s), f"answered {status}{f' ({code})' if code else ''}")
    failure.status = status
    failure.retry_after_s = wait_s
    if exchange.status in _NEVER_RAN:
        failure.tokens_in = failure.tokens_out = 0
    return failure


def _cause(status: int, error: Mapping[str, Any], wait_s: float | None) -> Cause:
    codes = set(_codes(error))
    if status in (401, 403) or (status == 400 and codes & _BAD_KEY_CODES):
        return Cause.AUTH
    if status == 402 or (status in (400, 429) and _out_of_money(error, codes, wait_s)):
        return Cause.HARD_QUOTA
    if status == 429:
        return Cause.RATE_LIMIT
    return Cause.SERVER if status >= 500 or status == 408 else Cause.BAD_REQUEST


def _out_of_money(error: Mapping[str, Any], codes: set[str], wait_s: float | None) -> bool:
    """A code says so; or the prose does and no wait is named (Google writes "billing" into every 429)."""
    if codes & _HARD_QUOTA_CODES or any(_PER_DAY.search(str(v.get("quotaId", ""))) for v in _violations(error)):
        return True
    return wait_s is None and bool(_MONEY.search(str(error.get("message", ""))))


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return {}


def _error_of(body: object) -> Mapping[str, Any]:
    """The object that holds message and codes; the vendors nest it under `error`, Google in a list as well."""
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, dict):
        return {}
    inner = body.get("error")
    return inner if isinstance(inner, dict) else body


def _details(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from _objects(error.get("details"))


def _violations(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for detail in _details(error):
        yield from _objects(detail.get("violations"))


def _objects(values: object) -> Iterator[Mapping[str, Any]]:
    yield from (item for item in (values if isinstance(values, list) else []) if isinstance(item, dict))


def _codes(error: Mapping[str, Any]) -> Iterator[str]:
    values = [error.get("code"), error.get("type"), error.get("status")]
    values += [detail.get("reason") for detail in _details(error)]
    yield from (value.lower() for value in values if isinstance(value, str))


def _printable_code(error: Mapping[str, Any], key: str) -> str:
    codes = (code for code in _codes(error) if _CODE.fullmatch(code))
    return next((code for code in codes if not key or code not in key.lower()), "")


def _status_of(error: Mapping[str, Any]) -> int:
    """The HTTP status that an error event stands for; 500 where it names none."""
    code = error.get("code")
    if isinstance(code, int) and code in range(400, 600):
        return code
    return next((_STATUS_OF[code] for code in _codes(error) if code in _STATUS_OF), 500)


def _retry_after_s(headers: Mapping[str, str], error: Mapping[str, Any]) -> float | None:
    """Seconds to wait, by `retry-after-ms`, `Retry-After` (seconds or a date) or Google's RetryInfo."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    header = headers.get("retry-after", "")
    seconds = _number(header)
    if seconds is None:
        seconds = _until(header, headers.get("date", ""))
    delays = (str(detail["retryDelay"]) for detail in _details(error) if "retryDelay" in detail)
    return seconds if seconds is not None else _number(next(delays, "").removesuffix("s"))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _until(header: str, now: str) -> float | None:
    """Seconds to an HTTP date, by the server's own clock where it told it."""
    try:
        then = parsedate_to_datetime(header).timestamp()
        base = parsedate_to_datetime(now).timestamp() if now else time.time()
    except ValueError:
        return None
    return max(0.0, then - base)
