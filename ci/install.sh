#!/usr/bin/env bash
# install.sh SOURCE VENV: Torre from its own checkout into an environment of its own, and the sandbox that it needs.
set -euo pipefail
source=$1 venv=$2

python3 -m venv "$venv"
if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo '::error title=torre::Python 3.11 or later is needed: add actions/setup-python before this step'
  exit 2
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check "${source}[providers]"

if [ "$(uname)" = Linux ] && ! command -v bwrap >/dev/null; then
  sudo apt-get update -qq
  sudo apt-get install -y -qq bubblewrap
fi
# Ubuntu 24.04 lets no unprivileged process make the namespaces that the sandbox is made of.
restricted=/proc/sys/kernel/apparmor_restrict_unprivileged_userns
if [ -r "$restricted" ] && [ "$(cat "$restricted")" = 1 ]; then
  sudo sysctl -q -w kernel.apparmor_restrict_unprivileged_userns=0
fi
