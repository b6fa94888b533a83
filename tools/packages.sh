#!/usr/bin/env bash
# Have programs: tools/packages.sh [--lean] PROGRAM=DEBIAN-PACKAGE… [DEBIAN-PACKAGE…]. What is there is left alone.
# Root on Debian gets what is missing installed, without recommended packages if --lean; anybody else is told the
# command, and this stops with 1.
set -euo pipefail

options=(-y -qq)
if [ "${1-}" = --lean ]; then
    options+=(--no-install-recommends)
    shift
fi
missing=()
for wanted in "$@"; do
    program=${wanted%%=*}
    [ "$program" != "$wanted" ] && command -v "$program" >/dev/null || missing+=("${wanted#*=}")
done
[ ${#missing[@]} -eq 0 ] && exit

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "${missing[@]}" >/dev/null
else
    echo "Packages are missing. On Debian or Ubuntu run: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi
