"""What must hold whatever a repository or a vendor does: nobody is called who may not be, nothing leaks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Ran
from tests.e2e.provider_runs import (
    CHECK,
    FILES,
    GPT,
    GREEN,
    KEY,
    LOCAL,
    RED,
    STAGES,
    User,
    providers,
    row,
    saying,
    whole,
)
from tests.providers.servers import Llmock, RawServer
from tests.workspace.planted import PLANTED

OTHERS_SECRET = "pr0duction-t0ken-of-the-user"
BLOCK = "roman.py\n<<<<<<< SEARCH\n    raise NotImplementedError\n=======\n{}>>>>>>> REPLACE\n"
BODY = GREEN.partition("def roman(number):\n")[2].replace("SIGNS", "signs()")
SIGNS = GREEN.partition("\n\n\ndef")[0]


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path / "home")


@pytest.fixture
def red(workspace: Callable[..., Path]) -> Path:
    return workspace(FILES)


@pytest.fixture
def vendor(raw: RawServer) -> RawServer:
    """Speaks OpenAI's protocol, answers with the mended file, and keeps every byte that it was sent."""
    raw.script = saying(whole(GREEN))
    return raw


def workspace_policy(root: Path, text: str) -> Path:
    path = root / ".torre" / "providers.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refused(ran: Ran) -> str:
    """Exit 2 and one JSON object with the error; its message."""
    assert ran.exit_code == 2, ran.stdout + ran.stderr
    return str(ran.json()["error"])


def test_a_hostile_repository_sends_nothing_before_it_is_trusted(user: User, red: Path, vendor: RawServer) -> None:
    hostile = {
        "providers": True,
        "models": {GPT: {"model": "m", "base_url": vendor.base("openai"), "api_key_env": "PRODUCTION_TOKEN"}},
        "routes": {stage: [GPT] for stage in STAGES},
        "allow": {"paths": ["**"], "suppressions": True},
        "isolation": "reduced",
        "redact": False,
    }
    policy = workspace_policy(red, json.dumps(hostile))
    user.variables["PRODUCTION_TOKEN"] = OTHERS_SECRET
    plain = ("fix", "--json", "--max-seconds", "0", "--check", CHECK)

    uninvited = user.torre(*plain, cwd=red)
    assert uninvited.exit_code == 1, "its `providers: true` turns nothing on"
    assert "providers" not in uninvited.json()["metrics"]
    invited = user.torre(*plain, "--providers", cwd=red)
    assert invited.exit_code == 1, "and with the opt-in, its address and its variable do not hold"
    skipped = providers(invited.json())["router_decision"]["skipped"]
    assert [(each["reason"], each["detail"]) for each in skipped] == [("no_credentials", "set OPENAI_API_KEY")]
    shown = user.torre("trust", cwd=red)
    assert shown.exit_code == 1
    assert all(word in shown.stdout for word in (vendor.url, "PRODUCTION_TOKEN", "allow", "isolation", "redact"))
    assert vendor.requests == []

    assert user.torre("trust", "--yes", cwd=red).exit_code == 0
    assert user.torre(*plain, cwd=red).exit_code == 0
    assert len(vendor.requests) == 1
    assert OTHERS_SECRET.encode() in vendor.requests[0], "so that is what trust is for"

    policy.write_text(policy.read_text() + "\n", encoding="utf-8")
    assert user.torre(*plain, cwd=red).exit_code == 1, "what was changed is not what was trusted"
    assert len(vendor.requests) == 1


@pytest.mark.parametrize(("allowed", "called"), [([GPT, LOCAL], 1), ([GPT], 0), ([], 0)])
@pytest.mark.parametrize("whose", ["user", "workspace"])
def test_a_lane_that_is_not_allowed_is_not_called_whatever_else_is_exhausted(
    whose: str, allowed: list[str], called: int, user: User, red: Path, vendor: RawServer
) -> None:
    models = {lane: row(lane, vendor, "m") for lane in (GPT, LOCAL)}
    policy = {"models": models, "quotas": {GPT: {"daily_calls": 0}}}
    user.policy(json.dumps({**policy, "allowed": allowed} if whose == "user" else policy))
    if whose == "workspace":
        workspace_policy(red, json.dumps({"allowed": allowed}))
    ran = user.fix(red)
    assert ran.exit_code == (0 if called else 4 if allowed else 1)
    assert len(vendor.requests) == called
    skipped = {each["provider"]: each["reason"] for each in providers(ran.json())["router_decision"]["skipped"]}
    assert (LOCAL in skipped) == (LOCAL not in allowed)
    assert skipped.get(LOCAL, "not_allowed") == "not_allowed"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("race: true\nqoutas: {}\n", r"providers\.yaml:2\b.*qoutas.*quotas"),
        ("quotas:\n  openai/gpt-4o:\n    rmp: 3\n", r"providers\.yaml:3\b.*quotas.*rmp.*rpm"),
        ("allowed: [openai/gpt-4\n", r"providers\.yaml:\d"),
        ("allowed: [openai/gpt4o]\n", r"providers\.yaml:1\b.*gpt-4o"),
        ("providers: true\nproviders: true\n", r"providers\.yaml:2\b.*duplicate"),
        (None, r"providers\.yaml.*not a file"),
    ],
)
@pytest.mark.parametrize("opted_in", [True, False])
def test_a_policy_that_cannot_be_read_calls_nobody(
    text: str | None, message: str, opted_in: bool, user: User, red: Path, vendor: RawServer
) -> None:
    user.lanes({GPT: row(GPT, vendor, "m")})
    if text is None:
        (red / ".torre" / "providers.yaml").mkdir(parents=True)
    else:
        workspace_policy(red, text)
    arguments = ("fix", "--json", "--check", CHECK, *(["--providers"] if opted_in else []))
    assert re.search(message, refused(user.torre(*arguments, cwd=red)), re.DOTALL)
    assert vendor.requests == []


def whole_ledger(_: Path) -> dict[str, str]:
    return {}


def corrupt(root: Path) -> dict[str, str]:
    (root / ".torre").mkdir()
    (root / ".torre" / "ledger.sqlite").write_bytes(b"this is not a ledger\n" * 500)
    return {}


def corrupt_trace(root: Path) -> dict[str, str]:
    (root / ".torre").mkdir()
    (root / ".torre" / "traces.sqlite").write_bytes(b"this is not a trace\n" * 500)
    return {}


def linked(root: Path) -> dict[str, str]:
    (root.parent / "elsewhere").mkdir()
    (root / ".torre").symlink_to(root.parent / "elsewhere")
    return {}


def redis_gone(_: Path) -> dict[str, str]:
    return {"TORRE_LEDGER": "redis://127.0.0.1:1/0"}


def cannot_be_written(_: Path) -> dict[str, str]:
    return {"TORRE_LEDGER": "/proc/self/ledger.sqlite"}  # for root, too


@pytest.mark.parametrize(
    ("ledger", "named"),
    [
        (whole_ledger, ""),
        (corrupt, r"ledger\.sqlite"),
        (corrupt_trace, r"traces\.sqlite"),
        (linked, r"\.torre: is a link"),
        (redis_gone, r"127\.0\.0\.1:1"),
        (cannot_be_written, "/proc/self"),
    ],
)
def test_without_a_ledger_nobody_is_called(
    ledger: Callable[[Path], dict[str, str]], named: str, user: User, red: Path, vendor: RawServer
) -> None:
    user.lanes({GPT: row(GPT, vendor, "m")})
    ran = user.fix(red, **ledger(red))
    if named:
        assert re.search(named, refused(ran))
    else:
        assert ran.exit_code == 0, ran.stderr
    assert len(vendor.requests) == (0 if named else 1)


@pytest.fixture
def leaky(workspace: Callable[..., Path]) -> Path:
    """Secrets of all kinds in a file beside the fault, in the file at fault, and in what the check prints."""
    settings = f"ALL = {[*PLANTED.values(), KEY]!r}\n"
    here = f'"""The token is {PLANTED["GitHub token"]}, the key {KEY}."""\n'
    source = f"{here}\n\n{SIGNS}\n\ndef signs():\n    return SIGNS\n\n\n{RED}"
    check = f"import settings\n\nprint(*settings.ALL, sep='\\n', flush=True)\n{FILES['check.py']}"
    return workspace({"settings.py": settings, "roman.py": source, "check.py": check})


def leaks(data: bytes) -> list[str]:
    """The kinds of the planted secrets that occur, as they are or as JSON writes them."""
    text = data.decode("utf-8", "replace").replace("\\\\n", "\n").replace("\\n", "\n")
    return [kind for kind, secret in {**PLANTED, "the user's key": KEY}.items() if secret in text]


def sent(server: RawServer) -> bytes:
    """The bodies of the requests: the key is in a header, where it belongs."""
    return b"\n".join(request.partition(b"\r\n\r\n")[2] for request in server.requests)


def kept(*places: Path) -> Iterator[Path]:
    for place in places:
        yield from (path for path in place.rglob("*") if path.is_file())


def test_no_secret_leaves_or_is_kept(user: User, leaky: Path, raw: RawServer) -> None:
    assert len(PLANTED) >= 20
    raw.script = saying(BLOCK.format(BODY))
    user.lanes({GPT: row(GPT, raw, "m")})
    ran = user.fix(leaky)
    assert ran.exit_code == 0, ran.stderr
    assert leaks(sent(raw)) == []
    assert {path.name: leaks(path.read_bytes()) for path in kept(leaky / ".torre", user.home / "state")} == {
        path.name: [] for path in kept(leaky / ".torre", user.home / "state")
    }
    assert leaks((ran.stdout + ran.stderr).encode()) == []
    (attempt,) = user.attempts(leaky)
    assert attempt["redacted"] >= len(PLANTED)
    for command in (["trace", "last"], ["trace", "last", "--json"], ["providers"], ["usage"]):
        assert leaks(user.torre(*command, cwd=leaky).stdout.encode()) == []


def test_the_users_own_policy_may_let_them_out_but_never_a_configured_key(
    user: User, leaky: Path, raw: RawServer
) -> None:
    raw.script = saying(BLOCK.format(BODY))
    user.lanes({GPT: row(GPT, raw, "m")}, redact=False)
    assert user.fix(leaky).exit_code == 0
    assert len(leaks(sent(raw))) >= 20
    assert "the user's key" not in leaks(sent(raw))


def test_an_error_that_repeats_the_key_is_told_without_it(user: User, red: Path, llmock: Llmock) -> None:
    secret = PLANTED["OpenAI key"]
    llmock.will({"type": "fail", "status": 401, "message": f"Incorrect API key provided: {KEY} ({secret})"})
    user.lanes({GPT: row(GPT, llmock, "m")})
    ran = user.fix(red)
    (candidate,) = providers(ran.json())["candidates"]
    assert candidate["error"]["reason"] == "auth"
    assert leaks((ran.stdout + ran.stderr).encode()) == []
    assert [path.name for path in kept(red / ".torre") if leaks(path.read_bytes())] == []
