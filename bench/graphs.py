"""Whether two graph programs agree: `python -m bench.graphs`, JSON `[reference, other, name]` on stdin.

For the QuixBugs programs whose arguments are no JSON values: random graphs and linked lists of a few nodes. Prints
`[inputs, differing]`. Run it in a process of its own.
"""

from __future__ import annotations

import json
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

_COUNT = 400
_CALL_S = 0.5


@dataclass(eq=False)
class Node:
    """A node as the programs expect it."""

    value: str
    successor: Node | None = None
    successors: list[Node] = field(default_factory=list)
    incoming_nodes: list[Node] = field(default_factory=list)
    outgoing_nodes: list[Node] = field(default_factory=list)


def _linked(rng: random.Random) -> list[Node]:
    nodes = [Node(str(n)) for n in range(rng.randint(1, 6))]
    for one, two in pairwise(nodes):
        one.successor = two
    return nodes


def _directed(rng: random.Random, acyclic: bool = False) -> list[Node]:
    nodes = [Node(str(n)) for n in range(rng.randint(2, 6))]
    for n, one in enumerate(nodes):
        for two in nodes[n + 1 :] if acyclic else nodes:
            if one is not two and rng.random() < 0.35:
                one.successors.append(two)
                one.outgoing_nodes.append(two)
                two.incoming_nodes.append(one)
    return nodes


def _weights(rng: random.Random, edges: list[tuple[Any, Any]]) -> dict[tuple[Any, Any], int]:
    return dict(zip(edges, rng.sample(range(1, 100), len(edges)), strict=True))


def _search(rng: random.Random) -> tuple[Any, ...]:
    nodes = _directed(rng)
    return rng.choice(nodes), rng.choice(nodes)


def _maybe_cyclic(rng: random.Random) -> tuple[Any, ...]:
    nodes = _linked(rng)
    if rng.random() < 0.5:
        nodes[-1].successor = rng.choice(nodes)
    return (nodes[0],)


def _spanning(rng: random.Random) -> tuple[Any, ...]:
    count = rng.randint(2, 6)
    edges = {(rng.randrange(1, n), n) for n in range(2, count + 1)}
    edges |= {(a, b) for a in range(1, count) for b in range(a + 1, count + 1) if rng.random() < 0.4}
    return (_weights(rng, sorted(edges)),)


def _path(rng: random.Random) -> tuple[Any, ...]:
    nodes = _directed(rng)
    return _weights(rng, [(a, b) for a in nodes for b in a.successors]), rng.choice(nodes), rng.choice(nodes)


def _numbered(rng: random.Random) -> tuple[Any, ...]:
    count = rng.randint(2, 5)
    edges = [(a, b) for a in range(count) for b in range(count) if a != b and rng.random() < 0.5]
    return count, _weights(rng, edges)


def _named(rng: random.Random) -> tuple[Any, ...]:
    names = "ABCDE"[: rng.randint(2, 5)]
    edges = [(a, b) for a in names for b in names if a != b and rng.random() < 0.5]
    return rng.choice(names), _weights(rng, edges or [(names[0], names[1])])


def _listed(node: Node | None) -> list[str]:
    values: list[str] = []
    while node and len(values) < 20:
        values.append(node.value)
        node = node.successor
    return values


ARGUMENTS: dict[str, Callable[[random.Random], tuple[Any, ...]]] = {
    "breadth_first_search": _search,
    "depth_first_search": _search,
    "detect_cycle": _maybe_cyclic,
    "reverse_linked_list": lambda rng: (_linked(rng)[0],),
    "minimum_spanning_tree": _spanning,
    "shortest_path_length": _path,
    "shortest_path_lengths": _numbered,
    "shortest_paths": _named,
    "topological_ordering": lambda rng: (_directed(rng, acyclic=True),),
}


def shown(result: Any) -> Any:
    """A result in values that can be compared."""
    if isinstance(result, Node):
        return _listed(result)
    if isinstance(result, list):
        return [each.value if isinstance(each, Node) else each for each in result]
    return dict(result) if isinstance(result, dict) else result


def _stop(signum: int, frame: object) -> None:
    raise TimeoutError


def outcome(program: str, name: str, seed: int) -> Any:
    """What a program answers to the arguments of this seed."""
    names: dict[str, Any] = {}
    exec(program, names)
    signal.setitimer(signal.ITIMER_REAL, _CALL_S)
    try:
        return shown(names[name](*ARGUMENTS[name](random.Random(seed))))
    except Exception as error:  # noqa: BLE001 - whatever a version raises, it does not answer
        return type(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main() -> None:
    reference, other, name = json.load(sys.stdin)
    signal.signal(signal.SIGALRM, _stop)
    differing = [seed for seed in range(_COUNT) if outcome(reference, name, seed) != outcome(other, name, seed)]
    print(json.dumps([_COUNT, len(differing)]))


if __name__ == "__main__":
    main()
