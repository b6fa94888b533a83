"""An error as the JSON object of the contract. Apart from `contract.py`, so that a refusal stays cheap."""

from __future__ import annotations

from typing import Any

from llm.errors import InputError, SandboxError, TorreError

SCHEMA_VERSION = "1"


def as_error(error: TorreError, trace_id: str = "") -> dict[str, Any]:
    """An error as a JSON object: what went wrong, the field it is about, the remedy where there is one; and the
    run, where one had begun."""
    made: dict[str, Any] = {"message": str(error), "kind": type(error).__name__}
    if isinstance(error, InputError) and error.field:
        made["field"] = error.field
    if isinstance(error, SandboxError) and error.remedy:
        made["remedy"] = error.remedy
    told = {"schema_version": SCHEMA_VERSION, "error": made, "exit_code": error.exit_code}
    return {**told, "trace_id": trace_id} if trace_id else told
