"""How well secrets are told from code: `python -m bench.secrets [--code] PATH…`.

PATH is a checkout of Yelp/detect-secrets: its plugins' own test tables (a text, and whether it holds a secret) are
read, not run; one JSON line a table, then one of all. With `--code` it is any directory of sources that hold none:
the lines that are taken for one, by kind, and how many that is in a million. Texts are never printed.
"""

from __future__ import annotations

import argparse
import ast
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from llm.workspace.secrets import find_secrets

_SOURCES = frozenset(
    {
        *(".py", ".pyi", ".js", ".mjs", ".cjs", ".ts", ".tsx", ".json", ".toml", ".yaml", ".yml", ".cfg", ".ini"),
        *(".md", ".rst", ".txt", ".sh", ".lock"),
    }
)
_MOST_BYTES = 4 << 20
_NOISE = ("high_entropy_strings_test", "ip_public_test")
"""Not secrets to Torre: any random text (a hash is one, too), and addresses. Counted apart."""


def tables(checkout: Path) -> Iterator[tuple[str, list[tuple[str, bool]]]]:
    """The literal pairs of text and truth in the tests of each plugin."""
    for path in sorted((checkout / "tests" / "plugins").glob("*_test.py")):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        cases = [case for node in nodes if isinstance(node, ast.Tuple) and (case := _case(node))]
        if cases:
            yield path.stem, cases


def _case(node: ast.Tuple) -> tuple[str, bool] | None:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    match value:
        case (str(text), bool(holds)):
            return text, holds
        case _:
            return None


def rated(cases: list[tuple[str, bool]]) -> Counter[str]:
    """How many of the secrets were found, and how many of the others were taken for one."""
    found: Counter[str] = Counter()
    for text, holds in cases:
        flagged = bool(find_secrets(f"value = '{text}'\n{text}\n"))
        found["secrets" if holds else "others"] += 1
        found["found" if holds else "false_positives"] += flagged
    return found


def of_code(top: Path) -> dict[str, object]:
    """What is taken for a secret in a directory of sources, and how often."""
    files = lines = 0
    flagged: list[str] = []
    for path in sorted(top.rglob("*")):
        if path.suffix not in _SOURCES or not path.is_file() or path.stat().st_size > _MOST_BYTES:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        files, lines = files + 1, lines + text.count("\n")
        for each in find_secrets(text):
            flagged.append(f"{path.relative_to(top)}:{text.count(chr(10), 0, each.start) + 1}: {each.kind}")
    kinds = Counter(line.rpartition(": ")[2] for line in flagged)
    rate = round(1e6 * len(flagged) / max(1, lines), 1)
    return {
        "files": files,
        "lines": lines,
        "flagged": len(flagged),
        "per_million": rate,
        "kinds": kinds,
        "at": flagged,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--code", action="store_true", help="the directories hold sources without secrets")
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    options = parser.parse_args()
    for path in options.paths:
        if options.code:
            print(json.dumps({"path": path.name, **of_code(path)}))
            continue
        every: Counter[str] = Counter()
        for name, cases in tables(path):
            figures = rated(cases)
            every.update(figures if name not in _NOISE else {})
            print(json.dumps({"table": name, "counted": name not in _NOISE, **figures}))
        print(json.dumps({"all": {**every, "recall": round(every["found"] / max(1, every["secrets"]), 3)}}))


if __name__ == "__main__":
    main()
