"""The edge: arguments or JSON on stdin → a request → the pipeline → an exit code. The only room that prints."""

from __future__ import annotations

import sys


def _leave_current_directory() -> None:
    """Take the current directory off `sys.path` before anything else is imported.

    `python3 -m llm.cli` puts it first, so that a workspace's `yaml.py` would run here, outside any sandbox.
    `llm` itself is imported already and finds its own modules by its own path.
    """
    from os.path import realpath  # frozen with the interpreter, so that this import cannot be shadowed either

    here = realpath(".")
    sys.path[:] = [entry for entry in sys.path if realpath(entry) != here]


_leave_current_directory()

import errno  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING, Any  # noqa: E402

from llm.errors import InputError, Interrupted, SandboxError, TorreError  # noqa: E402

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable
    from types import FrameType

    from llm.commands.base import Output
    from llm.domain import Event, RepairRequest, Run


_INTERNAL = 70
"""A defect of Torre's own, or an answer that could not be written (EX_SOFTWARE of sysexits.h)."""


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the documented exit code."""
    from llm.arguments import build_parser

    arguments = sys.argv[1:] if argv is None else argv
    if not arguments and sys.stdin is not None and not sys.stdin.isatty():
        arguments = ["fix", "-"]
    parser = build_parser(arguments[0] if arguments else "")
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 2
    return _at_the_edge(_fix if options.command == "fix" else _show, options)


def _at_the_edge(command: Callable[[Namespace], int], options: Namespace) -> int:
    """Run a command and turn what it raises into a message and an exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminated)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]
    try:
        exit_code = _caught(command, options)
        sys.stdout.flush()
        return exit_code
    except OSError as error:  # the reader has gone, or the disk is full: the answer could not be given
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"torre: the output cannot be written: {error.strerror}", file=sys.stderr)
        return _INTERNAL


def _caught(command: Callable[[Namespace], int], options: Namespace) -> int:
    """The one place where errors become exit codes."""
    try:
        return command(options)
    except KeyboardInterrupt:
        return _fail(Interrupted("interrupted; nothing was changed"), options)
    except TorreError as error:
        return _fail(error, options)
    except OSError as error:
        if error.errno in (errno.EPIPE, errno.ENOSPC):
            raise
        return _fail(_internal(error), options)
    except Exception as error:  # noqa: BLE001 - the edge: a bug must not look like a verdict
        return _fail(_internal(error), options)


def _internal(error: Exception) -> TorreError:
    import traceback

    traceback.print_exception(error)
    failure = TorreError(f"internal error, please report it: {type(error).__name__}: {error}")
    failure.exit_code = _INTERNAL
    return failure


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    raise Interrupted("terminated; nothing was changed")


def _fail(error: TorreError, options: Namespace) -> int:
    if getattr(options, "json", False) or getattr(options, "path", None) == "-":
        from llm.report.failure import as_error

        print(json.dumps(as_error(error)))
    else:
        remedy = error.remedy if isinstance(error, SandboxError) else ""
        print(f"torre: {error}" + (f"\nremedy: {remedy}" if remedy else ""), file=sys.stderr)
    return error.exit_code


def _fix(options: Namespace) -> int:
    request = _request(options)
    apply = _applying(options, request)
    from llm.pipeline import repair

    run = apply(repair(request, _show_progress))
    if options.json or options.path == "-":
        from llm.report.contract import as_contract

        print(json.dumps(as_contract(run)))
    else:
        _print_run(run)
    return run.exit_code


def _applying(options: Namespace, request: RepairRequest) -> Callable[[Run], Run]:
    """What is done with the run before it is shown: its patch is applied, where that was asked for.

    Raises what stands against any apply here: nothing is searched for then."""
    if not (options.apply or os.environ.get("TORRE_APPLY") == "1"):
        if options.commit or options.accept_reduced:
            raise InputError("--apply", "`--commit` and `--accept-reduced` say how to apply: ask for that too")
        return lambda run: run
    if request.workspace is None and not options.apply:
        return lambda run: run
    if request.workspace is None:
        raise InputError("--apply", "there is no workspace to change: the request has files only")
    from llm.apply.transaction import apply_run, begin_apply

    terms = begin_apply(request.workspace, os.environ, options.commit, options.accept_reduced)
    return lambda run: apply_run(run, os.environ, terms)


def _request(options: Namespace) -> RepairRequest:
    from llm.request import MAX_BYTES, new_trace_id, read_request

    limits: dict[str, Any] = {
        "max_seconds": options.max_seconds,
        "deadline_s": options.deadline,
        "accept_ambiguous": options.accept_ambiguous,
        "files_out": options.files,
        "providers": options.providers,
        "stdin_contract": options.path == "-",
    }
    if options.path == "-":
        if options.check:
            raise InputError("--check", "with JSON on stdin the commands go into `checks`")
        if sys.stdin is None:
            raise InputError("stdin", "it is closed; a JSON object is expected")
        return read_request(sys.stdin.buffer.read(MAX_BYTES + 1), **limits)
    for position, command in enumerate(options.check):
        if not command.strip():
            raise InputError(f"--check {position + 1}", "expected a command, got nothing")
    from llm.domain import RepairRequest

    return RepairRequest(new_trace_id(), workspace=Path(options.path), checks=tuple(options.check), **limits)


def _show_progress(event: Event) -> None:
    from llm.report.text import progress

    for line in progress(event):
        print(line, file=sys.stderr, flush=True)


def _print_run(run: Run) -> None:
    from llm.report.text import Paint, as_text

    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    print(as_text(run, Paint(colour)))


def _show(options: Namespace) -> int:
    """Any command but `fix`: run it and print what it gives back."""
    from llm.report.failure import SCHEMA_VERSION

    output: Output = options.run(options)
    if getattr(options, "json", False) and output.data is not None:
        print(json.dumps({"schema_version": SCHEMA_VERSION, "exit_code": output.exit_code, **output.data}))
    else:
        print(output.text)
    return output.exit_code


if __name__ == "__main__":
    sys.exit(main())
