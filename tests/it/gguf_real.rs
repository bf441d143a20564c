//! What the header reader says of real models. The expected values were taken with gguf-py's reader, which shares no
//! code with ours.

use crate::fixtures::{gemma, smollm2};
use crate::gguf::fixture;
use modelctl::gguf::estimate::{Settings, Shape, estimate};
use modelctl::gguf::{FileHeader, GgufError, chat_template, read_path, template_tokens};
use modelctl::model::{Facts, Integrity, Kind, QuantSource};
use sha2::{Digest, Sha256};
use std::fs::{self, File, FileTimes};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

fn facts(path: &Path) -> Facts {
    read_path(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).facts
}

/// A copy that has the first bytes of `model` and this length: where nothing was written there is a hole.
fn copy(dir: &Path, model: &Path, written: u64, len: u64) -> PathBuf {
    let path = dir.join("copy.gguf");
    let mut head = Vec::new();
    File::open(model).unwrap().take(written).read_to_end(&mut head).unwrap();
    let mut file = File::create(&path).unwrap();
    file.write_all(&head).unwrap();
    file.set_len(len).unwrap();
    path
}

#[test]
fn smollm2_is_described_as_another_reader_describes_it() {
    let f = facts(&smollm2());
    assert_eq!((f.kind, f.gguf_version, f.big_endian), (Kind::Generative, 3, false));
    assert_eq!((f.architecture.as_deref(), f.family.as_deref()), (Some("llama"), Some("smollm")));
    assert_eq!(f.name.as_deref(), Some("Smollm2 135M 8k Lc100K Mix1 Ep2"));
    assert_eq!((f.basename.as_deref(), f.size_label.as_deref()), (Some("smollm2"), Some("135M")));
    assert_eq!((f.organization.as_deref(), f.license.as_deref()), (Some("HuggingFaceTB"), Some("apache-2.0")));
    assert_eq!(f.finetune.as_deref(), Some("8k-lc100k-mix1-ep2"));
    assert_eq!((f.parameters, f.n_tensors, f.tensor_bytes), (134_515_008, 272, 96_576_768));
    assert_eq!((f.data_offset, f.token_embd_bytes, f.tied_output), (1_785_664, 30_081_024, true));
    assert_eq!((f.layers, f.context_length, f.vocab_size), (Some(30), Some(8192), Some(49_152)));
    assert_eq!((f.embedding_length, f.feed_forward_length), (Some(576), Some(1536)));
    let a = &f.attention;
    assert_eq!((a.heads, a.kv_heads.as_slice()), (Some(9), [3; 30].as_slice()));
    assert_eq!((a.key_length, a.value_length), (None, None), "576 / 9 where the file says nothing");
    assert_eq!((a.sliding_window, a.sliding_layers.as_slice()), (None, [].as_slice()));
    assert_eq!((f.quant.label.as_str(), f.quant.source), ("Q4_1", QuantSource::FileType));
    let types: Vec<(&str, u64)> = f.quant.histogram.iter().map(|(t, n)| (t.as_str(), *n)).collect();
    assert_eq!(types, [("Q4_1", 106_168_320), ("Q8_0", 28_311_552), ("F32", 35_136)]);
    assert_eq!((f.chat_template, f.split, f.experts, f.recurrent.is_none()), (true, None, None, true));
    assert_eq!(f.integrity, Integrity::Complete);
}

#[test]
fn gemma_is_described_as_another_reader_describes_it() {
    let f = facts(&gemma());
    assert_eq!(
        (f.kind, f.architecture.as_deref(), f.family.as_deref()),
        (Kind::Generative, Some("gemma3"), Some("gemma"))
    );
    assert_eq!((f.name.as_deref(), f.size_label.as_deref()), (Some("Gemma 3 270m"), Some("270M")));
    assert_eq!((f.parameters, f.n_tensors, f.tensor_bytes), (268_098_176, 236, 246_587_904));
    assert_eq!((f.data_offset, f.token_embd_bytes, f.tied_output), (6_525_120, 178_257_920, true));
    assert_eq!((f.layers, f.context_length, f.vocab_size), (Some(18), Some(32_768), Some(262_144)));
    assert_eq!((f.embedding_length, f.feed_forward_length), (Some(640), Some(2048)));
    let a = &f.attention;
    assert_eq!((a.heads, a.kv_heads.as_slice()), (Some(4), [1; 18].as_slice()));
    assert_eq!((a.key_length, a.value_length), (Some(256), Some(256)));
    // Five layers with the window, then a full one: this file has no pattern of its own.
    let full: Vec<usize> = (0..18).filter(|l| !a.sliding_layers[*l]).collect();
    assert_eq!((a.sliding_window, a.sliding_layers.len(), full.as_slice()), (Some(512), 18, [5, 11, 17].as_slice()));
    // Rows of 640 do not fill blocks of 256, so most of it is stored as Q5_0 and Q8_0.
    assert_eq!((f.quant.label.as_str(), f.quant.source), ("Q4_K_M", QuantSource::FileType));
    let types: Vec<&str> = f.quant.histogram.iter().map(|(t, _)| t.as_str()).collect();
    assert_eq!(types, ["Q8_0", "Q5_0", "Q4_K", "Q6_K", "F32"]);
    assert_eq!((f.chat_template, f.integrity), (false, Integrity::Complete));
}

#[test]
fn the_cache_of_a_model_with_a_window_is_that_of_its_layers() {
    let f = facts(&gemma());
    let settings = Settings { n_ctx: 4096, ..Settings::default() };
    let e = estimate(&Shape { shards: vec![&f], mmproj: None }, &settings);
    // Three layers of 4096 cells and fifteen of 512 + 512, each cell 256 keys and 256 values of 2 bytes.
    assert_eq!((e.weights, e.kv_cache), (246_587_904, (3 * 4096 + 15 * 1024) * 1024));
}

#[test]
fn the_template_and_its_tokens_are_read_whole() {
    let text = chat_template(&smollm2(), None).unwrap().unwrap();
    let digest: String = Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(text.len(), 368);
    assert_eq!(digest, "872be49dbb638044ad01b60388f48d469ff2980e5f0dccdc22ec907db54d0788");
    assert_eq!(chat_template(&smollm2(), Some("tool_use")).unwrap(), None);
    assert_eq!(chat_template(&gemma(), None).unwrap(), None);
    let tokens = template_tokens(&smollm2()).unwrap();
    assert_eq!((tokens.bos.as_deref(), tokens.eos.as_deref()), (Some("<|im_start|>"), Some("<|im_end|>")));
    assert_eq!((tokens.add_bos, tokens.add_eos), (Some(false), None));
    let tokens = template_tokens(&gemma()).unwrap();
    assert_eq!((tokens.bos.as_deref(), tokens.eos.as_deref()), (Some("<bos>"), Some("<eos>")));
    assert_eq!((tokens.add_bos, tokens.add_eos), (Some(true), Some(false)));
}

#[test]
fn an_unfinished_download_names_the_first_tensor_that_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    for (model, need, cuts) in [
        (
            smollm2(),
            98_362_432,
            [
                (1_785_665, "token_embd.weight"),
                (30_000_000, "token_embd.weight"),
                (49_181_216, "blk.15.attn_output.weight"),
                (50_000_000, "blk.16.ffn_down.weight"),
                (98_362_431, "output_norm.weight"),
            ],
        ),
        (
            gemma(),
            253_113_024,
            [
                (6_525_120, "output_norm.weight"),
                (6_525_121, "output_norm.weight"),
                (30_000_000, "token_embd.weight"),
                (126_556_512, "token_embd.weight"),
                (253_113_023, "blk.17.post_ffw_norm.weight"),
            ],
        ),
    ] {
        for (have, first) in cuts {
            let path = copy(dir.path(), &model, (8 << 20).min(have), have);
            let expected = Integrity::Truncated { need, have, first_missing: first.to_owned() };
            assert_eq!(facts(&path).integrity, expected, "{} cut at {have}", model.display());
        }
        for have in [23, 1000, 1_000_000] {
            match read_path(&copy(dir.path(), &model, have, have)) {
                Err(GgufError::TruncatedHeader { len, .. }) => assert_eq!(len, have),
                other => panic!("{} cut at {have}: {other:?}", model.display()),
            }
        }
    }
}

#[test]
fn a_download_with_its_full_length_and_holes_is_not_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = copy(dir.path(), &gemma(), 8 << 20, 253_113_024);
    let header = read_path(&path).unwrap();
    assert!(header.allocated < 16 << 20, "the file system keeps no holes: {} bytes in use", header.allocated);
    assert_eq!(header.facts.integrity, Integrity::Sparse { allocated: header.allocated });
}

#[test]
fn two_copies_of_a_model_have_one_fingerprint_and_a_longer_one_has_another() {
    let dir = tempfile::tempdir().unwrap();
    let original = facts(&smollm2());
    let same = facts(&copy(dir.path(), &smollm2(), 8 << 20, 98_362_432));
    assert_eq!(same.fingerprint, original.fingerprint);
    let longer = facts(&copy(dir.path(), &smollm2(), 8 << 20, 98_362_432 + 4096));
    assert_ne!(longer.fingerprint, original.fingerprint);
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, at("fifo.gguf"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    fs::create_dir(at("dir.gguf")).unwrap();
    std::os::unix::fs::symlink("/dev/null", at("device.gguf")).unwrap();
    std::os::unix::fs::symlink("/etc", at("etc.gguf")).unwrap();
    std::os::unix::fs::symlink(at("nowhere"), at("dangling.gguf")).unwrap();
    std::os::unix::fs::symlink(at("loop.gguf"), at("loop.gguf")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket.gguf")).unwrap();
    for (name, expected) in [
        ("fifo.gguf", "a FIFO, not a regular file"),
        ("dir.gguf", "a directory, not a regular file"),
        ("device.gguf", "a device, not a regular file"),
        ("etc.gguf", "a directory, not a regular file"),
        ("socket.gguf", "a socket, not a regular file"),
        ("dangling.gguf", "cannot be read: No such file"),
        ("loop.gguf", "cannot be read: Too many levels"),
    ] {
        let told = read_path(&at(name)).unwrap_err().to_string();
        assert!(told.starts_with(expected), "{name}: {told}");
        let told = chat_template(&at(name), None).unwrap_err().to_string();
        assert!(told.starts_with(expected), "{name}: {told}");
        assert!(template_tokens(&at(name)).is_err(), "{name}");
    }
}

#[test]
fn a_file_that_grows_while_it_is_read_is_whole_only_at_its_full_length() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("growing.gguf");
    let whole = fixture::small_model("growing");
    let mut file = File::create(&path).unwrap();
    let (to, bytes) = (path.clone(), whole.clone());
    let reader = std::thread::spawn(move || {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            assert!(Instant::now() < deadline, "never whole");
            if let Ok(FileHeader { identity, facts, .. }) = read_path(&to) {
                let complete = facts.integrity == Integrity::Complete;
                assert_eq!(complete, identity.size == bytes.len() as u64, "{} bytes", identity.size);
                if complete {
                    return;
                }
            }
        }
    });
    for part in whole.chunks(7) {
        file.write_all(part).unwrap();
    }
    drop(file);
    reader.join().unwrap();
}

#[test]
fn reading_a_model_leaves_no_access_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = copy(dir.path(), &smollm2(), 8 << 20, 98_362_432);
    // Older than the last change, as a mount with relatime would need to move it.
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    File::options().write(true).open(&path).unwrap().set_times(FileTimes::new().set_accessed(old)).unwrap();
    read_path(&path).unwrap();
    chat_template(&path, None).unwrap();
    template_tokens(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().accessed().unwrap(), old);
}

#[test]
fn every_hostile_file_on_disk_is_read_as_the_one_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hostile.gguf");
    for (name, bytes) in fixture::hostile() {
        fs::write(&path, &bytes).unwrap();
        let on_disk = read_path(&path).map(|h| h.facts).map_err(|e| e.to_string());
        let in_memory = modelctl::gguf::read_bytes(&bytes).map_err(|e| e.to_string());
        // Blocks may not be given out yet: only the integrity knows of them.
        let plain = |f: Facts| Facts { integrity: Integrity::Complete, ..f };
        assert_eq!(on_disk.map(plain), in_memory.map(plain), "{name}");
    }
}
