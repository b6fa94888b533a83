"""What is fuzzed: bytes in, and nothing out but the documented error. An `AssertionError` is a find, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from llm.domain import Isolation, Stage
from llm.errors import DiffError, PolicyError
from llm.providers.answers import AnswerError, read_answer
from llm.providers.models import DEFAULT_MODELS
from llm.providers.policy import ProvidersPolicy
from llm.providers.policy_file import Allow
from llm.providers.redaction import Redaction
from llm.triage.clean import strip_control
from llm.triage.stage import parse as parse_log
from llm.triage.stage import triage
from llm.workspace.diff import make_diff, parse
from llm.workspace.patch import apply, rendered
from llm.workspace.paths import flaw
from llm.workspace.rules import check_rules
from llm.workspace.secrets import find_secrets
from tests.workspace.oracle import overlaid, write

Target = Callable[[bytes], None]
FILES = {
    "src/calc.py": "import math\n\n\ndef add(a, b):\n    return a - b\n",
    "dir/b c.txt": "one\ntwo\n\nthree\n",
    "c": "no newline",
}
_ON_DISK = {path: text.encode() for path, text in FILES.items()}
_LITERAL = "correct horse battery"


def prepare(place: Path) -> Mapping[str, Target]:
    """The targets by name, with the workspace that they read made in `place`, an empty directory."""
    root = place / "workspace"
    write(root, _ON_DISK)
    (place / "outside").mkdir()
    (root / "link").symlink_to(place / "outside")
    policy = root / ".torre" / "providers.yaml"
    policy.parent.mkdir()
    return {
        "diff": lambda data: _diff(data, root),
        "policy": lambda data: _policy(data, policy),
        "answer": lambda data: _answer(data, root),
        "log": _log,
        "secret": _secret,
        "planted": _planted,
    }


def _diff(data: bytes, root: Path) -> None:
    """A diff is refused, or it changes plain paths of the workspace, and its clean form says the same."""
    try:
        patch = parse(data.decode("utf-8", "surrogateescape"))
        after = apply(patch, root)
        check_rules(patch, after, root)
    except DiffError as refused:
        assert refused.reason
        return
    assert after
    assert not any(flaw(path) or path.split("/")[0] in ("link", ".torre", ".git") for path in after)
    again = apply(rendered(after, root), root)
    assert overlaid(_ON_DISK, after) == overlaid(_ON_DISK, again)


def _policy(data: bytes, path: Path) -> None:
    """A workspace's policy is refused, or it only restricts: whatever it asks for beyond that does not hold."""
    path.write_bytes(data)
    try:
        policy = ProvidersPolicy(path.parents[1], {"XDG_CONFIG_HOME": str(path.parent / "none")}).policy
    except PolicyError as refused:
        assert str(path) in str(refused) and len(str(refused)) < 10_000
        return
    assert not policy.providers and policy.redact and policy.allow == Allow()
    assert policy.isolation in (Isolation.FULL, Isolation.STRONG)
    assert all(policy.models[lane].api_key_env == row.api_key_env for lane, row in DEFAULT_MODELS.items())
    assert all(policy.models[lane].price in (row.price, None) for lane, row in DEFAULT_MODELS.items())


def _answer(data: bytes, root: Path) -> None:
    """An answer is refused, or it is an edit of plain paths that a diff can say."""
    try:
        edit = read_answer(data.decode("utf-8", "surrogateescape"), FILES)
    except AnswerError as refused:
        assert refused.reason
        return
    assert edit.after
    assert not any(flaw(path) for path in edit.after)
    try:
        after = apply(make_diff(FILES, edit.after), root)
    except DiffError:  # a file under a file, a path through the link
        return
    assert after == {path: None if text is None else text.encode() for path, text in edit.after.items()}


def _log(data: bytes) -> None:
    """Any log is read; nothing in a diagnostic can steer a terminal."""
    text = data.decode("utf-8", "replace")
    for found in parse_log(text):
        assert found.line >= 0 and "\n" not in found.message
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in found.path)
    assert triage({"log": text}).stage in Stage


def _secret(data: bytes) -> None:
    """What is hidden holds no secret, and what comes home is what was sent."""
    text = data.decode("utf-8", "replace")
    redaction = Redaction.of([text], [_LITERAL])
    hidden = redaction.hide(text)
    assert _LITERAL not in hidden
    assert find_secrets(hidden) == ()
    assert redaction.restore(redaction.masked(text)) == text
    assert strip_control(hidden) == hidden


def _planted(data: bytes) -> None:
    """The control: a defect behind four conditions, which only a fuzzer that is guided finds in seconds."""
    if data[:1] == b"F" and data[1:2] == b"U":  # noqa: SIM102 - each condition is one step that coverage shows
        if data[2:3] == b"Z":
            assert data[3:4] != b"!"
