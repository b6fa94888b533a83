"""Four lanes asked at once, against one: a server that takes its time, four wires, three protocols.

Warm is in one process with the SDKs imported. Cold is `torre fix --providers` as it is typed, which imports them
while the baseline runs; it waits for all lanes (`race: false`), executes their candidates and tells the story.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.figure import emit, wall_s
from bench.model_server import ModelServer, model_server
from llm.domain import Stage
from llm.providers.base import ProviderRequest
from llm.providers.router import ProvidersRouter
from tests.e2e.provider_runs import CLAUDE, FILES, GEMINI, GPT, GREEN, LOCAL, User, row, whole

LANES = (GPT, CLAUDE, GEMINI, LOCAL)
DELAY_S = 2.0
TIMES = 3


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, model_server(whole(GREEN), DELAY_S) as server:
        one = _user(Path(folder) / "one", server, LANES[:1])
        four = _user(Path(folder) / "four", server, LANES)
        warm = _median_s({"one": _asking(one, 1), "four": _asking(four, 4)})
        emit("lanes.warm.one", warm["one"], f"s, the server answers in {DELAY_S:g} s", n=TIMES)
        emit("lanes.warm.four", warm["four"], "s", n=TIMES)
        emit("lanes.warm.ratio", warm["four"] / warm["one"], "x the time of one", "at most 1.1")
        cold = _median_s({"one": _fixing(one), "four": _fixing(four)})
        emit("lanes.cold.one", cold["one"], "s through the CLI, checks and proof included", n=TIMES)
        emit("lanes.cold.four", cold["four"], "s through the CLI, checks and proof included", n=TIMES)
        emit("lanes.cold.ratio", cold["four"] / cold["one"], "x the time of one", n=TIMES)


def _user(home: Path, server: ModelServer, lanes: tuple[str, ...]) -> User:
    """Somebody with these lanes and a red workspace."""
    user = User(home)
    user.lanes({lane: row(lane, server, "m") for lane in lanes}, race=False)
    for name, text in FILES.items():
        path = home / "project" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return user


def _asking(user: User, lanes: int) -> Callable[[], None]:
    root = user.home / "project"
    router = ProvidersRouter(root, {**user.environment, "PROVIDERS_V1": "1"})
    decision = router.route(Stage.TESTS)
    router.warm([decision])

    def ask() -> None:
        request = ProviderRequest({"tests": "E   NotImplementedError"}, FILES)
        answers = router.generate_candidates(request, decision)
        assert len(answers) == lanes, router.failures

    return ask


def _fixing(user: User) -> Callable[[], None]:
    def fix() -> None:
        ran = user.fix(user.home / "project")
        assert ran.exit_code == 0, ran.stderr

    return fix


def _median_s(ways: Mapping[str, Callable[[], None]]) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TIMES):
        for name, work in ways.items():
            taken[name].append(wall_s(work))
    return {name: statistics.median(times) for name, times in taken.items()}


if __name__ == "__main__":
    main()
