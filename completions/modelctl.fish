# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_modelctl_global_optspecs
    string join \n config= db= color= q/quiet wide h/help V/version
end

function __fish_modelctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_modelctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_modelctl_using_subcommand
    set -l cmd (__fish_modelctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c modelctl -n "__fish_modelctl_needs_command" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_needs_command" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_needs_command" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_needs_command" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_needs_command" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_needs_command" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "scan" -d 'Find models and record them'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "list" -d 'List the models known on this machine'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "ls" -d 'List the models known on this machine'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "df" -d 'Show the disk space of the stores and how much of it can be reclaimed'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "du" -d 'Show the disk space of the stores and how much of it can be reclaimed'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "show" -d 'Show the details of a model: files, metadata, memory, use'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "info" -d 'Show the details of a model: files, metadata, memory, use'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "inspect" -d 'Show the details of a model: files, metadata, memory, use'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "set" -d 'Change a model\'s settings: tier, alias, note, pin, enabled, server options'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "keep" -d 'Manage the models that you want to keep'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "health" -d 'Check the health of the services on this node'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "verify" -d 'Check files for truncation and against the checksums of their store'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "duplicates" -d 'Find identical files'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "dedupe" -d 'Make identical files share their space on the disk (dry run unless --confirm)'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "doctor" -d 'Look for problems: unreadable folders, missing places, damaged files, the database, the clock'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "prune" -d 'Remove unused models and leftover files (dry run unless --confirm)'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "rm" -d 'Remove models by name: shows what would be removed and asks'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "trash" -d 'List, restore or delete pruned models'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "tune" -d 'Suggest the next setting to change on this node, and record the effect of changes'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "run-once" -d 'Run one prompt, or the due tasks of the queue (for cron)'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "run" -d 'Run one prompt, or the due tasks of the queue (for cron)'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "batch" -d 'Run an OpenAI Batch file (JSONL) and write the answers'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "serve" -d 'Serve models to clients and run queued tasks, until stopped'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "start" -d 'Start model servers and wait until they are ready'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "stop" -d 'Stop model servers'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "restart" -d 'Restart model servers, with their current settings'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "start-all" -d 'Start the servers of all enabled models, smallest first'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "stop-all" -d 'Stop all model servers'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "ps" -d 'List the models that are loaded or open, and by which process'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "top" -d 'Watch what is loaded and why, and start or stop models with a key'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "status" -d 'Show models, disk, queue, and what the daemon has loaded, on one screen'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "why" -d 'Explain why a model is loaded or not, and what it waits for'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "lifecycle" -d 'Pause or resume automatic loading and unloading, or show its status'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "priority" -d 'Override the priority that the daemon computes for a model'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "offload" -d 'Move a loaded model off the GPU, or back'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "logs" -d 'Show the log of a model server or a service'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "events" -d 'Show what happened to the model servers since the daemon started'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "task" -d 'Queue prompts and get their answers'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "inference" -d 'Pause or resume the task queue'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "history" -d 'Show the audit log: who did what, when and why, newest last'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "triage" -d 'Find out why a service on this node fails: one cause, its proof, the smallest next step and its undo'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "schema" -d 'Print the JSON schema of what a command prints with --json'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "completions" -d 'Print the completion script of a shell'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "man" -d 'Print the manual page, or write all pages into a folder'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "version" -d 'Print the version'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -l store -d 'Also scan this folder, as the root of that store: `ollama=/srv/models` (dir, hf, ollama, lmstudio, llamacpp, ramalama, docker)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -l forget -d 'Forget this folder and the models in it: it is no longer scanned or listed. No file is changed' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -l full -d 'Read everything again, including unchanged repositories of a Hugging Face cache'
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -s v -l verbose -d 'List every change and every skipped file, not only the problems'
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -l json -d 'Print the report as a JSON object'
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l store -d 'Only models in this kind of store' -r -f -a "dir\t''
hf\t''
ollama\t''
lmstudio\t''
llamacpp\t''
ramalama\t''
docker\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l tier -d 'Only models of this tier' -r -f -a "fast\t''
balanced\t''
powerful\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l family -d 'Only models of this family (`llama`, `qwen*`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l quant -d 'Only models with this quantization (`Q4_K_M`, `q4*`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l state -d 'Only models in this state; `damaged` includes truncated' -r -f -a "ready\t''
incomplete\t''
truncated\t''
damaged\t''
unsupported\t''
unreadable\t''
unavailable\t''
gone\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l kind -d 'Only files of this kind' -r -f -a "generative\t''
embedding\t''
reranker\t''
speech\t''
diffusion\t''
encoder\t''
draft\t''
adapter\t''
control\t''
imatrix\t''
mmproj\t''
vocab\t''
unknown\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l larger -d 'Only models of at least this size (`10GiB`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l unused-for -d 'Only models not used for this long (`90d`), by the evidence of `prune --unused-for`: see modelctl-prune(1)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l sort -d 'Sort order; largest first, latest first, unknown values last' -r -f -a "name\t''
size\t'Largest first'
params\t'Most first'
used\t'Last used first'
added\t'Newest first'
tier\t'Fast first'
context\t'Longest first'
state\t'Ready first'
store\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l group -d 'List the models of each store or family together, with their sum' -r -f -a "store\t''
family\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -s n -l limit -d 'Maximum number to show [default: all]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l columns -d 'Show these columns, in this order' -r -f -a "id\t''
name\t''
size\t''
flags\t'Whether a model is pinned, disabled, or has an alias'
alias\t''
quant\t''
params\t''
ctx\t''
store\t''
used\t''
state\t''
tier\t''
family\t''
kind\t''
repo\t''
path\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l class -d 'Only files of this class (with --files)' -r -f -a "referenced\t''
superseded\t''
orphan\t''
partial\t''
side-cache\t''
damaged\t''
missing\t''
trash\t''
snapshot\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -s o -l format -d 'Output format; json is the same as --json' -r -f -a "table\t''
json\t''
jsonl\t'One JSON object on each line'
csv\t'Comma-separated values: plain numbers, whole times'
ids\t'One id on each line'"
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -s r -l reverse -d 'Reverse the sort order'
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l no-header -d 'Leave out the line with the titles of the columns'
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l files -d 'Show the files that stores hold, each with its class and the reason, instead of models'
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l stores -d 'Show what each store takes, and how much of it is not referenced, instead of models'
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -s a -l all -d 'Also show models that no longer exist'
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l store -d 'Only models in this kind of store' -r -f -a "dir\t''
hf\t''
ollama\t''
lmstudio\t''
llamacpp\t''
ramalama\t''
docker\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l tier -d 'Only models of this tier' -r -f -a "fast\t''
balanced\t''
powerful\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l family -d 'Only models of this family (`llama`, `qwen*`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l quant -d 'Only models with this quantization (`Q4_K_M`, `q4*`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l state -d 'Only models in this state; `damaged` includes truncated' -r -f -a "ready\t''
incomplete\t''
truncated\t''
damaged\t''
unsupported\t''
unreadable\t''
unavailable\t''
gone\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l kind -d 'Only files of this kind' -r -f -a "generative\t''
embedding\t''
reranker\t''
speech\t''
diffusion\t''
encoder\t''
draft\t''
adapter\t''
control\t''
imatrix\t''
mmproj\t''
vocab\t''
unknown\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l larger -d 'Only models of at least this size (`10GiB`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l unused-for -d 'Only models not used for this long (`90d`), by the evidence of `prune --unused-for`: see modelctl-prune(1)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l sort -d 'Sort order; largest first, latest first, unknown values last' -r -f -a "name\t''
size\t'Largest first'
params\t'Most first'
used\t'Last used first'
added\t'Newest first'
tier\t'Fast first'
context\t'Longest first'
state\t'Ready first'
store\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l group -d 'List the models of each store or family together, with their sum' -r -f -a "store\t''
family\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -s n -l limit -d 'Maximum number to show [default: all]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l columns -d 'Show these columns, in this order' -r -f -a "id\t''
name\t''
size\t''
flags\t'Whether a model is pinned, disabled, or has an alias'
alias\t''
quant\t''
params\t''
ctx\t''
store\t''
used\t''
state\t''
tier\t''
family\t''
kind\t''
repo\t''
path\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l class -d 'Only files of this class (with --files)' -r -f -a "referenced\t''
superseded\t''
orphan\t''
partial\t''
side-cache\t''
damaged\t''
missing\t''
trash\t''
snapshot\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -s o -l format -d 'Output format; json is the same as --json' -r -f -a "table\t''
json\t''
jsonl\t'One JSON object on each line'
csv\t'Comma-separated values: plain numbers, whole times'
ids\t'One id on each line'"
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -s r -l reverse -d 'Reverse the sort order'
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l no-header -d 'Leave out the line with the titles of the columns'
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l files -d 'Show the files that stores hold, each with its class and the reason, instead of models'
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l stores -d 'Show what each store takes, and how much of it is not referenced, instead of models'
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -s a -l all -d 'Also show models that no longer exist'
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand df" -l store -d 'Only this kind of store' -r -f -a "dir\t''
hf\t''
ollama\t''
lmstudio\t''
llamacpp\t''
ramalama\t''
docker\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand df" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand df" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand df" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand df" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand df" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand df" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand df" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand df" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand df" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand du" -l store -d 'Only this kind of store' -r -f -a "dir\t''
hf\t''
ollama\t''
lmstudio\t''
llamacpp\t''
ramalama\t''
docker\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand du" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand du" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand du" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand du" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand du" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand du" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand du" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand du" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand du" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -l ctx -d 'Context in tokens to estimate the memory for [default: the model\'s own, at most 4096]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -l parallel -d 'Number of sequences that share the context' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -l cache-type-k -d 'Type of the keys in the cache' -r -f -a "f32\t''
f16\t''
bf16\t''
q8_0\t''
q5_1\t''
q5_0\t''
q4_1\t''
q4_0\t''
iq4_nl\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -l cache-type-v -d 'Type of the values in the cache' -r -f -a "f32\t''
f16\t''
bf16\t''
q8_0\t''
q5_1\t''
q5_0\t''
q4_1\t''
q4_0\t''
iq4_nl\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -l fit -d 'Ask llama.cpp for the exact memory, without allocating it (cached)'
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -s v -l verbose -d 'Show inodes, ids of contents and the types of all tensors as well'
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -l ctx -d 'Context in tokens to estimate the memory for [default: the model\'s own, at most 4096]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -l parallel -d 'Number of sequences that share the context' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -l cache-type-k -d 'Type of the keys in the cache' -r -f -a "f32\t''
f16\t''
bf16\t''
q8_0\t''
q5_1\t''
q5_0\t''
q4_1\t''
q4_0\t''
iq4_nl\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -l cache-type-v -d 'Type of the values in the cache' -r -f -a "f32\t''
f16\t''
bf16\t''
q8_0\t''
q5_1\t''
q5_0\t''
q4_1\t''
q4_0\t''
iq4_nl\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -l fit -d 'Ask llama.cpp for the exact memory, without allocating it (cached)'
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -s v -l verbose -d 'Show inodes, ids of contents and the types of all tensors as well'
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -l ctx -d 'Context in tokens to estimate the memory for [default: the model\'s own, at most 4096]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -l parallel -d 'Number of sequences that share the context' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -l cache-type-k -d 'Type of the keys in the cache' -r -f -a "f32\t''
f16\t''
bf16\t''
q8_0\t''
q5_1\t''
q5_0\t''
q4_1\t''
q4_0\t''
iq4_nl\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -l cache-type-v -d 'Type of the values in the cache' -r -f -a "f32\t''
f16\t''
bf16\t''
q8_0\t''
q5_1\t''
q5_0\t''
q4_1\t''
q4_0\t''
iq4_nl\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -l fit -d 'Ask llama.cpp for the exact memory, without allocating it (cached)'
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -s v -l verbose -d 'Show inodes, ids of contents and the types of all tensors as well'
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l tier -d 'Override the computed tier; `auto` removes the override' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l alias -d 'A name of your own for it; empty removes it' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l note -d 'A note; empty removes it' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l engine -d 'The program that serves it: `worker` or `llama-server`' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l context -d 'Tokens of context of one request' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l parallel -d 'Requests answered at the same time' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l gpu-layers -d 'Layers on the GPU' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l threads -d 'Threads for generation' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l idle-timeout -d 'Stop the server after this time without a request, such as `10m`' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l priority -d 'The class of requests that name none: `interactive`, `normal` or `batch`' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l embeddings -d 'Whether a second worker may compute embeddings with a model that generates text: `yes` or `no`' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l degrade -d 'What may be reduced when memory runs out, in this order: `layers` (on the GPU), `context`' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l min-tier -d 'Start it automatically only on a node of this tier or larger: `embedded`, `lite`, `standard`, `full`, `compute_host`' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l llama-args -d 'Arguments for llama-server, separated by spaces, such as `-fa on`' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l env -d 'Environment variable of its server, such as `CUDA_VISIBLE_DEVICES=0`; replaces all that are set' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l pin -d 'Never evict or prune it'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l unpin -d 'Remove the pin'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l enable -d 'Allow it to be started and chosen'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l disable -d 'Never start or choose it'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l no-alias -d 'Remove the alias'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l no-note -d 'Remove the note'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l essential -d 'Restart its server after every crash, without limit'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l no-essential -d 'Give up on its server after a few crashes in a row'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l pressure-evict-only -d 'Stop its server only when memory is needed, not when it is idle or the CPU is busy'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l no-pressure-evict-only -d 'Stop its server under the same conditions as others'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l no-degrade -d 'Fail when memory runs out, instead of reducing anything'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l json -d 'Print the settings as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -f -a "add" -d 'Add hints; existing ones keep their place'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -f -a "rm" -d 'Remove hints that `keep add` added'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -f -a "remove" -d 'Remove hints that `keep add` added'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -f -a "list" -d 'List all hints in order of preference, with their origin and the models they match'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -f -a "ls" -d 'List all hints in order of preference, with their origin and the models they match'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from add" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from add" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from add" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from add" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from add" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from add" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from add" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from rm" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from rm" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from rm" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from rm" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from rm" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from rm" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from rm" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from rm" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from remove" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from remove" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from remove" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from remove" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from remove" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from remove" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from remove" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from list" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from list" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from list" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from list" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from list" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from ls" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from ls" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from ls" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from ls" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from ls" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from ls" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from ls" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l level -d 'How thoroughly to check services (default: `health.level` in the config, or ready)' -r -f -a "alive\t''
ready\t''
serving\t''
deep\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l check -d 'Run only these checks, separated by commas' -r -f -a "services\t''
endpoints\t''
models\t''
database\t''
queue\t''
disk\t''
memory\t''
gpu\t''
clock\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l timeout -d 'Time limit for all checks together (default: `health.timeout` in the config, or 5s)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l wait -d 'Check again until everything is ok, for at most this long' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -s w -l warning -d 'Warn if a value violates a range, such as `disk_free=10%:`' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -s c -l critical -d 'Fail if a value violates a range' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l format -d 'Output format' -r -f -a "table\t''
json\t''
nagios\t''
prometheus\t''
health+json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l output -d 'Write to this file instead of standard output, replacing it atomically' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l exit-style -d 'Exit code convention; docker and kubernetes also limit the output to 4,096 bytes' -r -f -a "plain\t''
nagios\t''
docker\t''
kubernetes\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l require-gpu -d 'Fail unless there is a working GPU'
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l strict -d 'Exit with 1 on a warning as well'
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l json -d 'Same as `--format json`'
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -l max-rate -d 'Limit the read rate over all files (`50MB`, `1GiB` per second)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -l all -d 'Verify all models'
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -l quick -d 'Check the structure only: headers, lengths, split sets; do not read the data'
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -l hash -d 'Also hash files without a declared checksum, and record the result'
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -l again -d 'Also read files that were verified before'
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -s v -l verbose -d 'List every file, not only the problems'
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -l json -d 'Print the report as a JSON object'
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand duplicates" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand duplicates" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand duplicates" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand duplicates" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand duplicates" -l wasteful -d 'Only groups where sharing would save space, not those that are hard links already'
complete -c modelctl -n "__fish_modelctl_using_subcommand duplicates" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand duplicates" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand duplicates" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand duplicates" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand duplicates" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand dedupe" -l undo -d 'Give the files of a run space of their own again [default: the latest run]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand dedupe" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand dedupe" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand dedupe" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand dedupe" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand dedupe" -l hard-link -d 'Use hard links where the file system cannot share blocks'
complete -c modelctl -n "__fish_modelctl_using_subcommand dedupe" -s y -l confirm -l yes -d 'Do it; without this, only what would be done is shown'
complete -c modelctl -n "__fish_modelctl_using_subcommand dedupe" -s n -l dry-run -d 'Show what would be done and change nothing; this is the default'
complete -c modelctl -n "__fish_modelctl_using_subcommand dedupe" -l json -d 'Print a JSON object'
complete -c modelctl -n "__fish_modelctl_using_subcommand dedupe" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand dedupe" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand dedupe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand dedupe" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand doctor" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand doctor" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand doctor" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand doctor" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand doctor" -l json -d 'Print a JSON object'
complete -c modelctl -n "__fish_modelctl_using_subcommand doctor" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand doctor" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand doctor" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l unused-for -d 'Models not used for this long (`30d`, `12h`, `3mo`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l prune-days -d 'The same in days' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l older-than -d 'Models not modified for this long' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l model -d 'These models: an id, a name, an alias or a path' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l free -d 'Free space to reach on the file system (`50GiB`), the least recently used first' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l max-total -d 'Maximum total size of all models (`200GiB`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l prefer -d 'With --across-stores: the store whose copy is kept' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l keep -d 'Keep models that match this name, id, path or glob (`*-Q8_0`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l min-keep -d 'Keep at least this many usable models, over all stores (also: AUTO_PRUNE_MIN_KEEP)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l grace -d 'Keep files used, written or added within this time; 0 to disable' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l expire-trash -d 'Also delete items that have been in the trash for this long; `trash.expire` in the config file takes precedence' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l plan -d 'Save the plan to this file, to be reviewed and then applied (`-`: standard output)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l apply -d 'Apply the plan in this file; anything that has changed since is left alone' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l empty-trash -d 'To reach --free, delete items in the trash for good, oldest first and only as needed'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l superseded -d 'Files referenced only by an old revision'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l orphans -d 'Files that nothing references'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l partials -d 'Unfinished downloads, and split models with parts missing'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l damaged -d 'Truncated and corrupt models'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l duplicates -d 'Duplicate copies (same sha256) within one store; keeps a copy that `modelctl verify --hash` has checked'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l across-stores -d 'With --duplicates: also copies in different stores, which then lose the model'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l assume-unused -d 'Treat files whose use cannot be checked (processes of other users) as unused'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -s n -l dry-run -d 'Show what would be done and change nothing; this is the default'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -s y -l confirm -l yes -d 'Apply the plan'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l purge -d 'Delete permanently instead of moving to the trash: no undo'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l allow-large -d 'Allow rules to remove more than half of a store'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l now-is-right -d 'Trust the clock although it jumped ahead'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l exit-code -d 'Exit with 10 if something was removed or would be, 0 if there is nothing to do'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l all -d 'List what is kept as well, with the reason for each'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l json -d 'Print the plan and its result as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand rm" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand rm" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand rm" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand rm" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand rm" -s y -l yes -l confirm -d 'Remove without asking'
complete -c modelctl -n "__fish_modelctl_using_subcommand rm" -s n -l dry-run -d 'Show what would be removed and change nothing'
complete -c modelctl -n "__fish_modelctl_using_subcommand rm" -l assume-unused -d 'Treat files whose use cannot be checked (processes of other users) as unused'
complete -c modelctl -n "__fish_modelctl_using_subcommand rm" -l purge -d 'Delete permanently instead of moving to the trash: no undo'
complete -c modelctl -n "__fish_modelctl_using_subcommand rm" -l json -d 'Print the plan, and what became of it, as a JSON object'
complete -c modelctl -n "__fish_modelctl_using_subcommand rm" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand rm" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand rm" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -l in -d 'Also look for trash next to this folder (for stores not in the database), or the trash itself' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -f -a "list" -d 'List the trash, oldest first'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -f -a "ls" -d 'List the trash, oldest first'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -f -a "restore" -d 'Restore items to where they were, with links, times and modes; nothing is overwritten'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -f -a "empty" -d 'Delete items permanently; without --confirm only shows them'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from list" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from list" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from list" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from list" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from list" -l in -d 'Also look for trash next to this folder (for stores not in the database), or the trash itself' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from list" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from ls" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from ls" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from ls" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from ls" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from ls" -l in -d 'Also look for trash next to this folder (for stores not in the database), or the trash itself' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from ls" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from ls" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from ls" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -l run -d 'Everything that one run moved: its id, as in `history` and `trash list --json`' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -l from -d 'Everything that was in this folder, even if no database knows it' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -l in -d 'Also look for trash next to this folder (for stores not in the database), or the trash itself' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -l last -d 'Everything that the latest run moved to the trash'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -l all -d 'Everything in the trash'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -l older-than -d 'Only items that have been in the trash for this long (`7d`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -l in -d 'Also look for trash next to this folder (for stores not in the database), or the trash itself' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -s n -l dry-run -d 'Show what would be deleted and change nothing; this is the default'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -s y -l confirm -l yes -d 'Delete: this cannot be undone'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -l now-is-right -d 'Trust the clock although it jumped ahead'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and not __fish_seen_subcommand_from next record done list rollback help" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and not __fish_seen_subcommand_from next record done list rollback help" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and not __fish_seen_subcommand_from next record done list rollback help" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and not __fish_seen_subcommand_from next record done list rollback help" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and not __fish_seen_subcommand_from next record done list rollback help" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and not __fish_seen_subcommand_from next record done list rollback help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and not __fish_seen_subcommand_from next record done list rollback help" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and not __fish_seen_subcommand_from next record done list rollback help" -f -a "next" -d 'Suggest the smallest setting to change in the current state'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and not __fish_seen_subcommand_from next record done list rollback help" -f -a "record" -d 'Record a change before you make it, with the current health, speed and memory'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and not __fish_seen_subcommand_from next record done list rollback help" -f -a "done" -d 'Measure again after a change and report whether it is better, the same or worse'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and not __fish_seen_subcommand_from next record done list rollback help" -f -a "list" -d 'List the recorded changes'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and not __fish_seen_subcommand_from next record done list rollback help" -f -a "rollback" -d 'Print how to undo a change'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and not __fish_seen_subcommand_from next record done list rollback help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from next" -l service -d 'Only this service' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from next" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from next" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from next" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from next" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from next" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from next" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from next" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from next" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from next" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -l from -d 'Current value, which a rollback restores' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -l to -d 'New value' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -l why -d 'Reason for the change' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -l service -d 'Service that the setting belongs to' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from done" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from done" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from done" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from done" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from done" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from done" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from done" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from done" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from done" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from list" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from list" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from list" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from list" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from list" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from rollback" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from rollback" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from rollback" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from rollback" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from rollback" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from rollback" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from rollback" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from rollback" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from rollback" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from help" -f -a "next" -d 'Suggest the smallest setting to change in the current state'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from help" -f -a "record" -d 'Record a change before you make it, with the current health, speed and memory'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from help" -f -a "done" -d 'Measure again after a change and report whether it is better, the same or worse'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the recorded changes'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from help" -f -a "rollback" -d 'Print how to undo a change'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -s p -l prompt -d 'The prompt, also one that begins with a dash' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l max-tasks -d 'Run at most this many tasks [default: OFFLOAD_MAX_TASKS, else 5]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -s m -l model -d 'Use this model: an id or its first digits, an alias, a name or a path' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l max-tokens -d 'Stop after this many tokens [default: when the model is done or the context is full]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l temperature -d 'Sampling temperature; 0 is greedy decoding' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l seed -d 'Random seed' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l timeout -d 'Stop waiting for other processes after this long, and end the answer then [default: wait 10m, no end]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l force -d 'Load the model even if it does not seem to fit in memory'
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l json -d 'Print one JSON object at the end instead of streaming'
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -s p -l prompt -d 'The prompt, also one that begins with a dash' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l max-tasks -d 'Run at most this many tasks [default: OFFLOAD_MAX_TASKS, else 5]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -s m -l model -d 'Use this model: an id or its first digits, an alias, a name or a path' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l max-tokens -d 'Stop after this many tokens [default: when the model is done or the context is full]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l temperature -d 'Sampling temperature; 0 is greedy decoding' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l seed -d 'Random seed' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l timeout -d 'Stop waiting for other processes after this long, and end the answer then [default: wait 10m, no end]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l force -d 'Load the model even if it does not seem to fit in memory'
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l json -d 'Print one JSON object at the end instead of streaming'
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -s o -l output -d 'Write the answers to this file, atomically' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -l errors -d 'Write failed requests to this file instead' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -l model -d 'Use this model for all requests, overriding the file' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -l tier -d 'Use models of this tier for all requests, overriding the file' -r -f -a "fast\t''
balanced\t''
powerful\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -l any-model -d 'Use any available model for all requests, overriding the file'
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -l fallback -d 'Let another model answer if the named one fails or cannot run [default: OFFLOAD_FALLBACK]'
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -l json -d 'Print a JSON object with the counts'
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -l listen -d 'Listen on this address: 127.0.0.1:4848 (the default), [::1]:4848, or the path of a Unix socket; may be repeated, and `none` leaves only --socket (also: MODELCTL_LISTEN, separated by commas)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -l socket -d 'Unix socket for the command line, accessible to this user only [default: $XDG_RUNTIME_DIR/modelctl/serve.sock]' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -l api-key-file -d 'File of the keys of clients on other machines, one `name:key:class` per line (class: interactive, normal or batch; optional), mode 0600; required for addresses that they can reach' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -l exec -d 'Run this program for every event, with the event as JSON on its standard input, for at most 10 seconds (also: `[hooks] exec`)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -l no-executor -d 'Do not run queued tasks'
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -l json -d 'Print a JSON object per line for each run that did something'
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand start" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand start" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand start" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand start" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand start" -l json -d 'Print the servers as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand start" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand start" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand start" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand start" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand stop" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand stop" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand stop" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand stop" -l now -d 'Cancel running answers instead of waiting for them'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop" -l json -d 'Print the servers as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand restart" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand restart" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand restart" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand restart" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand restart" -l now -d 'Cancel running answers instead of waiting for them'
complete -c modelctl -n "__fish_modelctl_using_subcommand restart" -l json -d 'Print the servers as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand restart" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand restart" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand restart" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand restart" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand start-all" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand start-all" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand start-all" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand start-all" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand start-all" -l json -d 'Print the result as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand start-all" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand start-all" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand start-all" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand start-all" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop-all" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand stop-all" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand stop-all" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand stop-all" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand stop-all" -l now -d 'Cancel running answers instead of waiting for them'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop-all" -l json -d 'Print the result as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop-all" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop-all" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop-all" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop-all" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand ps" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand ps" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand ps" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand ps" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand ps" -l json -d 'Print everything as a JSON object'
complete -c modelctl -n "__fish_modelctl_using_subcommand ps" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand ps" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand ps" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand ps" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -l once -d 'Print one table and exit'
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -l ascii -d 'Use ASCII characters only, as in a locale without UTF-8'
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -l json -d 'Print one JSON document and exit'
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand status" -l decisions -d 'Number of decisions to show; the daemon keeps 200' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand status" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand status" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand status" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand status" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand status" -l json -d 'Print a JSON document'
complete -c modelctl -n "__fish_modelctl_using_subcommand status" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand status" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand status" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand why" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand why" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand why" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand why" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand why" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand why" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand why" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand why" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand why" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -f -a "pause" -d 'Load, unload and evict models only on request'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -f -a "resume" -d 'End a pause'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -f -a "status" -d 'Show what the daemon has loaded, what memory is left, and what was decided'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from pause" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from pause" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from pause" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from pause" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from pause" -l json -d 'Print the answer as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from pause" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from pause" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from pause" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from pause" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from resume" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from resume" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from resume" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from resume" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from resume" -l json -d 'Print the answer as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from resume" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from resume" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from resume" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from resume" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from status" -l decisions -d 'Number of decisions to show; the daemon keeps 200' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from status" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from status" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from status" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from status" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from status" -l json -d 'Print a JSON document'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from status" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from status" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from help" -f -a "pause" -d 'Load, unload and evict models only on request'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from help" -f -a "resume" -d 'End a pause'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show what the daemon has loaded, what memory is left, and what was decided'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -l for -d 'Apply it for this time, such as `1h`' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -l clear -d 'Let the daemon decide again'
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -l json -d 'Print the answer as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand offload" -l to -d 'Where its layers are loaded [default: one step lower]' -r -f -a "cpu\t'All layers in main memory'
cpu_offload\t'As many layers on the GPU as fit'
gpu\t'All layers on the GPU'"
complete -c modelctl -n "__fish_modelctl_using_subcommand offload" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand offload" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand offload" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand offload" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand offload" -l json -d 'Print the answer as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand offload" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand offload" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand offload" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand offload" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -s n -l lines -d 'Number of past lines; the daemon keeps 200' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -s f -l follow -d 'Follow new lines until interrupted'
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -l json -d 'Print JSON: one document, or one object per line with --follow'
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -s n -l limit -d 'Number of past events; the daemon keeps 1,000' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -s f -l follow -d 'Follow new events until interrupted'
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -l json -d 'Print JSON: one document, or one object per line with --follow'
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "add" -d 'Add one task'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "list" -d 'List tasks, newest first'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "ls" -d 'List tasks, newest first'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "show" -d 'Show a task: its state, attempts and answer'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "cancel" -d 'Cancel tasks, including running ones'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "retry" -d 'Retry failed or canceled tasks'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "wait" -d 'Wait for tasks to finish'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "follow" -d 'Print task events as they happen'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "import" -d 'Queue the requests of a file in OpenAI\'s Batch format (JSONL)'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "export" -d 'Write the answers of finished tasks in OpenAI\'s Batch format (JSONL)'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "stats" -d 'Show queue statistics'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -s p -l prompt -d 'The prompt, also one that begins with a dash' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l file -d 'Read the prompt from a file' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l system -d 'System prompt' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -s m -l model -d 'Use this model: an id or its first digits, an alias, a name or a path' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l tier -d 'Use a model of this tier' -r -f -a "fast\t''
balanced\t''
powerful\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l key -d 'Your own name for the task' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l priority -d 'Higher runs first; may be negative' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l not-before -d 'Do not start before this time (`2026-11-21T06:00:00Z`) or delay (`2h`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l deadline -d 'Give up if it has not started by this time, or after this delay' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l timeout -d 'Time limit for one attempt (`90s`, `10m`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l max-attempts -d 'Maximum number of attempts [default: OFFLOAD_MAX_ATTEMPTS, else 3]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l max-tokens -d 'Stop after this many tokens' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l temperature -d 'Sampling temperature; 0 is greedy decoding' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l top-p -d 'Sample from the most likely tokens with this cumulative probability' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l seed -d 'Random seed' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l stop -d 'End the answer before this text; repeatable' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l json-schema -d 'Constrain the answer to the JSON schema in this file' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l grammar -d 'Constrain the answer to the GBNF grammar in this file' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l raw -d 'Complete the text without a chat template (`/v1/completions`)'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l fallback -d 'Let another model answer if the named one fails or cannot run [default: OFFLOAD_FALLBACK]'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l replace-finished -d 'Run it again if the task of this key has ended'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l json -d 'Print the task as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -l state -d 'Only tasks in this state; repeatable' -r -f -a "queued\t''
scheduled\t''
running\t''
done\t''
failed\t''
cancelled\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -l batch -d 'Only tasks of this batch' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -s n -l limit -d 'Maximum number to show; 0 shows all' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -l pending -d 'Only unfinished tasks'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -l state -d 'Only tasks in this state; repeatable' -r -f -a "queued\t''
scheduled\t''
running\t''
done\t''
failed\t''
cancelled\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -l batch -d 'Only tasks of this batch' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -s n -l limit -d 'Maximum number to show; 0 shows all' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -l pending -d 'Only unfinished tasks'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from show" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from show" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from show" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from show" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from show" -l text -d 'Print only the answer, unchanged'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from show" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from show" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -l batch -d 'All unfinished tasks of this batch' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -l all -d 'All unfinished tasks'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -l batch -d 'All failed or canceled tasks of this batch' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -l failed -d 'All failed tasks'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -l batch -d 'All tasks of this batch' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -l timeout -d 'Wait at most this long (`10m`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -l all -d 'All unfinished tasks'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -l json -d 'Print the tasks as a JSON array when they have finished'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from follow" -l batch -d 'All tasks of this batch' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from follow" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from follow" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from follow" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from follow" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from follow" -l json -d 'Print a JSON object per line for each event'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from follow" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from follow" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from follow" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from follow" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l batch -d 'Name of the batch [default: the file name and the first digits of a sha256 over the file and its models]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -s m -l model -d 'Use this model for all requests, overriding the file' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l tier -d 'Use models of this tier for all requests, overriding the file' -r -f -a "fast\t''
balanced\t''
powerful\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l priority -d 'Higher runs first; may be negative' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l max-attempts -d 'Maximum number of attempts per request [default: OFFLOAD_MAX_ATTEMPTS, else 3]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l any-model -d 'Use any available model for all requests, overriding the file'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l fallback -d 'Let another model answer if the named one fails or cannot run [default: OFFLOAD_FALLBACK]'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l replace-finished -d 'Run finished ones again'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l json -d 'Print a JSON object'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -l batch -d 'Only tasks of this batch' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -s o -l output -d 'Write to this file, atomically, instead of standard output' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -l errors -d 'Write failed requests to this file instead' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -l json -d 'Print a JSON object with the counts; needs --output'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from stats" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from stats" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from stats" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from stats" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from stats" -l json -d 'Print a JSON object'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from stats" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from stats" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from stats" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from stats" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add one task'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "list" -d 'List tasks, newest first'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show a task: its state, attempts and answer'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "cancel" -d 'Cancel tasks, including running ones'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "retry" -d 'Retry failed or canceled tasks'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "wait" -d 'Wait for tasks to finish'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "follow" -d 'Print task events as they happen'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "import" -d 'Queue the requests of a file in OpenAI\'s Batch format (JSONL)'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "export" -d 'Write the answers of finished tasks in OpenAI\'s Batch format (JSONL)'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "stats" -d 'Show queue statistics'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelctl -n "__fish_modelctl_using_subcommand inference" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand inference" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand inference" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand inference" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand inference" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand inference" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand inference" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand inference" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand inference" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -l model -d 'Only what happened to this model: id, alias, name or path' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -l what -d 'Only events of this kind; repeatable' -r -f -a "scan\t''
set\t''
keep\t''
prune\t''
purge\t''
restore\t''
empty\t''
inference\t''
dedupe\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -l since -d 'Only events after this: an age (`7d`, `45min`), a day (`2026-11-21`), or a time with its zone' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -l until -d 'Only events before this; a day is included' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -s n -l limit -d 'Maximum number to show, newest first; 0 shows all' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -l detail -d 'Show each event on a line of its own'
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -l utc -d 'Show times in UTC on a terminal, too'
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l since -d 'How far back to look' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l playbook -d 'Only services of this playbook, and the node' -r -f -a "api\t''
llama\t''
worker\t''
whisper\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l service -d 'Only this service, and the node (repeatable)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l only -d 'Apply only this rule (repeatable)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l skip -d 'Skip this rule (repeatable)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l bundle -d 'Also write facts and report to this new file (.tar or .tar.zst, mode 0600, at most 64 MiB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l from -d 'Use the facts in this bundle instead of those of this node' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l baseline -d 'Save the current state as the baseline, or show what differs from it' -r -f -a "save\t''
diff\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l watch -d 'How long --checklist watches' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l explain -d 'Show what a rule recognizes, and why' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l sysroot -d 'Use this directory as /' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l kmsg -d 'Use this file as the kernel log' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l journal -d 'Use this file as the journal' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l now -d 'Use this time as now' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l all -d 'Show everything: hints, all lines of proof, explained findings, collector times'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l deep -d 'Also request one token from servers with a free slot, and import torch in a child process'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l map -d 'Show where the config, launcher, code, models and logs of each service are'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l look -d 'Show the facts without a verdict: states, log tails, GPUs, memory, endpoints'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l checklist -d 'After a fix: check that programs, endpoints and model files stay stable'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l rules -d 'List all rules'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l json -d 'Print JSON (with --look: the facts; with --map: the files)'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand schema" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand schema" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand schema" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand schema" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand schema" -l json -d 'List the commands and documents as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand schema" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand schema" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand schema" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand completions" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand completions" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand completions" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand completions" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand completions" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand completions" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand completions" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand man" -l dir -d 'Write all pages to this folder; if its name is `man1`, modelctl.toml.5 is written to `man5` next to it' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand man" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand man" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand man" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand man" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand man" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand man" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand man" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand version" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand version" -l config -d 'Read this config file instead of the one in the usual places; see modelctl.toml(5)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand version" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand version" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand version" -l json -d 'Print JSON, with the version of the database and whether models can be run'
complete -c modelctl -n "__fish_modelctl_using_subcommand version" -s q -l quiet -d 'Print nothing unless something is wrong or was changed; commands that show something still show it'
complete -c modelctl -n "__fish_modelctl_using_subcommand version" -l wide -d 'Show all columns of a table, whole, even if its lines are wider than the terminal'
complete -c modelctl -n "__fish_modelctl_using_subcommand version" -s h -l help -d 'Print help'
complete -c modelctl -n "__fish_modelctl_using_subcommand version" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "scan" -d 'Find models and record them'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "list" -d 'List the models known on this machine'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "df" -d 'Show the disk space of the stores and how much of it can be reclaimed'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "show" -d 'Show the details of a model: files, metadata, memory, use'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "set" -d 'Change a model\'s settings: tier, alias, note, pin, enabled, server options'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "keep" -d 'Manage the models that you want to keep'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "health" -d 'Check the health of the services on this node'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "verify" -d 'Check files for truncation and against the checksums of their store'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "duplicates" -d 'Find identical files'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "dedupe" -d 'Make identical files share their space on the disk (dry run unless --confirm)'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "doctor" -d 'Look for problems: unreadable folders, missing places, damaged files, the database, the clock'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "prune" -d 'Remove unused models and leftover files (dry run unless --confirm)'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "rm" -d 'Remove models by name: shows what would be removed and asks'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "trash" -d 'List, restore or delete pruned models'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "tune" -d 'Suggest the next setting to change on this node, and record the effect of changes'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "run-once" -d 'Run one prompt, or the due tasks of the queue (for cron)'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "batch" -d 'Run an OpenAI Batch file (JSONL) and write the answers'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "serve" -d 'Serve models to clients and run queued tasks, until stopped'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "start" -d 'Start model servers and wait until they are ready'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "stop" -d 'Stop model servers'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "restart" -d 'Restart model servers, with their current settings'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "start-all" -d 'Start the servers of all enabled models, smallest first'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "stop-all" -d 'Stop all model servers'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "ps" -d 'List the models that are loaded or open, and by which process'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "top" -d 'Watch what is loaded and why, and start or stop models with a key'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "status" -d 'Show models, disk, queue, and what the daemon has loaded, on one screen'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "why" -d 'Explain why a model is loaded or not, and what it waits for'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "lifecycle" -d 'Pause or resume automatic loading and unloading, or show its status'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "priority" -d 'Override the priority that the daemon computes for a model'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "offload" -d 'Move a loaded model off the GPU, or back'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "logs" -d 'Show the log of a model server or a service'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "events" -d 'Show what happened to the model servers since the daemon started'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "task" -d 'Queue prompts and get their answers'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "inference" -d 'Pause or resume the task queue'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "history" -d 'Show the audit log: who did what, when and why, newest last'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "triage" -d 'Find out why a service on this node fails: one cause, its proof, the smallest next step and its undo'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "schema" -d 'Print the JSON schema of what a command prints with --json'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "completions" -d 'Print the completion script of a shell'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "man" -d 'Print the manual page, or write all pages into a folder'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "version" -d 'Print the version'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates dedupe doctor prune rm trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from keep" -f -a "add" -d 'Add hints; existing ones keep their place'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from keep" -f -a "rm" -d 'Remove hints that `keep add` added'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from keep" -f -a "list" -d 'List all hints in order of preference, with their origin and the models they match'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from trash" -f -a "list" -d 'List the trash, oldest first'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from trash" -f -a "restore" -d 'Restore items to where they were, with links, times and modes; nothing is overwritten'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from trash" -f -a "empty" -d 'Delete items permanently; without --confirm only shows them'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from tune" -f -a "next" -d 'Suggest the smallest setting to change in the current state'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from tune" -f -a "record" -d 'Record a change before you make it, with the current health, speed and memory'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from tune" -f -a "done" -d 'Measure again after a change and report whether it is better, the same or worse'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from tune" -f -a "list" -d 'List the recorded changes'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from tune" -f -a "rollback" -d 'Print how to undo a change'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from lifecycle" -f -a "pause" -d 'Load, unload and evict models only on request'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from lifecycle" -f -a "resume" -d 'End a pause'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from lifecycle" -f -a "status" -d 'Show what the daemon has loaded, what memory is left, and what was decided'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "add" -d 'Add one task'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "list" -d 'List tasks, newest first'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "show" -d 'Show a task: its state, attempts and answer'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "cancel" -d 'Cancel tasks, including running ones'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "retry" -d 'Retry failed or canceled tasks'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "wait" -d 'Wait for tasks to finish'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "follow" -d 'Print task events as they happen'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "import" -d 'Queue the requests of a file in OpenAI\'s Batch format (JSONL)'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "export" -d 'Write the answers of finished tasks in OpenAI\'s Batch format (JSONL)'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "stats" -d 'Show queue statistics'

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
