
# Names of models, stores, tasks and so on, where the command line wants one.
function __fish_modelctl_names
    set -l words (commandline -opc) (commandline -ct)
    test (count $words) -gt 2; or return
    set -l program $words[1]
    $program __complete -- $words[2..-1] 2>/dev/null
end
complete -c modelctl -a "(__fish_modelctl_names)"
