//! The facts of a split set, added up from those of its parts: no part has the facts of the others.

use super::kind::{self, Signs};
use super::{facts, quant};
use crate::model::{Artifact, Evidence, Facts, Kind, Role};

/// Returns the facts of the split set that these files form; None for a whole file.
pub fn facts_of_set(artifacts: &[Artifact]) -> Option<Facts> {
    let shards = artifacts.iter().filter(|a| a.role == Role::Shard);
    let parts: Vec<&Facts> = shards.filter_map(|a| a.header.as_ref().ok()).collect(); // the others show in the state
    whole(&parts)
}

/// Adds up the parts of a set, in their order. The part that names an architecture gives the metadata: splitters write
/// it into the first part only, and today often without any tensors. Returns None without a part.
fn whole(parts: &[&Facts]) -> Option<Facts> {
    let base = parts.iter().find(|p| p.architecture.is_some()).or(parts.first())?;
    let sum = |of: fn(&Facts) -> u64| parts.iter().fold(0u64, |s, p| s.saturating_add(of(p)));
    let mut evidence = Evidence { layers: Vec::new(), ends: Vec::new(), ..base.evidence.clone() };
    let (mut histogram, mut unsupported): (Vec<(String, u64)>, Vec<String>) = (Vec::new(), Vec::new());
    for part in parts {
        let own = &part.evidence;
        for (to, from) in [
            (&mut evidence.layers, &own.layers),
            (&mut evidence.ends, &own.ends),
            (&mut histogram, &part.quant.histogram),
        ] {
            from.iter().for_each(|(label, elements)| quant::add(to, label, *elements));
        }
        evidence.file_type = evidence.file_type.or(own.file_type);
        evidence.named = evidence.named.or_else(|| own.named.clone());
        evidence.width = evidence.width.or(own.width);
        evidence.draft_layers = evidence.draft_layers.max(own.draft_layers);
        for (all, one) in [
            (&mut evidence.first_block, own.first_block),
            (&mut evidence.draft, own.draft),
            (&mut evidence.decoder, own.decoder),
            (&mut evidence.diffusion, own.diffusion),
            (&mut evidence.encoder, own.encoder),
            (&mut evidence.tower, own.tower),
            (&mut evidence.output, own.output),
            (&mut evidence.media, own.media),
        ] {
            *all |= one;
        }
        for what in &part.unsupported {
            if !unsupported.contains(what) {
                unsupported.push(what.clone());
            }
        }
    }
    evidence.sized = sum(|p| p.evidence.sized);
    let (parameters, n_tensors, tensor_bytes) = (sum(|p| p.parameters), sum(|p| p.n_tensors), sum(|p| p.tensor_bytes));
    let token_embd_bytes = parts.iter().map(|p| p.token_embd_bytes).max().unwrap_or(0);
    let kind = match base.kind {
        declared @ (Kind::Adapter | Kind::Control | Kind::Imatrix) => declared,
        _ => kind::kind(&Signs {
            architecture: base.architecture.as_deref(),
            evidence: &evidence,
            attention: &base.attention,
            is_adapter: false,
            is_imatrix: false,
            vocabulary: base.vocab_size,
            tensors: n_tensors,
        }),
    };
    // A label that was derived from the elements of one part is derived again.
    let is_derived = |label: &String| base.parameters > 0 && *label == facts::size_label(base.parameters);
    let stated = base.size_label.clone().filter(|label| !is_derived(label));
    Some(Facts {
        kind,
        size_label: stated.or_else(|| (parameters > 0).then(|| facts::size_label(parameters))),
        parameters,
        quant: quant::judge(&evidence, histogram, tensor_bytes),
        chat_template: parts.iter().any(|p| p.chat_template),
        n_tensors,
        tied_output: token_embd_bytes > 0 && !evidence.output,
        tensor_bytes,
        token_embd_bytes,
        data_offset: sum(|p| p.data_offset),
        unsupported,
        evidence,
        ..(*base).clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gguf::fixture::Gguf;
    use crate::gguf::read_bytes;

    fn facts(part: &Gguf) -> Facts {
        read_bytes(&part.build()).unwrap()
    }

    #[test]
    fn a_set_whose_first_part_is_metadata_alone_is_judged_by_what_the_others_hold() {
        let first = Gguf::new("qwen3moe").kv("qwen3moe.block_count", 2u32).kv("general.file_type", 18u32);
        let first =
            facts(&first.kv("tokenizer.ggml.tokens", vec!["a".to_owned()]).kv("tokenizer.chat_template", "{{x}}"));
        assert_eq!(first.kind, Kind::Vocab);
        let part = |no: u32| Gguf::bare().tensor(&format!("blk.{no}.ffn_up_exps.weight"), &[256, 32, 8], "Q6_K");
        let others = [facts(&part(0).tensor("token_embd.weight", &[256, 64], "Q6_K")), facts(&part(1))];
        let set = whole(&[&first, &others[0], &others[1]]).unwrap();
        assert_eq!((set.kind, set.n_tensors, set.parameters), (Kind::Generative, 3, 2 * 65_536 + 16_384));
        assert_eq!((set.quant.label.as_str(), set.quant.claimed.as_deref()), ("Q6_K", None));
        assert!(set.quant.bits_per_weight.is_some_and(|bits| (6.5..6.6).contains(&bits)));
        assert_eq!(set.tensor_bytes, others.iter().map(|f| f.tensor_bytes).sum::<u64>());
        assert!(set.chat_template && set.tied_output);
        assert_eq!(set.size_label.as_deref(), Some("147K"));
    }

    #[test]
    fn the_quantization_of_a_set_is_that_of_most_of_its_weights() {
        let first = Gguf::new("deepseek2").kv("general.file_type", 10u32).kv("general.size_label", "671B");
        let first = facts(&first.tensor("blk.0.attn_q.weight", &[256, 512], "Q8_0"));
        assert_eq!(first.quant.label, "Q8_0");
        let other = facts(&Gguf::bare().tensor("blk.1.ffn_up_exps.weight", &[256, 512, 8], "Q2_K"));
        let set = whole(&[&first, &other]).unwrap();
        assert_eq!((set.quant.label.as_str(), set.quant.claimed.as_deref()), ("Q2_K", None));
        assert!(set.quant.bits_per_weight.is_some_and(|bits| bits < 4.0));
        assert_eq!(set.size_label.as_deref(), Some("671B"));
        // A head that was split stays one: no part has the first block.
        let head = Gguf::new("qwen3next").tensor("blk.48.nextn.eh_proj.weight", &[256, 4], "F16");
        let rest = Gguf::bare().tensor("blk.48.attn_q.weight", &[256, 4], "F16");
        assert_eq!(whole(&[&facts(&head), &facts(&rest)]).unwrap().kind, Kind::Draft);
    }
}
