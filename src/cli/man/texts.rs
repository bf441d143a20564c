//! What the manual pages say in addition to the help of the commands.

/// A part of a section.
pub enum Part {
    /// A paragraph.
    Text(&'static str),
    /// A name, and what it is.
    Item(&'static str, &'static str),
    /// Lines to copy.
    Lines(&'static [&'static str]),
}

use Part::{Item, Lines, Text};

/// Further paragraphs of the description of a command, by its path below `modelctl`.
pub const DESCRIPTIONS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "modelctl works on the models that other programs have put on this machine: Ollama, LM Studio, llama.cpp, \
             the Hugging Face hub, RamaLama, Docker Model Runner, GPT4All, and plain folders. It downloads none.",
            "`modelctl scan` finds them and records them in a database, which the other commands use. Commands that \
             remove something show a plan and change nothing until --confirm (or --yes) is given, and move files to a \
             trash. `modelctl serve` is the daemon that answers requests; `ps`, `start`, `why` and others ask it.",
        ],
    ),
    (
        "serve",
        &["`modelctl set` and `[models]` of the config file change how the server of a model runs, from its next \
             start on."],
    ),
    (
        "batch",
        &["Each line of the file is a JSON object with all of these: `custom_id`, a string that no other line has; \
             `method`, which is \"POST\"; `url`, \"/v1/chat/completions\" or \"/v1/completions\"; and `body`, the \
             request. `model` in the body names the model; with --model, --tier or --any-model it may be absent. A \
             file has at most 50,000 lines and 200 MB."],
    ),
    ("task import", &["modelctl-batch(1) describes the lines of the file."]),
    (
        "list",
        &["The times of --unused-for and --sort used differ: the first counts every known use, also by other \
             programs (LAST USE in modelctl-prune(1)), the second only uses by modelctl."],
    ),
    (
        "set",
        &["A change of --pin, --enable and the like applies at once. `modelctl restart MODEL` starts a running \
             server again, with the new options."],
    ),
    (
        "why",
        &["It asks the daemon, which keeps the last 200 decisions about all models, and only while it runs: the \
             decisions of an earlier daemon are gone. modelctl-history(1) has what was removed."],
    ),
    (
        "run-once",
        &[
            "While a daemon serves the same database, the daemon's server of the model answers a prompt, and starts \
             first if it is not running. With --force, or where the daemon does not know the model, run-once loads the \
             model itself. Then it waits while another process has a model in memory or holds the memory that it \
             needs.",
            "Queued tasks are left to such a daemon, unless it was started with --no-executor: run-once waits until \
             the tasks are done, and reports how they ended. Without a daemon it loads the models itself; if another \
             process has one in memory, no task is run and the exit code is 4.",
        ],
    ),
    (
        "rm",
        &["A path or an alias names a model in full. The files are in the trash until it is emptied; --purge deletes \
           them at once."],
    ),
    (
        "version",
        &["With --json, also the version of the database, and whether it was built with the engine that runs models."],
    ),
];

/// Further sections of pages: the path of the command, the title, and what it has.
pub const SECTIONS: &[(&str, &str, &[Part])] = &[
    (
        "",
        "SCHEDULING",
        &[
            Text(
                "The Debian package and `make install` have systemd units. They run as the user modelctl, on the \
                 database in /var/lib/modelctl and with the config in /etc/modelctl, and are off until they are \
                 enabled:",
            ),
            Item("modelctl-serve.service", "the daemon: `systemctl enable --now modelctl-serve.service`"),
            Item(
                "modelctl-run-once.timer",
                "every five minutes `modelctl run-once`, for machines without the daemon: `systemctl enable --now \
                 modelctl-run-once.timer`",
            ),
            Item(
                "modelctl-prune.timer",
                "every week `modelctl scan`, then `modelctl prune --unused-for 90d --confirm --quiet --expire-trash \
                 30d`: `systemctl enable --now modelctl-prune.timer`",
            ),
            Text(
                "`systemctl edit modelctl-prune.service` changes the arguments, `systemctl edit modelctl-prune.timer` \
                 the time. The empty line removes the setting of the package:",
            ),
            Lines(&[
                "[Service]",
                "ExecStart=",
                "ExecStart=/usr/bin/modelctl prune --unused-for 60d --confirm --quiet",
                "",
                "[Timer]",
                "OnCalendar=",
                "OnCalendar=daily",
            ]),
            Text(
                "`journalctl -u modelctl-prune.service` shows what they printed, `modelctl-admin history` what they \
                 did. Without systemd, use lines such as these in `crontab -e`; the folder of modelctl must be in the \
                 PATH of cron:",
            ),
            Lines(&[
                "17 2 * * 0  modelctl scan -q",
                "17 3 * * 0  modelctl prune -q --unused-for 90d --confirm",
                "*/5 * * * * modelctl run-once -q",
            ]),
        ],
    ),
    (
        "prune",
        "LAST USE",
        &[
            Text("The age of --unused-for counts from the latest of these:"),
            Item(
                "use by modelctl",
                "an answer by `serve`, `run-once`, `batch` or a queued task. Scans do not count, and leave the access \
                 time as it is where modelctl runs as root or as the owner of the file.",
            ),
            Item(
                "access time",
                "when any program last read a file of the model or mapped it into memory, as the file system recorded \
                 it; shown as `(atime)`. It is weak evidence: a backup counts as well. With the mount option relatime, \
                 which is usual, it is exact to a day. It does not count on a file system that keeps none (noatime), \
                 and if it is older than the copy.",
            ),
            Item(
                "appearance",
                "when the model was written or copied here, or first found by a scan; shown as `no known use`",
            ),
            Text(
                "A model that a process has open or mapped, or that a server says it has loaded, is in use and never \
                 removed, however old its last use is.",
            ),
        ],
    ),
    (
        "prune",
        "DUPLICATES",
        &[
            Text(
                "--duplicates compares models whose state is ready by the sha256 of all their files, as the store \
                 declares it or `modelctl verify` computed it. Of the copies of one content in one store (with \
                 --across-stores: in all stores), the first one stays, in this order:",
            ),
            Item("1.", "copies in the store of --prefer"),
            Item("2.", "copies whose sha256 was computed from their bytes, and that have not changed since"),
            Item("3.", "copies that another rule keeps: pinned, a keep hint, in use, and so on"),
            Item("4.", "the copy that was used last"),
            Item(
                "5.",
                "by the kind of store: docker, ramalama, llamacpp, lmstudio, ollama, hf, dir; then the oldest file; then by id",
            ),
            Text(
                "The other copies are removed only if the bytes of the first one were read (2.); else they stay, with \
                 the command that reads them: `modelctl verify --hash`. A copy that another rule keeps always stays.",
            ),
        ],
    ),
    (
        "prune",
        "SCHEDULING",
        &[
            Text(
                "The Debian package has modelctl-prune.timer, which does this every week, and is off until `systemctl \
                 enable --now modelctl-prune.timer`; see SCHEDULING in modelctl(1). Without systemd, in `crontab -e`:",
            ),
            Lines(&["17 2 * * 0  modelctl scan -q", "17 3 * * 0  modelctl prune -q --unused-for 90d --confirm"]),
            Text(
                "-q prints nothing if there is nothing to do, and one line if something was removed. AUTO_PRUNE_DAYS \
                 does the same at the end of run-once, and every hour in serve.",
            ),
        ],
    ),
    (
        "run-once",
        "SCHEDULING",
        &[
            Text(
                "The Debian package has modelctl-run-once.timer, which does this every five minutes, and is off until \
                 `systemctl enable --now modelctl-run-once.timer`; see SCHEDULING in modelctl(1). Without systemd, in \
                 `crontab -e`:",
            ),
            Lines(&["*/5 * * * * modelctl run-once -q"]),
        ],
    ),
    (
        "serve",
        "ACCESS",
        &[
            Text(
                "Clients on this machine, at 127.0.0.1, [::1] and Unix sockets, need no key. With `key_on_loopback = \
                 true` in `[serve]` of the config file, those at 127.0.0.1 and [::1] need one. Clients on other \
                 machines always do: without --api-key-file, serve does not start on an address that they can reach. \
                 GET /health and the page itself need no key. With a file of keys, a key that is sent must be valid, \
                 wherever the client is.",
            ),
            Text(
                "The file has one key per line: a name, the key, and a class, separated by colons. The class is \
                 interactive, normal or batch and decides which requests are answered first; without one, the header \
                 X-Modelctl-Priority or the setting of the model does. The name is shown in logs. Lines that begin \
                 with # are comments. The file must not be accessible to other users (mode 0600). SIGHUP reads it \
                 again.",
            ),
            Lines(&[
                "# name:key:class",
                "open-webui:5c0e7a41d2:interactive",
                "nightly:9b3f60c8e7:batch",
                "laptop:e1d47f2a90",
            ]),
            Text(
                "A key permits everything, also to change settings and to start and stop models. Clients send it as \
                 `Authorization: Bearer KEY`, as the password of Basic authentication, or as `X-Api-Key: KEY`. \
                 Connections are not encrypted.",
            ),
        ],
    ),
    (
        "list",
        "STATES",
        &[
            Item("ready", "all files exist and are as long as their headers say"),
            Item("incomplete", "a split model lacks parts, or its parts do not belong together"),
            Item("truncated", "a file is shorter than its header says; --state damaged lists these too"),
            Item("damaged", "a file is not GGUF, contradicts itself, or does not have the declared sha256"),
            Item("unsupported", "a file has something that this version does not know; it is not damaged"),
            Item("unreadable", "a file cannot be read: permissions, or an I/O error"),
            Item("unavailable", "the last scan could not read the folder, for example because a disk is not mounted"),
            Item("gone", "it was recorded, and the last scan did not find it; only listed with --all or --state gone"),
        ],
    ),
    (
        "list",
        "CLASSES",
        &[
            Text("What a file is to its store, as --files shows it and --class filters:"),
            Item("referenced", "the store uses it: a manifest, a reference or the folder itself names it"),
            Item("superseded", "only an older revision refers to it"),
            Item("orphan", "nothing refers to it"),
            Item("partial", "an unfinished download"),
            Item("side-cache", "metadata or a cache of the store, which it creates again when it needs it"),
            Item("damaged", "a file of a model that is damaged"),
            Item("missing", "the store refers to it, and it does not exist"),
            Item("trash", "in the trash of a desktop or of another program; never pruned"),
            Item("snapshot", "part of a snapshot or a backup; never pruned"),
        ],
    ),
    (
        "health",
        "THRESHOLDS",
        &[
            Text("--warning and --critical take these values, each also as TARGET_VALUE for one target:"),
            Item("time, token_time, clock_skew", "seconds"),
            Item("disk_free, inodes_free, memory_available, gpu_memory_free", "percent"),
            Item("gpu_temperature", "degrees Celsius"),
            Item("queue_pollers, queue_backlog, tasks_due, tasks_failed", "a number"),
            Text(
                "Ranges are those of the Monitoring Plugins: 10 alerts below 0 and above 10, 10: below 10, ~:10 above \
                 10, 10:20 outside of the range, @10:20 inside of it.",
            ),
        ],
    ),
];
