//! Processes of one server.

use super::ModelServer;
use crate::node::process::Parents;

/// Adds what a process holds to the server that started it: vLLM has a process for its port and one for its GPU. A server
/// that starts servers of other models stays beside them.
pub(super) fn merged(mut all: Vec<ModelServer>, parents: &Parents) -> Vec<ModelServer> {
    let belongs = |child: &ModelServer, parent: &ModelServer| {
        child.program == parent.program && (child.model_name.is_none() || child.model_name == parent.model_name)
    };
    // Children last: their numbers are mostly higher, but the relation decides.
    let mut index = 0;
    while let Some(child) = all.get(index) {
        let above: Vec<u32> = parents.above(child.pid).collect();
        let parent =
            above.iter().find_map(|pid| all.iter().position(|other| other.pid == *pid && belongs(child, other)));
        let Some(parent) = parent else {
            index = index.saturating_add(1);
            continue;
        };
        let child = all.remove(index);
        // The place of the parent has moved where the child stood before it.
        let place = if parent > index { parent.saturating_sub(1) } else { parent };
        if let Some(parent) = all.get_mut(place) {
            add(parent, child);
        }
    }
    all
}

fn add(parent: &mut ModelServer, child: ModelServer) {
    for bytes in child.bytes {
        match parent.bytes.iter_mut().find(|known| known.device == bytes.device) {
            Some(known) => known.bytes = known.bytes.saturating_add(bytes.bytes),
            None => parent.bytes.push(bytes),
        }
    }
    for how in child.known_by {
        if !parent.known_by.contains(&how) {
            parent.known_by.push(how);
        }
    }
    parent.address = parent.address.or(child.address);
    parent.model = parent.model.take().or(child.model);
    parent.model_name = parent.model_name.take().or(child.model_name);
}
