#!/usr/bin/env bash
# One run of Torre in a GitHub job: policy from the base branch, no token where candidates run, annotations, a job
# summary and files. Reads TORRE_INPUT_* and the runner's variables; everything in them is data.
set -euo pipefail

out="$RUNNER_TEMP/torre-out"
mkdir -p "$out"

word() { # that nobody can guess
  od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}

give() { # NAME VALUE: an output of the step; a value cannot begin another one
  local mark
  mark="torre_$(word)"
  printf '%s<<%s\n%s\n%s\n' "$1" "$mark" "$2" "$mark" >>"$GITHUB_OUTPUT"
}

refuse() {
  echo "::error title=torre::$1"
  give exit-code 2
  exit 2
}

# A token that the checkout left behind could be read by the code that is executed here.
if git config --includes --get-regexp '^http\..*\.extraheader$' >/dev/null 2>&1; then
  refuse "the checkout holds a token: set persist-credentials: false on actions/checkout"
fi
case "$GITHUB_EVENT_NAME" in
  pull_request_target | workflow_run)
    refuse "on $GITHUB_EVENT_NAME a change from a fork would run beside this repository's secrets: use pull_request" ;;
esac

# Whoever proposes a change does not write the policy that holds for it. Without the base branch there is none to take:
# Torre refuses then, it does not fall back.
policy=$TORRE_INPUT_POLICY_FROM
if [ -z "$policy" ] && [ -n "${GITHUB_BASE_REF:-}" ]; then
  policy="refs/remotes/origin/$GITHUB_BASE_REF"
  if ! git rev-parse --verify --quiet --end-of-options "$policy" >/dev/null; then
    git fetch --quiet --no-tags --depth=1 origin "+refs/heads/$GITHUB_BASE_REF:$policy" ||
      refuse "the base branch is not here: set fetch-depth: 0 on actions/checkout"
  fi
fi

arguments=(--max-seconds="$TORRE_INPUT_MAX_SECONDS" --deadline="$TORRE_INPUT_DEADLINE")
[ -z "$policy" ] || arguments+=(--policy-from="$policy")
while IFS= read -r check; do
  [ -z "${check//[[:space:]]/}" ] || arguments+=(--check="$check")
done <<<"$TORRE_INPUT_CHECKS"
for form in json diff sarif rdjson junit github; do arguments+=(--format "$form=$out/$form"); done

# What the project prints is shown, but obeyed by nobody: workflow commands are off until it has ended.
mark="torre-$(word)"
code=0
echo "::stop-commands::$mark"
"$TORRE" fix "${arguments[@]}" -- "$TORRE_INPUT_PATH" || code=$?
echo "::$mark::"
cat "$out/github" 2>/dev/null || true

field() { python3 -I -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$out/json" "$1" 2>/dev/null || true; }
give exit-code "$code"
give mode "$(field mode)"
give trace-id "$(field trace_id)"
give patch "$out/diff"
for form in sarif rdjson junit json; do give "$form" "$out/$form"; done
[ "$TORRE_INPUT_FAIL" = false ] || exit "$code"
