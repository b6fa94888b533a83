"""A refusal as RFC 9457 has it: a status that means what it says, a sentence, the field it is about."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

from llm import errors
from llm.errors import InputError, SandboxError, TorreError

MEDIA_TYPE = "application/problem+json"
_STATUS: Mapping[str, int] = {
    errors.InputError.__name__: 422,
    errors.WorkspaceError.__name__: 422,
    errors.DiffError.__name__: 422,
    errors.PolicyError.__name__: 422,
    errors.ApplyError.__name__: 409,
    errors.LockedError.__name__: 423,
    errors.LedgerError.__name__: 503,
    errors.SandboxError.__name__: 503,
    errors.UnwritableError.__name__: 503,
    errors.Interrupted.__name__: 503,
}
_RETRY_S = 5.0
TITLES: Mapping[int, str] = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    423: "Locked",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
"""Of RFC 9110 and 4918; Python's own differ from version to version."""


class Json(JSONResponse):
    """JSON in ASCII, as the command line prints it: a path or a key may hold what is no UTF-8."""

    def render(self, content: Any) -> bytes:
        """The body."""
        return json.dumps(content, separators=(",", ":")).encode("ascii")


class Problem(Exception):
    """Raised wherever a request cannot be answered. `kind` ends the problem's type; `field` is what of the request
    it is about; `more` are further members."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        field: str = "",
        retry_after_s: float | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.field = field
        self.retry_after_s = _RETRY_S if retry_after_s is None and status in (429, 503) else retry_after_s
        self.more = more or {}

    def as_json(self) -> dict[str, Any]:
        """The members of the problem."""
        made: dict[str, Any] = {
            "type": f"urn:torre:problem:{self.kind}",
            "title": TITLES[self.status],
            "status": self.status,
            "detail": self.detail,
        }
        return {**made, **({"field": self.field} if self.field else {}), **self.more}

    @property
    def headers(self) -> dict[str, str]:
        """What is sent with it, in whatever form it is told."""
        told = {}
        if self.retry_after_s is not None:
            told["Retry-After"] = str(max(1, math.ceil(self.retry_after_s)))
        if self.status == 401:
            told["WWW-Authenticate"] = 'Bearer realm="torre"'
        return told

    def response(self) -> JSONResponse:
        """What is sent to a program."""
        return Json(self.as_json(), self.status, self.headers, MEDIA_TYPE)


def problem_of(error: TorreError) -> Problem:
    """An error of Torre's own as a refusal."""
    remedy = f"; {error.remedy}" if isinstance(error, SandboxError) and error.remedy else ""
    field = error.field if isinstance(error, InputError) else ""
    kind = type(error).__name__
    return Problem(_status(kind), _words(kind), f"{error}{remedy}", field)


def not_served() -> Problem:
    """A workspace is asked for, or is a job's, that is none of this server's."""
    return Problem(403, "workspace", "the workspace is under none of the server's roots", "workspace")


def problem_of_json(error: Mapping[str, Any]) -> Problem:
    """The same of an error that another process told in the JSON of the contract."""
    remedy = f"; {error['remedy']}" if error.get("remedy") else ""
    kind = str(error.get("kind", ""))
    return Problem(_status(kind), _words(kind), f"{error.get('message', '')}{remedy}", str(error.get("field", "")))


def _status(kind: str) -> int:
    return _STATUS.get(kind, 500)


def _words(kind: str) -> str:
    """`LockedError` → `locked`."""
    return kind.removesuffix("Error").lower() or "internal"
