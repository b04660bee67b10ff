#compdef llmcost
# Completion of llmcost for zsh. Either in ~/.zshrc, after compinit: source <(llmcost completion zsh)
# or as a file that is called _llmcost in a directory of $fpath.
_llmcost() {
    local -a before entries values shown
    local entry
    before=("${(@Q)words[1,CURRENT-1]}")
    entries=("${(@f)$(command llmcost completion words -- "${(@)before[2,-1]}" "${(Q)PREFIX}" 2> /dev/null)}")
    case $entries[1] in
        files) _files; return ;;
        directories) _files -/; return ;;
    esac
    for entry in "${(@)entries[2,-1]}"; do
        values+=("${entry%%$'\t'*}")
        shown+=("${entry/$'\t'/  -- }")
    done
    (( $#values )) && compadd -l -d shown -a -- values
}
if [[ $funcstack[1] == _llmcost ]]; then
    _llmcost "$@"
else
    compdef _llmcost llmcost
fi
