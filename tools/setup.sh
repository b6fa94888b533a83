#!/usr/bin/env bash
# Make the development environment: tools/setup.sh PYTHON VENV. Idempotent; says what it cannot install itself.
set -euo pipefail
python=$1 venv=$2

missing=()
need() { # need PROGRAM DEBIAN-PACKAGE…
    command -v "$1" >/dev/null || missing+=("${@:2}")
}

need "$python" python3
need bwrap bubblewrap
need git git
need node nodejs
need npm npm
need unshare util-linux
if command -v "$python" >/dev/null && ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    missing+=(python3-venv)
fi
if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
    else
        echo "Packages are missing. On Debian or Ubuntu run: sudo apt-get install ${missing[*]}" >&2
        exit 1
    fi
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or later is needed; $("$python" --version) was found. Run: make PYTHON=python3.12 …" >&2
    exit 1
}
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install -q --disable-pip-version-check uv==0.13.9
install=("$venv/bin/uv" pip install -q --compile-bytecode) # a sandbox can keep no byte code: each run would compile anew
"${install[@]}" --python "$venv/bin/python" --require-hashes -r requirements.lock
"${install[@]}" --python "$venv/bin/python" --no-deps --editable .

# The tools that a workspace of the tests and examples brings: without the pytest plugins that Torre's own tests load,
# which take four times as long to import as everything else that such a check does.
workspace=$venv/workspace
[ -x "$workspace/bin/python" ] || "$venv/bin/uv" venv -q --python "$venv/bin/python" "$workspace"
"${install[@]}" --python "$workspace/bin/python" --constraint requirements.lock pytest ruff mypy
