
# Names of models, stores, tasks and so on, where the command line wants one.
_modelctl_names() {
    _modelctl "$@"
    local line="${COMP_LINE:0:COMP_POINT}"
    local -a words names variables
    read -ra words <<< "${line}"
    [[ "${line}" == *[[:space:]] ]] && words+=("")
    while [[ "${words[0]}" =~ ^[A-Za-z_][A-Za-z_0-9]*= ]]; do
        variables+=("${words[0]}")
        words=("${words[@]:1}")
    done
    local word="${words[${#words[@]}-1]}"
    # Where only options are left, no dash is typed for whoever wants a file.
    [[ "${word}" != -* && "${COMPREPLY[*]}" != *[[:space:]][!-]* && "${COMPREPLY[*]}" == -* ]] && COMPREPLY=()
    [[ "${word}" == -* || ${#words[@]} -lt 3 ]] && return 0
    mapfile -t names < <(env "${variables[@]}" "${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
    [[ ${#names[@]} -eq 0 ]] && return 0
    # The shell splits words at these, and replaces only what follows the last one.
    local before=""
    if [[ "${word}" == *[:=]* && "${COMP_WORDBREAKS}" == *[:=]* ]]; then
        before="${word%"${word##*[:=]}"}"
        names=("${names[@]#"${before}"}")
    fi
    COMPREPLY=()
    local name quoted
    for name in "${names[@]}"; do
        printf -v quoted '%q' "${name}"
        COMPREPLY+=("${quoted}")
    done
}
