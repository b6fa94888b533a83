"""`torre policy check`: read and validate the policy, and say what of it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm.commands._arguments import add_json, add_path

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from pathlib import Path

    from llm.commands.base import Output
    from llm.providers.policy import Policy

HELP = "validate the policy: file, line, key path and the nearest valid key of what is wrong"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    add_path(parser, ", or a policy file")
    add_json(parser)


def run(options: Namespace) -> Output:
    """Exit code 0 for a valid policy, or none; PolicyError for any other."""
    import os
    from pathlib import Path

    from llm.commands.base import Output, root_at
    from llm.providers.policy import ProvidersPolicy

    if Path(options.path).is_file():
        return _one_file(Path(options.path))
    policy = ProvidersPolicy(root_at(options.path)).policy
    files = [str(path) for path in policy.files]
    data = {
        "valid": True,
        "files": files,
        "allowed": list(policy.allowed),
        "enabled": policy.enabled(os.environ),
        "untrusted": list(policy.untrusted),
        "hash": policy.hash,
    }
    return Output("\n".join(_lines(policy, files)), data)


def _one_file(file: Path) -> Output:
    from llm.commands.base import Output
    from llm.errors import PolicyError
    from llm.providers.policy_reader import read_policy

    try:
        raw = file.read_bytes()
    except OSError as error:
        raise PolicyError(str(file), f"cannot be read: {error.strerror}") from error
    read_policy(file, raw)
    return Output(f"{file}: valid", {"valid": True, "files": [str(file)]})


def _lines(policy: Policy, files: list[str]) -> list[str]:
    lines = [f"{name}: valid" for name in files] or ["no policy file: the defaults hold"]
    lines.append(f"lanes that may be called: {', '.join(policy.allowed) or 'none'}")
    lines += [f"without effect until trusted: {vain}" for vain in policy.untrusted]
    return lines
