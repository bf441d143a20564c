# Names of models, stores, tasks and so on, where the command line wants one; files elsewhere.
_modelctl_names() {
    local -a line names
    line=(${(z)LBUFFER})
    [[ "$LBUFFER" == *[[:space:]] ]] && line+=('')
    names=(${(f)"$("${(Q)line[1]}" __complete -- "${(@Q)line[2,-1]}" 2>/dev/null)"})
    if (( $#names )); then
        compadd -a names
    else
        _default
    fi
}
