using LlmCostCache.AI.Cli;

return await CommandLine.RunAsync(args, CliHost.OfProcess()).ConfigureAwait(false);
