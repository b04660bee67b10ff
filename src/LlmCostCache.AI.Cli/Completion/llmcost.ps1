# Completion of llmcost for PowerShell. In $PROFILE: llmcost completion pwsh | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName llmcost -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $before = @($commandAst.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object {
        if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text }
    })
    # Older versions drop an empty argument, so a word that is not begun yet has an option of its own.
    $lines = if ($wordToComplete) { & llmcost completion words -- @before $wordToComplete 2> $null } else { & llmcost completion words --next -- @before 2> $null }
    $lines | Select-Object -Skip 1 | ForEach-Object {
        $value, $description = $_ -split "`t", 2
        $text = if ($value -match '^[\w./:@+=-]+$') { $value } else { "'" + $value.Replace("'", "''") + "'" }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $(if ($description) { $description } else { $value }))
    }
}
