# Completion of llmcost for bash. In ~/.bashrc: source <(llmcost completion bash)
# Names come from a ledger, so nothing here is evaluated: they are read as lines and written down quoted.
_llmcost() {
    local line="${COMP_LINE:0:COMP_POINT}" word="${COMP_WORDS[COMP_CWORD]}"
    local kind="" entry rest quote="" last current prefix
    local -a words=()

    # Bash also cuts words at = and :, which stand in names of models, so they are cut here anew.
    read -a words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    last=$((${#words[@]} - 1))
    case ${words[last]} in
        [\"\']*) quote="${words[last]:0:1}"; words[last]="${words[last]:1}"; word="${word#?}" ;;
    esac

    # Bash puts what we answer into the place of its own last word.
    current="${word//\\/}"
    [[ $current == [=:] ]] && current=""
    prefix="${words[last]%"$current"}"

    COMPREPLY=()
    while IFS=$'\t' read -r entry rest; do
        if [[ -z $kind ]]; then
            kind="$entry"
            continue
        fi
        entry="${entry#"$prefix"}"
        if [[ -z $quote ]]; then
            printf -v entry '%q' "$entry"
        elif [[ $entry == *[\"\'\$\`\\!]* ]]; then
            continue
        fi
        COMPREPLY+=("$entry")
    done < <(command llmcost completion words -- "${words[@]:1}" 2> /dev/null)

    case $kind in
        files) compopt -o default 2> /dev/null ;;
        directories) compopt -o dirnames 2> /dev/null ;;
    esac
}
complete -F _llmcost llmcost
