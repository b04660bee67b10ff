#!/usr/bin/env bash
# Writes the public surface of the shipped libraries to PublicAPI.Unshipped.txt, as the analyzer sees it. Review the diff: public means promised.
set -euo pipefail
cd "$(dirname "$0")/.."
for project in LlmCostCache.AI LlmCostCache.AI.SemanticKernel LlmCostCache.AI.OpenTelemetry; do
  api=src/$project/PublicAPI.Unshipped.txt
  printf '#nullable enable\n' > "$api"
  lines=$(dotnet build "src/$project" --no-incremental -p:PublicApiDraft=false -p:TreatWarningsAsErrors=false -p:BuildProjectReferences=true --nologo -v q 2>&1 \
    | grep -F "/src/$project/" | grep -oE "RS0016: Symbol '.*' is not part of the declared" | sed -e "s/^RS0016: Symbol '//" -e "s/' is not part of the declared$//" | sort -u || true)
  printf '%s\n' "$lines" | sed '/^$/d' >> "$api"
  echo "$project: $(($(wc -l < "$api") - 1)) members"
done
