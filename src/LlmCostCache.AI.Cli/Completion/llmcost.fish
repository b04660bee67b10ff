# Completion of llmcost for fish. Once: llmcost completion fish > ~/.config/fish/completions/llmcost.fish
function __llmcost_words
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l entries (command llmcost completion words -- $before[2..-1] "$current" 2> /dev/null)
    switch "$entries[1]"
        case files
            __fish_complete_path "$current"
        case directories
            __fish_complete_directories "$current" ''
        case '*'
            for entry in $entries[2..-1]
                printf '%s\n' $entry
            end
    end
end
complete -c llmcost -f -a '(__llmcost_words)'
