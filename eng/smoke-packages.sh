#!/usr/bin/env bash
# Packs the libraries and the tool, installs them into an empty project as a user would, and runs the contract's first snippet offline.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
feed=$work/feed
for project in LlmCostCache.AI LlmCostCache.AI.SemanticKernel LlmCostCache.AI.OpenTelemetry LlmCostCache.AI.Cli; do
  dotnet pack "src/$project" -c Release -o "$feed" --nologo -v q
done

# An own package folder: a version that was packed before must not come out of the user's cache.
export NUGET_PACKAGES=$work/packages LLMCOSTCACHE_HOME=$work/home
mkdir -p "$work/app"
cat > "$work/app/nuget.config" <<CONFIG
<configuration>
  <packageSources>
    <add key="local" value="$feed" />
  </packageSources>
</configuration>
CONFIG
cat > "$work/app/app.csproj" <<'PROJECT'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <Nullable>enable</Nullable>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="LlmCostCache.AI" Version="0.1.0" />
    <PackageReference Include="LlmCostCache.AI.OpenTelemetry" Version="0.1.0" />
    <PackageReference Include="LlmCostCache.AI.SemanticKernel" Version="0.1.0" />
    <PackageReference Include="Microsoft.Extensions.AI.OpenAI" Version="10.11.0" />
    <PackageReference Include="OpenAI" Version="2.14.0" />
    <PackageReference Include="System.Numerics.Tensors" Version="10.0.15" />
  </ItemGroup>
</Project>
PROJECT
cat > "$work/app/Program.cs" <<'PROGRAM'
using System.ClientModel;
using System.Net;
using Microsoft.Extensions.AI;
using OpenAI;

// A provider on this machine that answers every request alike.
var listener = new HttpListener();
var port = Random.Shared.Next(20_000, 60_000);
listener.Prefixes.Add($"http://127.0.0.1:{port}/");
listener.Start();
_ = Task.Run(async () =>
{
    while (true)
    {
        var context = await listener.GetContextAsync();
        context.Response.ContentType = "application/json";
        await context.Response.OutputStream.WriteAsync("""
            {"id":"r1","object":"chat.completion","created":1,"model":"gpt-4o-mini-2024-07-18",
             "choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"Hello"}}],
             "usage":{"prompt_tokens":1000,"completion_tokens":500,"total_tokens":1500}}
            """u8.ToArray());
        context.Response.Close();
    }
});
var openAi = new OpenAIClient(new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri($"http://127.0.0.1:{port}/v1") });

IChatClient client = openAi.GetChatClient("gpt-4o-mini").AsIChatClient()
    .AsBuilder()
    .UseCostCache()
    .UseBudget()
    .Build();

var first = (await client.GetResponseAsync("Hello")).GetCost();
var second = (await client.GetResponseAsync("Hello")).GetCost();
Console.WriteLine($"first: {first.Amount} {first.Certainty}, second: {second.Amount}, saved {second.Saved}");
return first.Amount?.Nanos == 450_000 && second.Amount?.Nanos == 0 && second.Saved.Nanos == 450_000 ? 0 : 1;
PROGRAM
# What the machine restores from otherwise, plus the folder of new packages.
dotnet restore "$work/app" --nologo -v q
dotnet run --no-restore --project "$work/app"

dotnet tool install LlmCostCache.AI.Cli --tool-path "$work/tools" --add-source "$feed" --version 0.1.0 > /dev/null
"$work/tools/llmcost" version
