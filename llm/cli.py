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
    from typing import TextIO

    from llm.commands.base import Output
    from llm.domain import Event, RepairRequest, Run
    from llm.report.destinations import Destination


_INTERNAL = 70
"""A defect of Torre's own, or an answer that could not be written (EX_SOFTWARE of sysexits.h)."""
_UNCHANGED = "nothing was changed"


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
    except KeyboardInterrupt as stopped:
        return _fail(_interrupted(stopped, options), options)
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
    """As the terminal's interrupt: an `Exception` would be lost wherever a library, as logging does, goes on."""
    raise KeyboardInterrupt("terminated")


def _interrupted(stopped: KeyboardInterrupt, options: Namespace) -> Interrupted:
    """Told with how the user's files are: as whoever changes them noted it; else a `fix` knows, and other commands
    claim nothing."""
    standing = getattr(stopped, "__notes__", None) or [getattr(options, "standing", "")]
    return Interrupted("; ".join(filter(None, [str(stopped) or "interrupted", *standing])))


def _fail(error: TorreError, options: Namespace) -> int:
    if _wants_json(options):
        from llm.report.failure import as_error

        print(json.dumps(as_error(error, getattr(options, "trace_id", ""))))
    else:
        from llm.triage.clean import strip_control

        remedy = error.remedy if isinstance(error, SandboxError) else ""
        told = f"torre: {error}" + (f"\nremedy: {remedy}" if remedy else "")
        print(strip_control(told), file=sys.stderr)  # a file's name may hold anything
    return error.exit_code


def _wants_json(options: Namespace) -> bool:
    """Whether stdout is for one JSON object: a refusal is told in the same form as a result."""
    named: list[str] = [name for name, path in getattr(options, "format", ()) if not path]
    by_stdin = getattr(options, "path", None) == "-" and not named
    return getattr(options, "json", False) or by_stdin or named == ["json"]


def _fix(options: Namespace) -> int:
    from llm.report.destinations import open_destinations
    from llm.telemetry.watch import watching

    if options.policy_from is not None:  # whoever reads the policy in this process reads that one
        os.environ["TORRE_POLICY_FROM"] = options.policy_from
    options.standing = _UNCHANGED
    destinations = open_destinations(_forms(options))
    request = _request(options)
    options.trace_id = request.trace_id  # so that whatever ends the run can name it
    apply = _applying(options, request)
    with watching(request.trace_id, os.environ, _remark) as hear:
        found = _repair(request, hear)
        options.standing = ""  # from here on, whoever changes the files notes it
        run = apply(found)
        options.standing = _standing(run)
        for remark in dict.fromkeys(filter(None, [_write(run, each) for each in destinations])):
            print(remark, file=sys.stderr)
        sys.stdout.flush()  # the answer does not wait for what is told about it
    return run.exit_code


def _standing(run: Run) -> str:
    applied = run.applied is not None and run.applied.status == "applied"
    return "the fix is applied; `torre undo` takes it back" if applied else _UNCHANGED


def _remark(line: str) -> None:
    print(f"torre: {line}", file=sys.stderr)


def _forms(options: Namespace) -> list[tuple[str, str]]:
    """The forms that were asked for; where none goes to stdout, a person's does, or the contract's."""
    asked = [*([("json", "")] if options.json else []), *options.format]
    if all(path for _, path in asked):
        asked.append(("json" if options.path == "-" else "text", ""))
    return asked


def _repair(request: RepairRequest, hear: Callable[[Event], None]) -> Run:
    from llm.pipeline import repair

    if not _is_terminal(sys.stderr):
        return repair(request, _both(_show_progress, hear))
    from llm.report.live import LiveView
    from llm.report.text import Paint

    def show(text: str) -> None:
        print(text, end="", file=sys.stderr, flush=True)

    with LiveView(show, lambda: os.get_terminal_size(sys.stderr.fileno()), Paint(_colours(sys.stderr))) as view:
        return repair(request, _both(view.hear, hear))


def _both(one: Callable[[Event], None], other: Callable[[Event], None]) -> Callable[[Event], None]:
    def listen(event: Event) -> None:
        one(event)
        other(event)

    return listen


def _write(run: Run, destination: Destination) -> str:
    """Give the result out in one form; what a person is to be told beside it."""
    stdout = destination.file is None
    written = destination.format.write(run, os.environ, stdout and _colours(sys.stdout))
    if destination.file is not None:
        with destination.file as file:
            file.write(written.text + "\n" * bool(written.text))
    elif written.text:
        print(written.text)
    remarks = [written.remark, *(_append(path, text) for path, text in written.appended.items())]
    return "\n".join(filter(None, remarks))


def _append(path: Path, text: str) -> str:
    """Why it could not be done, or "": the result was given already, and is worth more than a summary of it."""
    try:
        with path.open("a", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError as error:
        return f"torre: {path} cannot be written: {error.strerror}"
    return ""


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _colours(stream: TextIO) -> bool:
    return _is_terminal(stream) and not os.environ.get("NO_COLOR")


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


def _show(options: Namespace) -> int:
    """Any command but `fix`: run it and print what it gives back."""
    from llm.report.failure import SCHEMA_VERSION

    output: Output = options.run(options)
    if getattr(options, "json", False) and output.data is not None:
        print(json.dumps({"schema_version": SCHEMA_VERSION, "exit_code": output.exit_code, **output.data}))
    elif output.text:
        print(output.text)
    return output.exit_code


if __name__ == "__main__":
    sys.exit(main())
