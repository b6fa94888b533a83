"""Whether two functions agree: `python -m bench.agreement`, JSON `[reference, other, test, name]` on stdin.

Prints `[inputs, differing, examples]`. Inputs are made from the calls of `test` (a `check(f)` of HumanEvalPack),
near them and further off; those that the reference refuses do not count. Run it in a process of its own.
"""

from __future__ import annotations

import base64
import importlib
import json
import pickle
import random
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from llm.checks.base import INSIDE

_NEAR, _FAR = 1500, 800
_CALL_S = 1.0
_REFUSED = ("refused", "")


class _TooLong(BaseException):
    """Raised into a call that runs too long."""


def _stop(signum: int, frame: FrameType | None) -> None:
    raise _TooLong


def _loaded(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(source, names)
    return names


def _calls(reference: str, test: str, name: str) -> list[list[str]]:
    calls: list[list[str]] = []
    names = _loaded(reference)
    function = names[name]

    def spy(*args: Any) -> Any:
        call = ["reference:" + name, base64.b64encode(pickle.dumps((args, {}), 4)).decode()]
        calls.extend([call] if call not in calls else [])
        return function(*args)

    names[name] = spy
    exec(test.rpartition(f"check({name})")[0], names)
    names["check"](spy)
    return calls


def _further(value: Any, rng: random.Random) -> Any:
    """Other signs, other characters: what the tests do not show."""
    if type(value) in (int, float) and rng.random() < 0.4:
        return -value if rng.random() < 0.7 else value + rng.choice((0.5, 7))
    if type(value) is str and rng.random() < 0.4:
        return value[:3] + rng.choice(" aZ9.,-é") + value[3:]
    return type(value)(_further(each, rng) for each in value) if type(value) in (list, tuple) else value


def _outcome(function: Callable[..., Any], kept: bytes, show: Callable[..., Any]) -> tuple[str, str]:
    args, kwargs = pickle.loads(kept)
    signal.setitimer(signal.ITIMER_REAL, _CALL_S)
    try:
        told = show(function(*args, **kwargs), (), "/")
        return told["value"], told["text"]
    except (_TooLong, Exception):  # noqa: BLE001 - whatever a version raises, it does not answer
        return _REFUSED
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main() -> None:
    sys.path.append(str(INSIDE))
    make, show = (
        importlib.import_module("torre_behaviour_inputs"),
        importlib.import_module("torre_behaviour_values"),
    )
    reference, other, test, name = json.load(sys.stdin)
    signal.signal(signal.SIGALRM, _stop)
    rng = random.Random(77)
    near = [base64.b64decode(m["call"]) for m in make.made(_calls(reference, test, name), rng, _NEAR, 20_000)]
    far = [pickle.dumps((_further(pickle.loads(kept)[0], rng), {}), 4) for kept in near[:_FAR]]
    right, given = _loaded(reference)[name], _loaded(other)[name]
    differing = []
    for kept in near + far:
        wanted = _outcome(right, kept, show.returned)
        got = wanted if wanted == _REFUSED else _outcome(given, kept, show.returned)
        if got[0] != wanted[0]:
            differing.append([repr(pickle.loads(kept)[0])[:100], wanted[1], got[1]])
    print(json.dumps([len(near + far), len(differing), sorted(differing, key=lambda d: len(d[0]))[:2]]))


if __name__ == "__main__":
    main()
