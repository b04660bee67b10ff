#!/usr/bin/env bash
# Processor time that llmcost takes to start: eng/measure-start.sh HOME COMMAND..., for example
#   eng/measure-start.sh ./data dotnet src/LlmCostCache.AI.Cli/bin/Release/net10.0/llmcost.dll
# Prints the smallest of nine runs, user and system time, of --version and of the bare command over the ledger in HOME.
set -euo pipefail
home=$1
shift
TIMEFORMAT='%U %S'
measure() { # name, command...
  local name=$1
  shift
  for _ in 1 2 3 4 5 6 7 8 9; do
    { time "$@" > /dev/null; } 2>&1
  done | awk -v name="$name" '{ spent = ($1 + $2) * 1000; if (NR == 1 || spent < least) least = spent } END { printf "%s: %.0f ms\n", name, least }'
}
measure "--version" "$@" --version
measure "bare" "$@" --home "$home"
