#!/usr/bin/env bash
# Have what the set-up itself needs: tools/system.sh PYTHON. Idempotent; says what it cannot install itself.
set -euo pipefail
python=$1

wanted=("$python=python3" bwrap=bubblewrap git=git node=nodejs npm=npm unshare=util-linux)
if command -v "$python" >/dev/null && ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    wanted+=(python3-venv)
fi
"$(dirname "$0")/packages.sh" "${wanted[@]}"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or later is needed; $("$python" --version) was found. Run: make PYTHON=python3.12 …" >&2
    exit 1
}
