"""Whether two functions agree: `python -m bench.agreement`, JSON `[reference, other, test, name]` on stdin.

Prints `[inputs, differing, examples]`. The inputs are no mutations of the test's: what the calls of `test` (a
`check(f)` of HumanEvalPack) have in common is inferred place by place (kinds, ranges, alphabets, lengths, order),
and new values are drawn from that. Independent of the behaviour gate's inputs on purpose. What the reference
refuses does not count. Run it in a process of its own.
"""

from __future__ import annotations

import copy
import json
import math
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

_COUNT = 2000
_CALL_S = 1.0
_TEST_S = 5.0
_ALL_S = 20.0
_REFUSED = "refused"


class _TooLong(BaseException):
    """Raised into a call that runs too long."""


def _stop(signum: int, frame: FrameType | None) -> None:
    raise _TooLong


def _loaded(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(source, names)
    return names


def calls_of(reference: str, test: str, name: str) -> list[tuple[Any, ...]]:
    """The arguments of each call that the test makes."""
    calls: list[tuple[Any, ...]] = []
    names = _loaded(reference)
    function = names[name]

    inside = False

    def spy(*args: Any) -> Any:
        nonlocal inside
        if inside:  # it calls itself
            return function(*args)
        if len(repr(args)) < 5000:
            calls.append(copy.deepcopy(args))
        inside = True
        signal.setitimer(signal.ITIMER_REAL, _TEST_S)
        try:
            return function(*args)
        finally:
            inside = False
            signal.setitimer(signal.ITIMER_REAL, 0)

    names[name] = spy
    exec(test.rpartition(f"check({name})")[0], names)
    names["check"](spy)
    return calls


class Model:
    """What the values of one place have in common; `draw` makes another one."""

    def __init__(self, values: Sequence[Any], rng: random.Random) -> None:
        self.values = values
        self.rng = rng
        self.kinds = [type(v) for v in values]

    def draw(self) -> Any:
        """A new value of one of the kinds that were seen, as often as they were."""
        kind = self.rng.choice(self.kinds)
        seen = [v for v in self.values if type(v) is kind]
        match kind.__name__:
            case "int":
                return self._integer(seen)
            case "float":
                return self._real(seen)
            case "str":
                return self._text(seen)
            case "list" | "tuple" | "set":
                return kind(self._several(seen, kind is tuple))
            case "dict":
                return self._mapping(seen)
        return copy.deepcopy(self.rng.choice(seen))

    def _integer(self, seen: list[int]) -> int:
        low, high = min(seen), max(seen)
        wide = max(high - low, 3)
        near = self.rng.randint(low, low + min(wide, 25))
        return self.rng.choice((near, self.rng.randint(low, high), self.rng.randint(low, high + wide // 2)))

    def _real(self, seen: list[float]) -> float:
        low, high = min(seen), max(seen)
        digits = max(len(repr(v).partition(".")[2]) for v in seen)
        return round(self.rng.uniform(low, high + (high - low) / 4), min(digits, 6))

    def _text(self, seen: list[str]) -> str:
        rng = self.rng
        words = [w for v in seen for w in v.split()]
        shortest, longest = min(len(v) for v in seen), max(len(v) for v in seen)
        if any(" " in v for v in seen) and rng.random() < 0.6:
            return " ".join(
                rng.choice(words) for _ in range(rng.randint(1, max(len(v.split()) for v in seen) + 1))
            )
        letters = sorted({c for v in seen for c in v}) or [""]
        size = rng.randint(shortest, max(shortest, min(longest + 1, 40)))
        return "".join(rng.choice(letters) for _ in range(size))

    def _several(self, seen: list[Any], fixed: bool) -> list[Any]:
        lengths = {len(v) for v in seen}
        if fixed and len(lengths) == 1:
            return [Model([v[n] for v in seen], self.rng).draw() for n in range(lengths.pop())]
        inside = [each for v in seen for each in v]
        if not inside:
            return []
        model = Model(inside, self.rng)
        made = [model.draw() for _ in range(self.rng.randint(min(lengths), min(max(lengths) + 2, 30)))]
        return self._like(made, [list(v) for v in seen if len(v) > 1])

    def _like(self, made: list[Any], seen: list[list[Any]]) -> list[Any]:
        """Without repetitions, and in order, where all that were seen are so."""
        if len(seen) >= 2 and all(len({repr(e) for e in v}) == len(v) for v in seen):
            made = list({repr(e): e for e in made}.values())
        try:
            if len(seen) >= 3 and all(v == sorted(v) for v in seen):
                return sorted(made)
        except TypeError:
            return made
        return made

    def _mapping(self, seen: list[dict[Any, Any]]) -> dict[Any, Any]:
        pairs = [pair for v in seen for pair in v.items()]
        if not pairs:
            return {}
        keys, values = Model([k for k, _ in pairs], self.rng), Model([v for _, v in pairs], self.rng)
        return {keys.draw(): values.draw() for _ in range(self.rng.randint(0, max(len(v) for v in seen) + 1))}


def inputs(calls: list[tuple[Any, ...]], rng: random.Random, count: int = _COUNT) -> list[tuple[Any, ...]]:
    """New arguments: all drawn anew, or one of a call's replaced, so that what arguments share is kept as well."""
    widths = [len(call) for call in calls]
    made = []
    for _ in range(count):
        width = rng.choice(widths)
        alike = [call for call in calls if len(call) == width]
        models = [Model([call[n] for call in alike], rng) for n in range(width)]
        args = list(copy.deepcopy(rng.choice(alike)))
        for place in range(width) if rng.random() < 0.5 else [rng.randrange(width)] if width else []:
            args[place] = models[place].draw()
        made.append(tuple(args))
    return made


def outcome(function: Callable[..., Any], args: tuple[Any, ...], cpu_s: float = _CALL_S) -> Any:
    """What comes back, or that nothing does."""
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    try:
        result = function(*copy.deepcopy(args))
        return list(result) if hasattr(result, "__next__") else result
    except (_TooLong, Exception):  # noqa: BLE001 - whatever a version raises, it does not answer
        return _REFUSED
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def same(one: Any, two: Any) -> bool:
    """Equal as a test would have it, floats nearly, a truth value only to a truth value."""
    if isinstance(one, bool) != isinstance(two, bool):
        return False
    if isinstance(one, float) and isinstance(two, int | float):
        return math.isclose(one, two, rel_tol=1e-7, abs_tol=1e-9) or (math.isnan(one) and math.isnan(two))
    if isinstance(one, list | tuple) and type(one) is type(two):
        return len(one) == len(two) and all(map(same, one, two))
    return bool(one == two)


def main() -> None:
    reference, other, test, name = json.load(sys.stdin)
    signal.signal(signal.SIGALRM, _stop)
    signal.signal(signal.SIGPROF, _stop)
    calls = calls_of(reference, test, name)
    right, given = _loaded(reference)[name], _loaded(other)[name]
    tried, differing = 0, []
    for args in [*calls, *inputs(calls, random.Random(77))]:
        if time.process_time() > _ALL_S:
            break
        wanted = outcome(right, args)
        if wanted is _REFUSED:
            continue
        tried += 1
        got = outcome(given, args, 5 * _CALL_S)  # the same may take longer on a busy machine
        if got is _REFUSED or not same(wanted, got):
            differing.append([repr(args)[:100], repr(wanted)[:100], repr(got)[:100]])
    print(json.dumps([tried, len(differing), sorted(differing, key=lambda d: len(d[0]))[:2]]))


if __name__ == "__main__":
    main()
