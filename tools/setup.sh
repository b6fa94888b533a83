#!/usr/bin/env bash
# Make the development environment: tools/setup.sh PYTHON VENV. Idempotent; says what it cannot install itself.
set -euo pipefail
python=$1 venv=$2

need() { # need PROGRAM DEBIAN-PACKAGE: install it as root, or say how
    command -v "$1" >/dev/null && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$2" >/dev/null
    else
        echo "$1 is missing. Run: sudo apt-get install $2" >&2
        exit 1
    fi
}

need "$python" python3
need bwrap bubblewrap
need git git
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or later is needed; $("$python" --version) was found. Run: make PYTHON=python3.12 …" >&2
    exit 1
}
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    need pip3 python3-venv
fi
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install -q --disable-pip-version-check uv==0.13.9
"$venv/bin/uv" pip install -q --python "$venv/bin/python" --require-hashes -r requirements.lock
"$venv/bin/uv" pip install -q --python "$venv/bin/python" --no-deps --editable .
