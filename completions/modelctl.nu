module completions {

  def "nu-complete modelctl color" [] {
    [ "auto" "always" "never" ]
  }

  export extern modelctl [
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl scan format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl scan color" [] {
    [ "auto" "always" "never" ]
  }

  # Find models and record them
  export extern "modelctl scan" [
    --store: string           # Also scan this folder, as the root of that store: `ollama=/srv/models` (dir, hf, ollama, lmstudio, llamacpp, ramalama, docker)
    --full                    # Read everything again, including unchanged repositories of a Hugging Face cache
    --forget: path            # Forget this folder and the models in it: it is no longer scanned or listed. No file is changed
    --verbose(-v)             # List every change and every skipped file, not only the problems
    --format(-o): string@"nu-complete modelctl scan format" # Print text or json; `-o json` is --json
    --json                    # Print the report as a JSON object
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl scan color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...paths: path            # Folders to scan, also by later scans without a PATH; of a file, its folder [default: MODEL_SCAN_PATH, else the config file, else the known places; and every folder that was named before]
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

  def "nu-complete modelctl list group" [] {
    [ "store" "family" ]
  }

  def "nu-complete modelctl list columns" [] {
    [ "id" "name" "size" "flags" "alias" "quant" "params" "ctx" "store" "used" "state" "tier" "family" "kind" "repo" "path" ]
  }

  def "nu-complete modelctl list class" [] {
    [ "referenced" "superseded" "orphan" "partial" "side-cache" "damaged" "missing" "trash" "snapshot" ]
  }

  def "nu-complete modelctl list format" [] {
    [ "table" "json" "jsonl" "csv" "ids" ]
  }

  def "nu-complete modelctl list color" [] {
    [ "auto" "always" "never" ]
  }

  # List the models known on this machine
  export extern "modelctl list" [
    --store: string@"nu-complete modelctl list store" # Only models in this kind of store
    --tier: string@"nu-complete modelctl list tier" # Only models of this tier
    --family: string          # Only models of this family (`llama`, `qwen*`)
    --quant: string           # Only models with this quantization (`Q4_K_M`, `q4*`)
    --state: string@"nu-complete modelctl list state" # Only models in this state; `damaged` includes truncated
    --kind: string@"nu-complete modelctl list kind" # Only files of this kind
    --larger: string          # Only models of at least this size (`10GiB`)
    --unused-for: string      # Only models not used for this long (`90d`), by the evidence of `prune --unused-for`: see modelctl-prune(1)
    --sort: string@"nu-complete modelctl list sort" # Sort order; largest first, latest first, unknown values last
    --reverse(-r)             # Reverse the sort order
    --group: string@"nu-complete modelctl list group" # List the models of each store or family together, with their sum
    --limit(-n): string       # Maximum number to show [default: all]
    --columns: string@"nu-complete modelctl list columns" # Show these columns, in this order
    --no-header               # Leave out the line with the titles of the columns
    --files                   # Show the files that stores hold, each with its class and the reason, instead of models
    --class: string@"nu-complete modelctl list class" # Only files of this class (with --files)
    --stores                  # Show what each store takes, and how much of it is not referenced, instead of models
    --all(-a)                 # Also show models that no longer exist
    --format(-o): string@"nu-complete modelctl list format" # Output format; json is the same as --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl list color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
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
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl df color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
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

  # Show the details of a model: files, metadata, memory, use
  export extern "modelctl show" [
    --ctx: string             # Context in tokens to estimate the memory for [default: the model's own, at most 4096]
    --parallel: string        # Number of sequences that share the context
    --cache-type-k: string@"nu-complete modelctl show cache_type_k" # Type of the keys in the cache
    --cache-type-v: string@"nu-complete modelctl show cache_type_v" # Type of the values in the cache
    --fit                     # Ask llama.cpp for the exact memory, without allocating it (cached)
    --verbose(-v)             # Show inodes, ids of contents and the types of all tensors as well
    --format(-o): string@"nu-complete modelctl show format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl show color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
    --version(-V)             # Print version
    model: string             # An id or the start of one, a name, a part of a name, an alias, or a path, also of a file that was never scanned
  ]

  def "nu-complete modelctl set format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl set color" [] {
    [ "auto" "always" "never" ]
  }

  # Change a model's settings: tier, alias, note, pin, enabled, server options
  export extern "modelctl set" [
    --pin                     # Never evict or prune it
    --unpin                   # Remove the pin
    --enable                  # Allow it to be started and chosen
    --disable                 # Never start or choose it
    --tier: string            # Override the computed tier; `auto` removes the override
    --alias: string           # A name of your own for it; empty removes it
    --no-alias                # Remove the alias
    --note: string            # A note; empty removes it
    --no-note                 # Remove the note
    --engine: string          # The program that serves it: `worker` or `llama-server`
    --context: string         # Tokens of context of one request
    --parallel: string        # Requests answered at the same time
    --gpu-layers: string      # Layers on the GPU
    --threads: string         # Threads for generation
    --idle-timeout: string    # Stop the server after this time without a request, such as `10m`
    --priority: string        # The class of requests that name none: `interactive`, `normal` or `batch`
    --embeddings: string      # Whether a second worker may compute embeddings with a model that generates text: `yes` or `no`
    --essential               # Restart its server after every crash, without limit
    --no-essential            # Give up on its server after a few crashes in a row
    --pressure-evict-only     # Stop its server only when memory is needed, not when it is idle or the CPU is busy
    --no-pressure-evict-only  # Stop its server under the same conditions as others
    --degrade: string         # What may be reduced when memory runs out, in this order: `layers` (on the GPU), `context`
    --no-degrade              # Fail when memory runs out, instead of reducing anything
    --min-tier: string        # Start it automatically only on a node of this tier or larger: `embedded`, `lite`, `standard`, `full`, `compute_host`
    --llama-args: string      # Arguments for llama-server, separated by spaces, such as `-fa on`
    --env: string             # Environment variable of its server, such as `CUDA_VISIBLE_DEVICES=0`; replaces all that are set
    --format(-o): string@"nu-complete modelctl set format" # Print text or json; `-o json` is --json
    --json                    # Print the settings as JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl set color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    model: string             # Id (or its first digits), alias, name or path
  ]

  def "nu-complete modelctl keep color" [] {
    [ "auto" "always" "never" ]
  }

  # Manage the models that you want to keep
  export extern "modelctl keep" [
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl keep color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl keep add format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl keep add color" [] {
    [ "auto" "always" "never" ]
  }

  # Add hints; existing ones keep their place
  export extern "modelctl keep add" [
    --format(-o): string@"nu-complete modelctl keep add format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl keep add color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
    --version(-V)             # Print version
    ...hints: string          # A name, id, alias, path, or glob (quote it: '*-Q4_K_M')
  ]

  def "nu-complete modelctl keep rm format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl keep rm color" [] {
    [ "auto" "always" "never" ]
  }

  # Remove hints that `keep add` added
  export extern "modelctl keep rm" [
    --format(-o): string@"nu-complete modelctl keep rm format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl keep rm color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
    --version(-V)             # Print version
    ...hints: string          # A name, id, alias, path, or glob (quote it: '*-Q4_K_M')
  ]

  def "nu-complete modelctl keep list format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl keep list color" [] {
    [ "auto" "always" "never" ]
  }

  # List all hints in order of preference, with their origin and the models they match
  export extern "modelctl keep list" [
    --format(-o): string@"nu-complete modelctl keep list format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl keep list color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
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
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl health color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
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

  # Check files for truncation and against the checksums of their store
  export extern "modelctl verify" [
    --all                     # Verify all models
    --quick                   # Check the structure only: headers, lengths, split sets; do not read the data
    --hash                    # Also hash files without a declared checksum, and record the result
    --again                   # Also read files that were verified before
    --max-rate: string        # Limit the read rate over all files (`50MB`, `1GiB` per second)
    --verbose(-v)             # List every file, not only the problems
    --format(-o): string@"nu-complete modelctl verify format" # Print text or json; `-o json` is --json
    --json                    # Print the report as a JSON object
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl verify color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...models: string         # Ids (or their first digits), aliases, names or parts of names, or paths
  ]

  def "nu-complete modelctl duplicates format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl duplicates color" [] {
    [ "auto" "always" "never" ]
  }

  # Find identical files
  export extern "modelctl duplicates" [
    --wasteful                # Only groups where sharing would save space, not those that are hard links already
    --format(-o): string@"nu-complete modelctl duplicates format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl duplicates color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl dedupe format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl dedupe color" [] {
    [ "auto" "always" "never" ]
  }

  # Make identical files share their space on the disk (dry run unless --confirm)
  export extern "modelctl dedupe" [
    --hard-link               # Use hard links where the file system cannot share blocks
    --undo: string            # Give the files of a run space of their own again [default: the latest run]
    --confirm(-y)             # Do it; without this, only what would be done is shown
    --yes                     # Do it; without this, only what would be done is shown
    --dry-run(-n)             # Show what would be done and change nothing; this is the default
    --format(-o): string@"nu-complete modelctl dedupe format" # Print text or json; `-o json` is --json
    --json                    # Print a JSON object
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl dedupe color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...models: string         # Only copies of these models: an id, a name, an alias or a path
  ]

  def "nu-complete modelctl doctor format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl doctor color" [] {
    [ "auto" "always" "never" ]
  }

  # Look for problems: unreadable folders, missing places, damaged files, the database, the clock
  export extern "modelctl doctor" [
    --format(-o): string@"nu-complete modelctl doctor format" # Print text or json; `-o json` is --json
    --json                    # Print a JSON object
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl doctor color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
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
    --older-than: string      # Models not modified for this long
    --model: string           # These models: an id, a name, an alias or a path
    --free: string            # Free space to reach on the file system (`50GiB`), the least recently used first
    --empty-trash             # To reach --free, delete items in the trash for good, oldest first and only as needed
    --max-total: string       # Maximum total size of all models (`200GiB`)
    --superseded              # Files referenced only by an old revision
    --orphans                 # Files that nothing references
    --partials                # Unfinished downloads, and split models with parts missing
    --damaged                 # Truncated and corrupt models
    --duplicates              # Duplicate copies (same sha256) within one store; keeps a copy that `modelctl verify --hash` has checked
    --across-stores           # With --duplicates: also copies in different stores, which then lose the model
    --prefer: string          # With --across-stores: the store whose copy is kept
    --keep: string            # Keep models that match this name, id, path or glob (`*-Q8_0`)
    --min-keep: string        # Keep at least this many usable models, over all stores (also: AUTO_PRUNE_MIN_KEEP)
    --grace: string           # Keep files used, written or added within this time; 0 to disable
    --assume-unused           # Treat files whose use cannot be checked (processes of other users) as unused
    --dry-run(-n)             # Show what would be done and change nothing; this is the default
    --confirm(-y)             # Apply the plan
    --yes                     # Apply the plan
    --purge                   # Delete permanently instead of moving to the trash: no undo
    --expire-trash: string    # Also delete items that have been in the trash for this long; `trash.expire` in the config file takes precedence
    --allow-large             # Allow rules to remove more than half of a store
    --now-is-right            # Trust the clock although it jumped ahead
    --plan: path              # Save the plan to this file, to be reviewed and then applied (`-`: standard output)
    --apply: path             # Apply the plan in this file; anything that has changed since is left alone
    --exit-code               # Exit with 10 if something was removed or would be, 0 if there is nothing to do
    --all                     # List what is kept as well, with the reason for each
    --format(-o): string@"nu-complete modelctl prune format" # Print text or json; `-o json` is --json
    --json                    # Print the plan and its result as JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl prune color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl rm format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl rm color" [] {
    [ "auto" "always" "never" ]
  }

  # Remove models by name: shows what would be removed and asks
  export extern "modelctl rm" [
    --yes(-y)                 # Remove without asking
    --confirm                 # Remove without asking
    --dry-run(-n)             # Show what would be removed and change nothing
    --assume-unused           # Treat files whose use cannot be checked (processes of other users) as unused
    --purge                   # Delete permanently instead of moving to the trash: no undo
    --format(-o): string@"nu-complete modelctl rm format" # Print text or json; `-o json` is --json
    --json                    # Print the plan, and what became of it, as a JSON object
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl rm color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...models: string         # Ids or the start of them, names, aliases or paths
  ]

  def "nu-complete modelctl trash color" [] {
    [ "auto" "always" "never" ]
  }

  # List, restore or delete pruned models
  export extern "modelctl trash" [
    --in: path                # Also look for trash next to this folder (for stores not in the database), or the trash itself
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl trash color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl trash list format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl trash list color" [] {
    [ "auto" "always" "never" ]
  }

  # List the trash, oldest first
  export extern "modelctl trash list" [
    --format(-o): string@"nu-complete modelctl trash list format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl trash list color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --in: path                # Also look for trash next to this folder (for stores not in the database), or the trash itself
    --help(-h)                # Print help
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl trash restore format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl trash restore color" [] {
    [ "auto" "always" "never" ]
  }

  # Restore items to where they were, with links, times and modes; nothing is overwritten
  export extern "modelctl trash restore" [
    --last                    # Everything that the latest run moved to the trash
    --run: string             # Everything that one run moved: its id, as in `history` and `trash list --json`
    --all                     # Everything in the trash
    --from: path              # Everything that was in this folder, even if no database knows it
    --format(-o): string@"nu-complete modelctl trash restore format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl trash restore color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --in: path                # Also look for trash next to this folder (for stores not in the database), or the trash itself
    --help(-h)                # Print help
    --version(-V)             # Print version
    ...ids: string            # Ids of items (or their first characters), or names of models
  ]

  def "nu-complete modelctl trash empty format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl trash empty color" [] {
    [ "auto" "always" "never" ]
  }

  # Delete items permanently; without --confirm only shows them
  export extern "modelctl trash empty" [
    --older-than: string      # Only items that have been in the trash for this long (`7d`)
    --dry-run(-n)             # Show what would be deleted and change nothing; this is the default
    --confirm(-y)             # Delete: this cannot be undone
    --yes                     # Delete: this cannot be undone
    --now-is-right            # Trust the clock although it jumped ahead
    --format(-o): string@"nu-complete modelctl trash empty format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl trash empty color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --in: path                # Also look for trash next to this folder (for stores not in the database), or the trash itself
    --help(-h)                # Print help
    --version(-V)             # Print version
    ...ids: string            # Only these items [default: all]
  ]

  def "nu-complete modelctl tune color" [] {
    [ "auto" "always" "never" ]
  }

  # Suggest the next setting to change on this node, and record the effect of changes
  export extern "modelctl tune" [
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl tune color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
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
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl tune next color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
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
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl tune record color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
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
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl tune done color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
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
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl tune list color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
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
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl tune rollback color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
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

  # Run one prompt, or the due tasks of the queue (for cron)
  export extern "modelctl run-once" [
    --prompt(-p): string      # The prompt, also one that begins with a dash
    --max-tasks: string       # Run at most this many tasks [default: OFFLOAD_MAX_TASKS, else 5]
    --model(-m): string       # Use this model: an id or its first digits, an alias, a name or a path
    --max-tokens: string      # Stop after this many tokens [default: when the model is done or the context is full]
    --temperature: string     # Sampling temperature; 0 is greedy decoding
    --seed: string            # Random seed
    --timeout: string         # Stop waiting for other processes after this long, and end the answer then [default: wait 10m, no end]
    --force                   # Load the model even if it does not seem to fit in memory
    --format(-o): string@"nu-complete modelctl run-once format" # Print text or json; `-o json` is --json
    --json                    # Print one JSON object at the end instead of streaming
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl run-once color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...positional: string     # The prompt; `-` reads it from standard input. Of two arguments the first is the model
  ]

  def "nu-complete modelctl batch tier" [] {
    [ "fast" "balanced" "powerful" ]
  }

  def "nu-complete modelctl batch color" [] {
    [ "auto" "always" "never" ]
  }

  # Run an OpenAI Batch file (JSONL) and write the answers
  export extern "modelctl batch" [
    --output(-o): path        # Write the answers to this file, atomically
    --errors: path            # Write failed requests to this file instead
    --model: string           # Use this model for all requests, overriding the file
    --tier: string@"nu-complete modelctl batch tier" # Use models of this tier for all requests, overriding the file
    --any-model               # Use any available model for all requests, overriding the file
    --fallback                # Let another model answer if the named one fails or cannot run [default: OFFLOAD_FALLBACK]
    --json                    # Print a JSON object with the counts
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl batch color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
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

  # Serve models to clients and run queued tasks, until stopped
  export extern "modelctl serve" [
    --listen: string          # Listen on this address: 127.0.0.1:4848 (the default), [::1]:4848, or the path of a Unix socket; may be repeated, and `none` leaves only --socket (also: MODELCTL_LISTEN, separated by commas)
    --socket: path            # Unix socket for the command line, accessible to this user only [default: $XDG_RUNTIME_DIR/modelctl/serve.sock]
    --api-key-file: path      # File of the keys of clients on other machines, one `name:key:class` per line (class: interactive, normal or batch; optional), mode 0600; required for addresses that they can reach
    --exec: path              # Run this program for every event, with the event as JSON on its standard input, for at most 10 seconds (also: `[hooks] exec`)
    --no-executor             # Do not run queued tasks
    --format(-o): string@"nu-complete modelctl serve format" # Print text or json; `-o json` is --json
    --json                    # Print a JSON object per line for each run that did something
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl serve color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl start format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl start color" [] {
    [ "auto" "always" "never" ]
  }

  # Start model servers and wait until they are ready
  export extern "modelctl start" [
    --format(-o): string@"nu-complete modelctl start format" # Print text or json; `-o json` is --json
    --json                    # Print the servers as JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl start color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...models: string         # Id (or its first digits), alias, name or path; or the name of a service
  ]

  def "nu-complete modelctl stop format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl stop color" [] {
    [ "auto" "always" "never" ]
  }

  # Stop model servers
  export extern "modelctl stop" [
    --now                     # Cancel running answers instead of waiting for them
    --format(-o): string@"nu-complete modelctl stop format" # Print text or json; `-o json` is --json
    --json                    # Print the servers as JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl stop color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...models: string         # Id (or its first digits), alias, name or path; or the name of a service
  ]

  def "nu-complete modelctl restart format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl restart color" [] {
    [ "auto" "always" "never" ]
  }

  # Restart model servers, with their current settings
  export extern "modelctl restart" [
    --now                     # Cancel running answers instead of waiting for them
    --format(-o): string@"nu-complete modelctl restart format" # Print text or json; `-o json` is --json
    --json                    # Print the servers as JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl restart color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
    --version(-V)             # Print version
    ...models: string         # Id (or its first digits), alias, name or path; or the name of a service
  ]

  def "nu-complete modelctl start-all format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl start-all color" [] {
    [ "auto" "always" "never" ]
  }

  # Start the servers of all enabled models, smallest first
  export extern "modelctl start-all" [
    --format(-o): string@"nu-complete modelctl start-all format" # Print text or json; `-o json` is --json
    --json                    # Print the result as JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl start-all color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl stop-all format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl stop-all color" [] {
    [ "auto" "always" "never" ]
  }

  # Stop all model servers
  export extern "modelctl stop-all" [
    --now                     # Cancel running answers instead of waiting for them
    --format(-o): string@"nu-complete modelctl stop-all format" # Print text or json; `-o json` is --json
    --json                    # Print the result as JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl stop-all color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl ps format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl ps color" [] {
    [ "auto" "always" "never" ]
  }

  # List the models that are loaded or open, and by which process
  export extern "modelctl ps" [
    --format(-o): string@"nu-complete modelctl ps format" # Print text or json; `-o json` is --json
    --json                    # Print everything as a JSON object
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl ps color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl top format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl top color" [] {
    [ "auto" "always" "never" ]
  }

  # Watch what is loaded and why, and start or stop models with a key
  export extern "modelctl top" [
    --once                    # Print one table and exit
    --ascii                   # Use ASCII characters only, as in a locale without UTF-8
    --format(-o): string@"nu-complete modelctl top format" # Print text or json; `-o json` is --json
    --json                    # Print one JSON document and exit
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl top color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl status format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl status color" [] {
    [ "auto" "always" "never" ]
  }

  # Show models, disk, queue, and what the daemon has loaded, on one screen
  export extern "modelctl status" [
    --decisions: string       # Number of decisions to show; the daemon keeps 200
    --format(-o): string@"nu-complete modelctl status format" # Print text or json; `-o json` is --json
    --json                    # Print a JSON document
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl status color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
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
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl why color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    model: string             # Id (or its first digits), alias, name or path; or the name of a service
  ]

  def "nu-complete modelctl lifecycle color" [] {
    [ "auto" "always" "never" ]
  }

  # Pause or resume automatic loading and unloading, or show its status
  export extern "modelctl lifecycle" [
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl lifecycle color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl lifecycle pause format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl lifecycle pause color" [] {
    [ "auto" "always" "never" ]
  }

  # Load, unload and evict models only on request
  export extern "modelctl lifecycle pause" [
    --format(-o): string@"nu-complete modelctl lifecycle pause format" # Print text or json; `-o json` is --json
    --json                    # Print the answer as JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl lifecycle pause color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl lifecycle resume format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl lifecycle resume color" [] {
    [ "auto" "always" "never" ]
  }

  # End a pause
  export extern "modelctl lifecycle resume" [
    --format(-o): string@"nu-complete modelctl lifecycle resume format" # Print text or json; `-o json` is --json
    --json                    # Print the answer as JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl lifecycle resume color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl lifecycle status format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl lifecycle status color" [] {
    [ "auto" "always" "never" ]
  }

  # Show what the daemon has loaded, what memory is left, and what was decided
  export extern "modelctl lifecycle status" [
    --decisions: string       # Number of decisions to show; the daemon keeps 200
    --format(-o): string@"nu-complete modelctl lifecycle status format" # Print text or json; `-o json` is --json
    --json                    # Print a JSON document
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl lifecycle status color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
    --version(-V)             # Print version
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "modelctl lifecycle help" [
  ]

  # Load, unload and evict models only on request
  export extern "modelctl lifecycle help pause" [
  ]

  # End a pause
  export extern "modelctl lifecycle help resume" [
  ]

  # Show what the daemon has loaded, what memory is left, and what was decided
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

  # Override the priority that the daemon computes for a model
  export extern "modelctl priority" [
    --for: string             # Apply it for this time, such as `1h`
    --clear                   # Let the daemon decide again
    --format(-o): string@"nu-complete modelctl priority format" # Print text or json; `-o json` is --json
    --json                    # Print the answer as JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl priority color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    model: string             # Id (or its first digits), alias, name or path; or the name of a service
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
    --to: string@"nu-complete modelctl offload to" # Where its layers are loaded [default: one step lower]
    --format(-o): string@"nu-complete modelctl offload format" # Print text or json; `-o json` is --json
    --json                    # Print the answer as JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl offload color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    model: string             # Id (or its first digits), alias, name or path; or the name of a service
  ]

  def "nu-complete modelctl logs format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl logs color" [] {
    [ "auto" "always" "never" ]
  }

  # Show the log of a model server or a service
  export extern "modelctl logs" [
    --follow(-f)              # Follow new lines until interrupted
    --lines(-n): string       # Number of past lines; the daemon keeps 200
    --format(-o): string@"nu-complete modelctl logs format" # Print text or json; `-o json` is --json
    --json                    # Print JSON: one document, or one object per line with --follow
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl logs color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
    --version(-V)             # Print version
    model: string             # Id (or its first digits), alias, name or path; or the name of a service
  ]

  def "nu-complete modelctl events format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl events color" [] {
    [ "auto" "always" "never" ]
  }

  # Show what happened to the model servers since the daemon started
  export extern "modelctl events" [
    --follow(-f)              # Follow new events until interrupted
    --limit(-n): string       # Number of past events; the daemon keeps 1,000
    --format(-o): string@"nu-complete modelctl events format" # Print text or json; `-o json` is --json
    --json                    # Print JSON: one document, or one object per line with --follow
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl events color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl task color" [] {
    [ "auto" "always" "never" ]
  }

  # Queue prompts and get their answers
  export extern "modelctl task" [
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
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
    --system: string          # System prompt
    --raw                     # Complete the text without a chat template (`/v1/completions`)
    --model(-m): string       # Use this model: an id or its first digits, an alias, a name or a path
    --tier: string@"nu-complete modelctl task add tier" # Use a model of this tier
    --fallback                # Let another model answer if the named one fails or cannot run [default: OFFLOAD_FALLBACK]
    --key: string             # Your own name for the task
    --replace-finished        # Run it again if the task of this key has ended
    --priority: string        # Higher runs first; may be negative
    --not-before: string      # Do not start before this time (`2026-11-21T06:00:00Z`) or delay (`2h`)
    --deadline: string        # Give up if it has not started by this time, or after this delay
    --timeout: string         # Time limit for one attempt (`90s`, `10m`)
    --max-attempts: string    # Maximum number of attempts [default: OFFLOAD_MAX_ATTEMPTS, else 3]
    --max-tokens: string      # Stop after this many tokens
    --temperature: string     # Sampling temperature; 0 is greedy decoding
    --top-p: string           # Sample from the most likely tokens with this cumulative probability
    --seed: string            # Random seed
    --stop: string            # End the answer before this text; repeatable
    --json-schema: path       # Constrain the answer to the JSON schema in this file
    --grammar: path           # Constrain the answer to the GBNF grammar in this file
    --format(-o): string@"nu-complete modelctl task add format" # Print text or json; `-o json` is --json
    --json                    # Print the task as JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task add color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
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
    --state: string@"nu-complete modelctl task list state" # Only tasks in this state; repeatable
    --pending                 # Only unfinished tasks
    --batch: string           # Only tasks of this batch
    --limit(-n): string       # Maximum number to show; 0 shows all
    --format(-o): string@"nu-complete modelctl task list format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task list color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl task show format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl task show color" [] {
    [ "auto" "always" "never" ]
  }

  # Show a task: its state, attempts and answer
  export extern "modelctl task show" [
    --text                    # Print only the answer, unchanged
    --format(-o): string@"nu-complete modelctl task show format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task show color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
    --version(-V)             # Print version
    task: string              # Number, key, or BATCH/KEY
  ]

  def "nu-complete modelctl task cancel format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl task cancel color" [] {
    [ "auto" "always" "never" ]
  }

  # Cancel tasks, including running ones
  export extern "modelctl task cancel" [
    --batch: string           # All unfinished tasks of this batch
    --all                     # All unfinished tasks
    --format(-o): string@"nu-complete modelctl task cancel format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task cancel color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
    --version(-V)             # Print version
    ...tasks: string          # Numbers, keys, or BATCH/KEY
  ]

  def "nu-complete modelctl task retry format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl task retry color" [] {
    [ "auto" "always" "never" ]
  }

  # Retry failed or canceled tasks
  export extern "modelctl task retry" [
    --batch: string           # All failed or canceled tasks of this batch
    --failed                  # All failed tasks
    --format(-o): string@"nu-complete modelctl task retry format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task retry color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
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

  # Wait for tasks to finish
  export extern "modelctl task wait" [
    --batch: string           # All tasks of this batch
    --all                     # All unfinished tasks
    --timeout: string         # Wait at most this long (`10m`)
    --format(-o): string@"nu-complete modelctl task wait format" # Print text or json; `-o json` is --json
    --json                    # Print the tasks as a JSON array when they have finished
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task wait color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
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

  # Print task events as they happen
  export extern "modelctl task follow" [
    --batch: string           # All tasks of this batch
    --format(-o): string@"nu-complete modelctl task follow format" # Print text or json; `-o json` is --json
    --json                    # Print a JSON object per line for each event
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task follow color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
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
    --batch: string           # Name of the batch [default: the file name and the first digits of a sha256 over the file and its models]
    --model(-m): string       # Use this model for all requests, overriding the file
    --tier: string@"nu-complete modelctl task import tier" # Use models of this tier for all requests, overriding the file
    --any-model               # Use any available model for all requests, overriding the file
    --fallback                # Let another model answer if the named one fails or cannot run [default: OFFLOAD_FALLBACK]
    --priority: string        # Higher runs first; may be negative
    --max-attempts: string    # Maximum number of attempts per request [default: OFFLOAD_MAX_ATTEMPTS, else 3]
    --replace-finished        # Run finished ones again
    --format(-o): string@"nu-complete modelctl task import format" # Print text or json; `-o json` is --json
    --json                    # Print a JSON object
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task import color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    file: path                # The file; `-` reads standard input
  ]

  def "nu-complete modelctl task export color" [] {
    [ "auto" "always" "never" ]
  }

  # Write the answers of finished tasks in OpenAI's Batch format (JSONL)
  export extern "modelctl task export" [
    --batch: string           # Only tasks of this batch
    --output(-o): path        # Write to this file, atomically, instead of standard output
    --errors: path            # Write failed requests to this file instead
    --json                    # Print a JSON object with the counts; needs --output
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task export color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl task stats format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl task stats color" [] {
    [ "auto" "always" "never" ]
  }

  # Show queue statistics
  export extern "modelctl task stats" [
    --format(-o): string@"nu-complete modelctl task stats format" # Print text or json; `-o json` is --json
    --json                    # Print a JSON object
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl task stats color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
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

  # Show a task: its state, attempts and answer
  export extern "modelctl task help show" [
  ]

  # Cancel tasks, including running ones
  export extern "modelctl task help cancel" [
  ]

  # Retry failed or canceled tasks
  export extern "modelctl task help retry" [
  ]

  # Wait for tasks to finish
  export extern "modelctl task help wait" [
  ]

  # Print task events as they happen
  export extern "modelctl task help follow" [
  ]

  # Queue the requests of a file in OpenAI's Batch format (JSONL)
  export extern "modelctl task help import" [
  ]

  # Write the answers of finished tasks in OpenAI's Batch format (JSONL)
  export extern "modelctl task help export" [
  ]

  # Show queue statistics
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

  # Pause or resume the task queue
  export extern "modelctl inference" [
    --format(-o): string@"nu-complete modelctl inference format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl inference color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    what?: string@"nu-complete modelctl inference what"
  ]

  def "nu-complete modelctl history what" [] {
    [ "scan" "set" "keep" "prune" "purge" "restore" "empty" "inference" "dedupe" ]
  }

  def "nu-complete modelctl history format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl history color" [] {
    [ "auto" "always" "never" ]
  }

  # Show the audit log: who did what, when and why, newest last
  export extern "modelctl history" [
    --model: string           # Only what happened to this model: id, alias, name or path
    --what: string@"nu-complete modelctl history what" # Only events of this kind; repeatable
    --since: string           # Only events after this: an age (`7d`, `45min`), a day (`2026-11-21`), or a time with its zone
    --until: string           # Only events before this; a day is included
    --detail                  # Show each event on a line of its own
    --utc                     # Show times in UTC on a terminal, too
    --limit(-n): string       # Maximum number to show, newest first; 0 shows all
    --format(-o): string@"nu-complete modelctl history format" # Print text or json; `-o json` is --json
    --json                    # Print JSON
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl history color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
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
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl triage color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
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
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl schema color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
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
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl completions color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
    --version(-V)             # Print version
    shell: string@"nu-complete modelctl completions shell"
  ]

  def "nu-complete modelctl man color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the manual page, or write all pages into a folder
  export extern "modelctl man" [
    --dir: path               # Write all pages to this folder; if its name is `man1`, modelctl.toml.5 is written to `man5` next to it
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl man color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
    --version(-V)             # Print version
  ]

  def "nu-complete modelctl version format" [] {
    [ "text" "json" ]
  }

  def "nu-complete modelctl version color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the version
  export extern "modelctl version" [
    --format(-o): string@"nu-complete modelctl version format" # Print text or json; `-o json` is --json
    --json                    # Print JSON, with the version of the database and whether models can be run
    --config: path            # Read this config file instead of the one in the usual places; see modelctl.toml(5)
    --db: path                # Use this model database (also: MODELCTL_DB)
    --color: string@"nu-complete modelctl version color" # When to use color
    --quiet(-q)               # Print nothing unless something is wrong or was changed; commands that show something still show it
    --wide                    # Show all columns of a table, whole, even if its lines are wider than the terminal
    --help(-h)                # Print help
    --version(-V)             # Print version
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "modelctl help" [
  ]

  # Find models and record them
  export extern "modelctl help scan" [
  ]

  # List the models known on this machine
  export extern "modelctl help list" [
  ]

  # Show the disk space of the stores and how much of it can be reclaimed
  export extern "modelctl help df" [
  ]

  # Show the details of a model: files, metadata, memory, use
  export extern "modelctl help show" [
  ]

  # Change a model's settings: tier, alias, note, pin, enabled, server options
  export extern "modelctl help set" [
  ]

  # Manage the models that you want to keep
  export extern "modelctl help keep" [
  ]

  # Add hints; existing ones keep their place
  export extern "modelctl help keep add" [
  ]

  # Remove hints that `keep add` added
  export extern "modelctl help keep rm" [
  ]

  # List all hints in order of preference, with their origin and the models they match
  export extern "modelctl help keep list" [
  ]

  # Check the health of the services on this node
  export extern "modelctl help health" [
  ]

  # Check files for truncation and against the checksums of their store
  export extern "modelctl help verify" [
  ]

  # Find identical files
  export extern "modelctl help duplicates" [
  ]

  # Make identical files share their space on the disk (dry run unless --confirm)
  export extern "modelctl help dedupe" [
  ]

  # Look for problems: unreadable folders, missing places, damaged files, the database, the clock
  export extern "modelctl help doctor" [
  ]

  # Remove unused models and leftover files (dry run unless --confirm)
  export extern "modelctl help prune" [
  ]

  # Remove models by name: shows what would be removed and asks
  export extern "modelctl help rm" [
  ]

  # List, restore or delete pruned models
  export extern "modelctl help trash" [
  ]

  # List the trash, oldest first
  export extern "modelctl help trash list" [
  ]

  # Restore items to where they were, with links, times and modes; nothing is overwritten
  export extern "modelctl help trash restore" [
  ]

  # Delete items permanently; without --confirm only shows them
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

  # Run one prompt, or the due tasks of the queue (for cron)
  export extern "modelctl help run-once" [
  ]

  # Run an OpenAI Batch file (JSONL) and write the answers
  export extern "modelctl help batch" [
  ]

  # Serve models to clients and run queued tasks, until stopped
  export extern "modelctl help serve" [
  ]

  # Start model servers and wait until they are ready
  export extern "modelctl help start" [
  ]

  # Stop model servers
  export extern "modelctl help stop" [
  ]

  # Restart model servers, with their current settings
  export extern "modelctl help restart" [
  ]

  # Start the servers of all enabled models, smallest first
  export extern "modelctl help start-all" [
  ]

  # Stop all model servers
  export extern "modelctl help stop-all" [
  ]

  # List the models that are loaded or open, and by which process
  export extern "modelctl help ps" [
  ]

  # Watch what is loaded and why, and start or stop models with a key
  export extern "modelctl help top" [
  ]

  # Show models, disk, queue, and what the daemon has loaded, on one screen
  export extern "modelctl help status" [
  ]

  # Explain why a model is loaded or not, and what it waits for
  export extern "modelctl help why" [
  ]

  # Pause or resume automatic loading and unloading, or show its status
  export extern "modelctl help lifecycle" [
  ]

  # Load, unload and evict models only on request
  export extern "modelctl help lifecycle pause" [
  ]

  # End a pause
  export extern "modelctl help lifecycle resume" [
  ]

  # Show what the daemon has loaded, what memory is left, and what was decided
  export extern "modelctl help lifecycle status" [
  ]

  # Override the priority that the daemon computes for a model
  export extern "modelctl help priority" [
  ]

  # Move a loaded model off the GPU, or back
  export extern "modelctl help offload" [
  ]

  # Show the log of a model server or a service
  export extern "modelctl help logs" [
  ]

  # Show what happened to the model servers since the daemon started
  export extern "modelctl help events" [
  ]

  # Queue prompts and get their answers
  export extern "modelctl help task" [
  ]

  # Add one task
  export extern "modelctl help task add" [
  ]

  # List tasks, newest first
  export extern "modelctl help task list" [
  ]

  # Show a task: its state, attempts and answer
  export extern "modelctl help task show" [
  ]

  # Cancel tasks, including running ones
  export extern "modelctl help task cancel" [
  ]

  # Retry failed or canceled tasks
  export extern "modelctl help task retry" [
  ]

  # Wait for tasks to finish
  export extern "modelctl help task wait" [
  ]

  # Print task events as they happen
  export extern "modelctl help task follow" [
  ]

  # Queue the requests of a file in OpenAI's Batch format (JSONL)
  export extern "modelctl help task import" [
  ]

  # Write the answers of finished tasks in OpenAI's Batch format (JSONL)
  export extern "modelctl help task export" [
  ]

  # Show queue statistics
  export extern "modelctl help task stats" [
  ]

  # Pause or resume the task queue
  export extern "modelctl help inference" [
  ]

  # Show the audit log: who did what, when and why, newest last
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
