"""`torre fix --providers`, from a scripted model answer to a proven patch: each adapter and each option."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import pytest
from jsonschema import Draft202012Validator

from tests.e2e.conftest import Ran
from tests.e2e.provider_runs import (
    CLAUDE,
    FILES,
    GEMINI,
    GPT,
    GREEN,
    LOCAL,
    LONGER,
    PROTOCOLS,
    WRONG,
    User,
    apply,
    providers,
    reply,
    row,
    whole,
)
from tests.providers.servers import AIMOCK, Aimock, Llmock, RawServer, aimock_server, fetch

PRICE = {"input": 2.0, "output": 10.0}


class Edit(NamedTuple):
    """What a scripted model says of one place in a file of an example."""

    path: str
    old: str
    new: str

    @property
    def block(self) -> str:
        return f"{self.path}\n<<<<<<< SEARCH\n{self.old}\n=======\n{self.new}\n>>>>>>> REPLACE\n"


FINISH = Edit(
    "rooms/slot.py",
    "        finish = min(self.end, self.end)",
    "        finish = min(self.end, other.end)",
)
HUNK = f"@@ -1,3 +1,3 @@\n         begin = max(self.start, other.start)\n-{FINISH.old}\n+{FINISH.new}\n"
CLOSING = "         return max(0, finish - begin)"
DIFF = f"```diff\n--- a/rooms/slot.py\n+++ b/rooms/slot.py\n{HUNK}{CLOSING}\n```\n"
MENDED: dict[str, tuple[Edit, ...]] = {
    "py-tests": (
        Edit(
            "src/stockroom/reorder.py",
            "    return on_hand < article.minimum",
            "    return on_hand <= article.minimum",
        ),
    ),
    "py-unittest": (FINISH,),
    "py-types": (
        Edit("src/depot/tariff.py", "    return tariff.oversize_cent", "    return tariff.oversize_cents"),
    ),
    "py-style": (
        Edit(
            "tidings/entry.py",
            "import re\nimport json\nfrom collections.abc import Mapping\nfrom datetime import UTC, datetime\n"
            "from dataclasses import dataclass",
            "import re\nfrom collections.abc import Mapping\nfrom dataclasses import dataclass\n"
            "from datetime import UTC, datetime",
        ),
        Edit("tidings/entry.py", "    if title == None:", "    if title is None:"),
        Edit("tidings/feed.py", "[entry for entry in self][:count]", "list(self)[:count]"),
    ),
    "py-build": (
        Edit("src/logdigest/line.py", "\nimport re\n", "\nimport re\nfrom dataclasses import dataclass\n"),
    ),
    "py-make": (Edit("retention/sweep.py", "    keep = recent | montly", "    keep = recent | monthly"),),
    "js-tests": (
        Edit(
            "src/queue.js",
            "    const done = retry(job.work, options);",
            "    const done = await retry(job.work, options);",
        ),
    ),
    "ts-types": (
        Edit(
            "src/print.ts",
            'import { lineNet, totals, type Invoice, type Line } from "./invoice.js";',
            'import { lineNet, totals, type Invoice, type Line } from "./invoice.js";\n'
            'import { formatCents } from "./money.js";',
        ),
        Edit("src/print.ts", "line.quantitiy", "line.quantity"),
    ),
}
USAGE = {"prompt_tokens": 900, "completion_tokens": 50, "total_tokens": 950} | {
    "input_tokens": 900,
    "output_tokens": 50,
    "promptTokenCount": 900,
    "candidatesTokenCount": 50,
}


@pytest.fixture(scope="session")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    """Answers by the file that is asked about: one with search/replace blocks, one with a unified diff."""
    if not AIMOCK.exists():
        pytest.skip("aimock is not installed: make setup")
    answers = {edits[0].old: "\n".join(edit.block for edit in edits) for edits in MENDED.values()}
    answers[FINISH.old] = DIFF
    fixtures = [
        {"match": {"userMessage": shown}, "response": {"content": f"I see.\n\n{text}", "usage": USAGE}}
        for shown, text in answers.items()
    ]
    file = tmp_path_factory.mktemp("aimock") / "fixtures.json"
    file.write_text(json.dumps({"fixtures": fixtures}), encoding="utf-8")
    with aimock_server(file) as server:
        yield server


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path / "home")


@pytest.fixture
def red(workspace: Callable[..., Path]) -> Path:
    return workspace(FILES)


PAIRS = [
    (lane, name) for lane in PROTOCOLS for name in (MENDED if "TORRE_SOAK" in os.environ else ["py-unittest"])
]


@pytest.mark.parametrize(("lane", "name"), PAIRS)
def test_an_example_turns_green_through_each_adapter(
    lane: str,
    name: str,
    example: Callable[[str], Path],
    aimock: Aimock,
    user: User,
    schema: Draft202012Validator,
) -> None:
    root, edits = example(name), MENDED[name]
    before = {edit.path: (root / edit.path).read_text() for edit in edits}
    after = dict(before)
    for edit in edits:
        after[edit.path] = after[edit.path].replace(edit.old, edit.new)
    user.lanes({lane: row(lane, aimock, "scripted", price=PRICE)})
    fetch(f"{aimock.url}/__aimock/reset/journal", {})

    ran = user.torre("fix", "--providers", "--json", "--max-seconds", "0", cwd=root)

    answer = ran.json()
    schema.validate(answer)
    assert (ran.exit_code, answer["mode"]) == (0, "PATCH"), f"{answer['report']}\n{ran.stderr}"
    told = providers(answer)
    assert told["router_decision"]["providers"] == [lane]
    (candidate,) = told["candidates"]
    assert (candidate["provider"], candidate["error"], candidate["stub"]) == (lane, None, False)
    assert (candidate["tokens_in"], candidate["tokens_out"], candidate["cost_usd"]) == (900, 50, 0.0023)
    assert candidate["latency_ms"] > 0
    assert told["selected"]["provider"] == lane == answer["metrics"]["trace"]["provider"]
    assert told["selected"]["index"] == 0
    assert len(fetch(f"{aimock.url}/__aimock/journal")) == 1
    assert {check["after"]["status"] for check in answer["report"]["checks"]} == {"green"}
    assert {path: (root / path).read_text() for path in before} == before, "nothing in the workspace is changed"
    apply(answer["diff"], root)
    assert {path: (root / path).read_text() for path in after} == after


def test_the_winner_is_the_output_and_every_command_tells_of_it(
    user: User, red: Path, llmock: Llmock, schema: Draft202012Validator
) -> None:
    llmock.will(reply("right", GREEN), reply("wrong", WRONG, times=2))
    lanes = {GPT: row(GPT, llmock, "wrong"), CLAUDE: row(CLAUDE, llmock, "right", price=PRICE)}
    user.lanes(lanes, quotas={CLAUDE: {"daily_calls": 5}}, race=False)

    answer = proven(user.fix(red))

    schema.validate(answer)
    told = providers(answer)
    winner = told["candidates"][told["selected"]["index"]]
    assert (told["selected"]["provider"], winner["provider"]) == (CLAUDE, CLAUDE)
    assert told["selected"]["ttg_ms"] == winner["evaluation"]["ttg_ms"] > 0
    assert told["selected"]["diff_size"] == winner["evaluation"]["diff_size"] == changed_lines(answer["diff"])
    traced = answer["metrics"]["trace"]
    assert traced == {name: winner[name] for name in ("provider", "tokens_in", "tokens_out", "cost_usd")}
    assert traced["cost_usd"] == pytest.approx((traced["tokens_in"] * 2 + traced["tokens_out"] * 10) / 1e6)
    losers = [c for c in told["candidates"] if c["provider"] == GPT]
    assert [(c["cost_usd"], c["evaluation"]["reason"]) for c in losers] == [
        (None, "checks_red"),
        (None, "duplicate"),
    ]
    apply(answer["diff"], red)
    assert (red / "roman.py").read_text() == GREEN

    story = user.told("trace", answer["trace_id"][:8], cwd=red)
    assert story["run"]["winner_lane"] == CLAUDE
    assert story["run"]["diff"] == answer["diff"]
    assert story["details"]["decision"] == told["router_decision"]
    verdicts = {(a["lane"], a["number"]): a["verdict"] for a in story["attempts"]}
    assert verdicts == {(CLAUDE, 1): "passed", (GPT, 1): "checks_red", (GPT, 2): "duplicate"}
    listed = user.torre("trace", answer["trace_id"][:8], cwd=red).stdout
    assert all(re.search(pattern, listed) for pattern in (rf"asked {CLAUDE}", r"python3 check\.py +red", "why: "))

    used = {each["lane"]: each for each in user.told("usage", cwd=red)["usage"]}
    assert (used[CLAUDE]["calls"], used[CLAUDE]["usd_micros"]) == (1, round(traced["cost_usd"] * 1e6))
    assert (used[GPT]["calls"], used[GPT]["unpriced"]) == (2, 2)
    lines = user.torre("usage", "--csv", cwd=red).stdout.splitlines()
    assert [line.split(",")[1] for line in lines] == ["lane", CLAUDE, GPT]
    quota = {
        lane["provider"]: {each["name"]: each for each in lane["quota"]}
        for lane in user.told("providers", cwd=red)["lanes"]
    }
    assert quota[CLAUDE]["daily_calls"] == {"name": "daily_calls", "used": 1, "reserved": 0, "cap": 5, "left": 4}
    assert quota[GPT]["daily_calls"]["used"] == 2


def test_a_lane_that_is_told_why_gets_it_right_the_second_time(user: User, red: Path, llmock: Llmock) -> None:
    llmock.will(reply("m", WRONG), reply("m", GREEN))
    user.lanes({GPT: row(GPT, llmock, "m")})
    answer = proven(user.fix(red))
    assert [c["evaluation"]["reason"] for c in providers(answer)["candidates"]] == ["checks_red", None]
    assert providers(answer)["selected"]["index"] == 1
    assert [a["verdict"] for a in user.attempts(red)] == ["checks_red", "passed"]
    first, second = bodies(llmock)
    assert "AssertionError" not in json.dumps(first)
    assert "AssertionError" in second["messages"][-1]["content"]
    assert '"I" * number' in second["messages"][-2]["content"]


@pytest.mark.parametrize(("rounds", "asked"), [(1, 1), (3, 3)])
def test_no_more_rounds_than_the_policy_says(
    rounds: int, asked: int, user: User, red: Path, llmock: Llmock
) -> None:
    llmock.will(*(reply("m", WRONG.replace('"I"', f'"{letter}"')) for letter in "IVXLC"))
    user.lanes({GPT: row(GPT, llmock, "m")}, rounds=rounds)
    answer = unproven(user.fix(red))
    assert len(llmock.requests()) == len(providers(answer)["candidates"]) == asked


def test_an_answer_that_does_not_apply_is_asked_for_once_more_in_another_form(
    user: User, red: Path, llmock: Llmock
) -> None:
    block = "roman.py\n<<<<<<< SEARCH\n    return nothing_like_it\n=======\n    return 1\n>>>>>>> REPLACE\n"
    llmock.will({"type": "reply", "text": block}, reply("m", GREEN))
    user.lanes({GPT: row(GPT, llmock, "m")})
    answer = proven(user.fix(red))
    assert len(providers(answer)["candidates"]) == 1, "it is one candidate, in two calls"
    attempts = user.attempts(red)
    assert [a["verdict"] for a in attempts] == ["invalid_diff", "passed"]
    assert sorted(a["format"] for a in attempts) == ["search_replace", "whole"]
    assert "could not be applied" in bodies(llmock)[1]["messages"][-1]["content"]
    spent = sum(a["tokens_in"] for a in attempts)
    assert providers(answer)["candidates"][0]["tokens_in"] == spent


def test_the_first_proven_candidate_ends_the_race(user: User, red: Path, llmock: Llmock, raw: RawServer) -> None:
    closed = Event()

    def hang(connection: socket.socket) -> None:
        connection.settimeout(60)
        if connection.recv(1) == b"":
            closed.set()

    raw.script = hang
    llmock.will(reply("fast", GREEN))
    user.lanes({GPT: row(GPT, raw, "slow"), LOCAL: row(LOCAL, llmock, "fast")})
    answer = proven(user.fix(red))
    assert closed.wait(10), "the connection of the lane that lost was not closed"
    assert answer["metrics"]["duration_ms"] < 50_000
    assert providers(answer)["selected"]["provider"] == LOCAL
    (lost,) = [a for a in user.attempts(red) if a["lane"] == GPT]
    assert lost["cause"] == "cancelled"
    assert lost["tokens_in"] > 0, "what was sent may be billed"
    (lane,) = [each for each in user.told("providers", cwd=red)["lanes"] if each["provider"] == GPT]
    assert [each["reserved"] for each in lane["quota"]] == [0] * len(lane["quota"])


@pytest.mark.parametrize(("race", "winner"), [(True, GPT), (False, LOCAL)])
def test_a_race_is_won_by_the_first_and_otherwise_by_the_best(
    race: bool, winner: str, user: User, red: Path, llmock: Llmock
) -> None:
    slowly = {"type": "delay", "seconds": 40.0 if race else 1.0, "match": {"model": "slow"}}
    llmock.will(slowly, reply("fast", LONGER), reply("slow", GREEN))
    user.lanes({GPT: row(GPT, llmock, "fast"), LOCAL: row(LOCAL, llmock, "slow")}, race=race)
    answer = proven(user.fix(red))
    assert providers(answer)["selected"]["provider"] == winner
    assert changed_lines(answer["diff"]) == providers(answer)["selected"]["diff_size"]


def test_lanes_that_agree_count_for_each_other_and_are_not_asked_again(
    user: User, red: Path, llmock: Llmock
) -> None:
    llmock.will(reply("one", GREEN, times=None), reply("two", GREEN, times=None))
    user.lanes({GPT: row(GPT, llmock, "one"), LOCAL: row(LOCAL, llmock, "two")}, race=False)
    answer = proven(user.fix(red))
    assert answer["report"]["winner"]["agreement"] == 2
    assert sorted(model_of(each) for each in bodies(llmock)) == ["one", "two"]


def test_samples_are_as_many_candidates_of_one_lane(user: User, red: Path, llmock: Llmock) -> None:
    llmock.will(reply("m", WRONG), reply("m", GREEN))
    user.lanes({GPT: row(GPT, llmock, "m")}, samples=2, rounds=1, race=False)
    answer = proven(user.fix(red))
    reasons = [c["evaluation"]["reason"] for c in providers(answer)["candidates"]]
    assert sorted(map(str, reasons)) == ["None", "checks_red"]
    assert len(llmock.requests()) == 2


@pytest.mark.parametrize(("escalate", "asked"), [("red", 0), ("always", 1)])
def test_lanes_are_asked_beside_the_fixers_only_where_the_policy_says_always(
    escalate: str, asked: int, user: User, workspace: Callable[..., Path], llmock: Llmock
) -> None:
    """The fixers find this one; the lane's answer is wrong, so that whoever is asked, the fixers win."""
    source = "import os\n\n\ndef home():\n    return os.path.join(json.dumps(1), 'x')\n"
    root = workspace({"roman.py": source, "check.py": "from roman import home\n\nassert home() == '1/x'\n"})
    llmock.will({"type": "reply", "text": whole(source.replace("'x'", "'y'")), "times": None})
    user.lanes({GPT: row(GPT, llmock, "m")}, escalate=escalate, race=False, rounds=1)
    answer = proven(user.fix(root, "--max-seconds", "20"))
    assert answer["report"]["winner"]["provider"] == "embedded/fixers"
    assert "selected" not in providers(answer)
    assert ("held_back" in providers(answer)) == (escalate == "red")
    assert len(llmock.requests()) == asked


@pytest.mark.parametrize(("options", "asked"), [((), 1), (("--accept-ambiguous",), 0)])
def test_lanes_are_asked_where_what_the_fixers_found_is_ambiguous(
    options: tuple[str, ...], asked: int, user: User, workspace: Callable[..., Path], llmock: Llmock
) -> None:
    """Two edits pass and behave differently: nothing is proven by them, unless the user takes the first."""
    source = "def joined(one, two):\n    return one - two\n"
    test = "from sums import joined\n\n\ndef test_joined():\n    assert joined(2, 2) == 4\n"
    root = workspace({"sums.py": source, "test_sums.py": test})
    llmock.will({"type": "reply", "text": whole(source.replace("-", "+"), "sums.py"), "times": None})
    user.lanes({GPT: row(GPT, llmock, "m")}, rounds=1)
    answer = user.torre("fix", "--providers", "--json", "--max-seconds", "30", *options, cwd=root).json()
    assert len(llmock.requests()) == asked
    assert answer["mode"] == ("PATCH" if options else "ADVISORY")


def test_pictures_reach_a_lane_with_vision_only(user: User, red: Path, llmock: Llmock) -> None:
    picture = {"media_type": "image/png", "base64": "iVBORw0KGgo="}
    request = {"workspace": str(red), "checks": ["python3 check.py"], "assets": {"screen.png": picture}}
    llmock.will({"type": "reply", "text": whole(GREEN), "times": None})
    user.lanes(
        {GEMINI: row(GEMINI, llmock, "sees", vision=True), GPT: row(GPT, llmock, "blind", vision=False)},
    )
    answer = proven(user.torre("fix", "-", "--providers", "--max-seconds", "0", cwd=red, stdin=request))
    decision = providers(answer)["router_decision"]
    assert decision["providers"] == [GEMINI]
    assert [(each["provider"], each["reason"]) for each in decision["skipped"]] == [(GPT, "no_vision")]
    assert "iVBORw0KGgo=" in json.dumps(bodies(llmock))


def bodies(server: Llmock) -> list[dict[str, Any]]:
    return [request["body"] for request in server.requests()]


def model_of(body: dict[str, Any]) -> str:
    return str(body["model"])


def changed_lines(diff: str) -> int:
    return len([line for line in diff.splitlines() if re.match(r"[-+](?![-+]{2} )", line)])


def proven(ran: Ran) -> dict[str, Any]:
    answer = ran.json()
    assert (ran.exit_code, answer.get("mode")) == (0, "PATCH"), f"{answer.get('report', answer)}\n{ran.stderr}"
    return answer


def unproven(ran: Ran) -> dict[str, Any]:
    """Still red, and nothing is selected."""
    answer = ran.json()
    assert (ran.exit_code, answer["mode"], answer["diff"]) == (1, "ADVISORY", ""), ran.stderr
    assert "selected" not in providers(answer)
    return answer
