# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_modelctl_global_optspecs
    string join \n config= db= color= q/quiet h/help V/version
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

complete -c modelctl -n "__fish_modelctl_needs_command" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_needs_command" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_needs_command" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_needs_command" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_needs_command" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "scan" -d 'Look for models and record what is there'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "list" -d 'List the models known on this machine'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "ls" -d 'List the models known on this machine'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "df" -d 'Show the disk space of the stores and how much of it can be reclaimed'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "du" -d 'Show the disk space of the stores and how much of it can be reclaimed'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "show" -d 'Show everything about one model: files, metadata, memory, use'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "info" -d 'Show everything about one model: files, metadata, memory, use'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "inspect" -d 'Show everything about one model: files, metadata, memory, use'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "set" -d 'Set what a model is to you: its tier, its alias, whether it may be chosen, how its server runs'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "keep" -d 'Name the models that you want to keep'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "health" -d 'Check the health of the services on this node'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "verify" -d 'Check that the files of models are whole and are what their store promises'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "duplicates" -d 'Show files that are on this machine more than once'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "prune" -d 'Remove unused models and leftover files (dry run unless --confirm)'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "trash" -d 'See, bring back or delete what prune took away'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "tune" -d 'Suggest the next setting to change on this node, and record the effect of changes'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "run-once" -d 'Run due tasks of the queue and exit (for cron), or one prompt'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "run" -d 'Run due tasks of the queue and exit (for cron), or one prompt'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "batch" -d 'Answer a file of requests in OpenAI\'s Batch format (JSONL) and write the answers'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "serve" -d 'Serve models to clients, and run queued tasks as they come, until stopped'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "start" -d 'Start the servers of models, and wait until they are ready'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "stop" -d 'Stop the servers of models'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "restart" -d 'Stop the servers of models and start them again, with their settings of now'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "start-all" -d 'Start the servers of all enabled models, the smallest first'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "stop-all" -d 'Stop the servers of all models'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "ps" -d 'List the model servers that run, start or failed'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "top" -d 'Watch what is loaded, what it costs and why, and start or stop it by a key'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "status" -d 'Show what is loaded, what memory is left, and what was decided'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "why" -d 'Explain why a model is loaded or not, and what it waits for'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "lifecycle" -d 'Pause or resume what the daemon does by itself, or show its status'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "priority" -d 'Set how much a model is needed, over what the daemon finds out'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "offload" -d 'Move a loaded model off the GPU, or back'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "logs" -d 'Show what the server of a model, or a service, logged'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "events" -d 'Show what happened to the model servers since the daemon began'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "task" -d 'Queue prompts, look at them, and get their answers'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "inference" -d 'Let tasks run, or make them wait'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "history" -d 'Show who did what, when, why and how much, newest last'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "triage" -d 'Find out why a service on this node fails: one cause, its proof, the smallest next step and its undo'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "schema" -d 'Print the JSON schema of what a command prints with --json'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "completions" -d 'Print the completion script of a shell'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "man" -d 'Print the manual page, or write all pages into a folder'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "version" -d 'Print the version'
complete -c modelctl -n "__fish_modelctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -l store -d 'Look in this folder too, as the root of that store: `ollama=/srv/models` (dir, hf, ollama, lmstudio, llamacpp, ramalama, docker)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -l full -d 'Read everything again, also repositories of a Hugging Face cache in which nothing has changed'
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -l json -d 'Print the report as a JSON object'
complete -c modelctl -n "__fish_modelctl_using_subcommand scan" -s q -l quiet -d 'Print results, warnings and errors only'
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
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l quant -d 'Only models with this quantisation (`Q4_K_M`, `q4*`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l state -d 'Only models in this state' -r -f -a "ready\t''
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
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l sort -d 'What to sort by; sizes largest first, times latest first, unknown values last' -r -f -a "name\t''
size\t'Largest first'
params\t'Most first'
used\t'Last used first'
added\t'Newest first'
tier\t'Fast first'
context\t'Longest first'
state\t'Ready first'
store\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l class -d 'Only files of this class (with --files)' -r -f -a "referenced\t''
superseded\t''
orphan\t''
partial\t''
side-cache\t''
damaged\t''
missing\t''
trash\t''
snapshot\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -s r -l reverse -d 'Turn the order round'
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l files -d 'Show the files that stores hold, each with its class and the reason, instead of models'
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l stores -d 'Show what each store takes, and how much of it is not referenced, instead of models'
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -s a -l all -d 'Also show models that are gone'
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand list" -s q -l quiet -d 'Print results, warnings and errors only'
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
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l quant -d 'Only models with this quantisation (`Q4_K_M`, `q4*`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l state -d 'Only models in this state' -r -f -a "ready\t''
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
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l sort -d 'What to sort by; sizes largest first, times latest first, unknown values last' -r -f -a "name\t''
size\t'Largest first'
params\t'Most first'
used\t'Last used first'
added\t'Newest first'
tier\t'Fast first'
context\t'Longest first'
state\t'Ready first'
store\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l class -d 'Only files of this class (with --files)' -r -f -a "referenced\t''
superseded\t''
orphan\t''
partial\t''
side-cache\t''
damaged\t''
missing\t''
trash\t''
snapshot\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -s r -l reverse -d 'Turn the order round'
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l files -d 'Show the files that stores hold, each with its class and the reason, instead of models'
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l stores -d 'Show what each store takes, and how much of it is not referenced, instead of models'
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -s a -l all -d 'Also show models that are gone'
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand ls" -s q -l quiet -d 'Print results, warnings and errors only'
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
complete -c modelctl -n "__fish_modelctl_using_subcommand df" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand df" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand df" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand df" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand df" -s q -l quiet -d 'Print results, warnings and errors only'
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
complete -c modelctl -n "__fish_modelctl_using_subcommand du" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand du" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand du" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand du" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand du" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand du" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand du" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -l ctx -d 'Context in tokens to estimate the memory for [default: the model\'s own, at most 4096]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -l parallel -d 'Sequences that share the context' -r
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
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -l fit -d 'Ask llama.cpp for the exact memory, without allocating it (the answer is kept)'
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand show" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -l ctx -d 'Context in tokens to estimate the memory for [default: the model\'s own, at most 4096]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -l parallel -d 'Sequences that share the context' -r
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
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -l fit -d 'Ask llama.cpp for the exact memory, without allocating it (the answer is kept)'
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand info" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -l ctx -d 'Context in tokens to estimate the memory for [default: the model\'s own, at most 4096]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -l parallel -d 'Sequences that share the context' -r
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
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -l fit -d 'Ask llama.cpp for the exact memory, without allocating it (the answer is kept)'
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand inspect" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l tier -d 'Override the computed tier; `auto` computes it again' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l alias -d 'A name of your own for it; empty takes it away' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l note -d 'A line to remember; empty takes it away' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l engine -d 'The program that serves it: `worker` or `llama-server`' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l context -d 'Tokens of context of one request' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l parallel -d 'Requests that are answered at once' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l gpu-layers -d 'Layers on the GPU' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l threads -d 'Threads for generation' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l idle-timeout -d 'Stop the server after this time without a request, such as `10m`' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l priority -d 'The class of requests that name none: `interactive`, `normal` or `batch`' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l embeddings -d 'Whether a second worker may make vectors of a model that generates text: `yes` or `no`' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l degrade -d 'What may become less when memory runs out, in this order: `layers` (of the GPU), `context`' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l min-tier -d 'Start it by itself only on such a node or a larger one: `embedded`, `lite`, `standard`, `full`, `compute_host`' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l llama-args -d 'Arguments for llama-server, separated by spaces, such as `-fa on`' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l env -d 'A variable of its server, such as `CUDA_VISIBLE_DEVICES=0`; replaces all that are set' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l pin -d 'Never evict, never prune'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l unpin -d 'Take the pin away'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l enable -d 'Let it be started and chosen'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l disable -d 'Keep it from being started or chosen'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l no-alias -d 'Remove the alias'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l no-note -d 'Remove the note'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l essential -d 'Restart its server after every crash, without a limit'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l no-essential -d 'Give its server up after a few crashes in a row'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l pressure-evict-only -d 'Stop its server only when memory is needed, never because it is idle or the CPU is busy'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l no-pressure-evict-only -d 'Stop its server as others'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l no-degrade -d 'Let it fail when memory runs out, rather than be slower or shorter'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -l json -d 'Print the settings as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand set" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -f -a "add" -d 'Add hints; one that is kept already stays where it is'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -f -a "rm" -d 'Remove hints that `keep add` added'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -f -a "remove" -d 'Remove hints that `keep add` added'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -f -a "list" -d 'List all hints in order of preference: where each comes from, and which models it means'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and not __fish_seen_subcommand_from add rm remove list ls" -f -a "ls" -d 'List all hints in order of preference: where each comes from, and which models it means'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from add" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from add" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from add" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from add" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from rm" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from rm" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from rm" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from rm" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from rm" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from remove" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from remove" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from remove" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from remove" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from list" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from list" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from list" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from list" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from ls" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from ls" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from ls" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from ls" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from ls" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand keep; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
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
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l require-gpu -d 'Fail unless there is a working GPU'
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l strict -d 'Exit with 1 on a warning as well'
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -l json -d 'Same as `--format json`'
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand health" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -l max-rate -d 'Read at most so much per second over all files (`50MB`, `1GiB`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -l all -d 'Verify every model that is not gone'
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -l quick -d 'Structure only: headers, lengths, split sets, sizes at rest; no data is read'
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -l hash -d 'Also hash files for which no store promises a hash, and record that'
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -l again -d 'Read what was verified before as well'
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -l json -d 'Print the report as a JSON object'
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand verify" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand duplicates" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand duplicates" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand duplicates" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand duplicates" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand duplicates" -l wasteful -d 'Only groups of which sharing would save something: not those that are hard links already'
complete -c modelctl -n "__fish_modelctl_using_subcommand duplicates" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand duplicates" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand duplicates" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand duplicates" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l unused-for -d 'Models not used for this long (`30d`, `12h`, `3mo`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l prune-days -d 'The same in days' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l older-than -d 'Models of which no file was written for this long' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l model -d 'These models: an id, a name, an alias or a path' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l free -d 'Free space to reach on the file system (`50GiB`), the least recently used first' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l max-total -d 'Space that all models may take together (`200GiB`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l prefer -d 'With --across-stores: the store whose copy stays' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l keep -d 'Keep models that match this name, id, path or glob (`*-Q8_0`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l min-keep -d 'Keep at least this many usable models, over all stores (also: AUTO_PRUNE_MIN_KEEP)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l grace -d 'Keep what was used, written or put in place within this time; 0 for none' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l expire-trash -d 'Also delete for good what has been in the trash for this long; `trash.expire` of the config file takes precedence' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l plan -d 'Save the plan to this file, to be reviewed and then applied (`-`: standard output)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l apply -d 'Take the plan from this file instead of making one; what has changed since is left alone' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l empty-trash -d 'To reach --free, delete what is in the trash for good: the oldest first, and only as far as needed'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l superseded -d 'Files referenced only by an old revision'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l orphans -d 'Files that nothing references'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l partials -d 'Unfinished downloads, and split models with parts missing'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l damaged -d 'Truncated and corrupt models'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l duplicates -d 'Further copies of the same content (by sha256) in one store; a copy that `modelctl verify --hash` has read stays'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l across-stores -d 'With --duplicates: copies in different stores as well, although each store then lacks the model'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l assume-unused -d 'Treat files whose use cannot be checked (processes of other users) as unused'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -s n -l dry-run -d 'Show what would be done and change nothing; this is the default'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -s y -l confirm -l yes -d 'Apply the plan'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l purge -d 'Delete for good instead of keeping in the trash: there is no undo'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l allow-large -d 'Allow rules to remove more than half of a store'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l now-is-right -d 'Count ages up to the time of the clock although it leapt ahead, and accept that time from now on'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l exit-code -d 'Exit with 10 when something was removed or would be, with 0 when there is nothing to do'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -l json -d 'Print the plan, and what became of it, as a JSON object'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand prune" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -l in -d 'Look for the trash of this folder as well: a store that nobody knows of, or that has gone, or the trash itself' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -f -a "list" -d 'List what is in the trash, the oldest first'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -f -a "ls" -d 'List what is in the trash, the oldest first'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -f -a "restore" -d 'Put back where it was: content, links, times and modes; nothing is overwritten'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and not __fish_seen_subcommand_from list ls restore empty" -f -a "empty" -d 'Delete for good; without --confirm shows what would be deleted'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from list" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from list" -l in -d 'Look for the trash of this folder as well: a store that nobody knows of, or that has gone, or the trash itself' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from list" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from list" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from list" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from ls" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from ls" -l in -d 'Look for the trash of this folder as well: a store that nobody knows of, or that has gone, or the trash itself' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from ls" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from ls" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from ls" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from ls" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from ls" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -l in -d 'Look for the trash of this folder as well: a store that nobody knows of, or that has gone, or the trash itself' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from restore" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -l older-than -d 'Only what has been there for this long (`7d`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -l in -d 'Look for the trash of this folder as well: a store that nobody knows of, or that has gone, or the trash itself' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -s n -l dry-run -d 'Show what would be deleted and change nothing; this is the default'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -s y -l confirm -l yes -d 'Delete: there is no undo'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -l now-is-right -d 'Count ages up to the time of the clock although it leapt ahead, and accept that time from now on'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand trash; and __fish_seen_subcommand_from empty" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and not __fish_seen_subcommand_from next record done list rollback help" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and not __fish_seen_subcommand_from next record done list rollback help" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and not __fish_seen_subcommand_from next record done list rollback help" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and not __fish_seen_subcommand_from next record done list rollback help" -s q -l quiet -d 'Print results, warnings and errors only'
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
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from next" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from next" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from next" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from next" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from next" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from next" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from next" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -l from -d 'Current value, which a rollback restores' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -l to -d 'New value' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -l why -d 'Reason for the change' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -l service -d 'Service that the setting belongs to' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from record" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from done" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from done" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from done" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from done" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from done" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from done" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from done" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from done" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from list" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from list" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from list" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from list" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from rollback" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from rollback" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from rollback" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from rollback" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from rollback" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from rollback" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from rollback" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from rollback" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from help" -f -a "next" -d 'Suggest the smallest setting to change in the current state'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from help" -f -a "record" -d 'Record a change before you make it, with the current health, speed and memory'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from help" -f -a "done" -d 'Measure again after a change and report whether it is better, the same or worse'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the recorded changes'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from help" -f -a "rollback" -d 'Print how to undo a change'
complete -c modelctl -n "__fish_modelctl_using_subcommand tune; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -s p -l prompt -d 'The prompt, also one that begins with a dash' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l max-tasks -d 'Run so many tasks at most [default: OFFLOAD_MAX_TASKS, else 5]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -s m -l model -d 'Answer with this model: an id or its beginning, an alias, a name or a path' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l max-tokens -d 'Stop after this many tokens [default: when the model is done or the context is full]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l temperature -d '0 takes the likeliest token each time' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l seed -d 'Draw the same numbers each time' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l timeout -d 'Give up waiting for other processes after this long, and end the answer then [default: wait 10m, no end]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l force -d 'Load the model even if it does not seem to fit in memory'
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -l json -d 'Print one JSON object when it is done, instead of the stream'
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand run-once" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -s p -l prompt -d 'The prompt, also one that begins with a dash' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l max-tasks -d 'Run so many tasks at most [default: OFFLOAD_MAX_TASKS, else 5]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -s m -l model -d 'Answer with this model: an id or its beginning, an alias, a name or a path' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l max-tokens -d 'Stop after this many tokens [default: when the model is done or the context is full]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l temperature -d '0 takes the likeliest token each time' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l seed -d 'Draw the same numbers each time' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l timeout -d 'Give up waiting for other processes after this long, and end the answer then [default: wait 10m, no end]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l force -d 'Load the model even if it does not seem to fit in memory'
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -l json -d 'Print one JSON object when it is done, instead of the stream'
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand run" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -s o -l output -d 'Write the answers to this file, whole or not at all' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -l errors -d 'Write those that failed to this file instead' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -l model -d 'Answer all with this model, whatever the lines say' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -l tier -d 'Answer all with models of this tier, whatever the lines say' -r -f -a "fast\t''
balanced\t''
powerful\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -l any-model -d 'Answer with whichever model is at hand, whatever the lines say'
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -l fallback -d 'Let another model answer where the named one fails or cannot be run [default: OFFLOAD_FALLBACK]'
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -l json -d 'Print a JSON object with the figures'
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand batch" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -l listen -d 'Listen on this address: 127.0.0.1:4848 (the default), [::1]:4848, or the path of a Unix socket; may be repeated, and `none` leaves only --socket (also: MODELCTL_LISTEN, separated by commas)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -l socket -d 'The Unix socket for the command line, for this user alone [default: $XDG_RUNTIME_DIR/modelctl/serve.sock]' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -l api-key-file -d 'Keys that clients must send, one `name:key:class` a line; needed for addresses that other machines reach' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -l exec -d 'Run this program for every event, which it gets as JSON on its standard input; it has 10 seconds (also: `[hooks] exec`)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -l no-executor -d 'Run no queued tasks'
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -l json -d 'Print a JSON object for each run that did something, one a line'
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand serve" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand start" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand start" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand start" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand start" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand start" -l json -d 'Print the servers as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand start" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand start" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand start" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand stop" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand stop" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand stop" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand stop" -l now -d 'Cut running answers instead of waiting for them'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop" -l json -d 'Print the servers as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand restart" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand restart" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand restart" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand restart" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand restart" -l now -d 'Cut running answers instead of waiting for them'
complete -c modelctl -n "__fish_modelctl_using_subcommand restart" -l json -d 'Print the servers as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand restart" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand restart" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand restart" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand start-all" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand start-all" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand start-all" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand start-all" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand start-all" -l json -d 'Print the result as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand start-all" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand start-all" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand start-all" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop-all" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand stop-all" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand stop-all" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand stop-all" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand stop-all" -l now -d 'Cut running answers instead of waiting for them'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop-all" -l json -d 'Print the result as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop-all" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop-all" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand stop-all" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand ps" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand ps" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand ps" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand ps" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand ps" -l json -d 'Print the servers as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand ps" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand ps" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand ps" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -l once -d 'Print one table, and end'
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -l ascii -d 'Draw with ASCII characters alone, as in a locale without UTF-8'
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -l json -d 'Print one JSON document, and end'
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand top" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand status" -l decisions -d 'Number of decisions to show; the daemon keeps 200' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand status" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand status" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand status" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand status" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand status" -l json -d 'Print the status as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand status" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand status" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand why" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand why" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand why" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand why" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand why" -l json -d 'Print what is known as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand why" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand why" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand why" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -f -a "pause" -d 'Load, unload and evict nothing without a request'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -f -a "resume" -d 'Go on after a pause'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -f -a "status" -d 'Show what is loaded, what memory is left, and what was decided'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and not __fish_seen_subcommand_from pause resume status help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from pause" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from pause" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from pause" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from pause" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from pause" -l json -d 'Print the answer as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from pause" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from pause" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from pause" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from resume" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from resume" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from resume" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from resume" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from resume" -l json -d 'Print the answer as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from resume" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from resume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from resume" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from status" -l decisions -d 'Number of decisions to show; the daemon keeps 200' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from status" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from status" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from status" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from status" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from status" -l json -d 'Print the status as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from status" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from help" -f -a "pause" -d 'Load, unload and evict nothing without a request'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from help" -f -a "resume" -d 'Go on after a pause'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show what is loaded, what memory is left, and what was decided'
complete -c modelctl -n "__fish_modelctl_using_subcommand lifecycle; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -l for -d 'Let it hold for this time, such as `1h`' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -l clear -d 'Let the daemon decide again'
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -l json -d 'Print the answer as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand priority" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand offload" -l to -d 'Where its layers go [default: one step lower]' -r -f -a "cpu\t'All layers in main memory'
cpu_offload\t'As many layers on the GPU as fit'
gpu\t'All layers on the GPU'"
complete -c modelctl -n "__fish_modelctl_using_subcommand offload" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand offload" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand offload" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand offload" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand offload" -l json -d 'Print the answer as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand offload" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand offload" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand offload" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -s n -l lines -d 'Number of past lines; the daemon keeps 200' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -s f -l follow -d 'Go on with lines as they come, until interrupted'
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -l json -d 'Print JSON: a document, or with --follow an object a line'
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand logs" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -l limit -d 'Number of past events; the daemon keeps 1,000' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -s f -l follow -d 'Go on with events as they come, until interrupted'
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -l json -d 'Print JSON: a document, or with --follow an object a line'
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand events" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "add" -d 'Add one task'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "list" -d 'List tasks, newest first'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "ls" -d 'List tasks, newest first'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "show" -d 'Show a task: where it stands, its attempts, its answer'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "cancel" -d 'Cancel tasks, also while they run'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "retry" -d 'Try tasks again that have failed or were cancelled'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "wait" -d 'Wait until tasks have ended'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "follow" -d 'Print what happens to tasks, as it happens'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "import" -d 'Queue the requests of a file in OpenAI\'s Batch format (JSONL)'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "export" -d 'Write the answers of tasks that have ended, in OpenAI\'s Batch format (JSONL)'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "stats" -d 'Show the figures of the queue'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and not __fish_seen_subcommand_from add list ls show cancel retry wait follow import export stats help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -s p -l prompt -d 'The prompt, also one that begins with a dash' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l file -d 'Read the prompt from a file' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l system -d 'What the model is told before the prompt' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -s m -l model -d 'Answer with this model: an id or its beginning, an alias, a name or a path' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l tier -d 'Answer with a model of this tier' -r -f -a "fast\t''
balanced\t''
powerful\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l key -d 'Your own name for the task' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l priority -d 'Higher runs first; may be negative' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l not-before -d 'Not before then: a time (`2026-11-21T06:00:00Z`) or so long from now (`2h`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l deadline -d 'Give up if it has not started by then: a time, or so long from now' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l timeout -d 'How long one attempt may take (`90s`, `10m`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l max-attempts -d 'Attempts that may end in an error [default: OFFLOAD_MAX_ATTEMPTS, else 3]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l max-tokens -d 'Stop after this many tokens' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l temperature -d '0 takes the likeliest token each time' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l top-p -d 'Draw from the likeliest tokens that together have this probability' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l seed -d 'Draw the same numbers each time' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l stop -d 'End the answer before this text; may be given several times' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l json-schema -d 'The answer must be JSON that fits the schema in this file' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l grammar -d 'The answer must fit the GBNF grammar in this file' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l raw -d 'Continue the text as it is, without a chat template (`/v1/completions`)'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l fallback -d 'Let another model answer where the named one fails or cannot be run [default: OFFLOAD_FALLBACK]'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l replace-finished -d 'Run it again if the task of this key has ended'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -l json -d 'Print the task as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from add" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -l state -d 'Only tasks in this state; may be given several times' -r -f -a "queued\t''
scheduled\t''
running\t''
done\t''
failed\t''
cancelled\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -l batch -d 'Only tasks of this batch' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -s n -l limit -d 'So many at most; 0 is all' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -l pending -d 'Only tasks that have not ended'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -l state -d 'Only tasks in this state; may be given several times' -r -f -a "queued\t''
scheduled\t''
running\t''
done\t''
failed\t''
cancelled\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -l batch -d 'Only tasks of this batch' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -s n -l limit -d 'So many at most; 0 is all' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -l pending -d 'Only tasks that have not ended'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from ls" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from show" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from show" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from show" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from show" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from show" -l text -d 'Print the answer alone, byte for byte'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from show" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -l batch -d 'Every task of this batch that has not ended' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -l all -d 'Every task that has not ended'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from cancel" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -l batch -d 'Every task of this batch that has failed or was cancelled' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -l failed -d 'Every task that has failed'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from retry" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -l batch -d 'Every task of this batch' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -l timeout -d 'Wait so long at most (`10m`)' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -l all -d 'Every task that has not ended yet'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -l json -d 'Print the tasks as JSON when they have ended'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from wait" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from follow" -l batch -d 'Every task of this batch' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from follow" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from follow" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from follow" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from follow" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from follow" -l json -d 'Print a JSON object for each event, one a line'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from follow" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from follow" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from follow" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l batch -d 'Name of the batch [default: the name of the file and the beginning of a sha256 of it and the models it is for]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -s m -l model -d 'Answer all with this model, whatever the lines say' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l tier -d 'Answer all with models of this tier, whatever the lines say' -r -f -a "fast\t''
balanced\t''
powerful\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l priority -d 'Higher runs first; may be negative' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l max-attempts -d 'Attempts that may end in an error, each [default: OFFLOAD_MAX_ATTEMPTS, else 3]' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l any-model -d 'Answer with whichever model is at hand, whatever the lines say'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l fallback -d 'Let another model answer where the named one fails or cannot be run [default: OFFLOAD_FALLBACK]'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l replace-finished -d 'Run those again that have ended'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -l json -d 'Print a JSON object'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from import" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -l batch -d 'Only tasks of this batch' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -s o -l output -d 'Write to this file, whole or not at all, instead of standard output' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -l errors -d 'Write those that failed to this file instead' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -l json -d 'Print a JSON object with the figures; needs --output'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from export" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from stats" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from stats" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from stats" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from stats" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from stats" -l json -d 'Print a JSON object'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from stats" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from stats" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from stats" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add one task'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "list" -d 'List tasks, newest first'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show a task: where it stands, its attempts, its answer'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "cancel" -d 'Cancel tasks, also while they run'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "retry" -d 'Try tasks again that have failed or were cancelled'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "wait" -d 'Wait until tasks have ended'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "follow" -d 'Print what happens to tasks, as it happens'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "import" -d 'Queue the requests of a file in OpenAI\'s Batch format (JSONL)'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "export" -d 'Write the answers of tasks that have ended, in OpenAI\'s Batch format (JSONL)'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "stats" -d 'Show the figures of the queue'
complete -c modelctl -n "__fish_modelctl_using_subcommand task; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelctl -n "__fish_modelctl_using_subcommand inference" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand inference" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand inference" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand inference" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand inference" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand inference" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand inference" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand inference" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -l model -d 'Only what happened to this model: id, alias, name or path' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -l what -d 'Only events of this kind; may be given several times' -r -f -a "scan\t''
set\t''
keep\t''
prune\t''
purge\t''
restore\t''
empty\t''
inference\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -l since -d 'Only from then on: an age (`7d`, `45min`), a day (`2026-11-21`), or a time with its zone' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -l until -d 'Only up to then; a day counts whole' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -s n -l limit -d 'So many at most, the newest; 0 is all' -r
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -l json -d 'Print JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand history" -s q -l quiet -d 'Print results, warnings and errors only'
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
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l all -d 'Show everything: hints, all lines of proof, explained findings, collector times'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l deep -d 'Also request one token from servers with a free slot, and import torch in a child process'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l map -d 'Show where the config, launcher, code, models and logs of each service are'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l look -d 'Show the facts without a verdict: states, log tails, GPUs, memory, endpoints'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l checklist -d 'After a fix: check that programs, endpoints and model files stay stable'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l rules -d 'List all rules'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -l json -d 'Print JSON (with --look: the facts; with --map: the files)'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand triage" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand schema" -s o -l format -d 'Print text or json; `-o json` is --json' -r -f -a "text\t''
json\t''"
complete -c modelctl -n "__fish_modelctl_using_subcommand schema" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand schema" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand schema" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand schema" -l json -d 'List the commands and documents as JSON'
complete -c modelctl -n "__fish_modelctl_using_subcommand schema" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand schema" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand completions" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand completions" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand completions" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand completions" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand completions" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand man" -l dir -d 'Write `modelctl.1` and a page for each command here' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand man" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand man" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand man" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand man" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand man" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand version" -l config -d 'Read this config file instead of the one in the usual places' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand version" -l db -d 'Use this model database (also: MODELCTL_DB)' -r -F
complete -c modelctl -n "__fish_modelctl_using_subcommand version" -l color -d 'Colour the output' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`'
always\t'Even into a pipe or a file'
never\t'Never'"
complete -c modelctl -n "__fish_modelctl_using_subcommand version" -s q -l quiet -d 'Print results, warnings and errors only'
complete -c modelctl -n "__fish_modelctl_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelctl -n "__fish_modelctl_using_subcommand version" -s V -l version -d 'Print version'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "scan" -d 'Look for models and record what is there'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "list" -d 'List the models known on this machine'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "df" -d 'Show the disk space of the stores and how much of it can be reclaimed'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "show" -d 'Show everything about one model: files, metadata, memory, use'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "set" -d 'Set what a model is to you: its tier, its alias, whether it may be chosen, how its server runs'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "keep" -d 'Name the models that you want to keep'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "health" -d 'Check the health of the services on this node'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "verify" -d 'Check that the files of models are whole and are what their store promises'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "duplicates" -d 'Show files that are on this machine more than once'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "prune" -d 'Remove unused models and leftover files (dry run unless --confirm)'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "trash" -d 'See, bring back or delete what prune took away'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "tune" -d 'Suggest the next setting to change on this node, and record the effect of changes'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "run-once" -d 'Run due tasks of the queue and exit (for cron), or one prompt'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "batch" -d 'Answer a file of requests in OpenAI\'s Batch format (JSONL) and write the answers'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "serve" -d 'Serve models to clients, and run queued tasks as they come, until stopped'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "start" -d 'Start the servers of models, and wait until they are ready'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "stop" -d 'Stop the servers of models'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "restart" -d 'Stop the servers of models and start them again, with their settings of now'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "start-all" -d 'Start the servers of all enabled models, the smallest first'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "stop-all" -d 'Stop the servers of all models'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "ps" -d 'List the model servers that run, start or failed'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "top" -d 'Watch what is loaded, what it costs and why, and start or stop it by a key'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "status" -d 'Show what is loaded, what memory is left, and what was decided'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "why" -d 'Explain why a model is loaded or not, and what it waits for'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "lifecycle" -d 'Pause or resume what the daemon does by itself, or show its status'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "priority" -d 'Set how much a model is needed, over what the daemon finds out'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "offload" -d 'Move a loaded model off the GPU, or back'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "logs" -d 'Show what the server of a model, or a service, logged'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "events" -d 'Show what happened to the model servers since the daemon began'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "task" -d 'Queue prompts, look at them, and get their answers'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "inference" -d 'Let tasks run, or make them wait'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "history" -d 'Show who did what, when, why and how much, newest last'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "triage" -d 'Find out why a service on this node fails: one cause, its proof, the smallest next step and its undo'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "schema" -d 'Print the JSON schema of what a command prints with --json'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "completions" -d 'Print the completion script of a shell'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "man" -d 'Print the manual page, or write all pages into a folder'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "version" -d 'Print the version'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and not __fish_seen_subcommand_from scan list df show set keep health verify duplicates prune trash tune run-once batch serve start stop restart start-all stop-all ps top status why lifecycle priority offload logs events task inference history triage schema completions man version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from keep" -f -a "add" -d 'Add hints; one that is kept already stays where it is'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from keep" -f -a "rm" -d 'Remove hints that `keep add` added'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from keep" -f -a "list" -d 'List all hints in order of preference: where each comes from, and which models it means'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from trash" -f -a "list" -d 'List what is in the trash, the oldest first'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from trash" -f -a "restore" -d 'Put back where it was: content, links, times and modes; nothing is overwritten'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from trash" -f -a "empty" -d 'Delete for good; without --confirm shows what would be deleted'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from tune" -f -a "next" -d 'Suggest the smallest setting to change in the current state'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from tune" -f -a "record" -d 'Record a change before you make it, with the current health, speed and memory'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from tune" -f -a "done" -d 'Measure again after a change and report whether it is better, the same or worse'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from tune" -f -a "list" -d 'List the recorded changes'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from tune" -f -a "rollback" -d 'Print how to undo a change'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from lifecycle" -f -a "pause" -d 'Load, unload and evict nothing without a request'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from lifecycle" -f -a "resume" -d 'Go on after a pause'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from lifecycle" -f -a "status" -d 'Show what is loaded, what memory is left, and what was decided'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "add" -d 'Add one task'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "list" -d 'List tasks, newest first'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "show" -d 'Show a task: where it stands, its attempts, its answer'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "cancel" -d 'Cancel tasks, also while they run'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "retry" -d 'Try tasks again that have failed or were cancelled'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "wait" -d 'Wait until tasks have ended'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "follow" -d 'Print what happens to tasks, as it happens'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "import" -d 'Queue the requests of a file in OpenAI\'s Batch format (JSONL)'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "export" -d 'Write the answers of tasks that have ended, in OpenAI\'s Batch format (JSONL)'
complete -c modelctl -n "__fish_modelctl_using_subcommand help; and __fish_seen_subcommand_from task" -f -a "stats" -d 'Show the figures of the queue'
