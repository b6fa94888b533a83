#!/usr/bin/env bash
# Make the development environment: tools/setup.sh PYTHON VENV. Idempotent.
set -euo pipefail
python=$1 venv=$2

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install -q --disable-pip-version-check uv==0.13.9
install=("$venv/bin/uv" pip install -q --compile-bytecode) # a sandbox can keep no byte code: each run would compile anew
"${install[@]}" --python "$venv/bin/python" --require-hashes -r requirements.lock
"${install[@]}" --python "$venv/bin/python" --no-deps --editable .
"$venv/bin/python" -m compileall -q llm

# The tools that a workspace of the tests and examples brings: without the pytest plugins that Torre's own tests load,
# which take four times as long to import as everything else that such a check does.
workspace=$venv/workspace
[ -x "$workspace/bin/python" ] || "$venv/bin/uv" venv -q --python "$venv/bin/python" "$workspace"
"${install[@]}" --python "$workspace/bin/python" --constraint requirements.lock pytest ruff mypy
