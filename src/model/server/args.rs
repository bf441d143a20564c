//! Arguments for llama-server. The config file belongs to whoever runs the daemon, so that it may name any argument that
//! modelctl does not set itself. What comes through the API or `modelctl set` tunes the engine and names no file,
//! address or key.

/// Arguments that modelctl sets itself, or that would have the server listen elsewhere or sleep on its own.
const OURS: &[&str] = &[
    "-m",
    "--model",
    "-mu",
    "--model-url",
    "-hf",
    "-hfr",
    "--hf-repo",
    "-hff",
    "--hf-file",
    "-dr",
    "--docker-repo",
    "-mm",
    "--mmproj",
    "-mmu",
    "--mmproj-url",
    "-c",
    "--ctx-size",
    "-ngl",
    "--gpu-layers",
    "--n-gpu-layers",
    "-np",
    "--parallel",
    "-t",
    "--threads",
    "--host",
    "--port",
    "--api-key",
    "--api-key-file",
    "--ssl-key-file",
    "--ssl-cert-file",
    "--sleep-idle-seconds",
    "--models-dir",
    "--models-preset",
    "--models-max",
    "--metrics",
    "--embedding",
    "--embeddings",
    "--pooling",
];

/// Arguments that only change speed, memory or the defaults of sampling.
const TUNING: &[&str] = &[
    "-fa",
    "--flash-attn",
    "-ctk",
    "--cache-type-k",
    "-ctv",
    "--cache-type-v",
    "-b",
    "--batch-size",
    "-ub",
    "--ubatch-size",
    "-tb",
    "--threads-batch",
    "--mlock",
    "--no-mmap",
    "--numa",
    "-sm",
    "--split-mode",
    "-ts",
    "--tensor-split",
    "-mg",
    "--main-gpu",
    "-nkvo",
    "--no-kv-offload",
    "-cmoe",
    "--cpu-moe",
    "-ncmoe",
    "--n-cpu-moe",
    "-ot",
    "--override-tensor",
    "--swa-full",
    "-kvu",
    "--kv-unified",
    "--cache-reuse",
    "--cache-ram",
    "--rope-scaling",
    "--rope-scale",
    "--rope-freq-base",
    "--rope-freq-scale",
    "--yarn-orig-ctx",
    "--yarn-ext-factor",
    "--yarn-attn-factor",
    "--yarn-beta-slow",
    "--yarn-beta-fast",
    "--jinja",
    "--no-jinja",
    "--reasoning-format",
    "--reasoning-budget",
    "--temp",
    "--top-k",
    "--top-p",
    "--min-p",
    "--seed",
    "--repeat-penalty",
    "--presence-penalty",
    "--frequency-penalty",
    "--no-warmup",
];

/// The largest number of arguments, and bytes of one.
const MOST: usize = 64;
const BYTES: usize = 1_024;

/// Checks the arguments of a config file.
///
/// # Errors
/// A sentence about the first argument that is not accepted.
pub fn check_arg_list(args: &[String]) -> Result<(), String> {
    bounded(args)?;
    let refused = flags(args).find(|flag| OURS.contains(flag));
    refused.map_or(Ok(()), |flag| Err(format!("`{flag}` is set by modelctl itself")))
}

/// Checks arguments that anybody who reaches the API may set.
///
/// # Errors
/// As [`check_arg_list`], and for arguments that do more than tune the engine.
pub fn check_tuning_args(args: &[String]) -> Result<(), String> {
    check_arg_list(args)?;
    let refused = flags(args).find(|flag| !TUNING.contains(flag));
    refused.map_or(Ok(()), |flag| Err(format!("`{}` can only be set in the config file", flag.escape_debug())))
}

fn bounded(args: &[String]) -> Result<(), String> {
    if args.len() > MOST {
        return Err(format!("{} arguments are more than {MOST}", args.len()));
    }
    match args.iter().find(|arg| arg.len() > BYTES || arg.contains('\0')) {
        Some(arg) if arg.len() > BYTES => Err(format!("an argument is longer than {BYTES} bytes")),
        Some(_) => Err("an argument contains a NUL byte".to_owned()),
        None => Ok(()),
    }
}

/// Returns the names of options: what begins with a dash and is no number. `--name=value` counts as `--name`.
fn flags(args: &[String]) -> impl Iterator<Item = &str> {
    let is_flag = |arg: &&String| arg.starts_with('-') && arg.parse::<f64>().is_err();
    args.iter().filter(is_flag).map(|arg| arg.split_once('=').map_or(arg.as_str(), |(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn nobody_makes_the_server_listen_elsewhere_or_write_a_file_through_the_api() {
        for ours in ["--host 0.0.0.0", "--host=0.0.0.0", "-m /etc/passwd", "-c 9", "-fa on --api-key-file x"] {
            assert!(check_arg_list(&list(ours)).is_err() && check_tuning_args(&list(ours)).is_err(), "{ours}");
        }
        for file in ["--log-file /tmp/x", "--slot-save-path=/tmp", "--path /", "--lora x", "--odd"] {
            assert!(check_arg_list(&list(file)).is_ok(), "the config file may: {file}");
            assert!(check_tuning_args(&list(file)).unwrap_err().contains("only be set in the config file"), "{file}");
        }
        assert_eq!(check_tuning_args(&list("-fa on -ctk q8_0 --seed -1 -ub 512 --temp=0.5")), Ok(()));
        assert!(check_arg_list(&vec!["-fa".to_owned(); 65]).is_err());
    }
}
