"""Answers as models write them, in every form and with every defect that was seen or can be expected.

Each is about FILES. `after` is what the answer means; a `Defect` says that it cannot be used and why.
"""

# ruff: noqa: E501 - a table: one answer a line
# fmt: off

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from llm.providers.answers import Defect

CALC = '''\
"""Sums."""

import math


class Calc:
    def add(self, a, b):
        return a - b

    def area(self, r):
        return math.pi * r

    def twice(self, a):
        # two times
        return a + a


def main():
    print(Calc().add(1, 2))
'''
WEB = """\
import { get } from './net';

export function name(user: { first: string }): string {
\treturn user.frist;
}
"""
README = """\
Calc
=======

Adds and multiplies.
"""
LONG = "".join(f"VALUE_{i} = {i}\n" for i in range(60))
FILES = {"src/calc.py": CALC, "web/app.ts": WEB, "README.md": README, "src/long.py": LONG, "src/empty.py": ""}

ADDED = CALC.replace("a - b", "a + b")
AREA = CALC.replace("math.pi * r", "math.pi * r**2")
BOTH = ADDED.replace("math.pi * r", "math.pi * r**2")
NAMED = WEB.replace("frist", "first")
TITLED = README.replace("Calc\n", "Calculator\n", 1).replace("=======", "==========")


@dataclass(frozen=True)
class Case:
    name: str
    answer: str
    after: Mapping[str, str | None] = field(default_factory=dict)
    defect: Defect | None = None
    files: Mapping[str, str] = field(default_factory=lambda: FILES)


def _search(old: str, new: str) -> str:
    return f"<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE"


ONE = {"src/calc.py": ADDED}
FIX = _search("        return a - b", "        return a + b")

WHOLE = [
    Case("path line above the fence", f"The sign was wrong.\n\nsrc/calc.py\n```python\n{ADDED}```\n", ONE),
    Case("path in backticks", f"`src/calc.py`\n\n```python\n{ADDED}```", ONE),
    Case("path as a heading", f"### src/calc.py\n\n```python\n{ADDED}```\nThat is all.", ONE),
    Case("path bold with a colon", f"**src/calc.py:**\n```python\n{ADDED}```", ONE),
    Case("path after `File:`", f"File: src/calc.py\n```python\n{ADDED}```", ONE),
    Case("path in a sentence", f"Here is the corrected `src/calc.py`:\n\n```python\n{ADDED}```", ONE),
    Case("path in a sentence further up", f"I changed `src/calc.py`.\n\nAll of it:\n```py\n{ADDED}```", ONE),
    Case("path in the info string", f"```python src/calc.py\n{ADDED}```", ONE),
    Case("path after a colon in the info string", f"```python:src/calc.py\n{ADDED}```", ONE),
    Case("path as an attribute of the fence", f'```python title="src/calc.py"\n{ADDED}```', ONE),
    Case("path in a first comment", f"```python\n# src/calc.py\n{ADDED}```", ONE),
    Case("path twice", f"1. `src/calc.py`\n```python\n# src/calc.py\n{ADDED}```", ONE),
    Case("dots and a slash in front", f"./src/calc.py\n```\n{ADDED}```", ONE),
    Case("a prefix as in diffs", f"a/src/calc.py\n```\n{ADDED}```", ONE),
    Case("the whole path of a container", f"/workspace/src/calc.py\n```\n{ADDED}```", ONE),
    Case("the file's bare name", f"calc.py\n```python\n{ADDED}```", ONE),
    Case("backslashes", f"src\\calc.py\n```python\n{ADDED}```", ONE),
    Case("no name, but alike", f"Fixed:\n```python\n{ADDED}```", ONE),
    Case("no fence at all", ADDED, ONE),
    Case("tildes", f"src/calc.py\n~~~python\n{ADDED}~~~", ONE),
    Case("a fence that never closes", f"src/calc.py\n```python\n{ADDED}", ONE),
    Case("an indented fence in a list", "- `src/empty.py`\n\n   ```python\n   A = 1\n   B = 2\n   ```", {"src/empty.py": "A = 1\nB = 2\n"}),
    Case("two files", f"src/calc.py\n```python\n{ADDED}```\n\nweb/app.ts\n```ts\n{NAMED}```", ONE | {"web/app.ts": NAMED}),
    Case("a new file", "`src/new_part.py`\n```python\nA = 1\n```", {"src/new_part.py": "A = 1\n"}),
    Case("a new file in a package beside one of its name", "`lib/calc.py`\n```python\nA = 1\n```", {"lib/calc.py": "A = 1\n"}),
    Case("a remark after the path", "### src/new_part.py (new file)\n```python\nA = 1\n```", {"src/new_part.py": "A = 1\n"}),
    Case("a command to run comes after", f"src/calc.py\n```python\n{ADDED}```\nRun `src/calc.py`:\n```bash\npython src/calc.py\n```", ONE),
    Case("the old lines are quoted first", f"In `src/calc.py` this is wrong:\n```python\n        return a - b\n```\nThe file:\n\nsrc/calc.py\n```python\n{ADDED}```", ONE),
    Case("the same file twice", f"src/calc.py\n```\n{ADDED}```\n\nOnce more, src/calc.py:\n```\n{ADDED}```", ONE),
    Case("CRLF", f"src/calc.py\n```python\n{ADDED}```\n".replace("\n", "\r\n"), ONE),
    Case("thinking aloud", f"<think>\nsrc/calc.py\n```python\nx = 1\n```\n</think>\nsrc/calc.py\n```python\n{ADDED}```", ONE),
    Case("a tag", f'<file path="src/calc.py">\n{ADDED}</file>', ONE),
    Case("a tag around a fence", f'<file path="src/calc.py">\n```python\n{ADDED}```\n</file>', ONE),
    Case("a tag with CDATA", f'<file name="src/calc.py"><![CDATA[\n{ADDED}]]></file>', ONE),
    Case("tags in a fence", f'```xml\n<file path="src/calc.py">\n{ADDED}</file>\n```', ONE),
    Case("fences in Markdown", "README.md\n```markdown\nCalc\n\n```bash\nmake\n```\n\nEnd.\n```", {"README.md": "Calc\n\n```bash\nmake\n```\n\nEnd.\n"}),
    Case("a longer fence around fences", "README.md\n````\nCalc\n\n```\nmake\n```\n````", {"README.md": "Calc\n\n```\nmake\n```\n"}),
    Case("a fence in a docstring", 'src/empty.py\n```python\ndef f():\n    """As in\n\n    ```python\n    f()\n    ```\n    """\n```', {"src/empty.py": 'def f():\n    """As in\n\n    ```python\n    f()\n    ```\n    """\n'}),
    Case("Unicode", "`src/größe.py`\n```python\nNAME = 'Ünïcødé 🗼'\n```", {"src/größe.py": "NAME = 'Ünïcødé 🗼'\n"}),
]

BLOCKS = [
    Case("a block under its path", f"src/calc.py\n```python\n{FIX}\n```", ONE),
    Case("a block with its path in the fence", f"```python\nsrc/calc.py\n{FIX}\n```", ONE),
    Case("a block without a fence", f"src/calc.py\n{FIX}", ONE),
    Case("a block with its path on the marker", f"{FIX}".replace("SEARCH", "SEARCH src/calc.py"), ONE),
    Case("a block with its path in the info string", f"```python src/calc.py\n{FIX}\n```", ONE),
    Case("two blocks under one path", f"src/calc.py\n{FIX}\n\n{_search('math.pi * r', 'math.pi * r**2')}", {"src/calc.py": BOTH}),
    Case("two blocks, two files", f"src/calc.py\n```\n{FIX}\n```\nweb/app.ts\n```\n{_search('user.frist', 'user.first')}\n```", ONE | {"web/app.ts": NAMED}),
    Case("the same block twice", f"src/calc.py\n{FIX}\n\n{FIX}", ONE),
    Case("no path, but only one file has the lines", FIX, ONE),
    Case("other markers", "src/calc.py\n------- SEARCH\n        return a - b\n=======\n        return a + b\n+++++++ REPLACE", ONE),
    Case("markers of a merge", "src/calc.py\n<<<<<<< ORIGINAL\n        return a - b\n=======\n        return a + b\n>>>>>>> UPDATED", ONE),
    Case("the last marker forgotten", "src/calc.py\n```python\n<<<<<<< SEARCH\n        return a - b\n=======\n        return a + b\n```\nDone.", ONE),
    Case("trailing blanks", "src/calc.py\n" + _search("    def add(self, a, b):  \n        return a - b ", "    def add(self, a, b):\n        return a + b" ), ONE),
    Case("too little indentation", "src/calc.py\n" + _search("def add(self, a, b):\n    return a - b", "def add(self, a, b):\n    return a + b"), ONE),
    Case("too much indentation", "src/calc.py\n" + _search("            def add(self, a, b):\n                return a - b", "            def add(self, a, b):\n                return a + b"), ONE),
    Case("spaces for tabs", "web/app.ts\n" + _search("export function name(user: { first: string }): string {\n  return user.frist;\n}", "export function name(user: { first: string }): string {\n  return user.first;\n}"), {"web/app.ts": NAMED}),
    Case("a blank line too few", "src/calc.py\n" + _search("        return a - b\n    def area(self, r):\n        return math.pi * r", "        return a + b\n\n    def area(self, r):\n        return math.pi * r"), ONE),
    Case("a blank line too many", "src/calc.py\n" + _search("    def add(self, a, b):\n\n        return a - b", "    def add(self, a, b):\n        return a + b" ), ONE),
    Case("a comment misremembered", "src/calc.py\n" + _search("    def area(self, r):\n        return math.pi * r\n\n    def twice(self, a):\n        # two time\n        return a + a", "    def area(self, r):\n        return math.pi * r**2\n\n    def twice(self, a):\n        # two time\n        return a + a"), {"src/calc.py": AREA}),
    Case("a piece of a line", "src/calc.py\n" + _search("return a - b", "return a + b"), ONE),
    Case("an underlined heading", "README.md\n" + _search("Calc\n=======", "Calculator\n=========="), {"README.md": TITLED}),
    Case("an empty search makes a file", "src/new_part.py\n<<<<<<< SEARCH\n=======\nA = 1\n>>>>>>> REPLACE", {"src/new_part.py": "A = 1\n"}),
    Case("an empty replacement", "src/calc.py\n<<<<<<< SEARCH\n        # two times\n=======\n>>>>>>> REPLACE", {"src/calc.py": CALC.replace("        # two times\n", "")}),
    Case("the second edit meets the first", f"src/calc.py\n{FIX}\n{_search('        return a + b', '        return b + a')}", {"src/calc.py": CALC.replace("a - b", "b + a")}),
]

_HUNK = "     def add(self, a, b):\n-        return a - b\n+        return a + b\n \n"

DIFFS = [
    Case("a diff", f"```diff\n--- a/src/calc.py\n+++ b/src/calc.py\n@@ -7,3 +7,3 @@\n{_HUNK}```", ONE),
    Case("a diff without a fence", f"--- a/src/calc.py\n+++ b/src/calc.py\n@@ -7,3 +7,3 @@\n{_HUNK}", ONE),
    Case("a diff with git's header", f"```diff\ndiff --git a/src/calc.py b/src/calc.py\nindex 1..2 100644\n--- a/src/calc.py\n+++ b/src/calc.py\n@@ -7,3 +7,3 @@ class Calc:\n{_HUNK}```", ONE),
    Case("a diff without prefixes", f"```diff\n--- src/calc.py\n+++ src/calc.py\n@@ -7,3 +7,3 @@\n{_HUNK}```", ONE),
    Case("wrong line numbers", f"```diff\n--- a/src/calc.py\n+++ b/src/calc.py\n@@ -70,3 +72,3 @@\n{_HUNK}```", ONE),
    Case("wrong counts", f"```diff\n--- a/src/calc.py\n+++ b/src/calc.py\n@@ -7,9 +7,1 @@\n{_HUNK}```", ONE),
    Case("no line numbers", f"```diff\n--- a/src/calc.py\n+++ b/src/calc.py\n@@ ... @@\n{_HUNK}```", ONE),
    Case("no hunk header", f"```diff\n--- a/src/calc.py\n+++ b/src/calc.py\n{_HUNK}```", ONE),
    Case("no file header", f"src/calc.py\n```diff\n@@ -7,3 +7,3 @@\n{_HUNK}```", ONE),
    Case("only the new name", f"```diff\n+++ src/calc.py\n@@ -7,3 +7,3 @@\n{_HUNK}```", ONE),
    Case("context without its space", "```diff\n--- a/src/calc.py\n+++ b/src/calc.py\n@@ @@\nclass Calc:\n     def add(self, a, b):\n-        return a - b\n+        return a + b\n\n     def area(self, r):\n```", ONE),
    Case("drifted context", "```diff\n--- a/src/calc.py\n+++ b/src/calc.py\n@@ -7,5 +7,5 @@\n     def add(self, a, b):\n-        return a - b\n+        return a + b\n     def area(self, r):\n         return math.pi * r\n```", {"src/calc.py": ADDED.replace("a + b\n\n    def area", "a + b\n    def area")}),
    Case("two hunks", "```diff\n--- a/src/calc.py\n+++ b/src/calc.py\n@@\n-        return a - b\n+        return a + b\n@@\n-        return math.pi * r\n+        return math.pi * r**2\n```", {"src/calc.py": BOTH}),
    Case("two fences, two files", f"First:\n```diff\n--- a/src/calc.py\n+++ b/src/calc.py\n@@ -7,3 +7,3 @@\n{_HUNK}```\nThen:\n```diff\n--- a/web/app.ts\n+++ b/web/app.ts\n@@ -4 +4 @@\n-\treturn user.frist;\n+\treturn user.first;\n```", ONE | {"web/app.ts": NAMED}),
    Case("a diff adds a file", "```diff\n--- /dev/null\n+++ b/src/new_part.py\n@@ -0,0 +1,2 @@\n+A = 1\n+B = 2\n```", {"src/new_part.py": "A = 1\nB = 2\n"}),
    Case("a diff adds a file without numbers", "```diff\n--- /dev/null\n+++ b/src/new_part.py\n+A = 1\n```", {"src/new_part.py": "A = 1\n"}),
    Case("a diff removes a file", "```diff\n--- a/README.md\n+++ /dev/null\n@@ -1,4 +0,0 @@\n-Calc\n-=======\n-\n-Adds and multiplies.\n```", {"README.md": None}),
    Case("a diff renames", "```diff\ndiff --git a/src/empty.py b/src/void.py\nsimilarity index 100%\nrename from src/empty.py\nrename to src/void.py\n```", {"src/empty.py": None, "src/void.py": ""}),
]

ENVELOPES = [
    Case("an update", "*** Begin Patch\n*** Update File: src/calc.py\n@@\n     def add(self, a, b):\n-        return a - b\n+        return a + b\n*** End Patch", ONE),
    Case("an update in a fence", "```\n*** Begin Patch\n*** Update File: src/calc.py\n@@ class Calc:\n-        return a - b\n+        return a + b\n*** End Patch\n```", ONE),
    Case("an anchor tells two places apart", "*** Begin Patch\n*** Update File: s.py\n@@ def b():\n-    return 1\n+    return 2\n*** End Patch", {"s.py": "def a():\n    return 1\ndef b():\n    return 2\n"}, files={"s.py": "def a():\n    return 1\ndef b():\n    return 1\n"}),
    Case("add and delete", "*** Begin Patch\n*** Add File: src/new_part.py\n+A = 1\n+\n+B = 2\n*** Delete File: README.md\n*** End Patch", {"src/new_part.py": "A = 1\n\nB = 2\n", "README.md": None}),
    Case("a move", "*** Begin Patch\n*** Update File: web/app.ts\n*** Move to: web/name.ts\n@@\n-\treturn user.frist;\n+\treturn user.first;\n*** End Patch", {"web/app.ts": None, "web/name.ts": NAMED}),
    Case("no envelope around", "*** Update File: src/calc.py\n@@\n-        return a - b\n+        return a + b\n", ONE),
]

REFUSED = [
    Case("nothing", "", defect=Defect.NO_EDIT),
    Case("prose", "You should replace the minus in `src/calc.py` by a plus.", defect=Defect.NO_EDIT),
    Case("only a command", "Run this:\n```bash\nsed -i s/-/+/ src/calc.py\n```", defect=Defect.NO_EDIT),
    Case("a function of an unknown file", "```python\ndef other():\n    return 2\n```", defect=Defect.NO_EDIT),
    Case("a comment for the rest", f"src/calc.py\n```python\n{ADDED[:120]}\n    # ... rest of the code unchanged\n```", defect=Defect.ELIDED),
    Case("a comment for existing code", "web/app.ts\n```ts\n// ... existing code ...\n\nexport const a = 1;\n```", defect=Defect.ELIDED),
    Case("words for the rest", "src/calc.py\n```python\nA = 1\n# The rest of the file remains the same\n```", defect=Defect.ELIDED),
    Case("dots for the rest", "web/app.ts\n```ts\nimport { get } from './net';\n...\n```", defect=Defect.ELIDED),
    Case("a placeholder in a replacement", "src/calc.py\n" + _search("        return a - b", "        # ... other code ...\n        return a + b"), defect=Defect.ELIDED),
    Case("a fragment of a large file", "src/long.py\n```python\nVALUE_3 = 4\nVALUE_4 = 4\n```", defect=Defect.ELIDED),
    Case("one method of a file", "src/calc.py\n```python\n    def add(self, a, b):\n        return a + b\n```", defect=Defect.ELIDED),
    Case("lines that are not there", "src/calc.py\n" + _search("        return self.total(a, b)", "        return a + b"), defect=Defect.NOT_FOUND),
    Case("lines that are there twice", "s.py\n" + _search("    return 1", "    return 2"), defect=Defect.AMBIGUOUS, files={"s.py": "def a():\n    return 1\ndef b():\n    return 1\n"}),
    Case("an empty search in a full file", "src/calc.py\n<<<<<<< SEARCH\n=======\nA = 1\n>>>>>>> REPLACE", defect=Defect.AMBIGUOUS),
    Case("one file in two forms", f"src/calc.py\n```\n{ADDED}```\n\nsrc/calc.py\n```\n{AREA}```", defect=Defect.AMBIGUOUS),
    Case("a block for an unknown file", "src/other.py\n" + _search("x = 1", "x = 2"), defect=Defect.UNKNOWN_FILE),
    Case("a diff for an unknown file", "```diff\n--- a/src/other.py\n+++ b/src/other.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n```", defect=Defect.UNKNOWN_FILE),
    Case("a block that does not end", "src/calc.py\n<<<<<<< SEARCH\n        return a - b\n=======\n        return a + b", defect=Defect.MALFORMED),
    Case("a block without a divider", "src/calc.py\n<<<<<<< SEARCH\n        return a - b\n>>>>>>> REPLACE", defect=Defect.MALFORMED),
    Case("a tag that does not close", '<file path="src/calc.py">\nA = 1\n', defect=Defect.MALFORMED),
    Case("a binary patch", "diff --git a/x.png b/x.png\nGIT binary patch\nliteral 3\n", defect=Defect.MALFORMED),
    Case("a path that climbs out", "../../outside.py\n```python\nA = 1\n```", defect=Defect.BAD_PATH),
    Case("an absolute path", "/tmp/outside.py\n```python\nA = 1\n```", defect=Defect.BAD_PATH),
    Case("a diff that climbs out", "```diff\n--- /dev/null\n+++ b/../outside.py\n@@ -0,0 +1 @@\n+A = 1\n```", defect=Defect.BAD_PATH),
    Case("a block that climbs out", "../outside.py\n<<<<<<< SEARCH\n=======\nA = 1\n>>>>>>> REPLACE", defect=Defect.BAD_PATH),
    Case("an envelope with an absolute path", "*** Begin Patch\n*** Add File: /etc/cron.d/x\n+A\n*** End Patch", defect=Defect.BAD_PATH),
    Case("another name of .git", "`.GIT/config.cfg`\n```\nA\n```", defect=Defect.BAD_PATH),
    Case("a diff that makes a symlink", "```diff\ndiff --git a/l.py b/l.py\nnew file mode 120000\n--- /dev/null\n+++ b/l.py\n@@ -0,0 +1 @@\n+/etc/passwd\n```", defect=Defect.BAD_PATH),
    Case("nothing changes", f"src/calc.py\n```python\n{CALC}```", defect=Defect.NO_CHANGE),
    Case("too many blocks", "src/calc.py\n" + "\n".join(_search(f"x = {i}", "y") for i in range(400)), defect=Defect.TOO_LARGE),
]

USABLE = [*WHOLE, *BLOCKS, *DIFFS, *ENVELOPES]
