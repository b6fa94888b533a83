"""The verb of the room: logs and a baseline in, their diagnostics and one stage out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from llm import plugins
from llm.domain import CheckResult, Diagnostic, Stage, Triage
from llm.triage.base import LogParser
from llm.triage.clean import clean
from llm.triage.words import BLOCKING, stage_of_name, stage_of_words

_ROOM = "triage.parsers"


@dataclass(frozen=True, slots=True)
class _Evidence:
    diagnostic: Diagnostic
    stage: Stage
    source: str


def triage(logs: Mapping[str, str], baseline: tuple[CheckResult, ...] = ()) -> Triage:
    """What is red, and of what kind. Asked in this order; the first that answers decides the stage:

    the diagnostics of the baseline's red checks, the stage of those checks, the logs' diagnostics, the logs'
    names, the logs' words. Among several stages the one that blocks comes first (`words.BLOCKING`); warnings
    count only where there are no errors. `diagnostics` holds all of them, the baseline's first, each once.
    """
    red = tuple(result for result in baseline if not result.green and not result.not_run)
    texts = {name: clean(text) for name, text in logs.items()}
    seen = list(_of_baseline(red))
    told = [each for name, text in texts.items() for each in _of_text(text, f"the log `{name}`")]
    stage, reason = _by_diagnostics(seen) or _by_checks(red) or _by_diagnostics(told) or _by_logs(texts)
    return Triage(stage, tuple(dict.fromkeys(each.diagnostic for each in (*seen, *told))), reason)


def parse(text: str) -> tuple[Diagnostic, ...]:
    """The diagnostics of every tool in one raw log."""
    return tuple(each.diagnostic for each in _of_text(clean(text), ""))


def stage_of(diagnostic: Diagnostic, otherwise: Stage = Stage.GENERAL) -> Stage:
    """The stage of a diagnostic by its tool's parser, or `otherwise` where the tool has none."""
    if diagnostic.tool not in plugins.names(_ROOM):
        return otherwise
    parser: LogParser = plugins.load(_ROOM, diagnostic.tool, "PARSER")
    return parser.stage_of(diagnostic)


def _of_baseline(red: Iterable[CheckResult]) -> Iterator[_Evidence]:
    for result in red:
        source = f"the check `{result.check.name}`"
        for found in result.diagnostics:
            yield _Evidence(found, stage_of(found, result.check.stage), source)
        if not result.diagnostics:
            yield from _of_text(clean(result.output), source)


def _of_text(text: str, source: str) -> Iterator[_Evidence]:
    for parser in plugins.load_all(_ROOM, "PARSER"):
        for found in parser.parse(text):
            yield _Evidence(found, parser.stage_of(found), source)


def _by_diagnostics(evidence: list[_Evidence]) -> tuple[Stage, str] | None:
    telling = [each for each in evidence if each.diagnostic.severity == "error"] or evidence
    if not telling:
        return None
    stages = {each.stage for each in telling}
    stage, *later = (each for each in BLOCKING if each in stages)
    counts = Counter((each.diagnostic.tool, each.source) for each in telling if each.stage is stage)
    (tool, source), count = counts.most_common(1)[0]
    word = telling[0].diagnostic.severity + ("s" if count > 1 else "")
    after = f", ahead of {' and '.join(later)}" if later else ""
    return stage, f"{count} {tool} {word} in {source}{after}"


def _by_checks(red: tuple[CheckResult, ...]) -> tuple[Stage, str] | None:
    stages = {result.check.stage: result.check.name for result in reversed(red)}
    stage = next((each for each in BLOCKING if each in stages and each is not Stage.GENERAL), None)
    return (stage, f"the check `{stages[stage]}` is red") if stage else None


def _by_logs(texts: Mapping[str, str]) -> tuple[Stage, str]:
    for name in texts:
        if named := stage_of_name(name):
            return named[0], f"the word `{named[1]}` in the name of the log `{name}`"
    for name, text in texts.items():
        if worded := stage_of_words(text):
            return worded[0], f"the words `{worded[1]}` in the log `{name}`"
    return Stage.GENERAL, "nothing in the logs names a tool or a kind of failure"
