# Names of models, stores, tasks and so on, where the command line wants one; files elsewhere.
_modelctl_names() {
    local -a line names
    local -i at
    line=(${(z)LBUFFER})
    [[ "$LBUFFER" == *[[:space:]] ]] && line+=('')
    # What is before the program, such as `sudo` or another command, is not its line.
    at=${line[(I)(modelctl|*/modelctl)]}
    (( at )) && line=("${(@)line[at,-1]}")
    names=(${(f)"$("${(Q)line[1]}" __complete -- "${(@Q)line[2,-1]}" 2>/dev/null)"})
    if (( $#names )); then
        compadd -a names
    else
        _default
    fi
}
