"""Whether the caps of this process hold beyond it: a CI job has a ledger of its own unless one is named."""

from __future__ import annotations

from collections.abc import Mapping

PER_JOB = "caps are per job: in CI without TORRE_LEDGER every job begins to count at zero"
REMEDY = "set TORRE_LEDGER to redis://… or to a path that the jobs share"

_OFF = ("", "0", "false")
_MARKS = ("CI", "JENKINS_URL", "TEAMCITY_VERSION", "TF_BUILD", "CODEBUILD_BUILD_ID")
"""Set by CI systems for their jobs; most set the first, the others belong to those that do not."""


def caps_are_per_job(env: Mapping[str, str]) -> bool:
    """Whether this is a CI job that shares its ledger with no other."""
    return not env.get("TORRE_LEDGER") and any(env.get(mark, "").lower() not in _OFF for mark in _MARKS)
