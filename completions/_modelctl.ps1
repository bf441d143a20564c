
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'modelctl' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'modelctl'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'modelctl' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('scan', 'scan', [CompletionResultType]::ParameterValue, 'Find models and record them')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the models known on this machine')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List the models known on this machine')
            [CompletionResult]::new('df', 'df', [CompletionResultType]::ParameterValue, 'Show the disk space of the stores and how much of it can be reclaimed')
            [CompletionResult]::new('du', 'du', [CompletionResultType]::ParameterValue, 'Show the disk space of the stores and how much of it can be reclaimed')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show the details of a model: files, metadata, memory, use')
            [CompletionResult]::new('info', 'info', [CompletionResultType]::ParameterValue, 'Show the details of a model: files, metadata, memory, use')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Show the details of a model: files, metadata, memory, use')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Change a model''s settings: tier, alias, note, pin, enabled, server options')
            [CompletionResult]::new('keep', 'keep', [CompletionResultType]::ParameterValue, 'Manage the models that you want to keep')
            [CompletionResult]::new('health', 'health', [CompletionResultType]::ParameterValue, 'Check the health of the services on this node')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Check files for truncation and against the checksums of their store')
            [CompletionResult]::new('duplicates', 'duplicates', [CompletionResultType]::ParameterValue, 'Find identical files')
            [CompletionResult]::new('dedupe', 'dedupe', [CompletionResultType]::ParameterValue, 'Make identical files share their space on the disk (dry run unless --confirm)')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Look for problems: unreadable folders, missing places, damaged files, the database, the clock')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Remove unused models and leftover files (dry run unless --confirm)')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Remove models by name: shows what would be removed and asks')
            [CompletionResult]::new('trash', 'trash', [CompletionResultType]::ParameterValue, 'List, restore or delete pruned models')
            [CompletionResult]::new('tune', 'tune', [CompletionResultType]::ParameterValue, 'Suggest the next setting to change on this node, and record the effect of changes')
            [CompletionResult]::new('run-once', 'run-once', [CompletionResultType]::ParameterValue, 'Run one prompt, or the due tasks of the queue (for cron)')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Run one prompt, or the due tasks of the queue (for cron)')
            [CompletionResult]::new('batch', 'batch', [CompletionResultType]::ParameterValue, 'Run an OpenAI Batch file (JSONL) and write the answers')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Serve models to clients and run queued tasks, until stopped')
            [CompletionResult]::new('start', 'start', [CompletionResultType]::ParameterValue, 'Start model servers and wait until they are ready')
            [CompletionResult]::new('stop', 'stop', [CompletionResultType]::ParameterValue, 'Stop model servers')
            [CompletionResult]::new('restart', 'restart', [CompletionResultType]::ParameterValue, 'Restart model servers, with their current settings')
            [CompletionResult]::new('start-all', 'start-all', [CompletionResultType]::ParameterValue, 'Start the servers of all enabled models, smallest first')
            [CompletionResult]::new('stop-all', 'stop-all', [CompletionResultType]::ParameterValue, 'Stop all model servers')
            [CompletionResult]::new('ps', 'ps', [CompletionResultType]::ParameterValue, 'List the models that are loaded or open, and by which process')
            [CompletionResult]::new('top', 'top', [CompletionResultType]::ParameterValue, 'Watch what is loaded and why, and start or stop models with a key')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show models, disk, queue, and what the daemon has loaded, on one screen')
            [CompletionResult]::new('why', 'why', [CompletionResultType]::ParameterValue, 'Explain why a model is loaded or not, and what it waits for')
            [CompletionResult]::new('lifecycle', 'lifecycle', [CompletionResultType]::ParameterValue, 'Pause or resume automatic loading and unloading, or show its status')
            [CompletionResult]::new('priority', 'priority', [CompletionResultType]::ParameterValue, 'Override the priority that the daemon computes for a model')
            [CompletionResult]::new('offload', 'offload', [CompletionResultType]::ParameterValue, 'Move a loaded model off the GPU, or back')
            [CompletionResult]::new('logs', 'logs', [CompletionResultType]::ParameterValue, 'Show the log of a model server or a service')
            [CompletionResult]::new('events', 'events', [CompletionResultType]::ParameterValue, 'Show what happened to the model servers since the daemon started')
            [CompletionResult]::new('task', 'task', [CompletionResultType]::ParameterValue, 'Queue prompts and get their answers')
            [CompletionResult]::new('inference', 'inference', [CompletionResultType]::ParameterValue, 'Pause or resume the task queue')
            [CompletionResult]::new('history', 'history', [CompletionResultType]::ParameterValue, 'Show the audit log: who did what, when and why, newest last')
            [CompletionResult]::new('triage', 'triage', [CompletionResultType]::ParameterValue, 'Find out why a service on this node fails: one cause, its proof, the smallest next step and its undo')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON schema of what a command prints with --json')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completion script of a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page, or write all pages into a folder')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Print the version')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'modelctl;scan' {
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Also scan this folder, as the root of that store: `ollama=/srv/models` (dir, hf, ollama, lmstudio, llamacpp, ramalama, docker)')
            [CompletionResult]::new('--forget', '--forget', [CompletionResultType]::ParameterName, 'Forget this folder and the models in it: it is no longer scanned or listed. No file is changed')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--full', '--full', [CompletionResultType]::ParameterName, 'Read everything again, including unchanged repositories of a Hugging Face cache')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'List every change and every skipped file, not only the problems')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'List every change and every skipped file, not only the problems')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the report as a JSON object')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;list' {
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Only models in this kind of store')
            [CompletionResult]::new('--tier', '--tier', [CompletionResultType]::ParameterName, 'Only models of this tier')
            [CompletionResult]::new('--family', '--family', [CompletionResultType]::ParameterName, 'Only models of this family (`llama`, `qwen*`)')
            [CompletionResult]::new('--quant', '--quant', [CompletionResultType]::ParameterName, 'Only models with this quantization (`Q4_K_M`, `q4*`)')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Only models in this state; `damaged` includes truncated')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Only files of this kind')
            [CompletionResult]::new('--larger', '--larger', [CompletionResultType]::ParameterName, 'Only models of at least this size (`10GiB`)')
            [CompletionResult]::new('--unused-for', '--unused-for', [CompletionResultType]::ParameterName, 'Only models not used for this long (`90d`), by the evidence of `prune --unused-for`: see modelctl-prune(1)')
            [CompletionResult]::new('--sort', '--sort', [CompletionResultType]::ParameterName, 'Sort order; largest first, latest first, unknown values last')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'List the models of each store or family together, with their sum')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Maximum number to show [default: all]')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Maximum number to show [default: all]')
            [CompletionResult]::new('--columns', '--columns', [CompletionResultType]::ParameterName, 'Show these columns, in this order')
            [CompletionResult]::new('--class', '--class', [CompletionResultType]::ParameterName, 'Only files of this class (with --files)')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format; json is the same as --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format; json is the same as --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Reverse the sort order')
            [CompletionResult]::new('--reverse', '--reverse', [CompletionResultType]::ParameterName, 'Reverse the sort order')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the line with the titles of the columns')
            [CompletionResult]::new('--files', '--files', [CompletionResultType]::ParameterName, 'Show the files that stores hold, each with its class and the reason, instead of models')
            [CompletionResult]::new('--stores', '--stores', [CompletionResultType]::ParameterName, 'Show what each store takes, and how much of it is not referenced, instead of models')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Also show models that no longer exist')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Also show models that no longer exist')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;ls' {
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Only models in this kind of store')
            [CompletionResult]::new('--tier', '--tier', [CompletionResultType]::ParameterName, 'Only models of this tier')
            [CompletionResult]::new('--family', '--family', [CompletionResultType]::ParameterName, 'Only models of this family (`llama`, `qwen*`)')
            [CompletionResult]::new('--quant', '--quant', [CompletionResultType]::ParameterName, 'Only models with this quantization (`Q4_K_M`, `q4*`)')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Only models in this state; `damaged` includes truncated')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Only files of this kind')
            [CompletionResult]::new('--larger', '--larger', [CompletionResultType]::ParameterName, 'Only models of at least this size (`10GiB`)')
            [CompletionResult]::new('--unused-for', '--unused-for', [CompletionResultType]::ParameterName, 'Only models not used for this long (`90d`), by the evidence of `prune --unused-for`: see modelctl-prune(1)')
            [CompletionResult]::new('--sort', '--sort', [CompletionResultType]::ParameterName, 'Sort order; largest first, latest first, unknown values last')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'List the models of each store or family together, with their sum')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Maximum number to show [default: all]')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Maximum number to show [default: all]')
            [CompletionResult]::new('--columns', '--columns', [CompletionResultType]::ParameterName, 'Show these columns, in this order')
            [CompletionResult]::new('--class', '--class', [CompletionResultType]::ParameterName, 'Only files of this class (with --files)')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format; json is the same as --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format; json is the same as --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Reverse the sort order')
            [CompletionResult]::new('--reverse', '--reverse', [CompletionResultType]::ParameterName, 'Reverse the sort order')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the line with the titles of the columns')
            [CompletionResult]::new('--files', '--files', [CompletionResultType]::ParameterName, 'Show the files that stores hold, each with its class and the reason, instead of models')
            [CompletionResult]::new('--stores', '--stores', [CompletionResultType]::ParameterName, 'Show what each store takes, and how much of it is not referenced, instead of models')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Also show models that no longer exist')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Also show models that no longer exist')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;df' {
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Only this kind of store')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;du' {
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Only this kind of store')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;show' {
            [CompletionResult]::new('--ctx', '--ctx', [CompletionResultType]::ParameterName, 'Context in tokens to estimate the memory for [default: the model''s own, at most 4096]')
            [CompletionResult]::new('--parallel', '--parallel', [CompletionResultType]::ParameterName, 'Number of sequences that share the context')
            [CompletionResult]::new('--cache-type-k', '--cache-type-k', [CompletionResultType]::ParameterName, 'Type of the keys in the cache')
            [CompletionResult]::new('--cache-type-v', '--cache-type-v', [CompletionResultType]::ParameterName, 'Type of the values in the cache')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--fit', '--fit', [CompletionResultType]::ParameterName, 'Ask llama.cpp for the exact memory, without allocating it (cached)')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show inodes, ids of contents and the types of all tensors as well')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show inodes, ids of contents and the types of all tensors as well')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;info' {
            [CompletionResult]::new('--ctx', '--ctx', [CompletionResultType]::ParameterName, 'Context in tokens to estimate the memory for [default: the model''s own, at most 4096]')
            [CompletionResult]::new('--parallel', '--parallel', [CompletionResultType]::ParameterName, 'Number of sequences that share the context')
            [CompletionResult]::new('--cache-type-k', '--cache-type-k', [CompletionResultType]::ParameterName, 'Type of the keys in the cache')
            [CompletionResult]::new('--cache-type-v', '--cache-type-v', [CompletionResultType]::ParameterName, 'Type of the values in the cache')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--fit', '--fit', [CompletionResultType]::ParameterName, 'Ask llama.cpp for the exact memory, without allocating it (cached)')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show inodes, ids of contents and the types of all tensors as well')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show inodes, ids of contents and the types of all tensors as well')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;inspect' {
            [CompletionResult]::new('--ctx', '--ctx', [CompletionResultType]::ParameterName, 'Context in tokens to estimate the memory for [default: the model''s own, at most 4096]')
            [CompletionResult]::new('--parallel', '--parallel', [CompletionResultType]::ParameterName, 'Number of sequences that share the context')
            [CompletionResult]::new('--cache-type-k', '--cache-type-k', [CompletionResultType]::ParameterName, 'Type of the keys in the cache')
            [CompletionResult]::new('--cache-type-v', '--cache-type-v', [CompletionResultType]::ParameterName, 'Type of the values in the cache')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--fit', '--fit', [CompletionResultType]::ParameterName, 'Ask llama.cpp for the exact memory, without allocating it (cached)')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show inodes, ids of contents and the types of all tensors as well')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show inodes, ids of contents and the types of all tensors as well')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;set' {
            [CompletionResult]::new('--tier', '--tier', [CompletionResultType]::ParameterName, 'Override the computed tier; `auto` removes the override')
            [CompletionResult]::new('--alias', '--alias', [CompletionResultType]::ParameterName, 'A name of your own for it; empty removes it')
            [CompletionResult]::new('--note', '--note', [CompletionResultType]::ParameterName, 'A note; empty removes it')
            [CompletionResult]::new('--engine', '--engine', [CompletionResultType]::ParameterName, 'The program that serves it: `worker` or `llama-server`')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Tokens of context of one request')
            [CompletionResult]::new('--parallel', '--parallel', [CompletionResultType]::ParameterName, 'Requests answered at the same time')
            [CompletionResult]::new('--gpu-layers', '--gpu-layers', [CompletionResultType]::ParameterName, 'Layers on the GPU')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads for generation')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Stop the server after this time without a request, such as `10m`')
            [CompletionResult]::new('--priority', '--priority', [CompletionResultType]::ParameterName, 'The class of requests that name none: `interactive`, `normal` or `batch`')
            [CompletionResult]::new('--embeddings', '--embeddings', [CompletionResultType]::ParameterName, 'Whether a second worker may compute embeddings with a model that generates text: `yes` or `no`')
            [CompletionResult]::new('--degrade', '--degrade', [CompletionResultType]::ParameterName, 'What may be reduced when memory runs out, in this order: `layers` (on the GPU), `context`')
            [CompletionResult]::new('--min-tier', '--min-tier', [CompletionResultType]::ParameterName, 'Start it automatically only on a node of this tier or larger: `embedded`, `lite`, `standard`, `full`, `compute_host`')
            [CompletionResult]::new('--llama-args', '--llama-args', [CompletionResultType]::ParameterName, 'Arguments for llama-server, separated by spaces, such as `-fa on`')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Environment variable of its server, such as `CUDA_VISIBLE_DEVICES=0`; replaces all that are set')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Never evict or prune it')
            [CompletionResult]::new('--unpin', '--unpin', [CompletionResultType]::ParameterName, 'Remove the pin')
            [CompletionResult]::new('--enable', '--enable', [CompletionResultType]::ParameterName, 'Allow it to be started and chosen')
            [CompletionResult]::new('--disable', '--disable', [CompletionResultType]::ParameterName, 'Never start or choose it')
            [CompletionResult]::new('--no-alias', '--no-alias', [CompletionResultType]::ParameterName, 'Remove the alias')
            [CompletionResult]::new('--no-note', '--no-note', [CompletionResultType]::ParameterName, 'Remove the note')
            [CompletionResult]::new('--essential', '--essential', [CompletionResultType]::ParameterName, 'Restart its server after every crash, without limit')
            [CompletionResult]::new('--no-essential', '--no-essential', [CompletionResultType]::ParameterName, 'Give up on its server after a few crashes in a row')
            [CompletionResult]::new('--pressure-evict-only', '--pressure-evict-only', [CompletionResultType]::ParameterName, 'Stop its server only when memory is needed, not when it is idle or the CPU is busy')
            [CompletionResult]::new('--no-pressure-evict-only', '--no-pressure-evict-only', [CompletionResultType]::ParameterName, 'Stop its server under the same conditions as others')
            [CompletionResult]::new('--no-degrade', '--no-degrade', [CompletionResultType]::ParameterName, 'Fail when memory runs out, instead of reducing anything')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the settings as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;keep' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Add hints; existing ones keep their place')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Remove hints that `keep add` added')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Remove hints that `keep add` added')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List all hints in order of preference, with their origin and the models they match')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List all hints in order of preference, with their origin and the models they match')
            break
        }
        'modelctl;keep;add' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;keep;rm' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;keep;remove' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;keep;list' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;keep;ls' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;health' {
            [CompletionResult]::new('--level', '--level', [CompletionResultType]::ParameterName, 'How thoroughly to check services (default: `health.level` in the config, or ready)')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Run only these checks, separated by commas')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time limit for all checks together (default: `health.timeout` in the config, or 5s)')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Check again until everything is ok, for at most this long')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Warn if a value violates a range, such as `disk_free=10%:`')
            [CompletionResult]::new('--warning', '--warning', [CompletionResultType]::ParameterName, 'Warn if a value violates a range, such as `disk_free=10%:`')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Fail if a value violates a range')
            [CompletionResult]::new('--critical', '--critical', [CompletionResultType]::ParameterName, 'Fail if a value violates a range')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to this file instead of standard output, replacing it atomically')
            [CompletionResult]::new('--exit-style', '--exit-style', [CompletionResultType]::ParameterName, 'Exit code convention; docker and kubernetes also limit the output to 4,096 bytes')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--require-gpu', '--require-gpu', [CompletionResultType]::ParameterName, 'Fail unless there is a working GPU')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Exit with 1 on a warning as well')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Same as `--format json`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;verify' {
            [CompletionResult]::new('--max-rate', '--max-rate', [CompletionResultType]::ParameterName, 'Limit the read rate over all files (`50MB`, `1GiB` per second)')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Verify all models')
            [CompletionResult]::new('--quick', '--quick', [CompletionResultType]::ParameterName, 'Check the structure only: headers, lengths, split sets; do not read the data')
            [CompletionResult]::new('--hash', '--hash', [CompletionResultType]::ParameterName, 'Also hash files without a declared checksum, and record the result')
            [CompletionResult]::new('--again', '--again', [CompletionResultType]::ParameterName, 'Also read files that were verified before')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'List every file, not only the problems')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'List every file, not only the problems')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the report as a JSON object')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;duplicates' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--wasteful', '--wasteful', [CompletionResultType]::ParameterName, 'Only groups where sharing would save space, not those that are hard links already')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;dedupe' {
            [CompletionResult]::new('--undo', '--undo', [CompletionResultType]::ParameterName, 'Give the files of a run space of their own again [default: the latest run]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--hard-link', '--hard-link', [CompletionResultType]::ParameterName, 'Use hard links where the file system cannot share blocks')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do it; without this, only what would be done is shown')
            [CompletionResult]::new('--confirm', '--confirm', [CompletionResultType]::ParameterName, 'Do it; without this, only what would be done is shown')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do it; without this, only what would be done is shown')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show what would be done and change nothing; this is the default')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be done and change nothing; this is the default')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print a JSON object')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;doctor' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print a JSON object')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;prune' {
            [CompletionResult]::new('--unused-for', '--unused-for', [CompletionResultType]::ParameterName, 'Models not used for this long (`30d`, `12h`, `3mo`)')
            [CompletionResult]::new('--prune-days', '--prune-days', [CompletionResultType]::ParameterName, 'The same in days')
            [CompletionResult]::new('--older-than', '--older-than', [CompletionResultType]::ParameterName, 'Models not modified for this long')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'These models: an id, a name, an alias or a path')
            [CompletionResult]::new('--free', '--free', [CompletionResultType]::ParameterName, 'Free space to reach on the file system (`50GiB`), the least recently used first')
            [CompletionResult]::new('--max-total', '--max-total', [CompletionResultType]::ParameterName, 'Maximum total size of all models (`200GiB`)')
            [CompletionResult]::new('--prefer', '--prefer', [CompletionResultType]::ParameterName, 'With --across-stores: the store whose copy is kept')
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Keep models that match this name, id, path or glob (`*-Q8_0`)')
            [CompletionResult]::new('--min-keep', '--min-keep', [CompletionResultType]::ParameterName, 'Keep at least this many usable models, over all stores (also: AUTO_PRUNE_MIN_KEEP)')
            [CompletionResult]::new('--grace', '--grace', [CompletionResultType]::ParameterName, 'Keep files used, written or added within this time; 0 to disable')
            [CompletionResult]::new('--expire-trash', '--expire-trash', [CompletionResultType]::ParameterName, 'Also delete items that have been in the trash for this long; `trash.expire` in the config file takes precedence')
            [CompletionResult]::new('--plan', '--plan', [CompletionResultType]::ParameterName, 'Save the plan to this file, to be reviewed and then applied (`-`: standard output)')
            [CompletionResult]::new('--apply', '--apply', [CompletionResultType]::ParameterName, 'Apply the plan in this file; anything that has changed since is left alone')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--empty-trash', '--empty-trash', [CompletionResultType]::ParameterName, 'To reach --free, delete items in the trash for good, oldest first and only as needed')
            [CompletionResult]::new('--superseded', '--superseded', [CompletionResultType]::ParameterName, 'Files referenced only by an old revision')
            [CompletionResult]::new('--orphans', '--orphans', [CompletionResultType]::ParameterName, 'Files that nothing references')
            [CompletionResult]::new('--partials', '--partials', [CompletionResultType]::ParameterName, 'Unfinished downloads, and split models with parts missing')
            [CompletionResult]::new('--damaged', '--damaged', [CompletionResultType]::ParameterName, 'Truncated and corrupt models')
            [CompletionResult]::new('--duplicates', '--duplicates', [CompletionResultType]::ParameterName, 'Duplicate copies (same sha256) within one store; keeps a copy that `modelctl verify --hash` has checked')
            [CompletionResult]::new('--across-stores', '--across-stores', [CompletionResultType]::ParameterName, 'With --duplicates: also copies in different stores, which then lose the model')
            [CompletionResult]::new('--assume-unused', '--assume-unused', [CompletionResultType]::ParameterName, 'Treat files whose use cannot be checked (processes of other users) as unused')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show what would be done and change nothing; this is the default')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be done and change nothing; this is the default')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Apply the plan')
            [CompletionResult]::new('--confirm', '--confirm', [CompletionResultType]::ParameterName, 'Apply the plan')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Apply the plan')
            [CompletionResult]::new('--purge', '--purge', [CompletionResultType]::ParameterName, 'Delete permanently instead of moving to the trash: no undo')
            [CompletionResult]::new('--allow-large', '--allow-large', [CompletionResultType]::ParameterName, 'Allow rules to remove more than half of a store')
            [CompletionResult]::new('--now-is-right', '--now-is-right', [CompletionResultType]::ParameterName, 'Trust the clock although it jumped ahead')
            [CompletionResult]::new('--exit-code', '--exit-code', [CompletionResultType]::ParameterName, 'Exit with 10 if something was removed or would be, 0 if there is nothing to do')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'List what is kept as well, with the reason for each')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the plan and its result as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;rm' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Remove without asking')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Remove without asking')
            [CompletionResult]::new('--confirm', '--confirm', [CompletionResultType]::ParameterName, 'Remove without asking')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show what would be removed and change nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be removed and change nothing')
            [CompletionResult]::new('--assume-unused', '--assume-unused', [CompletionResultType]::ParameterName, 'Treat files whose use cannot be checked (processes of other users) as unused')
            [CompletionResult]::new('--purge', '--purge', [CompletionResultType]::ParameterName, 'Delete permanently instead of moving to the trash: no undo')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the plan, and what became of it, as a JSON object')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;trash' {
            [CompletionResult]::new('--in', '--in', [CompletionResultType]::ParameterName, 'Also look for trash next to this folder (for stores not in the database), or the trash itself')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the trash, oldest first')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List the trash, oldest first')
            [CompletionResult]::new('restore', 'restore', [CompletionResultType]::ParameterValue, 'Restore items to where they were, with links, times and modes; nothing is overwritten')
            [CompletionResult]::new('empty', 'empty', [CompletionResultType]::ParameterValue, 'Delete items permanently; without --confirm only shows them')
            break
        }
        'modelctl;trash;list' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--in', '--in', [CompletionResultType]::ParameterName, 'Also look for trash next to this folder (for stores not in the database), or the trash itself')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;trash;ls' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--in', '--in', [CompletionResultType]::ParameterName, 'Also look for trash next to this folder (for stores not in the database), or the trash itself')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;trash;restore' {
            [CompletionResult]::new('--run', '--run', [CompletionResultType]::ParameterName, 'Everything that one run moved: its id, as in `history` and `trash list --json`')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Everything that was in this folder, even if no database knows it')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--in', '--in', [CompletionResultType]::ParameterName, 'Also look for trash next to this folder (for stores not in the database), or the trash itself')
            [CompletionResult]::new('--last', '--last', [CompletionResultType]::ParameterName, 'Everything that the latest run moved to the trash')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Everything in the trash')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;trash;empty' {
            [CompletionResult]::new('--older-than', '--older-than', [CompletionResultType]::ParameterName, 'Only items that have been in the trash for this long (`7d`)')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--in', '--in', [CompletionResultType]::ParameterName, 'Also look for trash next to this folder (for stores not in the database), or the trash itself')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show what would be deleted and change nothing; this is the default')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be deleted and change nothing; this is the default')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Delete: this cannot be undone')
            [CompletionResult]::new('--confirm', '--confirm', [CompletionResultType]::ParameterName, 'Delete: this cannot be undone')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Delete: this cannot be undone')
            [CompletionResult]::new('--now-is-right', '--now-is-right', [CompletionResultType]::ParameterName, 'Trust the clock although it jumped ahead')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;tune' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('next', 'next', [CompletionResultType]::ParameterValue, 'Suggest the smallest setting to change in the current state')
            [CompletionResult]::new('record', 'record', [CompletionResultType]::ParameterValue, 'Record a change before you make it, with the current health, speed and memory')
            [CompletionResult]::new('done', 'done', [CompletionResultType]::ParameterValue, 'Measure again after a change and report whether it is better, the same or worse')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the recorded changes')
            [CompletionResult]::new('rollback', 'rollback', [CompletionResultType]::ParameterValue, 'Print how to undo a change')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'modelctl;tune;next' {
            [CompletionResult]::new('--service', '--service', [CompletionResultType]::ParameterName, 'Only this service')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;tune;record' {
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Current value, which a rollback restores')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'New value')
            [CompletionResult]::new('--why', '--why', [CompletionResultType]::ParameterName, 'Reason for the change')
            [CompletionResult]::new('--service', '--service', [CompletionResultType]::ParameterName, 'Service that the setting belongs to')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;tune;done' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;tune;list' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;tune;rollback' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;tune;help' {
            [CompletionResult]::new('next', 'next', [CompletionResultType]::ParameterValue, 'Suggest the smallest setting to change in the current state')
            [CompletionResult]::new('record', 'record', [CompletionResultType]::ParameterValue, 'Record a change before you make it, with the current health, speed and memory')
            [CompletionResult]::new('done', 'done', [CompletionResultType]::ParameterValue, 'Measure again after a change and report whether it is better, the same or worse')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the recorded changes')
            [CompletionResult]::new('rollback', 'rollback', [CompletionResultType]::ParameterValue, 'Print how to undo a change')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'modelctl;tune;help;next' {
            break
        }
        'modelctl;tune;help;record' {
            break
        }
        'modelctl;tune;help;done' {
            break
        }
        'modelctl;tune;help;list' {
            break
        }
        'modelctl;tune;help;rollback' {
            break
        }
        'modelctl;tune;help;help' {
            break
        }
        'modelctl;run-once' {
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'The prompt, also one that begins with a dash')
            [CompletionResult]::new('--prompt', '--prompt', [CompletionResultType]::ParameterName, 'The prompt, also one that begins with a dash')
            [CompletionResult]::new('--max-tasks', '--max-tasks', [CompletionResultType]::ParameterName, 'Run at most this many tasks [default: OFFLOAD_MAX_TASKS, else 5]')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Use this model: an id or its first digits, an alias, a name or a path')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Use this model: an id or its first digits, an alias, a name or a path')
            [CompletionResult]::new('--max-tokens', '--max-tokens', [CompletionResultType]::ParameterName, 'Stop after this many tokens [default: when the model is done or the context is full]')
            [CompletionResult]::new('--temperature', '--temperature', [CompletionResultType]::ParameterName, 'Sampling temperature; 0 is greedy decoding')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Random seed')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Stop waiting for other processes after this long, and end the answer then [default: wait 10m, no end]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Load the model even if it does not seem to fit in memory')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object at the end instead of streaming')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;run' {
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'The prompt, also one that begins with a dash')
            [CompletionResult]::new('--prompt', '--prompt', [CompletionResultType]::ParameterName, 'The prompt, also one that begins with a dash')
            [CompletionResult]::new('--max-tasks', '--max-tasks', [CompletionResultType]::ParameterName, 'Run at most this many tasks [default: OFFLOAD_MAX_TASKS, else 5]')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Use this model: an id or its first digits, an alias, a name or a path')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Use this model: an id or its first digits, an alias, a name or a path')
            [CompletionResult]::new('--max-tokens', '--max-tokens', [CompletionResultType]::ParameterName, 'Stop after this many tokens [default: when the model is done or the context is full]')
            [CompletionResult]::new('--temperature', '--temperature', [CompletionResultType]::ParameterName, 'Sampling temperature; 0 is greedy decoding')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Random seed')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Stop waiting for other processes after this long, and end the answer then [default: wait 10m, no end]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Load the model even if it does not seem to fit in memory')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object at the end instead of streaming')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;batch' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the answers to this file, atomically')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the answers to this file, atomically')
            [CompletionResult]::new('--errors', '--errors', [CompletionResultType]::ParameterName, 'Write failed requests to this file instead')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Use this model for all requests, overriding the file')
            [CompletionResult]::new('--tier', '--tier', [CompletionResultType]::ParameterName, 'Use models of this tier for all requests, overriding the file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--any-model', '--any-model', [CompletionResultType]::ParameterName, 'Use any available model for all requests, overriding the file')
            [CompletionResult]::new('--fallback', '--fallback', [CompletionResultType]::ParameterName, 'Let another model answer if the named one fails or cannot run [default: OFFLOAD_FALLBACK]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print a JSON object with the counts')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;serve' {
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Listen on this address: 127.0.0.1:4848 (the default), [::1]:4848, or the path of a Unix socket; may be repeated, and `none` leaves only --socket (also: MODELCTL_LISTEN, separated by commas)')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'Unix socket for the command line, accessible to this user only [default: $XDG_RUNTIME_DIR/modelctl/serve.sock]')
            [CompletionResult]::new('--api-key-file', '--api-key-file', [CompletionResultType]::ParameterName, 'File of the keys of clients on other machines, one `name:key:class` per line (class: interactive, normal or batch; optional), mode 0600; required for addresses that they can reach')
            [CompletionResult]::new('--exec', '--exec', [CompletionResultType]::ParameterName, 'Run this program for every event, with the event as JSON on its standard input, for at most 10 seconds (also: `[hooks] exec`)')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--no-executor', '--no-executor', [CompletionResultType]::ParameterName, 'Do not run queued tasks')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print a JSON object per line for each run that did something')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;start' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the servers as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;stop' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--now', '--now', [CompletionResultType]::ParameterName, 'Cancel running answers instead of waiting for them')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the servers as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;restart' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--now', '--now', [CompletionResultType]::ParameterName, 'Cancel running answers instead of waiting for them')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the servers as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;start-all' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;stop-all' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--now', '--now', [CompletionResultType]::ParameterName, 'Cancel running answers instead of waiting for them')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;ps' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print everything as a JSON object')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;top' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--once', '--once', [CompletionResultType]::ParameterName, 'Print one table and exit')
            [CompletionResult]::new('--ascii', '--ascii', [CompletionResultType]::ParameterName, 'Use ASCII characters only, as in a locale without UTF-8')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document and exit')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;status' {
            [CompletionResult]::new('--decisions', '--decisions', [CompletionResultType]::ParameterName, 'Number of decisions to show; the daemon keeps 200')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print a JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;why' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;lifecycle' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('pause', 'pause', [CompletionResultType]::ParameterValue, 'Load, unload and evict models only on request')
            [CompletionResult]::new('resume', 'resume', [CompletionResultType]::ParameterValue, 'End a pause')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show what the daemon has loaded, what memory is left, and what was decided')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'modelctl;lifecycle;pause' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the answer as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;lifecycle;resume' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the answer as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;lifecycle;status' {
            [CompletionResult]::new('--decisions', '--decisions', [CompletionResultType]::ParameterName, 'Number of decisions to show; the daemon keeps 200')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print a JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;lifecycle;help' {
            [CompletionResult]::new('pause', 'pause', [CompletionResultType]::ParameterValue, 'Load, unload and evict models only on request')
            [CompletionResult]::new('resume', 'resume', [CompletionResultType]::ParameterValue, 'End a pause')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show what the daemon has loaded, what memory is left, and what was decided')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'modelctl;lifecycle;help;pause' {
            break
        }
        'modelctl;lifecycle;help;resume' {
            break
        }
        'modelctl;lifecycle;help;status' {
            break
        }
        'modelctl;lifecycle;help;help' {
            break
        }
        'modelctl;priority' {
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'Apply it for this time, such as `1h`')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--clear', '--clear', [CompletionResultType]::ParameterName, 'Let the daemon decide again')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the answer as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;offload' {
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Where its layers are loaded [default: one step lower]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the answer as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;logs' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Number of past lines; the daemon keeps 200')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'Number of past lines; the daemon keeps 200')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Follow new lines until interrupted')
            [CompletionResult]::new('--follow', '--follow', [CompletionResultType]::ParameterName, 'Follow new lines until interrupted')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON: one document, or one object per line with --follow')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;events' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Number of past events; the daemon keeps 1,000')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Number of past events; the daemon keeps 1,000')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Follow new events until interrupted')
            [CompletionResult]::new('--follow', '--follow', [CompletionResultType]::ParameterName, 'Follow new events until interrupted')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON: one document, or one object per line with --follow')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;task' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Add one task')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List tasks, newest first')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List tasks, newest first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show a task: its state, attempts and answer')
            [CompletionResult]::new('cancel', 'cancel', [CompletionResultType]::ParameterValue, 'Cancel tasks, including running ones')
            [CompletionResult]::new('retry', 'retry', [CompletionResultType]::ParameterValue, 'Retry failed or canceled tasks')
            [CompletionResult]::new('wait', 'wait', [CompletionResultType]::ParameterValue, 'Wait for tasks to finish')
            [CompletionResult]::new('follow', 'follow', [CompletionResultType]::ParameterValue, 'Print task events as they happen')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Queue the requests of a file in OpenAI''s Batch format (JSONL)')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Write the answers of finished tasks in OpenAI''s Batch format (JSONL)')
            [CompletionResult]::new('stats', 'stats', [CompletionResultType]::ParameterValue, 'Show queue statistics')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'modelctl;task;add' {
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'The prompt, also one that begins with a dash')
            [CompletionResult]::new('--prompt', '--prompt', [CompletionResultType]::ParameterName, 'The prompt, also one that begins with a dash')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Read the prompt from a file')
            [CompletionResult]::new('--system', '--system', [CompletionResultType]::ParameterName, 'System prompt')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Use this model: an id or its first digits, an alias, a name or a path')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Use this model: an id or its first digits, an alias, a name or a path')
            [CompletionResult]::new('--tier', '--tier', [CompletionResultType]::ParameterName, 'Use a model of this tier')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Your own name for the task')
            [CompletionResult]::new('--priority', '--priority', [CompletionResultType]::ParameterName, 'Higher runs first; may be negative')
            [CompletionResult]::new('--not-before', '--not-before', [CompletionResultType]::ParameterName, 'Do not start before this time (`2026-11-21T06:00:00Z`) or delay (`2h`)')
            [CompletionResult]::new('--deadline', '--deadline', [CompletionResultType]::ParameterName, 'Give up if it has not started by this time, or after this delay')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time limit for one attempt (`90s`, `10m`)')
            [CompletionResult]::new('--max-attempts', '--max-attempts', [CompletionResultType]::ParameterName, 'Maximum number of attempts [default: OFFLOAD_MAX_ATTEMPTS, else 3]')
            [CompletionResult]::new('--max-tokens', '--max-tokens', [CompletionResultType]::ParameterName, 'Stop after this many tokens')
            [CompletionResult]::new('--temperature', '--temperature', [CompletionResultType]::ParameterName, 'Sampling temperature; 0 is greedy decoding')
            [CompletionResult]::new('--top-p', '--top-p', [CompletionResultType]::ParameterName, 'Sample from the most likely tokens with this cumulative probability')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Random seed')
            [CompletionResult]::new('--stop', '--stop', [CompletionResultType]::ParameterName, 'End the answer before this text; repeatable')
            [CompletionResult]::new('--json-schema', '--json-schema', [CompletionResultType]::ParameterName, 'Constrain the answer to the JSON schema in this file')
            [CompletionResult]::new('--grammar', '--grammar', [CompletionResultType]::ParameterName, 'Constrain the answer to the GBNF grammar in this file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Complete the text without a chat template (`/v1/completions`)')
            [CompletionResult]::new('--fallback', '--fallback', [CompletionResultType]::ParameterName, 'Let another model answer if the named one fails or cannot run [default: OFFLOAD_FALLBACK]')
            [CompletionResult]::new('--replace-finished', '--replace-finished', [CompletionResultType]::ParameterName, 'Run it again if the task of this key has ended')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the task as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;task;list' {
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Only tasks in this state; repeatable')
            [CompletionResult]::new('--batch', '--batch', [CompletionResultType]::ParameterName, 'Only tasks of this batch')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Maximum number to show; 0 shows all')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Maximum number to show; 0 shows all')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--pending', '--pending', [CompletionResultType]::ParameterName, 'Only unfinished tasks')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;task;ls' {
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Only tasks in this state; repeatable')
            [CompletionResult]::new('--batch', '--batch', [CompletionResultType]::ParameterName, 'Only tasks of this batch')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Maximum number to show; 0 shows all')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Maximum number to show; 0 shows all')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--pending', '--pending', [CompletionResultType]::ParameterName, 'Only unfinished tasks')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;task;show' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--text', '--text', [CompletionResultType]::ParameterName, 'Print only the answer, unchanged')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;task;cancel' {
            [CompletionResult]::new('--batch', '--batch', [CompletionResultType]::ParameterName, 'All unfinished tasks of this batch')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All unfinished tasks')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;task;retry' {
            [CompletionResult]::new('--batch', '--batch', [CompletionResultType]::ParameterName, 'All failed or canceled tasks of this batch')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--failed', '--failed', [CompletionResultType]::ParameterName, 'All failed tasks')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;task;wait' {
            [CompletionResult]::new('--batch', '--batch', [CompletionResultType]::ParameterName, 'All tasks of this batch')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Wait at most this long (`10m`)')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All unfinished tasks')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the tasks as a JSON array when they have finished')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;task;follow' {
            [CompletionResult]::new('--batch', '--batch', [CompletionResultType]::ParameterName, 'All tasks of this batch')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print a JSON object per line for each event')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;task;import' {
            [CompletionResult]::new('--batch', '--batch', [CompletionResultType]::ParameterName, 'Name of the batch [default: the file name and the first digits of a sha256 over the file and its models]')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Use this model for all requests, overriding the file')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Use this model for all requests, overriding the file')
            [CompletionResult]::new('--tier', '--tier', [CompletionResultType]::ParameterName, 'Use models of this tier for all requests, overriding the file')
            [CompletionResult]::new('--priority', '--priority', [CompletionResultType]::ParameterName, 'Higher runs first; may be negative')
            [CompletionResult]::new('--max-attempts', '--max-attempts', [CompletionResultType]::ParameterName, 'Maximum number of attempts per request [default: OFFLOAD_MAX_ATTEMPTS, else 3]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--any-model', '--any-model', [CompletionResultType]::ParameterName, 'Use any available model for all requests, overriding the file')
            [CompletionResult]::new('--fallback', '--fallback', [CompletionResultType]::ParameterName, 'Let another model answer if the named one fails or cannot run [default: OFFLOAD_FALLBACK]')
            [CompletionResult]::new('--replace-finished', '--replace-finished', [CompletionResultType]::ParameterName, 'Run finished ones again')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print a JSON object')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;task;export' {
            [CompletionResult]::new('--batch', '--batch', [CompletionResultType]::ParameterName, 'Only tasks of this batch')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to this file, atomically, instead of standard output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to this file, atomically, instead of standard output')
            [CompletionResult]::new('--errors', '--errors', [CompletionResultType]::ParameterName, 'Write failed requests to this file instead')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print a JSON object with the counts; needs --output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;task;stats' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print a JSON object')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;task;help' {
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Add one task')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List tasks, newest first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show a task: its state, attempts and answer')
            [CompletionResult]::new('cancel', 'cancel', [CompletionResultType]::ParameterValue, 'Cancel tasks, including running ones')
            [CompletionResult]::new('retry', 'retry', [CompletionResultType]::ParameterValue, 'Retry failed or canceled tasks')
            [CompletionResult]::new('wait', 'wait', [CompletionResultType]::ParameterValue, 'Wait for tasks to finish')
            [CompletionResult]::new('follow', 'follow', [CompletionResultType]::ParameterValue, 'Print task events as they happen')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Queue the requests of a file in OpenAI''s Batch format (JSONL)')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Write the answers of finished tasks in OpenAI''s Batch format (JSONL)')
            [CompletionResult]::new('stats', 'stats', [CompletionResultType]::ParameterValue, 'Show queue statistics')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'modelctl;task;help;add' {
            break
        }
        'modelctl;task;help;list' {
            break
        }
        'modelctl;task;help;show' {
            break
        }
        'modelctl;task;help;cancel' {
            break
        }
        'modelctl;task;help;retry' {
            break
        }
        'modelctl;task;help;wait' {
            break
        }
        'modelctl;task;help;follow' {
            break
        }
        'modelctl;task;help;import' {
            break
        }
        'modelctl;task;help;export' {
            break
        }
        'modelctl;task;help;stats' {
            break
        }
        'modelctl;task;help;help' {
            break
        }
        'modelctl;inference' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;history' {
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Only what happened to this model: id, alias, name or path')
            [CompletionResult]::new('--what', '--what', [CompletionResultType]::ParameterName, 'Only events of this kind; repeatable')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Only events after this: an age (`7d`, `45min`), a day (`2026-11-21`), or a time with its zone')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Only events before this; a day is included')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Maximum number to show, newest first; 0 shows all')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Maximum number to show, newest first; 0 shows all')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--detail', '--detail', [CompletionResultType]::ParameterName, 'Show each event on a line of its own')
            [CompletionResult]::new('--utc', '--utc', [CompletionResultType]::ParameterName, 'Show times in UTC on a terminal, too')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;triage' {
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'How far back to look')
            [CompletionResult]::new('--playbook', '--playbook', [CompletionResultType]::ParameterName, 'Only services of this playbook, and the node')
            [CompletionResult]::new('--service', '--service', [CompletionResultType]::ParameterName, 'Only this service, and the node (repeatable)')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Apply only this rule (repeatable)')
            [CompletionResult]::new('--skip', '--skip', [CompletionResultType]::ParameterName, 'Skip this rule (repeatable)')
            [CompletionResult]::new('--bundle', '--bundle', [CompletionResultType]::ParameterName, 'Also write facts and report to this new file (.tar or .tar.zst, mode 0600, at most 64 MiB)')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Use the facts in this bundle instead of those of this node')
            [CompletionResult]::new('--baseline', '--baseline', [CompletionResultType]::ParameterName, 'Save the current state as the baseline, or show what differs from it')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'How long --checklist watches')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Show what a rule recognizes, and why')
            [CompletionResult]::new('--sysroot', '--sysroot', [CompletionResultType]::ParameterName, 'Use this directory as /')
            [CompletionResult]::new('--kmsg', '--kmsg', [CompletionResultType]::ParameterName, 'Use this file as the kernel log')
            [CompletionResult]::new('--journal', '--journal', [CompletionResultType]::ParameterName, 'Use this file as the journal')
            [CompletionResult]::new('--now', '--now', [CompletionResultType]::ParameterName, 'Use this time as now')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Show everything: hints, all lines of proof, explained findings, collector times')
            [CompletionResult]::new('--deep', '--deep', [CompletionResultType]::ParameterName, 'Also request one token from servers with a free slot, and import torch in a child process')
            [CompletionResult]::new('--map', '--map', [CompletionResultType]::ParameterName, 'Show where the config, launcher, code, models and logs of each service are')
            [CompletionResult]::new('--look', '--look', [CompletionResultType]::ParameterName, 'Show the facts without a verdict: states, log tails, GPUs, memory, endpoints')
            [CompletionResult]::new('--checklist', '--checklist', [CompletionResultType]::ParameterName, 'After a fix: check that programs, endpoints and model files stay stable')
            [CompletionResult]::new('--rules', '--rules', [CompletionResultType]::ParameterName, 'List all rules')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON (with --look: the facts; with --map: the files)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;schema' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'List the commands and documents as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;completions' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;man' {
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'Write all pages to this folder; if its name is `man1`, modelctl.toml.5 is written to `man5` next to it')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;version' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print text or json; `-o json` is --json')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this config file instead of the one in the usual places; see modelctl.toml(5)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use this model database (also: MODELCTL_DB)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use color')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, with the version of the database and whether models can be run')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing unless something is wrong or was changed; commands that show something still show it')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns of a table, whole, even if its lines are wider than the terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'modelctl;help' {
            [CompletionResult]::new('scan', 'scan', [CompletionResultType]::ParameterValue, 'Find models and record them')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the models known on this machine')
            [CompletionResult]::new('df', 'df', [CompletionResultType]::ParameterValue, 'Show the disk space of the stores and how much of it can be reclaimed')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show the details of a model: files, metadata, memory, use')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Change a model''s settings: tier, alias, note, pin, enabled, server options')
            [CompletionResult]::new('keep', 'keep', [CompletionResultType]::ParameterValue, 'Manage the models that you want to keep')
            [CompletionResult]::new('health', 'health', [CompletionResultType]::ParameterValue, 'Check the health of the services on this node')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Check files for truncation and against the checksums of their store')
            [CompletionResult]::new('duplicates', 'duplicates', [CompletionResultType]::ParameterValue, 'Find identical files')
            [CompletionResult]::new('dedupe', 'dedupe', [CompletionResultType]::ParameterValue, 'Make identical files share their space on the disk (dry run unless --confirm)')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Look for problems: unreadable folders, missing places, damaged files, the database, the clock')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Remove unused models and leftover files (dry run unless --confirm)')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Remove models by name: shows what would be removed and asks')
            [CompletionResult]::new('trash', 'trash', [CompletionResultType]::ParameterValue, 'List, restore or delete pruned models')
            [CompletionResult]::new('tune', 'tune', [CompletionResultType]::ParameterValue, 'Suggest the next setting to change on this node, and record the effect of changes')
            [CompletionResult]::new('run-once', 'run-once', [CompletionResultType]::ParameterValue, 'Run one prompt, or the due tasks of the queue (for cron)')
            [CompletionResult]::new('batch', 'batch', [CompletionResultType]::ParameterValue, 'Run an OpenAI Batch file (JSONL) and write the answers')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Serve models to clients and run queued tasks, until stopped')
            [CompletionResult]::new('start', 'start', [CompletionResultType]::ParameterValue, 'Start model servers and wait until they are ready')
            [CompletionResult]::new('stop', 'stop', [CompletionResultType]::ParameterValue, 'Stop model servers')
            [CompletionResult]::new('restart', 'restart', [CompletionResultType]::ParameterValue, 'Restart model servers, with their current settings')
            [CompletionResult]::new('start-all', 'start-all', [CompletionResultType]::ParameterValue, 'Start the servers of all enabled models, smallest first')
            [CompletionResult]::new('stop-all', 'stop-all', [CompletionResultType]::ParameterValue, 'Stop all model servers')
            [CompletionResult]::new('ps', 'ps', [CompletionResultType]::ParameterValue, 'List the models that are loaded or open, and by which process')
            [CompletionResult]::new('top', 'top', [CompletionResultType]::ParameterValue, 'Watch what is loaded and why, and start or stop models with a key')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show models, disk, queue, and what the daemon has loaded, on one screen')
            [CompletionResult]::new('why', 'why', [CompletionResultType]::ParameterValue, 'Explain why a model is loaded or not, and what it waits for')
            [CompletionResult]::new('lifecycle', 'lifecycle', [CompletionResultType]::ParameterValue, 'Pause or resume automatic loading and unloading, or show its status')
            [CompletionResult]::new('priority', 'priority', [CompletionResultType]::ParameterValue, 'Override the priority that the daemon computes for a model')
            [CompletionResult]::new('offload', 'offload', [CompletionResultType]::ParameterValue, 'Move a loaded model off the GPU, or back')
            [CompletionResult]::new('logs', 'logs', [CompletionResultType]::ParameterValue, 'Show the log of a model server or a service')
            [CompletionResult]::new('events', 'events', [CompletionResultType]::ParameterValue, 'Show what happened to the model servers since the daemon started')
            [CompletionResult]::new('task', 'task', [CompletionResultType]::ParameterValue, 'Queue prompts and get their answers')
            [CompletionResult]::new('inference', 'inference', [CompletionResultType]::ParameterValue, 'Pause or resume the task queue')
            [CompletionResult]::new('history', 'history', [CompletionResultType]::ParameterValue, 'Show the audit log: who did what, when and why, newest last')
            [CompletionResult]::new('triage', 'triage', [CompletionResultType]::ParameterValue, 'Find out why a service on this node fails: one cause, its proof, the smallest next step and its undo')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON schema of what a command prints with --json')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completion script of a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page, or write all pages into a folder')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Print the version')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'modelctl;help;scan' {
            break
        }
        'modelctl;help;list' {
            break
        }
        'modelctl;help;df' {
            break
        }
        'modelctl;help;show' {
            break
        }
        'modelctl;help;set' {
            break
        }
        'modelctl;help;keep' {
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Add hints; existing ones keep their place')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Remove hints that `keep add` added')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List all hints in order of preference, with their origin and the models they match')
            break
        }
        'modelctl;help;keep;add' {
            break
        }
        'modelctl;help;keep;rm' {
            break
        }
        'modelctl;help;keep;list' {
            break
        }
        'modelctl;help;health' {
            break
        }
        'modelctl;help;verify' {
            break
        }
        'modelctl;help;duplicates' {
            break
        }
        'modelctl;help;dedupe' {
            break
        }
        'modelctl;help;doctor' {
            break
        }
        'modelctl;help;prune' {
            break
        }
        'modelctl;help;rm' {
            break
        }
        'modelctl;help;trash' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the trash, oldest first')
            [CompletionResult]::new('restore', 'restore', [CompletionResultType]::ParameterValue, 'Restore items to where they were, with links, times and modes; nothing is overwritten')
            [CompletionResult]::new('empty', 'empty', [CompletionResultType]::ParameterValue, 'Delete items permanently; without --confirm only shows them')
            break
        }
        'modelctl;help;trash;list' {
            break
        }
        'modelctl;help;trash;restore' {
            break
        }
        'modelctl;help;trash;empty' {
            break
        }
        'modelctl;help;tune' {
            [CompletionResult]::new('next', 'next', [CompletionResultType]::ParameterValue, 'Suggest the smallest setting to change in the current state')
            [CompletionResult]::new('record', 'record', [CompletionResultType]::ParameterValue, 'Record a change before you make it, with the current health, speed and memory')
            [CompletionResult]::new('done', 'done', [CompletionResultType]::ParameterValue, 'Measure again after a change and report whether it is better, the same or worse')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the recorded changes')
            [CompletionResult]::new('rollback', 'rollback', [CompletionResultType]::ParameterValue, 'Print how to undo a change')
            break
        }
        'modelctl;help;tune;next' {
            break
        }
        'modelctl;help;tune;record' {
            break
        }
        'modelctl;help;tune;done' {
            break
        }
        'modelctl;help;tune;list' {
            break
        }
        'modelctl;help;tune;rollback' {
            break
        }
        'modelctl;help;run-once' {
            break
        }
        'modelctl;help;batch' {
            break
        }
        'modelctl;help;serve' {
            break
        }
        'modelctl;help;start' {
            break
        }
        'modelctl;help;stop' {
            break
        }
        'modelctl;help;restart' {
            break
        }
        'modelctl;help;start-all' {
            break
        }
        'modelctl;help;stop-all' {
            break
        }
        'modelctl;help;ps' {
            break
        }
        'modelctl;help;top' {
            break
        }
        'modelctl;help;status' {
            break
        }
        'modelctl;help;why' {
            break
        }
        'modelctl;help;lifecycle' {
            [CompletionResult]::new('pause', 'pause', [CompletionResultType]::ParameterValue, 'Load, unload and evict models only on request')
            [CompletionResult]::new('resume', 'resume', [CompletionResultType]::ParameterValue, 'End a pause')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show what the daemon has loaded, what memory is left, and what was decided')
            break
        }
        'modelctl;help;lifecycle;pause' {
            break
        }
        'modelctl;help;lifecycle;resume' {
            break
        }
        'modelctl;help;lifecycle;status' {
            break
        }
        'modelctl;help;priority' {
            break
        }
        'modelctl;help;offload' {
            break
        }
        'modelctl;help;logs' {
            break
        }
        'modelctl;help;events' {
            break
        }
        'modelctl;help;task' {
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Add one task')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List tasks, newest first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show a task: its state, attempts and answer')
            [CompletionResult]::new('cancel', 'cancel', [CompletionResultType]::ParameterValue, 'Cancel tasks, including running ones')
            [CompletionResult]::new('retry', 'retry', [CompletionResultType]::ParameterValue, 'Retry failed or canceled tasks')
            [CompletionResult]::new('wait', 'wait', [CompletionResultType]::ParameterValue, 'Wait for tasks to finish')
            [CompletionResult]::new('follow', 'follow', [CompletionResultType]::ParameterValue, 'Print task events as they happen')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Queue the requests of a file in OpenAI''s Batch format (JSONL)')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Write the answers of finished tasks in OpenAI''s Batch format (JSONL)')
            [CompletionResult]::new('stats', 'stats', [CompletionResultType]::ParameterValue, 'Show queue statistics')
            break
        }
        'modelctl;help;task;add' {
            break
        }
        'modelctl;help;task;list' {
            break
        }
        'modelctl;help;task;show' {
            break
        }
        'modelctl;help;task;cancel' {
            break
        }
        'modelctl;help;task;retry' {
            break
        }
        'modelctl;help;task;wait' {
            break
        }
        'modelctl;help;task;follow' {
            break
        }
        'modelctl;help;task;import' {
            break
        }
        'modelctl;help;task;export' {
            break
        }
        'modelctl;help;task;stats' {
            break
        }
        'modelctl;help;inference' {
            break
        }
        'modelctl;help;history' {
            break
        }
        'modelctl;help;triage' {
            break
        }
        'modelctl;help;schema' {
            break
        }
        'modelctl;help;completions' {
            break
        }
        'modelctl;help;man' {
            break
        }
        'modelctl;help;version' {
            break
        }
        'modelctl;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
