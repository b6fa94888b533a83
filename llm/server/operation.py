"""What the API offers, as data: routes are made of it, and so is its OpenAPI document. They cannot disagree."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llm.errors import TorreError
from llm.request import nearest
from llm.server.keys import Scope
from llm.server.problem import Problem, problem_of

_T = TypeVar("_T")
_TRUE, _FALSE = ("true", "1"), ("false", "0")
EVERYWHERE = (401, 403, 422, 429, 503)
"""What anybody may meet who asks for anything: the guard, and that a parameter is not known."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a query. `type` is JSON Schema's; `default` None: it may be left out and is None then."""

    name: str
    type: str
    words: str
    default: Any = None
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        told = {"default": self.default, "minimum": self.least, "maximum": self.most, "enum": list(self.choices)}
        return {"type": self.type, **{name: value for name, value in told.items() if value not in (None, [])}}

    def read(self, text: str) -> Any:
        """The value of `text`. Problem 422."""
        value = self._converted(text)
        wrong = value is None or (self.choices and value not in self.choices)
        if not wrong and not isinstance(value, str | bool):
            over = self.most is not None and value > self.most
            wrong = over or (self.least is not None and value < self.least) or value != value
        if wrong:
            allowed = f" ({', '.join(self.choices)})" if self.choices else self._range()
            raise _refused(self.name, f"expected {self.type}{allowed}, got {text[:60]!r}")
        return value

    def _converted(self, text: str) -> Any:
        if self.type == "boolean":
            return text in _TRUE if text in (*_TRUE, *_FALSE) else None
        kinds: dict[str, Callable[[str], Any]] = {"integer": int, "number": float}
        try:
            return kinds.get(self.type, str)(text)
        except ValueError:
            return None

    def _range(self) -> str:
        bounds = [("at least", self.least), ("at most", self.most)]
        words = [f"{word} {bound:g}" for word, bound in bounds if bound is not None]
        return f" ({', '.join(words)})" if words else ""


WORKSPACE = Parameter("workspace", "string", "a project under the server's roots; its first root, if left out")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a status of success brings. `schema` is a component's name, "" for none; `headers` are told of in
    words."""

    words: str
    schema: str = ""
    media: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `scope` is what a key needs for it, None: nothing. `refusals` are statuses of
    problems beside those that may meet anybody (`EVERYWHERE`). `body` is a component's name."""

    method: str
    path: str
    name: str
    scope: Scope | None
    words: str
    endpoint: Callable[[Request], Awaitable[Response]]
    answers: Mapping[int, Answer]
    refusals: tuple[int, ...] = ()
    body: str = ""
    query: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()

    def route(self) -> Route:
        """Where Starlette finds it."""
        return Route(self.path, self._answer, methods=[self.method], name=self.name)

    async def _answer(self, request: Request) -> Response:
        if self.scope is not None:
            require(request, self.scope)
        request.state.query = read_query(request, self.query)
        return await self.endpoint(request)


def read_query(request: Request, parameters: Iterable[Parameter]) -> dict[str, Any]:
    """The value of each of the parameters, which are all that may be asked with. Problem 422."""
    known = {parameter.name: parameter for parameter in parameters}
    values = {name: parameter.default for name, parameter in known.items()}
    for name, text in request.query_params.multi_items():
        if name not in known:
            words = nearest(name, tuple(known)) if known else "this takes none"
            raise _refused(name, f"unknown parameter; {words}")
        values[name] = known[name].read(text)
    return values


def require(request: Request, scope: Scope) -> None:
    """Problem 403 unless whoever asks may do this."""
    principal = request.state.principal
    if scope not in principal.scopes:
        raise Problem(
            403, "scope", f"key {principal.id} may not {scope}: its scopes are {_list(principal.scopes)}"
        )


async def in_thread(work: Callable[..., _T], *arguments: Any) -> _T:
    """What reads files, away from the loop that answers everybody. Torre's errors come back as Problems."""
    try:
        return await to_thread.run_sync(partial(work, *arguments))
    except TorreError as error:
        raise problem_of(error) from error


def _refused(name: str, words: str) -> Problem:
    return Problem(422, "input", f"query.{name}: {words}", f"query.{name}")


def _list(scopes: frozenset[Scope]) -> str:
    return ", ".join(sorted(scopes)) or "none"
