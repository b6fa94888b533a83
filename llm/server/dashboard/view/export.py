"""The rows of a table as a file: CSV that a spreadsheet does not run, or JSON."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any

from starlette.responses import Response

from llm.kept.board.filters import Filter
from llm.server.problem import Json

FORMATS = ("csv", "json")
_OBEYED = frozenset("=+-@＝＋－＠")
_BREAKS = ("\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula, and what may begin a cell of its own."""


def exported(name: str, form: str, noun: type, rows: list[dict[str, Any]], chosen: Filter) -> Response:
    """A file of the rows, which have the fields of `noun`."""
    if form == "json":
        return Json({"table": name, "filter": asdict(chosen), "rows": rows})
    text = csv_head(noun) + csv_lines(rows)
    return Response(text.encode("utf-8", "replace"), media_type="text/csv", headers=attached(f"{name}.csv"))


def csv_head(noun: type) -> str:
    """The line of the names."""
    return _lines([[field.name for field in fields(noun)]])


def csv_lines(rows: Iterable[Mapping[str, Any]]) -> str:
    """One line a row; several values in a cell with bars between, what is no text as JSON. With semicolons, a
    spreadsheet that takes those for the ends of cells would find a cell where none was looked at."""
    return _lines([_cell(value) for value in row.values()] for row in rows)


def attached(name: str) -> dict[str, str]:
    """That it is to be kept as a file of this name."""
    return {"Content-Disposition": f'attachment; filename="torre-{name}"'}


def _lines(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, list | tuple):
        value = " | ".join(one if isinstance(one, str) else json.dumps(one) for one in value)
    if isinstance(value, str) and (value.startswith(_BREAKS) or _first_seen(value) in _OBEYED):
        return f"'{value}"
    return value


def _first_seen(text: str) -> str:
    """The first character that is neither white space nor without a shape, which spreadsheets pass over; or ""."""
    return next((one for one in text if unicodedata.category(one)[0] not in "ZC"), "")
