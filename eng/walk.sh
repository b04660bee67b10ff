#!/usr/bin/env bash
# Walks through every command of llmcost on a ledger that 'llmcost simulate' makes from a seed, and writes what it saw to docs/walk.md.
#   eng/walk.sh          writes docs/walk.md, and docs/report.png where chromium is installed
#   eng/walk.sh --check  compares with it instead, and fails when a command ends otherwise than it says, or shows something else
# Needs the built command line (dotnet build -c Release src/LlmCostCache.AI.Cli; LLMCOST=... names another program) and 'script' of util-linux, because
# llmcost draws for a terminal and is plain in a pipe. The same seed and the same LLMCOSTCACHE_NOW give the same page; what a machine makes of its own
# (sizes of files, hashes, ids) is written as a word.
set -uo pipefail
umask 077
cd "$(dirname "$0")/.."
root=$PWD
llmcost=${LLMCOST:-dotnet $root/src/LlmCostCache.AI.Cli/bin/Release/net10.0/llmcost.dll}
page=$root/docs/walk.md
columns=100

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/out"
printf '#!/bin/sh\nexec %s "$@"\n' "$llmcost" > "$work/bin/llmcost"
chmod +x "$work/bin/llmcost"
unset LLMCOSTCACHE_PRICES LLMCOSTCACHE_FX OPENAI_API_KEY
export PATH=$work/bin:$PATH HOME=$work LLMCOSTCACHE_HOME=$work/data LLMCOSTCACHE_NOW=2026-11-19T16:30:00Z NO_COLOR=1 LANG=C.UTF-8 TERM=xterm DOTNET_NOLOGO=1 TZ=UTC
made=$work/walk.md
failed=0
cd "$work/out" || exit 1

say() { printf '%s\n' "$@" >> "$made"; }

normal() { # What differs from machine to machine.
  sed -E -e "s#$work/out/##g; s#$work/out#.#g; s#$work#~#g; s/\r//g; s/\x1b\[[0-9;?]*[a-zA-Z]//g; s/\x1b[=>]//g" \
    -e "s#\b$(hostname)/[0-9]+#HOST/PID#g; s#\bby $(id -un)\b#by USER#g; s#  $(id -un)[[:space:]]*\$#  USER#" \
    -e 's/\b[0-9a-f]{64}\b/HASH/g; s/\b[0-9a-f]{32}\b/ID/g; s/\b[0-9,.]+ ?(bytes|kB|KB|KiB|MB|MiB|GB|GiB)\b/SIZE/g; s/[[:space:]]+$//'
}

step() { # [-c code] [-n lines] sentence, command line
  local code=0 most=200 status
  while [ "${1:0:1}" = - ]; do
    case $1 in
      -c) code=$2 ;;
      -n) most=$2 ;;
    esac
    shift 2
  done
  local text=$1 line=$2
  # What is said on standard error is shown too, but not how far long work is.
  printf '%s\n' "stty cols $columns rows 60; set -o pipefail; $line" > "$work/line"
  script -qec "bash $work/line 2> $work/said" /dev/null < /dev/null > "$work/seen"
  status=$?
  grep -v ' so far (' "$work/said" >> "$work/seen"
  normal < "$work/seen" > "$work/shown"
  if [ $status -ne "$code" ]; then
    echo "'$line' ended with $status instead of $code:" >&2
    tail -20 "$work/shown" >&2
    failed=1
  fi
  [ -n "$text" ] && say "" "$text"
  say "" '```text' "$ $line"
  head -n "$most" "$work/shown" >> "$made"
  [ "$(wc -l < "$work/shown")" -gt "$most" ] && say "..."
  [ "$code" -ne 0 ] && say "(exit code $code)"
  say '```'
}

say "# A walk through llmcost" "" \
  "Every command once, on a ledger that \`llmcost simulate\` makes from a seed: four weeks of a small company, with people and an assistant, reviews of changes, a nightly job and agents. No call is real;" \
  "prices, cache, budgets and meter are. \`eng/walk.sh\` wrote this page, and \`eng/walk.sh --check\` compares it with what the commands say today. Sizes, hashes and ids are written as words."

say "" "## A ledger to walk on"
step "Four weeks until today, with two budgets, what can wait in batches, and some of what goes wrong in pipelines:" 'llmcost simulate ledger --into ~/data --days 28 --calls-per-day 200 --budget "3 --period day" --budget "20 --period month --scope project=platform" --batch-feature extraction --mistake retries=0.08 --mistake no_scope=0.06'

say "" "## What did we spend?"
step "One word:" 'llmcost'
step "" 'llmcost report daily --last 7d --compare'
step "" 'llmcost report feature --last 7d --then-by model --top 3'
step -n 12 "Sessions are in no sum, so this reads rows:" 'llmcost report session --top 5 --sort tokens'
step "" 'llmcost report user --top 5 --latency'
step "For programs and pages:" 'llmcost report model --csv'
step "" 'llmcost report weekly --markdown'
step -n 24 "" 'llmcost report model --last 24h --json'
step "A page that opens offline and prints well:" 'llmcost report daily --last 4w --html -o report.html; grep -c "<svg" report.html'
say "" "![The report in a browser](report.png)"
if [ "${1:-}" != --check ] && command -v chromium > /dev/null; then
  chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1200,1340 --screenshot="$root/docs/report.png" "file://$work/out/report.html" 2> /dev/null
fi

say "" "## While it runs"
step "" 'llmcost watch --once'
step "" 'llmcost statusline'
step "" 'llmcost blocks --last 24h'

say "" "## What did the cache save?"
step "" 'llmcost savings'
step "" 'llmcost share -o card.png --calls-per-month 100000'

say "" "## What will it cost?"
step "" 'llmcost forecast'
step "" 'llmcost forecast --period week --project platform'
step "" 'llmcost whatif --model gpt-4.1-mini --for gpt-4.1'
step "" 'llmcost whatif --price-per-hour 2.50 --tokens-per-second 1500'

say "" "## Before the call is made"
step "" 'llmcost price claude-sonnet-4-5 --input 250000 --cached 200000 --output 900'
step "" "echo '{\"id\":1,\"model\":\"gpt-4o\",\"usage\":{\"input_tokens\":1000,\"output_tokens\":100}}' | llmcost price --jsonl"
step "" 'echo "Why is the sky blue?" | llmcost estimate --model gpt-4o-mini --model claude-haiku-4-5'

say "" "## Prices"
step -n 12 "" 'llmcost prices list gpt-4.1'
step -n 30 "" 'llmcost prices show gpt-4.1-mini'
step "A price of one's own:" "echo '{\"models\":[{\"id\":\"our-finetune\",\"input\":\"1\",\"output\":\"4\"}]}' > ~/data/prices.json; llmcost prices check"
step "A list of others is compared before anything of it is taken:" "echo '{\"gpt-4.1\":{\"litellm_provider\":\"openai\",\"mode\":\"chat\",\"input_cost_per_token\":0.000002,\"output_cost_per_token\":0.000009}}' > list.json; llmcost prices import list.json"
step -c 1 "1 says that two lists differ:" 'llmcost prices diff built-in effective'
step "What the same calls cost at the prices of today:" 'llmcost reprice --by provider'

say "" "## Limits"
step "" 'llmcost budget set 2 --period day --scope feature=review --name reviews'
step "" 'llmcost budget grant 1 --name reviews --until 2026-11-20 --note "release day"'
step "" 'llmcost budget list'
step "" 'llmcost budget show --name reviews'
step "" 'llmcost budget remove --name reviews'
step "A budget that an application gave in code, and that none gives any more:" 'llmcost budget forget --period month --scope project=platform'
step "" 'llmcost budget history'

say "" "## Simulate"
step "The trace itself, to replay or to look at:" 'llmcost simulate trace --days 7 --calls-per-day 200 -o week.jsonl'
step "The same week with caches, batches and a cheaper model:" 'llmcost simulate week.jsonl --batch-share 0.3 --cheaper-model gpt-4.1-nano --cheaper-share 0.3'

say "" "## In and out"
step "" 'llmcost record --model gpt-4o-mini --input 2006 --cached-input 1920 --output 300 --user alice --id by-hand-1'
step "The same id is the same call:" 'llmcost record --model gpt-4o-mini --input 2006 --cached-input 1920 --output 300 --user alice --id by-hand-1'
step "" 'llmcost export --format csv --last 24h -o calls.csv; head -2 calls.csv | cut -c 1-100'
step "" 'llmcost export --format parquet -o calls.parquet --json | grep -v file'
step "FOCUS, for the people who keep the cloud bill:" 'llmcost export --format focus --last 24h -o focus.csv; head -1 focus.csv | cut -d, -f 1-6'
step "Into another home, twice; the second time there is nothing new:" 'llmcost import calls.parquet --home ~/other'
step "" 'llmcost import calls.parquet --home ~/other'
step "" 'llmcost merge ~/other --dry-run'

say "" "## Is everything all right?"
step -c 1 "1 says that it found something, here what the ledger was made with:" 'llmcost doctor'
step "" 'llmcost ledger verify'
step "" 'llmcost ledger stats'
step "" 'llmcost ledger tail -n 3 | cut -c 1-90'
step "" 'llmcost ledger backup copy.db'
step "" 'llmcost ledger archive --before 2026-11 --yes'
step "" 'llmcost ledger repair'
step "" 'llmcost ledger compact'
step "After all that the month is what it was:" 'llmcost report monthly'

say "" "## The cache"
step "" 'llmcost cache stats'
step -n 8 "" 'llmcost cache list'
step -n 12 "" 'llmcost cache show "$(llmcost cache list --json | grep -m 1 -o "[0-9a-f]\{64\}")"'
step -c 1 "1 says that it would miss:" "echo '{\"model\":\"gpt-4o-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}' > request.json; llmcost cache why-miss request.json"
step "" 'llmcost cache verify'
step "" 'llmcost cache export answers.jsonl'
step "" 'llmcost cache import answers.jsonl --home ~/other'
step "" 'llmcost cache clear --older-than 7d --dry-run'

say "" "## The tool itself"
step "" 'llmcost version'
step -n 6 "Tab completes commands, options, and the names in the ledger:" 'llmcost completion bash'

if [ "${1:-}" = --check ]; then
  if ! diff -u "$page" "$made" > "$work/differs"; then
    head -60 "$work/differs" >&2
    echo "docs/walk.md is not what the commands say; eng/walk.sh writes it anew." >&2
    failed=1
  fi
else
  cp "$made" "$page"
fi
exit $failed
