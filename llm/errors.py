"""The exception tree. Each leaf maps to one documented exit code; the edge (`cli.py`) is where it is caught.

    TorreError
    ├── InputError            2  a request, option or file that cannot be accepted; names the field
    │   ├── WorkspaceError    2  the workspace is missing, unreadable or not a directory
    │   └── DiffError         -  a diff that is refused; carries a `DiscardReason`, costs its own candidate only
    ├── PolicyError           2  a policy that cannot be read or is not valid: nobody is called
    ├── LedgerError           2  the quota ledger is locked, corrupt, full or out of reach: nobody is called
    ├── ApplyError            2  the files are not what they were, or cannot be written: nothing is changed
    │   └── LockedError       2  another apply is going on, or one that was rolled back left the workspace locked
    ├── SandboxError          5  no sandbox could be had, or it broke; carries the remedy
    │   └── UnwritableError   5  a file that a job was to be given cannot be written: no verdict on what it holds
    └── Interrupted         130  SIGINT or SIGTERM: the message says how the files are

A failing command is not an exception: it is a `CheckResult`. "No candidate passed" is an ordinary `Selection`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm.domain import DiscardReason


class TorreError(Exception):
    """Root of all errors that Torre raises on purpose."""

    exit_code = 1


class InputError(TorreError):
    """Input that is refused. `field` names it (`logs.types`, `--check`, `.torre/…:3`)."""

    exit_code = 2

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field


class WorkspaceError(InputError):
    """The workspace does not exist, is not a directory, or cannot be read."""


class DiffError(InputError):
    """A diff that breaks a rule; `reason` is what the candidate is discarded for."""

    def __init__(self, reason: DiscardReason, message: str) -> None:
        super().__init__("diff", message)
        self.reason = reason


class PolicyError(InputError):
    """A policy file that is not valid. Never read as "no limits"."""


class LedgerError(TorreError):
    """The quota ledger cannot be had, so that no call may be made. The message says which one and why."""

    exit_code = 2


class ApplyError(TorreError):
    """Nothing could be applied or taken back, and every file is as it was, unless the message says otherwise."""

    exit_code = 2


class LockedError(ApplyError):
    """The workspace is locked: by an apply that is going on, or until `torre unlock`."""


class SandboxError(TorreError):
    """No isolation could be had. `remedy` is one sentence or command the user can act on."""

    exit_code = 5

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class UnwritableError(SandboxError):
    """A job was not started, for one of its files cannot be written where it belongs. Of a candidate's files, it
    costs the candidate only."""


class Interrupted(TorreError):
    """The user (or a signal) ended the run."""

    exit_code = 130


def kind_of(error: BaseException) -> str:
    """The name of what ended something; an interrupt has the tree's name, however Python calls it."""
    return (Interrupted if isinstance(error, KeyboardInterrupt) else type(error)).__name__
