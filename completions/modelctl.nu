module completions {

  def "nu-complete modelctl color" [] {
    [ "auto" "always" "never" ]
  }

  export extern modelctl [
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl scan format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl scan color" [] {
    [ "auto" "always" "never" ]
  }

  # Look for models and record what is there
  export extern "modelctl scan" [
    --store: string           # Look in this folder too, as the root of that store: `ollama=/srv/models` (dir, hf, ollama, lmstudio, llamacpp, ramalama, docker)
    --full                    # Read everything again, also repositories of a Hugging Face cache in which nothing has changed
    --format(-o): string@"nu-complete modelctl scan format" # Print text or json; `-o json` is --json
    --json                    # Print the report as a JSON object
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl scan color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...paths: path            # Folders or files to look in [default: MODEL_SCAN_PATH, else the config file, else the known places]
  ]

  def "nu-complete modelctl list store" [] {
    [ "dir" "hf" "ollama" "lmstudio" "llamacpp" "ramalama" "docker" ]
  }

  def "nu-complete modelctl list tier" [] {
    [ "fast" "balanced" "powerful" ]
  }

  def "nu-complete modelctl list state" [] {
    [ "ready" "incomplete" "truncated" "damaged" "unsupported" "unreadable" "unavailable" "gone" ]
  }

  def "nu-complete modelctl list kind" [] {
    [ "generative" "embedding" "reranker" "speech" "diffusion" "encoder" "draft" "adapter" "control" "imatrix" "mmproj" "vocab" "unknown" ]
  }

  def "nu-complete modelctl list sort" [] {
    [ "name" "size" "params" "used" "added" "tier" "context" "state" "store" ]
  }

  def "nu-complete modelctl list class" [] {
    [ "referenced" "superseded" "orphan" "partial" "side-cache" "damaged" "missing" "trash" "snapshot" ]
  }

  def "nu-complete modelctl list format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl list color" [] {
    [ "auto" "always" "never" ]
  }

  # List the models known on this machine
  export extern "modelctl list" [
    --store: string@"nu-complete modelctl list store" # Only models in this kind of store
    --tier: string@"nu-complete modelctl list tier" # Only models of this tier
    --family: string          # Only models of this family (`llama`, `qwen*`)
    --quant: string           # Only models with this quantisation (`Q4_K_M`, `q4*`)
    --state: string@"nu-complete modelctl list state" # Only models in this state
    --kind: string@"nu-complete modelctl list kind" # Only files of this kind
    --sort: string@"nu-complete modelctl list sort" # What to sort by; sizes largest first, times latest first, unknown values last
    --reverse(-r)             # Turn the order round
    --files                   # Show the files that stores hold, each with its class and the reason, instead of models
    --class: string@"nu-complete modelctl list class" # Only files of this class (with --files)
    --stores                  # Show what each store takes, and how much of it is not referenced, instead of models
    --all(-a)                 # Also show models that are gone
    --format(-o): string@"nu-complete modelctl list format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl list color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...patterns: string       # Only models whose name contains this, or whose id starts with it; with `*`, `?`, `[` or `{` a glob in any case over the name, its part after the last `/`, the file name and the path (`qwen*`, `*-Q4_K_M`)
  ]

  def "nu-complete modelctl df store" [] {
    [ "dir" "hf" "ollama" "lmstudio" "llamacpp" "ramalama" "docker" ]
  }

  def "nu-complete modelctl df format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl df color" [] {
    [ "auto" "always" "never" ]
  }

  # Show the disk space of the stores and how much of it can be reclaimed
  export extern "modelctl df" [
    --store: string@"nu-complete modelctl df store" # Only this kind of store
    --format(-o): string@"nu-complete modelctl df format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl df color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl show cache_type_k" [] {
    [ "f32" "f16" "bf16" "q8_0" "q5_1" "q5_0" "q4_1" "q4_0" "iq4_nl" ]
  }

  def "nu-complete modelctl show cache_type_v" [] {
    [ "f32" "f16" "bf16" "q8_0" "q5_1" "q5_0" "q4_1" "q4_0" "iq4_nl" ]
  }

  def "nu-complete modelctl show format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl show color" [] {
    [ "auto" "always" "never" ]
  }

  # Show everything about one model: files, metadata, memory, use
  export extern "modelctl show" [
    --ctx: string             # Context in tokens to estimate the memory for [default: the model's own, at most 4096]
    --parallel: string        # Sequences that share the context
    --cache-type-k: string@"nu-complete modelctl show cache_type_k" # Type of the keys in the cache
    --cache-type-v: string@"nu-complete modelctl show cache_type_v" # Type of the values in the cache
    --fit                     # Ask llama.cpp for the exact memory, without allocating it (the answer is kept)
    --format(-o): string@"nu-complete modelctl show format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl show color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    model: string             # An id or the start of one, a name, a part of a name, an alias, or a path
  ]

  def "nu-complete modelctl set format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl set color" [] {
    [ "auto" "always" "never" ]
  }

  # Set what a model is to you: its tier, its alias, whether it may be chosen, how its server runs
  export extern "modelctl set" [
    --pin                     # Never evict, never prune
    --unpin                   # Take the pin away
    --enable                  # Let it be started and chosen
    --disable                 # Keep it from being started or chosen
    --tier: string            # Override the computed tier; `auto` computes it again
    --alias: string           # A name of your own for it; empty takes it away
    --no-alias                # Remove the alias
    --note: string            # A line to remember; empty takes it away
    --no-note                 # Remove the note
    --engine: string          # The program that serves it: `worker` or `llama-server`
    --context: string         # Tokens of context of one request
    --parallel: string        # Requests that are answered at once
    --gpu-layers: string      # Layers on the GPU
    --threads: string         # Threads for generation
    --idle-timeout: string    # Stop the server after this time without a request, such as `10m`
    --priority: string        # The class of requests that name none: `interactive`, `normal` or `batch`
    --embeddings: string      # Whether a second worker may make vectors of a model that generates text: `yes` or `no`
    --essential               # Restart its server after every crash, without a limit
    --no-essential            # Give its server up after a few crashes in a row
    --pressure-evict-only     # Stop its server only when memory is needed, never because it is idle or the CPU is busy
    --no-pressure-evict-only  # Stop its server as others
    --degrade: string         # What may become less when memory runs out, in this order: `layers` (of the GPU), `context`
    --no-degrade              # Let it fail when memory runs out, rather than be slower or shorter
    --min-tier: string        # Start it by itself only on such a node or a larger one: `embedded`, `lite`, `standard`, `full`, `compute_host`
    --llama-args: string      # Arguments for llama-server, separated by spaces, such as `-fa on`
    --env: string             # A variable of its server, such as `CUDA_VISIBLE_DEVICES=0`; replaces all that are set
    --format(-o): string@"nu-complete modelctl set format" # Print text or json; `-o json` is --json
    --json                    # Print the settings as JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl set color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    model: string             # Id (or its beginning), alias, name or path
  ]

  def "nu-complete modelctl keep color" [] {
    [ "auto" "always" "never" ]
  }

  # Name the models that you want to keep
  export extern "modelctl keep" [
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl keep color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl keep add color" [] {
    [ "auto" "always" "never" ]
  }

  # Add hints; one that is kept already stays where it is
  export extern "modelctl keep add" [
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl keep add color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...hints: string          # A name, id, alias, path, or glob (quote it: '*-Q4_K_M')
  ]

  def "nu-complete modelctl keep rm color" [] {
    [ "auto" "always" "never" ]
  }

  # Remove hints that `keep add` added
  export extern "modelctl keep rm" [
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl keep rm color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...hints: string          # A name, id, alias, path, or glob (quote it: '*-Q4_K_M')
  ]

  def "nu-complete modelctl keep list format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl keep list color" [] {
    [ "auto" "always" "never" ]
  }

  # List all hints in order of preference: where each comes from, and which models it means
  export extern "modelctl keep list" [
    --format(-o): string@"nu-complete modelctl keep list format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl keep list color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl health level" [] {
    [ "alive" "ready" "serving" "deep" ]
  }

  def "nu-complete modelctl health checks" [] {
    [ "services" "endpoints" "models" "database" "queue" "disk" "memory" "gpu" "clock" ]
  }

  def "nu-complete modelctl health format" [] {
    [ "table" "json" "nagios" "prometheus" "health+json" ]
  }

  def "nu-complete modelctl health exit_style" [] {
    [ "plain" "nagios" "docker" "kubernetes" ]
  }

  def "nu-complete modelctl health color" [] {
    [ "auto" "always" "never" ]
  }

  # Check the health of the services on this node
  export extern "modelctl health" [
    --level: string@"nu-complete modelctl health level" # How thoroughly to check services (default: `health.level` in the config, or ready)
    --check: string@"nu-complete modelctl health checks" # Run only these checks, separated by commas
    --require-gpu             # Fail unless there is a working GPU
    --timeout: string         # Time limit for all checks together (default: `health.timeout` in the config, or 5s)
    --wait: string            # Check again until everything is ok, for at most this long
    --strict                  # Exit with 1 on a warning as well
    --warning(-w): string     # Warn if a value violates a range, such as `disk_free=10%:`
    --critical(-c): string    # Fail if a value violates a range
    --format: string@"nu-complete modelctl health format" # Output format
    --json                    # Same as `--format json`
    --output: path            # Write to this file instead of standard output, replacing it atomically
    --exit-style: string@"nu-complete modelctl health exit_style" # Exit code convention; docker and kubernetes also limit the output to 4,096 bytes
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl health color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...targets: string        # Service names, http:// URLs or paths of model files (default: all services, and the machine)
  ]

  def "nu-complete modelctl verify format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl verify color" [] {
    [ "auto" "always" "never" ]
  }

  # Check that the files of models are whole and are what their store promises
  export extern "modelctl verify" [
    --all                     # Verify every model that is not gone
    --quick                   # Structure only: headers, lengths, split sets, sizes at rest; no data is read
    --hash                    # Also hash files for which no store promises a hash, and record that
    --again                   # Read what was verified before as well
    --max-rate: string        # Read at most so much per second over all files (`50MB`, `1GiB`)
    --format(-o): string@"nu-complete modelctl verify format" # Print text or json; `-o json` is --json
    --json                    # Print the report as a JSON object
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl verify color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...models: string         # Ids or starts of ids, names, parts of names, aliases, or paths
  ]

  def "nu-complete modelctl duplicates format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl duplicates color" [] {
    [ "auto" "always" "never" ]
  }

  # Show files that are on this machine more than once
  export extern "modelctl duplicates" [
    --wasteful                # Only groups of which sharing would save something: not those that are hard links already
    --format(-o): string@"nu-complete modelctl duplicates format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl duplicates color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl prune format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl prune color" [] {
    [ "auto" "always" "never" ]
  }

  # Remove unused models and leftover files (dry run unless --confirm)
  export extern "modelctl prune" [
    --unused-for: string      # Models not used for this long (`30d`, `12h`, `3mo`)
    --prune-days: string      # The same in days
    --older-than: string      # Models of which no file was written for this long
    --model: string           # These models: an id, a name, an alias or a path
    --free: string            # Free space to reach on the file system (`50GiB`), the least recently used first
    --empty-trash             # To reach --free, delete what is in the trash for good: the oldest first, and only as far as needed
    --max-total: string       # Space that all models may take together (`200GiB`)
    --superseded              # Files referenced only by an old revision
    --orphans                 # Files that nothing references
    --partials                # Unfinished downloads, and split models with parts missing
    --damaged                 # Truncated and corrupt models
    --duplicates              # Further copies of the same content (by sha256) in one store; a copy that `modelctl verify --hash` has read stays
    --across-stores           # With --duplicates: copies in different stores as well, although each store then lacks the model
    --prefer: string          # With --across-stores: the store whose copy stays
    --keep: string            # Keep models that match this name, id, path or glob (`*-Q8_0`)
    --min-keep: string        # Keep at least this many usable models, over all stores (also: AUTO_PRUNE_MIN_KEEP)
    --grace: string           # Keep what was used, written or put in place within this time; 0 for none
    --assume-unused           # Treat files whose use cannot be checked (processes of other users) as unused
    --dry-run(-n)             # Show what would be done and change nothing; this is the default
    --confirm(-y)             # Apply the plan
    --yes                     # Apply the plan
    --purge                   # Delete for good instead of keeping in the trash: there is no undo
    --expire-trash: string    # Also delete for good what has been in the trash for this long; `trash.expire` of the config file takes precedence
    --allow-large             # Allow rules to remove more than half of a store
    --now-is-right            # Count ages up to the time of the clock although it leapt ahead, and accept that time from now on
    --plan: path              # Save the plan to this file, to be reviewed and then applied (`-`: standard output)
    --apply: path             # Take the plan from this file instead of making one; what has changed since is left alone
    --exit-code               # Exit with 10 when something was removed or would be, with 0 when there is nothing to do
    --format(-o): string@"nu-complete modelctl prune format" # Print text or json; `-o json` is --json
    --json                    # Print the plan, and what became of it, as a JSON object
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl prune color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl trash color" [] {
    [ "auto" "always" "never" ]
  }

  # See, bring back or delete what prune took away
  export extern "modelctl trash" [
    --in: path                # Look for the trash of this folder as well: a store that nobody knows of, or that has gone, or the trash itself
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl trash color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl trash list format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl trash list color" [] {
    [ "auto" "always" "never" ]
  }

  # List what is in the trash, the oldest first
  export extern "modelctl trash list" [
    --format(-o): string@"nu-complete modelctl trash list format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --in: path                # Look for the trash of this folder as well: a store that nobody knows of, or that has gone, or the trash itself
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl trash list color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl trash restore format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl trash restore color" [] {
    [ "auto" "always" "never" ]
  }

  # Put back where it was: content, links, times and modes; nothing is overwritten
  export extern "modelctl trash restore" [
    --format(-o): string@"nu-complete modelctl trash restore format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --in: path                # Look for the trash of this folder as well: a store that nobody knows of, or that has gone, or the trash itself
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl trash restore color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...ids: string            # Ids of items or the beginnings of them, or names of models
  ]

  def "nu-complete modelctl trash empty format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl trash empty color" [] {
    [ "auto" "always" "never" ]
  }

  # Delete for good; without --confirm shows what would be deleted
  export extern "modelctl trash empty" [
    --older-than: string      # Only what has been there for this long (`7d`)
    --dry-run(-n)             # Show what would be deleted and change nothing; this is the default
    --confirm(-y)             # Delete: there is no undo
    --yes                     # Delete: there is no undo
    --now-is-right            # Count ages up to the time of the clock although it leapt ahead, and accept that time from now on
    --format(-o): string@"nu-complete modelctl trash empty format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --in: path                # Look for the trash of this folder as well: a store that nobody knows of, or that has gone, or the trash itself
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl trash empty color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...ids: string            # Only these items [default: all]
  ]

  def "nu-complete modelctl tune color" [] {
    [ "auto" "always" "never" ]
  }

  # Suggest the next setting to change on this node, and record the effect of changes
  export extern "modelctl tune" [
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl tune color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl tune next format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl tune next color" [] {
    [ "auto" "always" "never" ]
  }

  # Suggest the smallest setting to change in the current state
  export extern "modelctl tune next" [
    --service: string         # Only this service
    --format(-o): string@"nu-complete modelctl tune next format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl tune next color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl tune record format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl tune record color" [] {
    [ "auto" "always" "never" ]
  }

  # Record a change before you make it, with the current health, speed and memory
  export extern "modelctl tune record" [
    --from: string            # Current value, which a rollback restores
    --to: string              # New value
    --why: string             # Reason for the change
    --service: string         # Service that the setting belongs to
    --format(-o): string@"nu-complete modelctl tune record format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl tune record color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    knob: string              # The setting: an option of the service, or an environment variable
  ]

  def "nu-complete modelctl tune done format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl tune done color" [] {
    [ "auto" "always" "never" ]
  }

  # Measure again after a change and report whether it is better, the same or worse
  export extern "modelctl tune done" [
    --format(-o): string@"nu-complete modelctl tune done format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl tune done color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    id: string                # Id printed by `tune record`
  ]

  def "nu-complete modelctl tune list format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl tune list color" [] {
    [ "auto" "always" "never" ]
  }

  # List the recorded changes
  export extern "modelctl tune list" [
    --format(-o): string@"nu-complete modelctl tune list format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl tune list color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl tune rollback format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl tune rollback color" [] {
    [ "auto" "always" "never" ]
  }

  # Print how to undo a change
  export extern "modelctl tune rollback" [
    --format(-o): string@"nu-complete modelctl tune rollback format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl tune rollback color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    id: string                # Id printed by `tune record`
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "modelctl tune help" [
  ]

  # Suggest the smallest setting to change in the current state
  export extern "modelctl tune help next" [
  ]

  # Record a change before you make it, with the current health, speed and memory
  export extern "modelctl tune help record" [
  ]

  # Measure again after a change and report whether it is better, the same or worse
  export extern "modelctl tune help done" [
  ]

  # List the recorded changes
  export extern "modelctl tune help list" [
  ]

  # Print how to undo a change
  export extern "modelctl tune help rollback" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "modelctl tune help help" [
  ]

  def "nu-complete modelctl run-once format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl run-once color" [] {
    [ "auto" "always" "never" ]
  }

  # Run due tasks of the queue and exit (for cron), or one prompt
  export extern "modelctl run-once" [
    --prompt(-p): string      # The prompt, also one that begins with a dash
    --max-tasks: string       # Run so many tasks at most [default: OFFLOAD_MAX_TASKS, else 5]
    --model(-m): string       # Answer with this model: an id or its beginning, an alias, a name or a path
    --max-tokens: string      # Stop after this many tokens [default: when the model is done or the context is full]
    --temperature: string     # 0 takes the likeliest token each time
    --seed: string            # Draw the same numbers each time
    --timeout: string         # Give up waiting for other processes after this long, and end the answer then [default: wait 10m, no end]
    --force                   # Load the model even if it does not seem to fit in memory
    --format(-o): string@"nu-complete modelctl run-once format" # Print text or json; `-o json` is --json
    --json                    # Print one JSON object when it is done, instead of the stream
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl run-once color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    positional?: string       # The prompt; `-` reads it from standard input
  ]

  def "nu-complete modelctl batch tier" [] {
    [ "fast" "balanced" "powerful" ]
  }

  def "nu-complete modelctl batch color" [] {
    [ "auto" "always" "never" ]
  }

  # Answer a file of requests in OpenAI's Batch format (JSONL) and write the answers
  export extern "modelctl batch" [
    --output(-o): path        # Write the answers to this file, whole or not at all
    --errors: path            # Write those that failed to this file instead
    --model: string           # Answer all with this model, whatever the lines say
    --tier: string@"nu-complete modelctl batch tier" # Answer all with models of this tier, whatever the lines say
    --any-model               # Answer with whichever model is at hand, whatever the lines say
    --fallback                # Let another model answer where the named one fails or cannot be run [default: OFFLOAD_FALLBACK]
    --json                    # Print a JSON object with the figures
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl batch color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    input: path               # The requests; `-` reads standard input
  ]

  def "nu-complete modelctl serve format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl serve color" [] {
    [ "auto" "always" "never" ]
  }

  # Serve models to clients, and run queued tasks as they come, until stopped
  export extern "modelctl serve" [
    --listen: string          # Listen on this address: 127.0.0.1:4848 (the default), [::1]:4848, or the path of a Unix socket; may be repeated, and `none` leaves only --socket (also: MODELCTL_LISTEN, separated by commas)
    --socket: path            # The Unix socket for the command line, for this user alone [default: $XDG_RUNTIME_DIR/modelctl/serve.sock]
    --api-key-file: path      # Keys that clients must send, one `name:key:class` a line; needed for addresses that other machines reach
    --exec: path              # Run this program for every event, which it gets as JSON on its standard input; it has 10 seconds (also: `[hooks] exec`)
    --no-executor             # Run no queued tasks
    --format(-o): string@"nu-complete modelctl serve format" # Print text or json; `-o json` is --json
    --json                    # Print a JSON object for each run that did something, one a line
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl serve color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl start format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl start color" [] {
    [ "auto" "always" "never" ]
  }

  # Start the servers of models, and wait until they are ready
  export extern "modelctl start" [
    --format(-o): string@"nu-complete modelctl start format" # Print text or json; `-o json` is --json
    --json                    # Print the servers as JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl start color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...models: string         # Id (or its beginning), alias, name or path; or the name of a service
  ]

  def "nu-complete modelctl stop format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl stop color" [] {
    [ "auto" "always" "never" ]
  }

  # Stop the servers of models
  export extern "modelctl stop" [
    --now                     # Cut running answers instead of waiting for them
    --format(-o): string@"nu-complete modelctl stop format" # Print text or json; `-o json` is --json
    --json                    # Print the servers as JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl stop color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...models: string         # Id (or its beginning), alias, name or path; or the name of a service
  ]

  def "nu-complete modelctl restart format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl restart color" [] {
    [ "auto" "always" "never" ]
  }

  # Stop the servers of models and start them again, with their settings of now
  export extern "modelctl restart" [
    --now                     # Cut running answers instead of waiting for them
    --format(-o): string@"nu-complete modelctl restart format" # Print text or json; `-o json` is --json
    --json                    # Print the servers as JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl restart color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...models: string         # Id (or its beginning), alias, name or path; or the name of a service
  ]

  def "nu-complete modelctl start-all format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl start-all color" [] {
    [ "auto" "always" "never" ]
  }

  # Start the servers of all enabled models, the smallest first
  export extern "modelctl start-all" [
    --format(-o): string@"nu-complete modelctl start-all format" # Print text or json; `-o json` is --json
    --json                    # Print the result as JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl start-all color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl stop-all format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl stop-all color" [] {
    [ "auto" "always" "never" ]
  }

  # Stop the servers of all models
  export extern "modelctl stop-all" [
    --now                     # Cut running answers instead of waiting for them
    --format(-o): string@"nu-complete modelctl stop-all format" # Print text or json; `-o json` is --json
    --json                    # Print the result as JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl stop-all color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl ps format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl ps color" [] {
    [ "auto" "always" "never" ]
  }

  # List the model servers that run, start or failed
  export extern "modelctl ps" [
    --format(-o): string@"nu-complete modelctl ps format" # Print text or json; `-o json` is --json
    --json                    # Print the servers as JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl ps color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl top format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl top color" [] {
    [ "auto" "always" "never" ]
  }

  # Watch what is loaded, what it costs and why, and start or stop it by a key
  export extern "modelctl top" [
    --once                    # Print one table, and end
    --ascii                   # Draw with ASCII characters alone, as in a locale without UTF-8
    --format(-o): string@"nu-complete modelctl top format" # Print text or json; `-o json` is --json
    --json                    # Print one JSON document, and end
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl top color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl status format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl status color" [] {
    [ "auto" "always" "never" ]
  }

  # Show what is loaded, what memory is left, and what was decided
  export extern "modelctl status" [
    --decisions: string       # Number of decisions to show; the daemon keeps 200
    --format(-o): string@"nu-complete modelctl status format" # Print text or json; `-o json` is --json
    --json                    # Print the status as JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl status color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl why format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl why color" [] {
    [ "auto" "always" "never" ]
  }

  # Explain why a model is loaded or not, and what it waits for
  export extern "modelctl why" [
    --format(-o): string@"nu-complete modelctl why format" # Print text or json; `-o json` is --json
    --json                    # Print what is known as JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl why color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    model: string             # Id (or its beginning), alias, name or path; or the name of a service
  ]

  def "nu-complete modelctl lifecycle color" [] {
    [ "auto" "always" "never" ]
  }

  # Pause or resume what the daemon does by itself, or show its status
  export extern "modelctl lifecycle" [
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl lifecycle color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl lifecycle pause format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl lifecycle pause color" [] {
    [ "auto" "always" "never" ]
  }

  # Load, unload and evict nothing without a request
  export extern "modelctl lifecycle pause" [
    --format(-o): string@"nu-complete modelctl lifecycle pause format" # Print text or json; `-o json` is --json
    --json                    # Print the answer as JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl lifecycle pause color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl lifecycle resume format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl lifecycle resume color" [] {
    [ "auto" "always" "never" ]
  }

  # Go on after a pause
  export extern "modelctl lifecycle resume" [
    --format(-o): string@"nu-complete modelctl lifecycle resume format" # Print text or json; `-o json` is --json
    --json                    # Print the answer as JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl lifecycle resume color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl lifecycle status format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl lifecycle status color" [] {
    [ "auto" "always" "never" ]
  }

  # Show what is loaded, what memory is left, and what was decided
  export extern "modelctl lifecycle status" [
    --decisions: string       # Number of decisions to show; the daemon keeps 200
    --format(-o): string@"nu-complete modelctl lifecycle status format" # Print text or json; `-o json` is --json
    --json                    # Print the status as JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl lifecycle status color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "modelctl lifecycle help" [
  ]

  # Load, unload and evict nothing without a request
  export extern "modelctl lifecycle help pause" [
  ]

  # Go on after a pause
  export extern "modelctl lifecycle help resume" [
  ]

  # Show what is loaded, what memory is left, and what was decided
  export extern "modelctl lifecycle help status" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "modelctl lifecycle help help" [
  ]

  def "nu-complete modelctl priority priority" [] {
    [ "evictable" "idle" "warm" "active" ]
  }

  def "nu-complete modelctl priority format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl priority color" [] {
    [ "auto" "always" "never" ]
  }

  # Set how much a model is needed, over what the daemon finds out
  export extern "modelctl priority" [
    --for: string             # Let it hold for this time, such as `1h`
    --clear                   # Let the daemon decide again
    --format(-o): string@"nu-complete modelctl priority format" # Print text or json; `-o json` is --json
    --json                    # Print the answer as JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl priority color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    model: string             # Id (or its beginning), alias, name or path; or the name of a service
    priority?: string@"nu-complete modelctl priority priority" # active, warm, idle or evictable
  ]

  def "nu-complete modelctl offload to" [] {
    [ "cpu" "cpu_offload" "gpu" ]
  }

  def "nu-complete modelctl offload format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl offload color" [] {
    [ "auto" "always" "never" ]
  }

  # Move a loaded model off the GPU, or back
  export extern "modelctl offload" [
    --to: string@"nu-complete modelctl offload to" # Where its layers go [default: one step lower]
    --format(-o): string@"nu-complete modelctl offload format" # Print text or json; `-o json` is --json
    --json                    # Print the answer as JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl offload color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    model: string             # Id (or its beginning), alias, name or path; or the name of a service
  ]

  def "nu-complete modelctl logs format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl logs color" [] {
    [ "auto" "always" "never" ]
  }

  # Show what the server of a model, or a service, logged
  export extern "modelctl logs" [
    --follow(-f)              # Go on with lines as they come, until interrupted
    --lines(-n): string       # Number of past lines; the daemon keeps 200
    --format(-o): string@"nu-complete modelctl logs format" # Print text or json; `-o json` is --json
    --json                    # Print JSON: a document, or with --follow an object a line
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl logs color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    model: string             # Id (or its beginning), alias, name or path; or the name of a service
  ]

  def "nu-complete modelctl events format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl events color" [] {
    [ "auto" "always" "never" ]
  }

  # Show what happened to the model servers since the daemon began
  export extern "modelctl events" [
    --follow(-f)              # Go on with events as they come, until interrupted
    --limit: string           # Number of past events; the daemon keeps 1,000
    --format(-o): string@"nu-complete modelctl events format" # Print text or json; `-o json` is --json
    --json                    # Print JSON: a document, or with --follow an object a line
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl events color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl task color" [] {
    [ "auto" "always" "never" ]
  }

  # Queue prompts, look at them, and get their answers
  export extern "modelctl task" [
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl task add tier" [] {
    [ "fast" "balanced" "powerful" ]
  }

  def "nu-complete modelctl task add format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl task add color" [] {
    [ "auto" "always" "never" ]
  }

  # Add one task
  export extern "modelctl task add" [
    --prompt(-p): string      # The prompt, also one that begins with a dash
    --file: path              # Read the prompt from a file
    --system: string          # What the model is told before the prompt
    --raw                     # Continue the text as it is, without a chat template (`/v1/completions`)
    --model(-m): string       # Answer with this model: an id or its beginning, an alias, a name or a path
    --tier: string@"nu-complete modelctl task add tier" # Answer with a model of this tier
    --fallback                # Let another model answer where the named one fails or cannot be run [default: OFFLOAD_FALLBACK]
    --key: string             # Your own name for the task
    --replace-finished        # Run it again if the task of this key has ended
    --priority: string        # Higher runs first; may be negative
    --not-before: string      # Not before then: a time (`2026-11-21T06:00:00Z`) or so long from now (`2h`)
    --deadline: string        # Give up if it has not started by then: a time, or so long from now
    --timeout: string         # How long one attempt may take (`90s`, `10m`)
    --max-attempts: string    # Attempts that may end in an error [default: OFFLOAD_MAX_ATTEMPTS, else 3]
    --max-tokens: string      # Stop after this many tokens
    --temperature: string     # 0 takes the likeliest token each time
    --top-p: string           # Draw from the likeliest tokens that together have this probability
    --seed: string            # Draw the same numbers each time
    --stop: string            # End the answer before this text; may be given several times
    --json-schema: path       # The answer must be JSON that fits the schema in this file
    --grammar: path           # The answer must fit the GBNF grammar in this file
    --format(-o): string@"nu-complete modelctl task add format" # Print text or json; `-o json` is --json
    --json                    # Print the task as JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task add color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    positional?: string       # The prompt; `-` reads it from standard input
  ]

  def "nu-complete modelctl task list state" [] {
    [ "queued" "scheduled" "running" "done" "failed" "cancelled" ]
  }

  def "nu-complete modelctl task list format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl task list color" [] {
    [ "auto" "always" "never" ]
  }

  # List tasks, newest first
  export extern "modelctl task list" [
    --state: string@"nu-complete modelctl task list state" # Only tasks in this state; may be given several times
    --pending                 # Only tasks that have not ended
    --batch: string           # Only tasks of this batch
    --limit(-n): string       # So many at most; 0 is all
    --format(-o): string@"nu-complete modelctl task list format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task list color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl task show format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl task show color" [] {
    [ "auto" "always" "never" ]
  }

  # Show a task: where it stands, its attempts, its answer
  export extern "modelctl task show" [
    --text                    # Print the answer alone, byte for byte
    --format(-o): string@"nu-complete modelctl task show format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task show color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    task: string              # Number, key, or BATCH/KEY
  ]

  def "nu-complete modelctl task cancel format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl task cancel color" [] {
    [ "auto" "always" "never" ]
  }

  # Cancel tasks, also while they run
  export extern "modelctl task cancel" [
    --batch: string           # Every task of this batch that has not ended
    --all                     # Every task that has not ended
    --format(-o): string@"nu-complete modelctl task cancel format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task cancel color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...tasks: string          # Numbers, keys, or BATCH/KEY
  ]

  def "nu-complete modelctl task retry format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl task retry color" [] {
    [ "auto" "always" "never" ]
  }

  # Try tasks again that have failed or were cancelled
  export extern "modelctl task retry" [
    --batch: string           # Every task of this batch that has failed or was cancelled
    --failed                  # Every task that has failed
    --format(-o): string@"nu-complete modelctl task retry format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task retry color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...tasks: string          # Numbers, keys, or BATCH/KEY
  ]

  def "nu-complete modelctl task wait format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl task wait color" [] {
    [ "auto" "always" "never" ]
  }

  # Wait until tasks have ended
  export extern "modelctl task wait" [
    --batch: string           # Every task of this batch
    --all                     # Every task that has not ended yet
    --timeout: string         # Wait so long at most (`10m`)
    --format(-o): string@"nu-complete modelctl task wait format" # Print text or json; `-o json` is --json
    --json                    # Print the tasks as JSON when they have ended
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task wait color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...tasks: string          # Numbers, keys, or BATCH/KEY
  ]

  def "nu-complete modelctl task follow format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl task follow color" [] {
    [ "auto" "always" "never" ]
  }

  # Print what happens to tasks, as it happens
  export extern "modelctl task follow" [
    --batch: string           # Every task of this batch
    --format(-o): string@"nu-complete modelctl task follow format" # Print text or json; `-o json` is --json
    --json                    # Print a JSON object for each event, one a line
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task follow color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...tasks: string          # Numbers, keys, or BATCH/KEY; none follows all
  ]

  def "nu-complete modelctl task import tier" [] {
    [ "fast" "balanced" "powerful" ]
  }

  def "nu-complete modelctl task import format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl task import color" [] {
    [ "auto" "always" "never" ]
  }

  # Queue the requests of a file in OpenAI's Batch format (JSONL)
  export extern "modelctl task import" [
    --batch: string           # Name of the batch [default: the name of the file and the beginning of a sha256 of it and the models it is for]
    --model(-m): string       # Answer all with this model, whatever the lines say
    --tier: string@"nu-complete modelctl task import tier" # Answer all with models of this tier, whatever the lines say
    --any-model               # Answer with whichever model is at hand, whatever the lines say
    --fallback                # Let another model answer where the named one fails or cannot be run [default: OFFLOAD_FALLBACK]
    --priority: string        # Higher runs first; may be negative
    --max-attempts: string    # Attempts that may end in an error, each [default: OFFLOAD_MAX_ATTEMPTS, else 3]
    --replace-finished        # Run those again that have ended
    --format(-o): string@"nu-complete modelctl task import format" # Print text or json; `-o json` is --json
    --json                    # Print a JSON object
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task import color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    file: path                # The file; `-` reads standard input
  ]

  def "nu-complete modelctl task export color" [] {
    [ "auto" "always" "never" ]
  }

  # Write the answers of tasks that have ended, in OpenAI's Batch format (JSONL)
  export extern "modelctl task export" [
    --batch: string           # Only tasks of this batch
    --output(-o): path        # Write to this file, whole or not at all, instead of standard output
    --errors: path            # Write those that failed to this file instead
    --json                    # Print a JSON object with the figures; needs --output
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task export color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl task stats format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl task stats color" [] {
    [ "auto" "always" "never" ]
  }

  # Show the figures of the queue
  export extern "modelctl task stats" [
    --format(-o): string@"nu-complete modelctl task stats format" # Print text or json; `-o json` is --json
    --json                    # Print a JSON object
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task stats color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "modelctl task help" [
  ]

  # Add one task
  export extern "modelctl task help add" [
  ]

  # List tasks, newest first
  export extern "modelctl task help list" [
  ]

  # Show a task: where it stands, its attempts, its answer
  export extern "modelctl task help show" [
  ]

  # Cancel tasks, also while they run
  export extern "modelctl task help cancel" [
  ]

  # Try tasks again that have failed or were cancelled
  export extern "modelctl task help retry" [
  ]

  # Wait until tasks have ended
  export extern "modelctl task help wait" [
  ]

  # Print what happens to tasks, as it happens
  export extern "modelctl task help follow" [
  ]

  # Queue the requests of a file in OpenAI's Batch format (JSONL)
  export extern "modelctl task help import" [
  ]

  # Write the answers of tasks that have ended, in OpenAI's Batch format (JSONL)
  export extern "modelctl task help export" [
  ]

  # Show the figures of the queue
  export extern "modelctl task help stats" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "modelctl task help help" [
  ]

  def "nu-complete modelctl inference what" [] {
    [ "on" "off" "status" ]
  }

  def "nu-complete modelctl inference format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl inference color" [] {
    [ "auto" "always" "never" ]
  }

  # Let tasks run, or make them wait
  export extern "modelctl inference" [
    --format(-o): string@"nu-complete modelctl inference format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl inference color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    what: string@"nu-complete modelctl inference what"
  ]

  def "nu-complete modelctl history what" [] {
    [ "scan" "set" "keep" "prune" "purge" "restore" "empty" "inference" ]
  }

  def "nu-complete modelctl history format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl history color" [] {
    [ "auto" "always" "never" ]
  }

  # Show who did what, when, why and how much, newest last
  export extern "modelctl history" [
    --model: string           # Only what happened to this model: id, alias, name or path
    --what: string@"nu-complete modelctl history what" # Only events of this kind; may be given several times
    --since: string           # Only from then on: an age (`7d`, `45min`), a day (`2026-11-21`), or a time with its zone
    --until: string           # Only up to then; a day counts whole
    --limit(-n): string       # So many at most, the newest; 0 is all
    --format(-o): string@"nu-complete modelctl history format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl history color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...patterns: string       # Only events in which this occurs, or matches as a glob: a model's name, id or path, a user, a unit, a command line, a reason, a keep hint
  ]

  def "nu-complete modelctl triage playbook" [] {
    [ "api" "llama" "worker" "whisper" ]
  }

  def "nu-complete modelctl triage baseline" [] {
    [ "save" "diff" ]
  }

  def "nu-complete modelctl triage format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl triage color" [] {
    [ "auto" "always" "never" ]
  }

  # Find out why a service on this node fails: one cause, its proof, the smallest next step and its undo
  export extern "modelctl triage" [
    --since: string           # How far back to look
    --playbook: string@"nu-complete modelctl triage playbook" # Only services of this playbook, and the node
    --service: string         # Only this service, and the node (repeatable)
    --only: string            # Apply only this rule (repeatable)
    --skip: string            # Skip this rule (repeatable)
    --all                     # Show everything: hints, all lines of proof, explained findings, collector times
    --bundle: path            # Also write facts and report to this new file (.tar or .tar.zst, mode 0600, at most 64 MiB)
    --from: path              # Use the facts in this bundle instead of those of this node
    --baseline: string@"nu-complete modelctl triage baseline" # Save the current state as the baseline, or show what differs from it
    --deep                    # Also request one token from servers with a free slot, and import torch in a child process
    --map                     # Show where the config, launcher, code, models and logs of each service are
    --look                    # Show the facts without a verdict: states, log tails, GPUs, memory, endpoints
    --checklist               # After a fix: check that programs, endpoints and model files stay stable
    --watch: string           # How long --checklist watches
    --explain: string         # Show what a rule recognizes, and why
    --rules                   # List all rules
    --sysroot: path           # Use this directory as /
    --kmsg: path              # Use this file as the kernel log
    --journal: path           # Use this file as the journal
    --now: string             # Use this time as now
    --format(-o): string@"nu-complete modelctl triage format" # Print text or json; `-o json` is --json
    --json                    # Print JSON (with --look: the facts; with --map: the files)
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl triage color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl schema format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl schema color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the JSON schema of what a command prints with --json
  export extern "modelctl schema" [
    --format(-o): string@"nu-complete modelctl schema format" # Print text or json; `-o json` is --json
    --json                    # List the commands and documents as JSON
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl schema color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...command: string        # A command (`list`, `task show`), an option of one (`list --stores`), or `error`
  ]

  def "nu-complete modelctl completions shell" [] {
    [ "bash" "elvish" "fish" "nushell" "powershell" "zsh" ]
  }

  def "nu-complete modelctl completions color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the completion script of a shell
  export extern "modelctl completions" [
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl completions color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    shell: string@"nu-complete modelctl completions shell"
  ]

  def "nu-complete modelctl man color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the manual page, or write all pages into a folder
  export extern "modelctl man" [
    --dir: path               # Write `modelctl.1` and a page for each command here
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl man color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl version color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the version
  export extern "modelctl version" [
    --config: path            # Read this config file instead of the one in the usual places
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl version color" # Colour the output
    --quiet(-q)               # Print results, warnings and errors only
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "modelctl help" [
  ]

  # Look for models and record what is there
  export extern "modelctl help scan" [
  ]

  # List the models known on this machine
  export extern "modelctl help list" [
  ]

  # Show the disk space of the stores and how much of it can be reclaimed
  export extern "modelctl help df" [
  ]

  # Show everything about one model: files, metadata, memory, use
  export extern "modelctl help show" [
  ]

  # Set what a model is to you: its tier, its alias, whether it may be chosen, how its server runs
  export extern "modelctl help set" [
  ]

  # Name the models that you want to keep
  export extern "modelctl help keep" [
  ]

  # Add hints; one that is kept already stays where it is
  export extern "modelctl help keep add" [
  ]

  # Remove hints that `keep add` added
  export extern "modelctl help keep rm" [
  ]

  # List all hints in order of preference: where each comes from, and which models it means
  export extern "modelctl help keep list" [
  ]

  # Check the health of the services on this node
  export extern "modelctl help health" [
  ]

  # Check that the files of models are whole and are what their store promises
  export extern "modelctl help verify" [
  ]

  # Show files that are on this machine more than once
  export extern "modelctl help duplicates" [
  ]

  # Remove unused models and leftover files (dry run unless --confirm)
  export extern "modelctl help prune" [
  ]

  # See, bring back or delete what prune took away
  export extern "modelctl help trash" [
  ]

  # List what is in the trash, the oldest first
  export extern "modelctl help trash list" [
  ]

  # Put back where it was: content, links, times and modes; nothing is overwritten
  export extern "modelctl help trash restore" [
  ]

  # Delete for good; without --confirm shows what would be deleted
  export extern "modelctl help trash empty" [
  ]

  # Suggest the next setting to change on this node, and record the effect of changes
  export extern "modelctl help tune" [
  ]

  # Suggest the smallest setting to change in the current state
  export extern "modelctl help tune next" [
  ]

  # Record a change before you make it, with the current health, speed and memory
  export extern "modelctl help tune record" [
  ]

  # Measure again after a change and report whether it is better, the same or worse
  export extern "modelctl help tune done" [
  ]

  # List the recorded changes
  export extern "modelctl help tune list" [
  ]

  # Print how to undo a change
  export extern "modelctl help tune rollback" [
  ]

  # Run due tasks of the queue and exit (for cron), or one prompt
  export extern "modelctl help run-once" [
  ]

  # Answer a file of requests in OpenAI's Batch format (JSONL) and write the answers
  export extern "modelctl help batch" [
  ]

  # Serve models to clients, and run queued tasks as they come, until stopped
  export extern "modelctl help serve" [
  ]

  # Start the servers of models, and wait until they are ready
  export extern "modelctl help start" [
  ]

  # Stop the servers of models
  export extern "modelctl help stop" [
  ]

  # Stop the servers of models and start them again, with their settings of now
  export extern "modelctl help restart" [
  ]

  # Start the servers of all enabled models, the smallest first
  export extern "modelctl help start-all" [
  ]

  # Stop the servers of all models
  export extern "modelctl help stop-all" [
  ]

  # List the model servers that run, start or failed
  export extern "modelctl help ps" [
  ]

  # Watch what is loaded, what it costs and why, and start or stop it by a key
  export extern "modelctl help top" [
  ]

  # Show what is loaded, what memory is left, and what was decided
  export extern "modelctl help status" [
  ]

  # Explain why a model is loaded or not, and what it waits for
  export extern "modelctl help why" [
  ]

  # Pause or resume what the daemon does by itself, or show its status
  export extern "modelctl help lifecycle" [
  ]

  # Load, unload and evict nothing without a request
  export extern "modelctl help lifecycle pause" [
  ]

  # Go on after a pause
  export extern "modelctl help lifecycle resume" [
  ]

  # Show what is loaded, what memory is left, and what was decided
  export extern "modelctl help lifecycle status" [
  ]

  # Set how much a model is needed, over what the daemon finds out
  export extern "modelctl help priority" [
  ]

  # Move a loaded model off the GPU, or back
  export extern "modelctl help offload" [
  ]

  # Show what the server of a model, or a service, logged
  export extern "modelctl help logs" [
  ]

  # Show what happened to the model servers since the daemon began
  export extern "modelctl help events" [
  ]

  # Queue prompts, look at them, and get their answers
  export extern "modelctl help task" [
  ]

  # Add one task
  export extern "modelctl help task add" [
  ]

  # List tasks, newest first
  export extern "modelctl help task list" [
  ]

  # Show a task: where it stands, its attempts, its answer
  export extern "modelctl help task show" [
  ]

  # Cancel tasks, also while they run
  export extern "modelctl help task cancel" [
  ]

  # Try tasks again that have failed or were cancelled
  export extern "modelctl help task retry" [
  ]

  # Wait until tasks have ended
  export extern "modelctl help task wait" [
  ]

  # Print what happens to tasks, as it happens
  export extern "modelctl help task follow" [
  ]

  # Queue the requests of a file in OpenAI's Batch format (JSONL)
  export extern "modelctl help task import" [
  ]

  # Write the answers of tasks that have ended, in OpenAI's Batch format (JSONL)
  export extern "modelctl help task export" [
  ]

  # Show the figures of the queue
  export extern "modelctl help task stats" [
  ]

  # Let tasks run, or make them wait
  export extern "modelctl help inference" [
  ]

  # Show who did what, when, why and how much, newest last
  export extern "modelctl help history" [
  ]

  # Find out why a service on this node fails: one cause, its proof, the smallest next step and its undo
  export extern "modelctl help triage" [
  ]

  # Print the JSON schema of what a command prints with --json
  export extern "modelctl help schema" [
  ]

  # Print the completion script of a shell
  export extern "modelctl help completions" [
  ]

  # Print the manual page, or write all pages into a folder
  export extern "modelctl help man" [
  ]

  # Print the version
  export extern "modelctl help version" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "modelctl help help" [
  ]

}

export use completions *
