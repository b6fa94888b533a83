"""`torre policy explain`: who would be asked for a request, and why not the others. Calls nobody."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from llm.commands._arguments import add_json, add_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llm.commands.base import Output
    from llm.domain import RouteDecision, Stage
    from llm.providers.policy import Policy

HELP = "say who would be asked for a request, in what order, and why not the others; calls nobody"
_STAGES = ("types", "build", "tests", "style", "docs", "general")


def configure(parser: argparse.ArgumentParser) -> None:
    """See `llm.commands`."""
    add_path(parser, ", or - for a request on stdin")
    about = parser.add_mutually_exclusive_group()
    about.add_argument("--stage", choices=_STAGES, help="a red of this kind (default: each of them)")
    about.add_argument("--log", metavar="FILE", help="the log of a red check")
    parser.add_argument("--assets", action="store_true", help="the request carries pictures")
    add_json(parser)


def run(options: argparse.Namespace) -> Output:
    """Exit code 0, whoever would be asked. PolicyError, InputError, LedgerError."""
    import os

    from llm.commands.base import Output
    from llm.providers.policy import ProvidersPolicy
    from llm.providers.route import as_mapping

    root, asked, assets = _question(options)
    policy = ProvidersPolicy(root).policy
    decisions = _decide(root, policy, [stage for stage, _ in asked], assets, options.path == "-")
    first = _first_of_all(policy, os.environ.get("PROVIDERS_V1", ""))
    told = [(decision, why) for decision, (_, why) in zip(decisions, asked, strict=True)]
    data = {
        "enabled": policy.enabled(os.environ),
        "policy_files": [str(path) for path in policy.files],
        "policy_hash": policy.hash,
        "untrusted": list(policy.untrusted),
        "notes": first,
        "decisions": [{**as_mapping(d), "stage_reason": why, "calls": _calls(d, policy)} for d, why in told],
    }
    blocks = ["\n".join(_told(decision, why, policy)) for decision, why in told]
    return Output("\n\n".join(["\n".join(first), *blocks]), data)


def _decide(root: Path, policy: Policy, stages: list[Stage], assets: bool, on_stdin: bool) -> list[RouteDecision]:
    """What the router would decide now, stub mode included."""
    import os

    from llm.commands.base import standings
    from llm.providers.credentials import credential
    from llm.providers.route import decide
    from llm.providers.stub_mode import stub_mode

    now = standings(root, os.environ, policy.timezone)

    def route(stage: Stage, stub: bool) -> RouteDecision:
        return decide(stage, policy, lambda m: credential(m, os.environ), assets=assets, standing=now, stub=stub)

    real = [route(stage, False) for stage in stages]
    return [route(d.stage, True) if stub_mode(os.environ, policy, d, on_stdin) else d for d in real]


def _question(options: argparse.Namespace) -> tuple[Path, list[tuple[Stage, str]], bool]:
    """The root, the stages in question with the reason for each, and whether there are assets."""
    from pathlib import Path

    from llm.commands.base import root_at
    from llm.domain import Stage
    from llm.triage.stage import triage

    if options.path == "-":
        return _request(options)
    root = root_at(options.path)
    if options.log:
        found = triage({Path(options.log).name: _text(options.log)})
        return root, [(found.stage, found.reason)], options.assets
    stages = [Stage(options.stage)] if options.stage else list(Stage)
    return root, [(stage, "") for stage in stages], options.assets


def _request(options: argparse.Namespace) -> tuple[Path, list[tuple[Stage, str]], bool]:
    import sys
    from pathlib import Path

    from llm.commands.base import root_at
    from llm.domain import Stage
    from llm.request import MAX_BYTES, read_request
    from llm.triage.stage import triage

    request = read_request(sys.stdin.buffer.read(MAX_BYTES + 1))
    root = root_at(str(request.workspace or Path.cwd()))
    found = triage(request.logs)
    asked = (Stage(options.stage), "--stage") if options.stage else (found.stage, found.reason)
    return root, [asked], bool(request.assets) or options.assets


def _text(log: str) -> str:
    from pathlib import Path

    from llm.errors import InputError
    from llm.request import MAX_BYTES

    try:
        with Path(log).open("rb") as file:
            return file.read(MAX_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise InputError("--log", f"{log} cannot be read: {error.strerror}") from error


def _first_of_all(policy: Policy, switch: str) -> list[str]:
    """What holds before any rule."""
    said = f"PROVIDERS_V1={switch}" if switch else f"providers: {str(policy.providers).lower()}"
    if policy.enabled({"PROVIDERS_V1": switch}):
        when = "only if the embedded fixers prove nothing" if policy.escalate == "red" else "beside the fixers"
        lines = [f"lanes are on ({said}); they are asked {when}"]
    else:
        lines = [f"lanes are off ({said}): nobody is called; PROVIDERS_V1=1 turns them on"]
    files = ", ".join(str(path) for path in policy.files) or "none, the defaults hold"
    return [*lines, f"policy: {files}", *(f"without effect until trusted: {vain}" for vain in policy.untrusted)]


def _told(decision: RouteDecision, why: str, policy: Policy) -> Iterator[str]:
    yield f"{decision.stage}" + (f" ({why})" if why else "") + f", by the rule {decision.rule}:"
    for number, call in enumerate(_calls(decision, policy), 1):
        address = call["base_url"] or "no address"
        yield f"  {number}. {call['provider']}: {call['model']} at {address}; {call['reason']}"
    if decision.stub:
        yield "  each answers with its offline stub: nobody is called"
    if not decision.lanes:
        yield "  nobody can be asked"
    for skipped in decision.skipped:
        yield f"  not {skipped.lane}: {skipped.reason}" + (f" ({skipped.detail})" if skipped.detail else "")


def _calls(decision: RouteDecision, policy: Policy) -> list[dict[str, str]]:
    return [
        {
            "provider": choice.lane,
            "model": policy.models[choice.lane].model,
            "base_url": policy.models[choice.lane].base_url,
            "reason": choice.reason,
        }
        for choice in decision.lanes
    ]
