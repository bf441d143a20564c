
use builtin;
use str;

set edit:completion:arg-completer[modelctl] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'modelctl'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'modelctl'= {
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand scan 'Look for models and record what is there'
            cand list 'List the models known on this machine'
            cand ls 'List the models known on this machine'
            cand df 'Show the disk space of the stores and how much of it can be reclaimed'
            cand du 'Show the disk space of the stores and how much of it can be reclaimed'
            cand show 'Show everything about one model: files, metadata, memory, use'
            cand info 'Show everything about one model: files, metadata, memory, use'
            cand inspect 'Show everything about one model: files, metadata, memory, use'
            cand set 'Set what a model is to you: its tier, its alias, whether it may be chosen, how its server runs'
            cand keep 'Name the models that you want to keep'
            cand health 'Check the health of the services on this node'
            cand verify 'Check that the files of models are whole and are what their store promises'
            cand duplicates 'Show files that are on this machine more than once'
            cand prune 'Remove unused models and leftover files (dry run unless --confirm)'
            cand trash 'See, bring back or delete what prune took away'
            cand tune 'Suggest the next setting to change on this node, and record the effect of changes'
            cand run-once 'Run due tasks of the queue and exit (for cron), or one prompt'
            cand run 'Run due tasks of the queue and exit (for cron), or one prompt'
            cand batch 'Answer a file of requests in OpenAI''s Batch format (JSONL) and write the answers'
            cand serve 'Serve models to clients, and run queued tasks as they come, until stopped'
            cand start 'Start the servers of models, and wait until they are ready'
            cand stop 'Stop the servers of models'
            cand restart 'Stop the servers of models and start them again, with their settings of now'
            cand start-all 'Start the servers of all enabled models, the smallest first'
            cand stop-all 'Stop the servers of all models'
            cand ps 'List the model servers that run, start or failed'
            cand top 'Watch what is loaded, what it costs and why, and start or stop it by a key'
            cand status 'Show what is loaded, what memory is left, and what was decided'
            cand why 'Explain why a model is loaded or not, and what it waits for'
            cand lifecycle 'Pause or resume what the daemon does by itself, or show its status'
            cand priority 'Set how much a model is needed, over what the daemon finds out'
            cand offload 'Move a loaded model off the GPU, or back'
            cand logs 'Show what the server of a model, or a service, logged'
            cand events 'Show what happened to the model servers since the daemon began'
            cand task 'Queue prompts, look at them, and get their answers'
            cand inference 'Let tasks run, or make them wait'
            cand history 'Show who did what, when, why and how much, newest last'
            cand triage 'Find out why a service on this node fails: one cause, its proof, the smallest next step and its undo'
            cand schema 'Print the JSON schema of what a command prints with --json'
            cand completions 'Print the completion script of a shell'
            cand man 'Print the manual page, or write all pages into a folder'
            cand version 'Print the version'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'modelctl;scan'= {
            cand --store 'Look in this folder too, as the root of that store: `ollama=/srv/models` (dir, hf, ollama, lmstudio, llamacpp, ramalama, docker)'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --full 'Read everything again, also repositories of a Hugging Face cache in which nothing has changed'
            cand --json 'Print the report as a JSON object'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;list'= {
            cand --store 'Only models in this kind of store'
            cand --tier 'Only models of this tier'
            cand --family 'Only models of this family (`llama`, `qwen*`)'
            cand --quant 'Only models with this quantisation (`Q4_K_M`, `q4*`)'
            cand --state 'Only models in this state'
            cand --kind 'Only files of this kind'
            cand --sort 'What to sort by; sizes largest first, times latest first, unknown values last'
            cand --class 'Only files of this class (with --files)'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand -r 'Turn the order round'
            cand --reverse 'Turn the order round'
            cand --files 'Show the files that stores hold, each with its class and the reason, instead of models'
            cand --stores 'Show what each store takes, and how much of it is not referenced, instead of models'
            cand -a 'Also show models that are gone'
            cand --all 'Also show models that are gone'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;ls'= {
            cand --store 'Only models in this kind of store'
            cand --tier 'Only models of this tier'
            cand --family 'Only models of this family (`llama`, `qwen*`)'
            cand --quant 'Only models with this quantisation (`Q4_K_M`, `q4*`)'
            cand --state 'Only models in this state'
            cand --kind 'Only files of this kind'
            cand --sort 'What to sort by; sizes largest first, times latest first, unknown values last'
            cand --class 'Only files of this class (with --files)'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand -r 'Turn the order round'
            cand --reverse 'Turn the order round'
            cand --files 'Show the files that stores hold, each with its class and the reason, instead of models'
            cand --stores 'Show what each store takes, and how much of it is not referenced, instead of models'
            cand -a 'Also show models that are gone'
            cand --all 'Also show models that are gone'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;df'= {
            cand --store 'Only this kind of store'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;du'= {
            cand --store 'Only this kind of store'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;show'= {
            cand --ctx 'Context in tokens to estimate the memory for [default: the model''s own, at most 4096]'
            cand --parallel 'Sequences that share the context'
            cand --cache-type-k 'Type of the keys in the cache'
            cand --cache-type-v 'Type of the values in the cache'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --fit 'Ask llama.cpp for the exact memory, without allocating it (the answer is kept)'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;info'= {
            cand --ctx 'Context in tokens to estimate the memory for [default: the model''s own, at most 4096]'
            cand --parallel 'Sequences that share the context'
            cand --cache-type-k 'Type of the keys in the cache'
            cand --cache-type-v 'Type of the values in the cache'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --fit 'Ask llama.cpp for the exact memory, without allocating it (the answer is kept)'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;inspect'= {
            cand --ctx 'Context in tokens to estimate the memory for [default: the model''s own, at most 4096]'
            cand --parallel 'Sequences that share the context'
            cand --cache-type-k 'Type of the keys in the cache'
            cand --cache-type-v 'Type of the values in the cache'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --fit 'Ask llama.cpp for the exact memory, without allocating it (the answer is kept)'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;set'= {
            cand --tier 'Override the computed tier; `auto` computes it again'
            cand --alias 'A name of your own for it; empty takes it away'
            cand --note 'A line to remember; empty takes it away'
            cand --engine 'The program that serves it: `worker` or `llama-server`'
            cand --context 'Tokens of context of one request'
            cand --parallel 'Requests that are answered at once'
            cand --gpu-layers 'Layers on the GPU'
            cand --threads 'Threads for generation'
            cand --idle-timeout 'Stop the server after this time without a request, such as `10m`'
            cand --priority 'The class of requests that name none: `interactive`, `normal` or `batch`'
            cand --embeddings 'Whether a second worker may make vectors of a model that generates text: `yes` or `no`'
            cand --degrade 'What may become less when memory runs out, in this order: `layers` (of the GPU), `context`'
            cand --min-tier 'Start it by itself only on such a node or a larger one: `embedded`, `lite`, `standard`, `full`, `compute_host`'
            cand --llama-args 'Arguments for llama-server, separated by spaces, such as `-fa on`'
            cand --env 'A variable of its server, such as `CUDA_VISIBLE_DEVICES=0`; replaces all that are set'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --pin 'Never evict, never prune'
            cand --unpin 'Take the pin away'
            cand --enable 'Let it be started and chosen'
            cand --disable 'Keep it from being started or chosen'
            cand --no-alias 'Remove the alias'
            cand --no-note 'Remove the note'
            cand --essential 'Restart its server after every crash, without a limit'
            cand --no-essential 'Give its server up after a few crashes in a row'
            cand --pressure-evict-only 'Stop its server only when memory is needed, never because it is idle or the CPU is busy'
            cand --no-pressure-evict-only 'Stop its server as others'
            cand --no-degrade 'Let it fail when memory runs out, rather than be slower or shorter'
            cand --json 'Print the settings as JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;keep'= {
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand add 'Add hints; one that is kept already stays where it is'
            cand rm 'Remove hints that `keep add` added'
            cand remove 'Remove hints that `keep add` added'
            cand list 'List all hints in order of preference: where each comes from, and which models it means'
            cand ls 'List all hints in order of preference: where each comes from, and which models it means'
        }
        &'modelctl;keep;add'= {
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;keep;rm'= {
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;keep;remove'= {
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;keep;list'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;keep;ls'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;health'= {
            cand --level 'How thoroughly to check services (default: `health.level` in the config, or ready)'
            cand --check 'Run only these checks, separated by commas'
            cand --timeout 'Time limit for all checks together (default: `health.timeout` in the config, or 5s)'
            cand --wait 'Check again until everything is ok, for at most this long'
            cand -w 'Warn if a value violates a range, such as `disk_free=10%:`'
            cand --warning 'Warn if a value violates a range, such as `disk_free=10%:`'
            cand -c 'Fail if a value violates a range'
            cand --critical 'Fail if a value violates a range'
            cand --format 'Output format'
            cand --output 'Write to this file instead of standard output, replacing it atomically'
            cand --exit-style 'Exit code convention; docker and kubernetes also limit the output to 4,096 bytes'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --require-gpu 'Fail unless there is a working GPU'
            cand --strict 'Exit with 1 on a warning as well'
            cand --json 'Same as `--format json`'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;verify'= {
            cand --max-rate 'Read at most so much per second over all files (`50MB`, `1GiB`)'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --all 'Verify every model that is not gone'
            cand --quick 'Structure only: headers, lengths, split sets, sizes at rest; no data is read'
            cand --hash 'Also hash files for which no store promises a hash, and record that'
            cand --again 'Read what was verified before as well'
            cand --json 'Print the report as a JSON object'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;duplicates'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --wasteful 'Only groups of which sharing would save something: not those that are hard links already'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;prune'= {
            cand --unused-for 'Models not used for this long (`30d`, `12h`, `3mo`)'
            cand --prune-days 'The same in days'
            cand --older-than 'Models of which no file was written for this long'
            cand --model 'These models: an id, a name, an alias or a path'
            cand --free 'Free space to reach on the file system (`50GiB`), the least recently used first'
            cand --max-total 'Space that all models may take together (`200GiB`)'
            cand --prefer 'With --across-stores: the store whose copy stays'
            cand --keep 'Keep models that match this name, id, path or glob (`*-Q8_0`)'
            cand --min-keep 'Keep at least this many usable models, over all stores (also: AUTO_PRUNE_MIN_KEEP)'
            cand --grace 'Keep what was used, written or put in place within this time; 0 for none'
            cand --expire-trash 'Also delete for good what has been in the trash for this long; `trash.expire` of the config file takes precedence'
            cand --plan 'Save the plan to this file, to be reviewed and then applied (`-`: standard output)'
            cand --apply 'Take the plan from this file instead of making one; what has changed since is left alone'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --empty-trash 'To reach --free, delete what is in the trash for good: the oldest first, and only as far as needed'
            cand --superseded 'Files referenced only by an old revision'
            cand --orphans 'Files that nothing references'
            cand --partials 'Unfinished downloads, and split models with parts missing'
            cand --damaged 'Truncated and corrupt models'
            cand --duplicates 'Further copies of the same content (by sha256) in one store; a copy that `modelctl verify --hash` has read stays'
            cand --across-stores 'With --duplicates: copies in different stores as well, although each store then lacks the model'
            cand --assume-unused 'Treat files whose use cannot be checked (processes of other users) as unused'
            cand -n 'Show what would be done and change nothing; this is the default'
            cand --dry-run 'Show what would be done and change nothing; this is the default'
            cand -y 'Apply the plan'
            cand --confirm 'Apply the plan'
            cand --yes 'Apply the plan'
            cand --purge 'Delete for good instead of keeping in the trash: there is no undo'
            cand --allow-large 'Allow rules to remove more than half of a store'
            cand --now-is-right 'Count ages up to the time of the clock although it leapt ahead, and accept that time from now on'
            cand --exit-code 'Exit with 10 when something was removed or would be, with 0 when there is nothing to do'
            cand --json 'Print the plan, and what became of it, as a JSON object'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;trash'= {
            cand --in 'Look for the trash of this folder as well: a store that nobody knows of, or that has gone, or the trash itself'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand list 'List what is in the trash, the oldest first'
            cand ls 'List what is in the trash, the oldest first'
            cand restore 'Put back where it was: content, links, times and modes; nothing is overwritten'
            cand empty 'Delete for good; without --confirm shows what would be deleted'
        }
        &'modelctl;trash;list'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --in 'Look for the trash of this folder as well: a store that nobody knows of, or that has gone, or the trash itself'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;trash;ls'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --in 'Look for the trash of this folder as well: a store that nobody knows of, or that has gone, or the trash itself'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;trash;restore'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --in 'Look for the trash of this folder as well: a store that nobody knows of, or that has gone, or the trash itself'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;trash;empty'= {
            cand --older-than 'Only what has been there for this long (`7d`)'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --in 'Look for the trash of this folder as well: a store that nobody knows of, or that has gone, or the trash itself'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand -n 'Show what would be deleted and change nothing; this is the default'
            cand --dry-run 'Show what would be deleted and change nothing; this is the default'
            cand -y 'Delete: there is no undo'
            cand --confirm 'Delete: there is no undo'
            cand --yes 'Delete: there is no undo'
            cand --now-is-right 'Count ages up to the time of the clock although it leapt ahead, and accept that time from now on'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;tune'= {
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand next 'Suggest the smallest setting to change in the current state'
            cand record 'Record a change before you make it, with the current health, speed and memory'
            cand done 'Measure again after a change and report whether it is better, the same or worse'
            cand list 'List the recorded changes'
            cand rollback 'Print how to undo a change'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'modelctl;tune;next'= {
            cand --service 'Only this service'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;tune;record'= {
            cand --from 'Current value, which a rollback restores'
            cand --to 'New value'
            cand --why 'Reason for the change'
            cand --service 'Service that the setting belongs to'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;tune;done'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;tune;list'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;tune;rollback'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;tune;help'= {
            cand next 'Suggest the smallest setting to change in the current state'
            cand record 'Record a change before you make it, with the current health, speed and memory'
            cand done 'Measure again after a change and report whether it is better, the same or worse'
            cand list 'List the recorded changes'
            cand rollback 'Print how to undo a change'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'modelctl;tune;help;next'= {
        }
        &'modelctl;tune;help;record'= {
        }
        &'modelctl;tune;help;done'= {
        }
        &'modelctl;tune;help;list'= {
        }
        &'modelctl;tune;help;rollback'= {
        }
        &'modelctl;tune;help;help'= {
        }
        &'modelctl;run-once'= {
            cand -p 'The prompt, also one that begins with a dash'
            cand --prompt 'The prompt, also one that begins with a dash'
            cand --max-tasks 'Run so many tasks at most [default: OFFLOAD_MAX_TASKS, else 5]'
            cand -m 'Answer with this model: an id or its beginning, an alias, a name or a path'
            cand --model 'Answer with this model: an id or its beginning, an alias, a name or a path'
            cand --max-tokens 'Stop after this many tokens [default: when the model is done or the context is full]'
            cand --temperature '0 takes the likeliest token each time'
            cand --seed 'Draw the same numbers each time'
            cand --timeout 'Give up waiting for other processes after this long, and end the answer then [default: wait 10m, no end]'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --force 'Load the model even if it does not seem to fit in memory'
            cand --json 'Print one JSON object when it is done, instead of the stream'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;run'= {
            cand -p 'The prompt, also one that begins with a dash'
            cand --prompt 'The prompt, also one that begins with a dash'
            cand --max-tasks 'Run so many tasks at most [default: OFFLOAD_MAX_TASKS, else 5]'
            cand -m 'Answer with this model: an id or its beginning, an alias, a name or a path'
            cand --model 'Answer with this model: an id or its beginning, an alias, a name or a path'
            cand --max-tokens 'Stop after this many tokens [default: when the model is done or the context is full]'
            cand --temperature '0 takes the likeliest token each time'
            cand --seed 'Draw the same numbers each time'
            cand --timeout 'Give up waiting for other processes after this long, and end the answer then [default: wait 10m, no end]'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --force 'Load the model even if it does not seem to fit in memory'
            cand --json 'Print one JSON object when it is done, instead of the stream'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;batch'= {
            cand -o 'Write the answers to this file, whole or not at all'
            cand --output 'Write the answers to this file, whole or not at all'
            cand --errors 'Write those that failed to this file instead'
            cand --model 'Answer all with this model, whatever the lines say'
            cand --tier 'Answer all with models of this tier, whatever the lines say'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --any-model 'Answer with whichever model is at hand, whatever the lines say'
            cand --fallback 'Let another model answer where the named one fails or cannot be run [default: OFFLOAD_FALLBACK]'
            cand --json 'Print a JSON object with the figures'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;serve'= {
            cand --listen 'Listen on this address: 127.0.0.1:4848 (the default), [::1]:4848, or the path of a Unix socket; may be repeated, and `none` leaves only --socket (also: MODELCTL_LISTEN, separated by commas)'
            cand --socket 'The Unix socket for the command line, for this user alone [default: $XDG_RUNTIME_DIR/modelctl/serve.sock]'
            cand --api-key-file 'Keys that clients must send, one `name:key:class` a line; needed for addresses that other machines reach'
            cand --exec 'Run this program for every event, which it gets as JSON on its standard input; it has 10 seconds (also: `[hooks] exec`)'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --no-executor 'Run no queued tasks'
            cand --json 'Print a JSON object for each run that did something, one a line'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;start'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print the servers as JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;stop'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --now 'Cut running answers instead of waiting for them'
            cand --json 'Print the servers as JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;restart'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --now 'Cut running answers instead of waiting for them'
            cand --json 'Print the servers as JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;start-all'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print the result as JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;stop-all'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --now 'Cut running answers instead of waiting for them'
            cand --json 'Print the result as JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;ps'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print the servers as JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;top'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --once 'Print one table, and end'
            cand --ascii 'Draw with ASCII characters alone, as in a locale without UTF-8'
            cand --json 'Print one JSON document, and end'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;status'= {
            cand --decisions 'Number of decisions to show; the daemon keeps 200'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print the status as JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;why'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print what is known as JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;lifecycle'= {
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand pause 'Load, unload and evict nothing without a request'
            cand resume 'Go on after a pause'
            cand status 'Show what is loaded, what memory is left, and what was decided'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'modelctl;lifecycle;pause'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print the answer as JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;lifecycle;resume'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print the answer as JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;lifecycle;status'= {
            cand --decisions 'Number of decisions to show; the daemon keeps 200'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print the status as JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;lifecycle;help'= {
            cand pause 'Load, unload and evict nothing without a request'
            cand resume 'Go on after a pause'
            cand status 'Show what is loaded, what memory is left, and what was decided'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'modelctl;lifecycle;help;pause'= {
        }
        &'modelctl;lifecycle;help;resume'= {
        }
        &'modelctl;lifecycle;help;status'= {
        }
        &'modelctl;lifecycle;help;help'= {
        }
        &'modelctl;priority'= {
            cand --for 'Let it hold for this time, such as `1h`'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --clear 'Let the daemon decide again'
            cand --json 'Print the answer as JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;offload'= {
            cand --to 'Where its layers go [default: one step lower]'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print the answer as JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;logs'= {
            cand -n 'Number of past lines; the daemon keeps 200'
            cand --lines 'Number of past lines; the daemon keeps 200'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand -f 'Go on with lines as they come, until interrupted'
            cand --follow 'Go on with lines as they come, until interrupted'
            cand --json 'Print JSON: a document, or with --follow an object a line'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;events'= {
            cand --limit 'Number of past events; the daemon keeps 1,000'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand -f 'Go on with events as they come, until interrupted'
            cand --follow 'Go on with events as they come, until interrupted'
            cand --json 'Print JSON: a document, or with --follow an object a line'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;task'= {
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand add 'Add one task'
            cand list 'List tasks, newest first'
            cand ls 'List tasks, newest first'
            cand show 'Show a task: where it stands, its attempts, its answer'
            cand cancel 'Cancel tasks, also while they run'
            cand retry 'Try tasks again that have failed or were cancelled'
            cand wait 'Wait until tasks have ended'
            cand follow 'Print what happens to tasks, as it happens'
            cand import 'Queue the requests of a file in OpenAI''s Batch format (JSONL)'
            cand export 'Write the answers of tasks that have ended, in OpenAI''s Batch format (JSONL)'
            cand stats 'Show the figures of the queue'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'modelctl;task;add'= {
            cand -p 'The prompt, also one that begins with a dash'
            cand --prompt 'The prompt, also one that begins with a dash'
            cand --file 'Read the prompt from a file'
            cand --system 'What the model is told before the prompt'
            cand -m 'Answer with this model: an id or its beginning, an alias, a name or a path'
            cand --model 'Answer with this model: an id or its beginning, an alias, a name or a path'
            cand --tier 'Answer with a model of this tier'
            cand --key 'Your own name for the task'
            cand --priority 'Higher runs first; may be negative'
            cand --not-before 'Not before then: a time (`2026-11-21T06:00:00Z`) or so long from now (`2h`)'
            cand --deadline 'Give up if it has not started by then: a time, or so long from now'
            cand --timeout 'How long one attempt may take (`90s`, `10m`)'
            cand --max-attempts 'Attempts that may end in an error [default: OFFLOAD_MAX_ATTEMPTS, else 3]'
            cand --max-tokens 'Stop after this many tokens'
            cand --temperature '0 takes the likeliest token each time'
            cand --top-p 'Draw from the likeliest tokens that together have this probability'
            cand --seed 'Draw the same numbers each time'
            cand --stop 'End the answer before this text; may be given several times'
            cand --json-schema 'The answer must be JSON that fits the schema in this file'
            cand --grammar 'The answer must fit the GBNF grammar in this file'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --raw 'Continue the text as it is, without a chat template (`/v1/completions`)'
            cand --fallback 'Let another model answer where the named one fails or cannot be run [default: OFFLOAD_FALLBACK]'
            cand --replace-finished 'Run it again if the task of this key has ended'
            cand --json 'Print the task as JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;task;list'= {
            cand --state 'Only tasks in this state; may be given several times'
            cand --batch 'Only tasks of this batch'
            cand -n 'So many at most; 0 is all'
            cand --limit 'So many at most; 0 is all'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --pending 'Only tasks that have not ended'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;task;ls'= {
            cand --state 'Only tasks in this state; may be given several times'
            cand --batch 'Only tasks of this batch'
            cand -n 'So many at most; 0 is all'
            cand --limit 'So many at most; 0 is all'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --pending 'Only tasks that have not ended'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;task;show'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --text 'Print the answer alone, byte for byte'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;task;cancel'= {
            cand --batch 'Every task of this batch that has not ended'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --all 'Every task that has not ended'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;task;retry'= {
            cand --batch 'Every task of this batch that has failed or was cancelled'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --failed 'Every task that has failed'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;task;wait'= {
            cand --batch 'Every task of this batch'
            cand --timeout 'Wait so long at most (`10m`)'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --all 'Every task that has not ended yet'
            cand --json 'Print the tasks as JSON when they have ended'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;task;follow'= {
            cand --batch 'Every task of this batch'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print a JSON object for each event, one a line'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;task;import'= {
            cand --batch 'Name of the batch [default: the name of the file and the beginning of a sha256 of it and the models it is for]'
            cand -m 'Answer all with this model, whatever the lines say'
            cand --model 'Answer all with this model, whatever the lines say'
            cand --tier 'Answer all with models of this tier, whatever the lines say'
            cand --priority 'Higher runs first; may be negative'
            cand --max-attempts 'Attempts that may end in an error, each [default: OFFLOAD_MAX_ATTEMPTS, else 3]'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --any-model 'Answer with whichever model is at hand, whatever the lines say'
            cand --fallback 'Let another model answer where the named one fails or cannot be run [default: OFFLOAD_FALLBACK]'
            cand --replace-finished 'Run those again that have ended'
            cand --json 'Print a JSON object'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;task;export'= {
            cand --batch 'Only tasks of this batch'
            cand -o 'Write to this file, whole or not at all, instead of standard output'
            cand --output 'Write to this file, whole or not at all, instead of standard output'
            cand --errors 'Write those that failed to this file instead'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print a JSON object with the figures; needs --output'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;task;stats'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print a JSON object'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;task;help'= {
            cand add 'Add one task'
            cand list 'List tasks, newest first'
            cand show 'Show a task: where it stands, its attempts, its answer'
            cand cancel 'Cancel tasks, also while they run'
            cand retry 'Try tasks again that have failed or were cancelled'
            cand wait 'Wait until tasks have ended'
            cand follow 'Print what happens to tasks, as it happens'
            cand import 'Queue the requests of a file in OpenAI''s Batch format (JSONL)'
            cand export 'Write the answers of tasks that have ended, in OpenAI''s Batch format (JSONL)'
            cand stats 'Show the figures of the queue'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'modelctl;task;help;add'= {
        }
        &'modelctl;task;help;list'= {
        }
        &'modelctl;task;help;show'= {
        }
        &'modelctl;task;help;cancel'= {
        }
        &'modelctl;task;help;retry'= {
        }
        &'modelctl;task;help;wait'= {
        }
        &'modelctl;task;help;follow'= {
        }
        &'modelctl;task;help;import'= {
        }
        &'modelctl;task;help;export'= {
        }
        &'modelctl;task;help;stats'= {
        }
        &'modelctl;task;help;help'= {
        }
        &'modelctl;inference'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;history'= {
            cand --model 'Only what happened to this model: id, alias, name or path'
            cand --what 'Only events of this kind; may be given several times'
            cand --since 'Only from then on: an age (`7d`, `45min`), a day (`2026-11-21`), or a time with its zone'
            cand --until 'Only up to then; a day counts whole'
            cand -n 'So many at most, the newest; 0 is all'
            cand --limit 'So many at most, the newest; 0 is all'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'Print JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;triage'= {
            cand --since 'How far back to look'
            cand --playbook 'Only services of this playbook, and the node'
            cand --service 'Only this service, and the node (repeatable)'
            cand --only 'Apply only this rule (repeatable)'
            cand --skip 'Skip this rule (repeatable)'
            cand --bundle 'Also write facts and report to this new file (.tar or .tar.zst, mode 0600, at most 64 MiB)'
            cand --from 'Use the facts in this bundle instead of those of this node'
            cand --baseline 'Save the current state as the baseline, or show what differs from it'
            cand --watch 'How long --checklist watches'
            cand --explain 'Show what a rule recognizes, and why'
            cand --sysroot 'Use this directory as /'
            cand --kmsg 'Use this file as the kernel log'
            cand --journal 'Use this file as the journal'
            cand --now 'Use this time as now'
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --all 'Show everything: hints, all lines of proof, explained findings, collector times'
            cand --deep 'Also request one token from servers with a free slot, and import torch in a child process'
            cand --map 'Show where the config, launcher, code, models and logs of each service are'
            cand --look 'Show the facts without a verdict: states, log tails, GPUs, memory, endpoints'
            cand --checklist 'After a fix: check that programs, endpoints and model files stay stable'
            cand --rules 'List all rules'
            cand --json 'Print JSON (with --look: the facts; with --map: the files)'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;schema'= {
            cand -o 'Print text or json; `-o json` is --json'
            cand --format 'Print text or json; `-o json` is --json'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand --json 'List the commands and documents as JSON'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;completions'= {
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;man'= {
            cand --dir 'Write `modelctl.1` and a page for each command here'
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;version'= {
            cand --config 'Read this config file instead of the one in the usual places'
            cand --db 'Use this model database (also: MODELCTL_DB)'
            cand --color 'Colour the output'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'modelctl;help'= {
            cand scan 'Look for models and record what is there'
            cand list 'List the models known on this machine'
            cand df 'Show the disk space of the stores and how much of it can be reclaimed'
            cand show 'Show everything about one model: files, metadata, memory, use'
            cand set 'Set what a model is to you: its tier, its alias, whether it may be chosen, how its server runs'
            cand keep 'Name the models that you want to keep'
            cand health 'Check the health of the services on this node'
            cand verify 'Check that the files of models are whole and are what their store promises'
            cand duplicates 'Show files that are on this machine more than once'
            cand prune 'Remove unused models and leftover files (dry run unless --confirm)'
            cand trash 'See, bring back or delete what prune took away'
            cand tune 'Suggest the next setting to change on this node, and record the effect of changes'
            cand run-once 'Run due tasks of the queue and exit (for cron), or one prompt'
            cand batch 'Answer a file of requests in OpenAI''s Batch format (JSONL) and write the answers'
            cand serve 'Serve models to clients, and run queued tasks as they come, until stopped'
            cand start 'Start the servers of models, and wait until they are ready'
            cand stop 'Stop the servers of models'
            cand restart 'Stop the servers of models and start them again, with their settings of now'
            cand start-all 'Start the servers of all enabled models, the smallest first'
            cand stop-all 'Stop the servers of all models'
            cand ps 'List the model servers that run, start or failed'
            cand top 'Watch what is loaded, what it costs and why, and start or stop it by a key'
            cand status 'Show what is loaded, what memory is left, and what was decided'
            cand why 'Explain why a model is loaded or not, and what it waits for'
            cand lifecycle 'Pause or resume what the daemon does by itself, or show its status'
            cand priority 'Set how much a model is needed, over what the daemon finds out'
            cand offload 'Move a loaded model off the GPU, or back'
            cand logs 'Show what the server of a model, or a service, logged'
            cand events 'Show what happened to the model servers since the daemon began'
            cand task 'Queue prompts, look at them, and get their answers'
            cand inference 'Let tasks run, or make them wait'
            cand history 'Show who did what, when, why and how much, newest last'
            cand triage 'Find out why a service on this node fails: one cause, its proof, the smallest next step and its undo'
            cand schema 'Print the JSON schema of what a command prints with --json'
            cand completions 'Print the completion script of a shell'
            cand man 'Print the manual page, or write all pages into a folder'
            cand version 'Print the version'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'modelctl;help;scan'= {
        }
        &'modelctl;help;list'= {
        }
        &'modelctl;help;df'= {
        }
        &'modelctl;help;show'= {
        }
        &'modelctl;help;set'= {
        }
        &'modelctl;help;keep'= {
            cand add 'Add hints; one that is kept already stays where it is'
            cand rm 'Remove hints that `keep add` added'
            cand list 'List all hints in order of preference: where each comes from, and which models it means'
        }
        &'modelctl;help;keep;add'= {
        }
        &'modelctl;help;keep;rm'= {
        }
        &'modelctl;help;keep;list'= {
        }
        &'modelctl;help;health'= {
        }
        &'modelctl;help;verify'= {
        }
        &'modelctl;help;duplicates'= {
        }
        &'modelctl;help;prune'= {
        }
        &'modelctl;help;trash'= {
            cand list 'List what is in the trash, the oldest first'
            cand restore 'Put back where it was: content, links, times and modes; nothing is overwritten'
            cand empty 'Delete for good; without --confirm shows what would be deleted'
        }
        &'modelctl;help;trash;list'= {
        }
        &'modelctl;help;trash;restore'= {
        }
        &'modelctl;help;trash;empty'= {
        }
        &'modelctl;help;tune'= {
            cand next 'Suggest the smallest setting to change in the current state'
            cand record 'Record a change before you make it, with the current health, speed and memory'
            cand done 'Measure again after a change and report whether it is better, the same or worse'
            cand list 'List the recorded changes'
            cand rollback 'Print how to undo a change'
        }
        &'modelctl;help;tune;next'= {
        }
        &'modelctl;help;tune;record'= {
        }
        &'modelctl;help;tune;done'= {
        }
        &'modelctl;help;tune;list'= {
        }
        &'modelctl;help;tune;rollback'= {
        }
        &'modelctl;help;run-once'= {
        }
        &'modelctl;help;batch'= {
        }
        &'modelctl;help;serve'= {
        }
        &'modelctl;help;start'= {
        }
        &'modelctl;help;stop'= {
        }
        &'modelctl;help;restart'= {
        }
        &'modelctl;help;start-all'= {
        }
        &'modelctl;help;stop-all'= {
        }
        &'modelctl;help;ps'= {
        }
        &'modelctl;help;top'= {
        }
        &'modelctl;help;status'= {
        }
        &'modelctl;help;why'= {
        }
        &'modelctl;help;lifecycle'= {
            cand pause 'Load, unload and evict nothing without a request'
            cand resume 'Go on after a pause'
            cand status 'Show what is loaded, what memory is left, and what was decided'
        }
        &'modelctl;help;lifecycle;pause'= {
        }
        &'modelctl;help;lifecycle;resume'= {
        }
        &'modelctl;help;lifecycle;status'= {
        }
        &'modelctl;help;priority'= {
        }
        &'modelctl;help;offload'= {
        }
        &'modelctl;help;logs'= {
        }
        &'modelctl;help;events'= {
        }
        &'modelctl;help;task'= {
            cand add 'Add one task'
            cand list 'List tasks, newest first'
            cand show 'Show a task: where it stands, its attempts, its answer'
            cand cancel 'Cancel tasks, also while they run'
            cand retry 'Try tasks again that have failed or were cancelled'
            cand wait 'Wait until tasks have ended'
            cand follow 'Print what happens to tasks, as it happens'
            cand import 'Queue the requests of a file in OpenAI''s Batch format (JSONL)'
            cand export 'Write the answers of tasks that have ended, in OpenAI''s Batch format (JSONL)'
            cand stats 'Show the figures of the queue'
        }
        &'modelctl;help;task;add'= {
        }
        &'modelctl;help;task;list'= {
        }
        &'modelctl;help;task;show'= {
        }
        &'modelctl;help;task;cancel'= {
        }
        &'modelctl;help;task;retry'= {
        }
        &'modelctl;help;task;wait'= {
        }
        &'modelctl;help;task;follow'= {
        }
        &'modelctl;help;task;import'= {
        }
        &'modelctl;help;task;export'= {
        }
        &'modelctl;help;task;stats'= {
        }
        &'modelctl;help;inference'= {
        }
        &'modelctl;help;history'= {
        }
        &'modelctl;help;triage'= {
        }
        &'modelctl;help;schema'= {
        }
        &'modelctl;help;completions'= {
        }
        &'modelctl;help;man'= {
        }
        &'modelctl;help;version'= {
        }
        &'modelctl;help;help'= {
        }
    ]
    $completions[$command]
}
