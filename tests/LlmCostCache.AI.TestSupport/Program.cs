// The child process of tests that kill a writer or let several processes compete for one ledger. Each verb lives in its own file.
Console.Error.WriteLine($"Unknown verb '{string.Join(' ', args)}'.");
return 2;
