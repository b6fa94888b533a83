"""`torre trust`: show what the workspace's policy asks for beyond one's own, and let it take effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llm.commands._arguments import add_json, add_path

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator
    from pathlib import Path

    from llm.commands.base import Output
    from llm.providers.policy_file import ModelRow, PolicyFile

HELP = "let a workspace's policy widen your own; shows what that means first"
_SHOWN = 12


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    add_path(parser)
    parser.add_argument("--yes", action="store_true", help="trust it; without this nothing is changed")
    parser.add_argument("--hash", default="", metavar="HASH", help="with --yes: only if this is still its content")
    add_json(parser)


def run(options: Namespace) -> Output:
    """Exit code 0 if all of the policy holds now, 1 if `--yes` is still to be said. PolicyError: there is none."""
    from llm.commands.base import Output, root_at
    from llm.errors import PolicyError
    from llm.providers.policy import ProvidersPolicy
    from llm.providers.policy_reader import read_policy
    from llm.providers.trust import POLICY, content_hash, trust

    root = root_at(options.path)
    path = root / POLICY
    if not path.is_file():
        raise PolicyError(str(path), "there is no policy to trust")
    before = ProvidersPolicy(root)
    raw = path.read_bytes()
    known = content_hash(raw)
    if not known.startswith(options.hash):
        raise PolicyError(str(path), f"is not what was shown any more: its hash is {known[:_SHOWN]}")
    asked = list(_asked(read_policy(path, raw, tuple(before.policy.models))))
    if options.yes and not before.trusted and trust(root) != known:
        raise PolicyError(str(path), "was changed just now: look at it again, and `torre untrust` it if need be")
    trusted = before.trusted or options.yes
    waits = not trusted and bool(before.policy.untrusted)
    data = {
        "path": str(path),
        "hash": known,
        "trusted": trusted,
        "asked": asked,
        "untrusted": list(before.policy.untrusted) if waits else [],
    }
    return Output("\n".join(_lines(path, data, options)), data, 1 if waits else 0)


def _lines(path: Path, data: dict[str, Any], options: Namespace) -> Iterator[str]:
    yield f"{path} ({data['hash'][:_SHOWN]})"
    waits = bool(data["untrusted"])
    if data["asked"]:
        yield "would take effect, beside its restrictions:" if waits else "takes effect:"
        yield from (f"  {line}" for line in data["asked"])
    if waits:
        yield "without effect until then:"
        yield from (f"  {line}" for line in data["untrusted"])
        yield f"to trust it: torre trust {options.path} --yes --hash {data['hash'][:_SHOWN]}"
    elif data["trusted"]:
        yield "trusted until its content changes; `torre untrust` takes it back"
    else:
        yield "nothing in it needs trust"


def _asked(policy: PolicyFile) -> Iterator[str]:
    """What only a trusted policy may say, with its values, in the words of the file."""
    if policy.providers:
        yield "providers: true (lanes may be asked without PROVIDERS_V1=1)"
    for lane, row in policy.models.items():
        if told := _row(row):
            yield f"models.{lane}: {told}"
    if policy.redact is False:
        yield "redact: false (prompts leave as they are, secrets included)"
    if policy.allow.paths:
        yield f"allow.paths: {', '.join(policy.allow.paths)} (a candidate may change these)"
    if policy.allow.suppressions:
        yield "allow.suppressions: true (a candidate may silence a check)"
    if policy.isolation == "reduced":
        yield "isolation: reduced (candidates may run with less between them and this machine)"


def _row(row: ModelRow) -> str:
    """Where calls go, with which key and at what price; a model's name alone needs no trust."""
    told = {
        "calls go to": row.base_url,
        "with the key in": row.api_key_env,
        "by the protocol": row.protocol,
        "at the price": row.price and (row.price if isinstance(row.price, str) else _price(row.price)),
    }
    return ", ".join(f"{words} {value}" for words, value in told.items() if value)


def _price(price: Any) -> str:
    return f"{price.input:g} in / {price.output:g} out USD a million tokens"
