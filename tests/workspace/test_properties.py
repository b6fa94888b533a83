"""Whatever text arrives as a diff: it is refused by a DiffError, or it changes files inside the workspace only."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm.errors import DiffError
from llm.workspace.diff import diff_size, make_diff, parse
from llm.workspace.patch import apply, rendered
from llm.workspace.paths import flaw
from llm.workspace.quoting import quote, unquote
from llm.workspace.rules import check_rules
from tests.workspace.oracle import after_git, overlaid, tree, write

LIGHT = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FEW = settings(LIGHT, max_examples=40)

FILES = {"a.py": b"import os\n\n\ndef f(x):\n    return x\n", "dir/b c.txt": b"one\r\ntwo\r\n", "c": b"no newline"}
VALID = make_diff(
    {path: content.decode() for path, content in FILES.items()},
    {
        "a.py": "import os\n\n\ndef f(x):\n    return x + 1\n",
        "dir/b c.txt": None,
        "c": "newline\n",
        "new.py": "1\n",
    },
)

line = st.text(st.sampled_from("ab \t\r\x0c'\"\\é+-@#\ufeff"), max_size=6)
text = st.lists(st.sampled_from(["x", "y", "", "-- a", "++ b", "@@ -1 +1 @@", "\\ No"]) | line, max_size=12).map(
    "\n".join
)
plain_name = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0/\\:"), min_size=1, max_size=8
).filter(lambda name: not flaw(name))
pieces = st.sampled_from(
    (
        *(
            "--- a/../x\n",
            "+++ b/../x\n",
            "--- /etc/passwd\n",
            "@@ -1,3 +1,3 @@\n",
            "@@\n",
            " a\n",
            "-b\n",
            "+c\n",
            "\n",
        ),
        *("diff --git a/x b/y\n", "rename from ../x\n", "rename to c\n", "new file mode 120000\n", "```\n"),
        *("--- a/a.py\n", "+++ b/a.py\n", "+++ /dev/null\n", "--- /dev/null\n", "+++ b/link/x\n", "\\ No\n"),
        '--- "a/\\056\\056/x"\n',
    )
)


def try_on(diff: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory).resolve() / "workspace"
        write(root, FILES)
        (root / "link").symlink_to(directory)
        before = tree(Path(directory))
        try:
            patch = parse(diff)
            after = apply(patch, root)
            check_rules(patch, after, root)
        except DiffError as refused:
            assert refused.reason
            return
        finally:
            assert tree(Path(directory)) == before, "nothing is written, inside or outside"
        assert after
        assert not any(flaw(path) or path.startswith("link") for path in after)
        clean = rendered(after, root)
        assert overlaid(tree(root), after) == overlaid(tree(root), apply(clean, root))


@LIGHT
@given(st.text(max_size=400))
def test_any_text(diff: str) -> None:
    try_on(diff)


@LIGHT
@given(st.lists(pieces, max_size=14).map("".join))
def test_pieces_of_diffs(diff: str) -> None:
    try_on(diff)


@LIGHT
@given(st.data())
def test_mutated_valid_diffs(data: st.DataObject) -> None:
    lines = VALID.splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        lines[at : at + data.draw(st.integers(0, 2))] = data.draw(st.lists(pieces | line, max_size=2))
        lines = lines or [""]
    try_on("".join(lines))


@FEW
@given(text, text, plain_name)
def test_a_made_diff_takes_git_and_us_from_before_to_after(old: str, new: str, name: str) -> None:
    diff = make_diff({name: old}, {name: new})
    if old == new:
        assert diff == ""
        return
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory).resolve()
        write(root, {name: old.encode()})
        assert apply(diff, root) == {name: new.encode()}
        assert after_git(root, diff) == {name: new.encode()}


@LIGHT
@given(text, text)
def test_size_is_at_most_all_lines_and_never_nothing(old: str, new: str) -> None:
    diff = make_diff({"f": old}, {"f": new})
    if diff:
        assert 0 < diff_size(parse(diff)) <= old.count("\n") + new.count("\n") + 2


@LIGHT
@given(st.text(st.characters(), max_size=20))
def test_a_quoted_path_comes_back(path: str) -> None:
    path = path.encode("utf-8", "ignore").decode()
    quoted = quote(path)
    assert quoted.isascii()
    assert (unquote(quoted)[0] if quoted.startswith('"') else quoted) == path
