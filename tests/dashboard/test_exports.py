"""A table that is taken away is the table that was shown; and a spreadsheet that opens it runs nothing."""

from __future__ import annotations

import csv
import io
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from llm.kept.board.filters import Filter
from llm.kept.board.overview import overview
from llm.kept.board.runs import Decision
from llm.ledger.home import open_figures
from llm.server.dashboard.view.export import csv_head, csv_lines
from llm.server.readers import EXPORTS
from tests.dashboard.conftest import GREEN, OPENAI, Author, seen
from tests.server.conftest import Serve, Server, environment, project

TABLES = (
    *("/overview/spend", "/overview/outcomes", "/quotas/gauges", "/quotas/refused", "/providers/wins"),
    *("/providers/lanes", "/providers/errors", "/providers/fallbacks", "/speed/histogram", "/speed/attempts"),
    *(
        "/speed/split",
        "/runs",
        *(f"/runs/{GREEN}/{name}" for name in ("spans", "candidates", "attempts", "changes")),
    ),
)


@pytest.mark.parametrize("table", TABLES)
def test_both_forms_hold_the_same_rows(server: Server, table: str) -> None:
    asked, told = server.get(f"{table}.csv"), server.get(f"{table}.json").json()
    assert asked.headers["content-type"] == "text/csv; charset=utf-8"
    assert asked.headers["content-disposition"].startswith('attachment; filename="torre-')
    rows = list(csv.DictReader(io.StringIO(asked.text)))
    assert len(rows) == len(told["rows"])
    for plain, row in zip(rows, told["rows"], strict=True):
        assert list(plain) == list(row)
        told_plainly = {name: value for name, value in row.items() if isinstance(value, int | str)}
        assert all(plain[name].removeprefix("'") == str(value) for name, value in told_plainly.items())


def test_the_rows_are_those_that_are_shown(server: Server, root: Path, env: dict[str, str]) -> None:
    told = server.get("/overview/spend.json", params={"provider": OPENAI}).json()
    chosen = Filter(**told["filter"])
    with open_figures(root, env) as figures:
        assert told["rows"] == overview(figures, chosen).spend.rows() and told["rows"]
    shown = seen(server, f"/?provider={OPENAI}").tables["Spend a day by provider"][1:]
    assert [row[:2] for row in shown] == [[row["day"], row["lane"]] for row in told["rows"]]


def test_all_runs_of_the_filter_are_taken_away(server: Server) -> None:
    told = server.get("/runs.json?outcome=green").json()
    assert [row["outcome"] for row in told["rows"]] == ["green", "green"]
    lost = (
        server.get("/runs.json?outcome=failed").json()["rows"]
        + server.get("/runs.json?stage=types").json()["rows"]
    )
    assert ["embedded/fixers: checks_red"] in [row["rejected"] for row in lost]


@pytest.mark.parametrize(
    "path", ["/overview/nothing.csv", "/overview/spend.xls", "/runs.xls", f"/runs/{GREEN}/x.csv"]
)
def test_what_is_no_table_is_not_found(server: Server, path: str) -> None:
    assert server.get(path).status_code == 404
    assert server.get(path).headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", "\r=1", "\tx"),
        *("\xa0=1", "\0=1", " \x1f\u3000+1", "\ufeff=1", "\u200b@x"),
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_is_quoted(text: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_lines([{"a": text, "b": -1, "c": "a=1"}]), newline=""))
    assert row == [f"'{text}", "-1", "a=1"]


def test_several_values_of_a_cell_do_not_look_like_cells() -> None:
    (row,) = csv.reader(io.StringIO(csv_lines([{"a": ["x", "=1+1"], "b": ["=1", "x"], "c": [1]}]), newline=""))
    assert row == ["x | =1+1", "'=1 | x", "1"]


def test_who_reads_slowly_keeps_nobody_from_the_pages_and_gives_the_place_back(
    serve: Serve, tmp_path: Path
) -> None:
    author = Author(project(tmp_path, "roots"), environment(tmp_path))
    for number in range(120):  # more than what lies between two sockets
        author.begin(f"{number:08x}-0000-4000-8000-000000000000", 1)
        author.end(f"{number:08x}-0000-4000-8000-000000000000", 1, summary="x" * 200_000)
    author.store.close()
    server = serve("--rate", "1000")
    place = urlsplit(server.url)
    slow = []
    for form in ("csv", "json") * (EXPORTS // 2):
        reader = socket.socket()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect((place.hostname, place.port))
        reader.sendall(f"GET /runs.{form}?time=7d HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode())
        assert reader.recv(12) == b"HTTP/1.1 200"
        slow.append(reader)
    refused = server.get("/runs.csv", headers={"Accept": "text/csv"})
    assert refused.status_code == 503 and int(refused.headers["retry-after"]) > 0
    assert "8 exports are being read" in refused.json()["detail"]
    assert server.get("/runs").status_code == 200 == server.get("/overview/outcomes.csv").status_code
    slow.pop().close()
    end = time.monotonic() + 20
    while (answer := server.get("/runs.csv?stage=docs")).status_code != 200:
        assert time.monotonic() < end, answer.text
        time.sleep(0.05)
    for reader in slow:
        reader.close()


def test_an_empty_table_has_its_names(server: Server) -> None:
    assert server.get("/runs.csv?stage=docs").text == csv_head(Decision)
    assert csv_head(Decision).startswith("trace_id,started,workspace")
