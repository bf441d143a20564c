
# Names of models, stores, tasks and so on, where the command line wants one.
_modelctl_names() {
    _modelctl "$@"
    local line="${COMP_LINE:0:COMP_POINT}"
    local -a words names
    read -ra words <<< "${line}"
    [[ "${line}" == *[[:space:]] ]] && words+=("")
    local word="${words[${#words[@]}-1]}"
    [[ "${word}" == -* || ${#words[@]} -lt 3 ]] && return 0
    mapfile -t names < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
    [[ ${#names[@]} -eq 0 ]] && return 0
    # The shell splits words at a colon, and replaces only what follows it.
    if [[ "${word}" == *:* && "${COMP_WORDBREAKS}" == *:* ]]; then
        names=("${names[@]#"${word%"${word##*:}"}"}")
    fi
    COMPREPLY=()
    local name
    for name in "${names[@]}"; do
        COMPREPLY+=("$(printf '%q' "${name}")")
    done
}
