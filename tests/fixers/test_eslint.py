"""eslint's fixes and suggestions as candidates: the real eslint turns red, and green after the candidate."""

from __future__ import annotations

from pathlib import Path

from llm.checks.recognise import check_of
from llm.fixers.eslint import FIXER
from tests.fixers.red_builds import red_build

LINT = "npx eslint src"


def config(**rules: str) -> str:
    listed = ", ".join(f'"{name.replace("_", "-")}": "{level}"' for name, level in rules.items())
    return f'export default [{{ files: ["**/*.js"], rules: {{ {listed} }} }}];\n'


def test_prefer_const_is_fixed_and_crlf_and_tabs_stay(tmp_path: Path) -> None:
    source = "export function f() {\r\n\tlet a = 1;\r\n\treturn a;\r\n}\r\n"
    files = {
        "eslint.config.mjs": config(prefer_const="error"),
        "src/a.js": source,
        "src/b.js": "export default 1;\n",
    }
    with red_build(tmp_path, files, LINT) as build:
        first, *_ = build.candidates(FIXER)
        assert build.green(first)
        assert build.after(first) == {"src/a.js": source.replace("let", "const")}
        assert first.origin == "eslint fixes"


def test_eqeqeq_is_solved_by_its_suggestion(tmp_path: Path) -> None:
    source = "// Größe 😀\nexport const f = (a, b) => a == b;\nexport const g = (a, b) => a != b;\n"
    with red_build(tmp_path, {"eslint.config.mjs": config(eqeqeq="error"), "src/a.js": source}, LINT) as build:
        winner = build.proven(FIXER)
        after = source.replace("a == b", "a === b").replace("a != b", "a !== b")
        assert build.after(winner) == {"src/a.js": after}
        assert "suggestion" in winner.origin


def test_an_unused_name_goes_and_what_it_needed_too(tmp_path: Path) -> None:
    source = "import { a } from './b.js';\nconst c = a;\nexport default 1;\n"
    files = {
        "eslint.config.mjs": config(no_unused_vars="error"),
        "src/a.js": source,
        "src/b.js": "export const a = 1;\n",
    }
    with red_build(tmp_path, files, LINT) as build:
        after = build.after(build.proven(FIXER))
        assert "const c" not in after["src/a.js"]
        assert "import { a }" not in after["src/a.js"]


def test_fixes_and_suggestions_come_together(tmp_path: Path) -> None:
    source = "export const f = (a) => {\n  let b = a;\n  return b == 1;\n};\n"
    files = {"eslint.config.mjs": config(prefer_const="error", eqeqeq="error"), "src/a.js": source}
    with red_build(tmp_path, files, LINT) as build:
        fixes, both = build.candidates(FIXER)
        assert not build.green(fixes)
        assert build.green(both)


def test_each_other_suggestion_is_a_candidate_of_its_own(tmp_path: Path) -> None:
    source = "export const f = (a) => /[\\d-\\a]/.test(a) && '\\d' === a;\n"
    files = {"eslint.config.mjs": config(no_useless_escape="error"), "src/a.js": source}
    with red_build(tmp_path, files, LINT) as build:
        candidates = build.candidates(FIXER)
        assert len({candidate.diff for candidate in candidates}) == len(candidates) > 1
        assert any("no-useless-escape" in candidate.origin for candidate in candidates)


def test_warnings_stay_where_the_check_allows_them(tmp_path: Path) -> None:
    files = {
        "eslint.config.mjs": config(prefer_const="warn", no_var="error"),
        "src/a.js": "let a = 1;\nvar b = a;\nexport default b;\n",
    }
    with red_build(tmp_path, files, LINT) as build:
        assert build.after(build.candidates(FIXER)[0]) == {
            "src/a.js": "let a = 1;\nlet b = a;\nexport default b;\n"
        }
        build.checks = (check_of("eslint src --max-warnings 0 -f stylish"),)
        assert build.after(build.proven(FIXER))["src/a.js"] == "const a = 1;\nconst b = a;\nexport default b;\n"


def test_the_options_of_a_package_script_are_used(tmp_path: Path) -> None:
    files = {
        "web/package.json": '{"scripts": {"lint": "eslint --config other.mjs src", "build": "true"}}',
        "web/other.mjs": config(prefer_const="error"),
        "web/src/a.js": "let a = 1;\nexport default a;\n",
    }
    with red_build(tmp_path, files, "npm run lint", directory="web") as build:
        assert build.after(build.proven(FIXER)) == {"web/src/a.js": "const a = 1;\nexport default a;\n"}


def test_an_eslint_that_breaks_gives_no_candidate_and_says_so(tmp_path: Path) -> None:
    files = {"eslint.config.mjs": "throw new Error('broken configuration');\n", "src/a.js": "let a = 1;\n"}
    with red_build(tmp_path, files, LINT) as build:
        assert build.candidates(FIXER) == []
        assert any("eslint gave no report" in line for line in build.said)
