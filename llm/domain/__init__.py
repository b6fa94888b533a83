"""The nouns that pass between the rooms. Frozen values; no I/O.

Paths inside a workspace are relative POSIX strings everywhere. Times are seconds unless the name says `_ms`.
"""

from llm.domain.asking import LaneAnswer, LaneChoice, LaneWork, RouteDecision, Skipped, SkipReason, Usage
from llm.domain.checking import Baseline, Check, CheckResult, Diagnostic, TestOutcome, TestStatus, Triage
from llm.domain.kinds import EMBEDDED, DiscardReason, Isolation, Mode, Stage
from llm.domain.running import Applied, ApplyStatus, Candidate, Evaluation, Event, RepairRequest, Run, Selection

__all__ = [
    "EMBEDDED",
    "Applied",
    "ApplyStatus",
    "Baseline",
    "Candidate",
    "Check",
    "CheckResult",
    "Diagnostic",
    "DiscardReason",
    "Evaluation",
    "Event",
    "Isolation",
    "LaneAnswer",
    "LaneChoice",
    "LaneWork",
    "Mode",
    "RepairRequest",
    "RouteDecision",
    "Run",
    "Selection",
    "SkipReason",
    "Skipped",
    "Stage",
    "TestOutcome",
    "TestStatus",
    "Triage",
    "Usage",
]
