"""The tables of the trace store, and the narrow columns that its figures are counted from.

A run's diff and details, and its candidates, are long; nothing that counts reads them. What is counted stands in
`run_figures`, an index that holds all that a figure asks of a run, and in `share`, a short row for each lane that
had part in a run. Both are summed up from the rows themselves when a run ends, or its end is found: `sum_up`.
"""

from __future__ import annotations

import sqlite3

from llm.ledger.sent import CANCELLED, REFUSED_CAUSES, WENT_OUT
from llm.ledger.sqlite_file import Kind

_FIRST = """
CREATE TABLE store (id TEXT NOT NULL);
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT, trace_id TEXT NOT NULL, started REAL NOT NULL, ended REAL,
    workspace TEXT NOT NULL, policy_hash TEXT NOT NULL,
    stage TEXT NOT NULL DEFAULT '', mode TEXT NOT NULL DEFAULT '', exit_code INTEGER,
    summary TEXT NOT NULL DEFAULT '', duration_ms INTEGER, winner INTEGER,
    winner_lane TEXT NOT NULL DEFAULT '', winner_origin TEXT NOT NULL DEFAULT '',
    diff TEXT NOT NULL DEFAULT '', isolation TEXT NOT NULL DEFAULT '', details TEXT NOT NULL DEFAULT '{}',
    failure TEXT NOT NULL DEFAULT ''
);
CREATE INDEX run_trace ON run (trace_id);
CREATE INDEX run_failure ON run (failure);
CREATE INDEX run_started ON run (started);
CREATE TABLE attempt (
    run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    trace_id TEXT NOT NULL, lane TEXT NOT NULL, model TEXT NOT NULL, protocol TEXT NOT NULL,
    number INTEGER NOT NULL, at REAL NOT NULL, cause TEXT NOT NULL, status INTEGER,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, tokens_cached INTEGER NOT NULL,
    usd_micros INTEGER, price_as_of TEXT NOT NULL,
    queue_ms INTEGER NOT NULL, provider_ms INTEGER NOT NULL, overhead_ms INTEGER NOT NULL,
    first_byte_ms INTEGER NOT NULL, redacted INTEGER NOT NULL, policy_hash TEXT NOT NULL,
    stage TEXT NOT NULL, format TEXT NOT NULL, verdict TEXT NOT NULL, error TEXT NOT NULL
);
CREATE INDEX attempt_run ON attempt (run);
CREATE INDEX attempt_at ON attempt (at);
CREATE TABLE candidate (
    run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    number INTEGER NOT NULL, provider TEXT NOT NULL, origin TEXT NOT NULL, diff TEXT NOT NULL,
    reason TEXT NOT NULL, detail TEXT NOT NULL, fail_to_pass INTEGER NOT NULL, still_failing INTEGER NOT NULL,
    newly_failing TEXT NOT NULL, missing TEXT NOT NULL, agreement INTEGER NOT NULL, diff_size INTEGER NOT NULL,
    ttg_ms INTEGER NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, cost_usd_micros INTEGER,
    stub INTEGER NOT NULL, attempt INTEGER NOT NULL, checks TEXT NOT NULL
);
CREATE INDEX candidate_run ON candidate (run);
"""

_UNJUDGED = f"'', 'ok', '{CANCELLED}', 'duplicate', {REFUSED_CAUSES}"
"""What became of an attempt or candidate and says nothing about its lane: still open, ended by Torre, not sent."""

_STAND = f"""
UPDATE run SET
    outcome = CASE WHEN ended IS NULL THEN '' WHEN mode = 'PATCH' THEN 'green'
        WHEN exit_code = 0 THEN 'nothing_red' WHEN exit_code = 4 THEN 'refused' WHEN exit_code = 3 THEN 'failed'
        WHEN diff != '' THEN 'advisory' ELSE 'no_winner' END,
    stage = iif(stage = '', coalesce((SELECT max(stage) FROM attempt WHERE run = run.id), ''), stage),
    calls = (SELECT count(*) FROM attempt WHERE run = run.id AND {WENT_OUT}),
    (queue_ms, provider_ms) = (SELECT sum(queue_ms), sum(provider_ms) FROM attempt WHERE run = run.id
        GROUP BY lane ORDER BY sum(queue_ms + provider_ms) DESC LIMIT 1)
WHERE {{id}}"""

_SHARE = """share (lane, started, run, workspace, stage, outcome, change, sent, causes, instead, judged, proved, 
    won, usd_micros, unpriced, answer_ms)"""

_ASKED = f"""
INSERT INTO {_SHARE}
WITH asked AS (
    SELECT run, lane, min(rowid) AS first, sum({WENT_OUT}) AS sent,
        group_concat(nullif(cause, 'ok'), ' ') AS causes, max(cause = 'ok') AS answered,
        max(cause NOT IN ('ok', '{CANCELLED}')) AS failed,
        max(iif(verdict = '', cause, verdict) NOT IN ({_UNJUDGED})) AS judged, max(verdict = 'passed') AS proved,
        coalesce(sum(usd_micros), 0) AS usd_micros, sum(usd_micros IS NULL) AS unpriced,
        round(avg(iif(cause = 'ok', provider_ms, NULL))) AS answer_ms
    FROM attempt WHERE {{run}} GROUP BY run, lane
), shown AS (
    SELECT run, provider AS lane, max(reason = '' OR reason NOT IN ({_UNJUDGED})) AS judged,
        max(reason = '') AS proved
    FROM candidate WHERE stub = 0 AND {{run}} GROUP BY run, provider
)
SELECT asked.lane, started, asked.run, workspace, stage, outcome, change, sent,
    coalesce(' ' || causes || ' ', ''),
    CASE WHEN failed AND NOT answered THEN coalesce((SELECT other.lane FROM asked AS other
        WHERE other.run = asked.run AND other.answered ORDER BY other.first LIMIT 1), '-') ELSE '' END,
    ended IS NOT NULL AND (asked.judged OR coalesce(shown.judged, 0)), asked.proved OR coalesce(shown.proved, 0),
    asked.lane = winner_lane, usd_micros, unpriced, answer_ms
FROM asked JOIN run ON run.id = asked.run LEFT JOIN shown ON shown.run = asked.run AND shown.lane = asked.lane"""

_SKIPPED = f"""
INSERT OR IGNORE INTO {_SHARE}
SELECT json_extract(value, '$.provider'), started, run.id, workspace, stage, outcome, change, 0,
    ' ' || json_extract(value, iif(json_extract(value, '$.reason') = 'quota', '$.detail', '$.reason')) || ' ',
    coalesce((SELECT lane FROM attempt WHERE run = run.id AND cause = 'ok' ORDER BY attempt.rowid LIMIT 1), '-'),
    0, 0, 0, 0, 0, NULL
FROM run, json_each(details, '$.decision.skipped')
WHERE {{id}} AND NOT coalesce(json_extract(details, '$.decision.stub'), 0)
    AND json_extract(value, '$.reason') IN ('quota', 'cooldown', 'circuit_open', 'unpriced')"""
"""Lanes that were to be asked, and were not for now: each is one refused call."""

_WON = f"""
INSERT OR IGNORE INTO {_SHARE}
SELECT winner_lane, started, run.id, workspace, stage, outcome, change, 0, '', '', 0, 0, 1, 0, 0, NULL
FROM run WHERE {{id}} AND winner_lane != ''"""

_SUMMING = (_STAND, "DELETE FROM share WHERE {run}", _ASKED, _SKIPPED, _WON)
"""Frozen with the last script, which sums up every run. A version that counts anew takes that into a script of its
own: nobody stops between two of them, so that the older sums are of no use to anyone."""

_SECOND = """
ALTER TABLE attempt ADD COLUMN reserved_usd_micros INTEGER;
ALTER TABLE run ADD COLUMN outcome TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN change TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN calls INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN queue_ms INTEGER;
ALTER TABLE run ADD COLUMN provider_ms INTEGER;
CREATE TABLE change (
    run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    at REAL NOT NULL, what TEXT NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL
);
CREATE INDEX change_run ON change (run);
CREATE TABLE share (
    lane TEXT NOT NULL, started REAL NOT NULL, run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    workspace TEXT NOT NULL, stage TEXT NOT NULL, outcome TEXT NOT NULL, change TEXT NOT NULL,
    sent INTEGER NOT NULL, causes TEXT NOT NULL, instead TEXT NOT NULL,
    judged INTEGER NOT NULL, proved INTEGER NOT NULL, won INTEGER NOT NULL,
    usd_micros INTEGER NOT NULL, unpriced INTEGER NOT NULL, answer_ms INTEGER,
    PRIMARY KEY (lane, stage, started, run)
) WITHOUT ROWID;
CREATE INDEX share_run ON share (run);
CREATE INDEX share_failed ON share (
    lane, causes, instead, started, workspace, stage, outcome, change, sent, won
) WHERE causes != '';
DROP INDEX candidate_run;
CREATE INDEX candidate_run ON candidate (run, provider, reason, stub, number);
DROP INDEX run_started;
"""
_THIRD = f"""
DROP INDEX IF EXISTS run_figures;
{";".join(step.format(id="true", run="true") for step in _SUMMING)};
CREATE INDEX run_figures ON run (
    started, outcome, stage, workspace, change, duration_ms, calls, queue_ms, provider_ms
);
"""
"""The second one, which made this index too, counted calls that were called off before they went out."""
_SUM_UP = tuple(step.format(id="run.id = :run", run="run = :run") for step in _SUMMING)

KIND = Kind(
    name="trace store",
    application=0x544F5254,
    scripts=(_FIRST, _SECOND, _THIRD),
    begin="INSERT INTO store (id) VALUES (?)",
    identify="SELECT id FROM store",
    otherwise="the run cannot be recorded",
    remedy="remove it (its runs are lost)",
    page_bytes=4096,  # most of it are long texts, and figures go over many rows
)


def sum_up(db: sqlite3.Connection, run: int) -> None:
    """Bring the narrow columns of one run up to date, within the transaction that changed its rows."""
    for step in _SUM_UP:
        db.execute(step, {"run": run})
