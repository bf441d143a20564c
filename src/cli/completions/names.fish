
# Names of models, stores, tasks and so on, where the command line wants one; files elsewhere.
function __fish_modelctl_names
    set -l words (commandline -opc) (commandline -ct)
    set -g __fish_modelctl_found
    if test (count $words) -gt 2
        set -l program $words[1]
        set -g __fish_modelctl_found ($program __complete -- $words[2..-1] 2>/dev/null)
    end
    test (count $__fish_modelctl_found) -gt 0
end
complete -c modelctl -n __fish_modelctl_names -f -a '$__fish_modelctl_found'

# An option that takes a name asks for it, too; the condition keeps it out of the list of options.
function __fish_modelctl_follows
    contains -- (commandline -opc)[-1] $argv; and __fish_modelctl_names
end
for option in model run undo prefer batch store forget
    complete -c modelctl -n "__fish_modelctl_follows --$option" -l $option -r -f -a '$__fish_modelctl_found'
end
complete -c modelctl -n '__fish_modelctl_follows -m' -s m -r -f -a '$__fish_modelctl_found'
