#!/usr/bin/env bash
# Packs llmcost as a release has it: eng/pack-tool.sh DIRECTORY. Native code can only be made on the system it is for, so run this on each of them:
# Linux and macOS need clang or gcc, and zlib; Windows the C++ build tools. Native packages of other systems are left out, and `any` serves there.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) rid=linux-x64 ;;
  Linux-aarch64) rid=linux-arm64 ;;
  Darwin-arm64) rid=osx-arm64 ;;
  MINGW*-x86_64 | MSYS*-x86_64) rid=win-x64 ;;
  *) echo "no native package for $(uname -s) on $(uname -m); 'dotnet pack src/LlmCostCache.AI.Cli' makes the portable one" >&2; exit 2 ;;
esac
linker=()
if [[ $rid == linux-* ]] && ! command -v clang > /dev/null; then
  linker=(-p:CppCompilerAndLinker=gcc -p:LinkerFlavor=bfd)
fi
# One after the other: all use the same obj folder. The chooser lists only what is made here.
dotnet pack src/LlmCostCache.AI.Cli -c Release -p:NativeTool=true -r "$rid" "${linker[@]}" -o "$out" --nologo -v q
dotnet pack src/LlmCostCache.AI.Cli -c Release -p:NativeTool=true -r any -o "$out" --nologo -v q
dotnet pack src/LlmCostCache.AI.Cli -c Release -p:NativeTool=true -o "$out" --nologo -v q
