"""TypeScript's code fixes as candidates: the real tsc turns red, and green after the candidate."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from llm.domain import Candidate
from llm.fixers.typescript import FIXER
from llm.setup_tools import typescript_home
from tests.fixers.red_builds import NODE_MODULES, red_build

TSC = "npx tsc --noEmit"
UTIL = (
    "export const slugify = (s: string): string => s.toLowerCase();\n"
    "export const load = async (): Promise<number> => 1;\n"
)
USER = (
    "export interface User {\n  name: string;\n}\n\n"
    "export async function fetchUser(): Promise<User> {\n  return { name: 'a' };\n}\n"
)
FAST = {"lib": ["es2022"], "skipLibCheck": True, "types": []}


def config(**more: object) -> str:
    common = {"strict": True, "target": "es2022", "module": "esnext", "moduleResolution": "bundler"}
    return json.dumps({"compilerOptions": {**FAST, **common, **more}, "include": ["src"]})


# One red file each, and how it must read when the first green candidate has been applied to all of them.
MENDED = {
    "a missing import, in the quotes of the file": (
        "const quote = 'a';\nexport const f = () => slugify(quote);\n",
        "import { slugify } from './util';\n\nconst quote = 'a';\nexport const f = () => slugify(quote);\n",
    ),
    "an import beside another": (
        'import { load } from "./util";\nexport const f = async () => slugify(String(await load()));\n',
        'import { load, slugify } from "./util";\nexport const f = async () => slugify(String(await load()));\n',
    ),
    "two letters exchanged in a name": (
        "export const f = (name: string) => nmae;\n",
        "export const f = (name: string) => name;\n",
    ),
    "a misspelt member": (
        "export const f = (text: string) => text.trimm();\n",
        "export const f = (text: string) => text.trim();\n",
    ),
    "a missing await before an assigned value": (
        "import { load } from './util';\n\nexport const f = async (n: number) => {\n  n = load();\n}\n",
        "import { load } from './util';\n\nexport const f = async (n: number) => {\n  n = await load();\n}\n",
    ),
    "a missing await before a member": (
        "import { load } from './util';\n\nexport const f = async () => load().toFixed(1);\n",
        "import { load } from './util';\n\nexport const f = async () => (await load()).toFixed(1);\n",
    ),
    "an unused local, but not one that a misspelt name means": (
        "export function f() {\n  const unused = 1;\n  const title = 'a';\n  return titel;\n}\n",
        "export function f() {\n  const title = 'a';\n  return title;\n}\n",
    ),
    "a missing import, a missing await and a misspelt member at once": (
        "export async function f(): Promise<number> {\n  const user: User = fetchUser();\n"
        "  return user.nmae.length;\n}\n",
        "import { fetchUser, User } from './user';\n\nexport async function f(): Promise<number> {\n"
        "  const user: User = await fetchUser();\n  return user.name.length;\n}\n",
    ),
    "a missing override": (
        "class A {\n  f() {}\n}\nexport class B extends A {\n  f() {}\n}\n",
        "class A {\n  f() {}\n}\nexport class B extends A {\n  override f() {}\n}\n",
    ),
    "a misspelt import path": (
        "import { slugify } from './utill';\nexport const f = slugify('a');\n",
        "import { slugify } from './util';\nexport const f = slugify('a');\n",
    ),
    "an import path in the wrong case": (
        "import { slugify } from './Util';\nexport const f = slugify('a');\n",
        "import { slugify } from './util';\nexport const f = slugify('a');\n",
    ),
    "an import path to the wrong directory": (
        "import { slugify } from '../lib/util';\nexport const f = slugify('a');\n",
        "import { slugify } from './util';\nexport const f = slugify('a');\n",
    ),
    "CRLF and tabs": (
        "class A {}\r\n\r\nexport class B extends A {\r\n\tconstructor() {\r\n\t}\r\n}\r\n",
        "class A {}\r\n\r\nexport class B extends A {\r\n\tconstructor() {\r\n\t\tsuper();\r\n\t}\r\n}\r\n",
    ),
    "JavaScript under checkJs.js": (
        "export const f = (/** @type {string} */ text) => text.toLowercase();\n",
        "export const f = (/** @type {string} */ text) => text.toLowerCase();\n",
    ),
    "several at once": (
        "import { load } from './utill';\n\nexport async function f(words: string[]): Promise<number> {\n"
        "  const unused = 1;\n  const n: number = load();\n  return slugify(wrods[0] ?? '').lenght + n;\n}\n",
        "import { load, slugify } from './util';\n\nexport async function f(words: string[]): Promise<number> {\n"
        "  const n: number = await load();\n  return slugify(words[0] ?? '').length + n;\n}\n",
    ),
}


def _file(title: str) -> str:
    return f"src/{title}" if title.endswith(".js") else f"src/{title}.ts"


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Candidate, Mapping[str, str]]:
    """All of the files in one workspace, turned green by one candidate: tsc is slow to start."""
    options = {"noUnusedLocals": True, "noImplicitOverride": True, "allowJs": True, "checkJs": True}
    red = {_file(title): before for title, (before, _) in MENDED.items()}
    files = {"tsconfig.json": config(**options), "src/util.ts": UTIL, "src/user.ts": USER, **red}
    with red_build(tmp_path_factory.mktemp("mended"), files, TSC) as build:
        winner = build.proven(FIXER)
        return winner, build.after(winner)


@pytest.mark.parametrize("title", MENDED)
def test_the_code_fix_reads_as_a_person_would_have_written_it(
    title: str, mended: tuple[Candidate, Mapping[str, str]]
) -> None:
    assert mended[1][_file(title)] == MENDED[title][1]


def test_the_origin_names_the_typescript_and_the_fixes(mended: tuple[Candidate, Mapping[str, str]]) -> None:
    assert mended[0].origin.startswith("typescript 6.0.3: ")
    assert "moduleSpecifier: Change import to" in mended[0].origin
    assert set(mended[1]) == set(map(_file, MENDED))


def test_several_sources_of_a_name_are_several_candidates(tmp_path: Path) -> None:
    files = {
        "tsconfig.json": config(),
        "src/one.ts": "export const pick = (n: number) => n;\n",
        "src/two.ts": "export const pick = (s: string) => s;\n",
        "src/main.ts": "export const f = (s: string): string => pick(s);\n",
    }
    with red_build(tmp_path, files, TSC) as build:
        candidates = build.candidates(FIXER)
        assert build.green(candidates[0])
        assert "./two" in build.after(candidates[0])["src/main.ts"]


def test_a_project_with_references_in_a_directory_of_its_own(tmp_path: Path) -> None:
    options = {**FAST, "composite": True, "module": "esnext", "moduleResolution": "bundler", "outDir": "dist"}
    files = {
        "ts/tsconfig.json": json.dumps({"files": [], "references": [{"path": "core"}, {"path": "app"}]}),
        "ts/core/tsconfig.json": json.dumps({"compilerOptions": options, "include": ["*.ts"]}),
        "ts/core/index.ts": "export const total = (n: number[]): number => n.length;\n",
        "ts/app/tsconfig.json": json.dumps(
            {"compilerOptions": options, "include": ["*.ts"], "references": [{"path": "../core"}]}
        ),
        "ts/app/main.ts": "import { totl } from '../core/index';\nexport const n: number = totl([1]);\n",
    }
    with red_build(tmp_path, files, "tsc -b", directory="ts") as build:
        after = build.after(build.proven(FIXER))
        assert list(after) == ["ts/app/main.ts"]
        assert "{ total }" in after["ts/app/main.ts"]


def test_the_project_that_a_package_script_names_is_used(tmp_path: Path) -> None:
    files = {
        "package.json": '{"scripts": {"types": "tsc -p tsconfig.strict.json --noEmit"}}',
        "tsconfig.json": config(strict=False),
        "tsconfig.strict.json": config(noUnusedLocals=True),
        "src/main.ts": "const unused = 1;\nexport const x = 1;\n",
    }
    with red_build(tmp_path, files, "npm run types") as build:
        assert build.after(build.proven(FIXER)) == {"src/main.ts": "export const x = 1;\n"}


def test_what_no_code_fix_solves_is_no_green_candidate(tmp_path: Path) -> None:
    files = {"tsconfig.json": config(), "src/main.ts": "export const x: number = 'one';\n"}
    with red_build(tmp_path, files, TSC) as build:
        assert not any(build.green(candidate) for candidate in build.candidates(FIXER))
        assert "ts-ignore" not in "".join(candidate.diff for candidate in build.candidates(FIXER))


SILENCED = {
    "a function that throws": "export const f = (): number => fetchUser('a');\n",
    "a method that throws": (
        "interface Shape { area(): number }\n\nexport class Square implements Shape {\n  side = 1;\n}\n"
    ),
    "values out of thin air": (
        "interface Point { x: number; y: number }\n\nexport const origin: Point = { x: 0 };\n"
    ),
    "an index signature": "interface Box { size: number }\n\nexport const f = (box: Box) => box.colour;\n",
    "a definite assignment": "export class Late {\n  value: number;\n}\n",
}


def test_what_only_silences_the_checker_is_never_proposed(tmp_path: Path) -> None:
    red = {f"src/{title}.ts": text for title, text in SILENCED.items()}
    with red_build(tmp_path, {"tsconfig.json": config(), **red}, TSC) as build:
        after = "".join(c.diff for c in build.candidates(FIXER))
    for silencer in ("y: 0", "[x: string]", "value!"):
        assert silencer not in after


def test_a_body_that_is_to_be_written_is_a_guess_and_says_so(tmp_path: Path) -> None:
    files = {"tsconfig.json": config(), "src/main.ts": SILENCED["a method that throws"]}
    with red_build(tmp_path, files, TSC) as build:
        proven = build.proven(FIXER)
    assert "not implemented" in proven.diff
    assert proven.prior <= 0.5
    assert proven.origin.endswith("(to be written out)")


def test_members_are_declared_in_the_order_of_the_interface(tmp_path: Path) -> None:
    text = "interface Box { x: number; y: string; z: boolean }\n\nexport abstract class C implements Box {\n}\n"
    files = {"tsconfig.json": config().replace('"strict": true', '"strict": false'), "src/main.ts": text}
    with red_build(tmp_path, files, TSC) as build:
        after = build.after(build.candidates(FIXER)[0])["src/main.ts"]
    assert after.index("x: number;\n") < after.index("y: string;\n") < after.index("z: boolean;\n")


def test_a_name_is_imported_from_a_package_that_nothing_imports_yet(tmp_path: Path) -> None:
    files = {
        "tsconfig.json": config(),
        "package.json": '{"dependencies": {"tea-pot": "1"}}',
        "node_modules/tea-pot/package.json": '{"name": "tea-pot", "types": "lib/pot.d.ts"}',
        "node_modules/tea-pot/lib/pot.d.ts": "export declare function brew(minutes: number): string;\n",
        "src/main.ts": "export const cup = brew(3);\n",
    }
    shutil.copytree(NODE_MODULES / "typescript", tmp_path / "node_modules" / "typescript")
    with red_build(tmp_path, files, "node node_modules/typescript/bin/tsc --noEmit", modules=False) as build:
        first = build.candidates(FIXER)[0]
    assert '+import { brew } from "tea-pot";' in first.diff


def test_a_script_requires_a_module_as_scripts_do(tmp_path: Path) -> None:
    files = {
        "tsconfig.json": config(allowJs=True, checkJs=True, strict=False),
        "src/kettle.js": "const KETTLE = { litres: 2 };\nmodule.exports = KETTLE;\n",
        "src/main.js": "const cups = KETTLE.litres * 4;\n",
    }
    with red_build(tmp_path, files, TSC) as build:
        after = build.after(build.candidates(FIXER)[0])["src/main.js"]
    assert after == 'const KETTLE = require("./kettle");\n\nconst cups = KETTLE.litres * 4;\n'


def test_what_a_workspace_lacks_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that has no language service (a native one, say) complains, and there is no other."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    files = {"app/tsconfig.json": config(), "app/src/main.ts": "export const x = y;\n"}
    native = "echo \"src/main.ts(1,18): error TS2304: Cannot find name 'y'.\"; exit 2"
    with red_build(tmp_path, files, native, directory="app", modules=False) as build:
        red = build.red()
        assert FIXER.missing(red).endswith("torre setup typescript")
        assert list(FIXER.propose(red)) == []


def test_the_typescript_of_torre_setup_is_used_where_the_workspace_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    installed = typescript_home() / "node_modules"
    shutil.copytree(NODE_MODULES / "typescript", installed / "typescript")
    (installed / ".bin").mkdir()
    (installed / ".bin" / "tsc").symlink_to("../typescript/bin/tsc")
    files = {
        "app/tsconfig.json": config(),
        "app/src/main.ts": "export const value = 1;\nexport const z = vaule;\n",
    }
    native = "echo \"src/main.ts(2,18): error TS2304: Cannot find name 'vaule'.\"; exit 2"
    with red_build(tmp_path / "workspace", files, native, directory="app", modules=False) as build:
        first, *_ = build.candidates(FIXER)
        assert build.after(first)["app/src/main.ts"].endswith("z = value;\n")
