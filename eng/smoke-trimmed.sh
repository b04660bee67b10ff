#!/usr/bin/env bash
# Publishes a small application trimmed, with the real SDKs of OpenAI and Anthropic over canned answers, and checks that every call costs what it costs untrimmed:
# what is read of raw answers must not be trimmed away. Needs Microsoft.NET.ILLink.Tasks and the runtime packs from NuGet.
set -euo pipefail
cd "$(dirname "$0")/trimmed"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

dotnet build -c Release --nologo -v q -o "$out/whole"
dotnet publish -c Release --nologo -v q --self-contained -p:PublishTrimmed=true --use-current-runtime -o "$out/trimmed" 2>&1 | tee "$out/log"
if grep -q "LlmCostCache.AI.*warning IL" "$out/log"; then
  echo "The trimmer warns about our own code." >&2
  exit 1
fi

"$out/whole/TrimmedApp" > "$out/whole.txt"
"$out/trimmed/TrimmedApp" > "$out/trimmed.txt"
cat "$out/trimmed.txt"
diff "$out/whole.txt" "$out/trimmed.txt" || { echo "Trimmed, calls cost something else (< untrimmed, > trimmed)." >&2; exit 1; }
diff expected.txt "$out/trimmed.txt" || { echo "The costs are not those of eng/trimmed/expected.txt (<)." >&2; exit 1; }
