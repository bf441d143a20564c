//! What a command does before it acts on a trash: what an earlier run left half done is put in order, and told.

use super::Ctx;
use super::prune::{rescan, roots};
use crate::clock;
use crate::prune::trash::{self, Ending, Order, Recovered};
use crate::ui::text;
use std::collections::BTreeSet;
use std::path::Path;

/// Puts in order what a run left behind that did not come to its end.
pub(super) fn settle(ctx: &mut Ctx) -> anyhow::Result<()> {
    settle_but(ctx, &|_, _| false)
}

/// The same, but does not go on deleting what is `spared`, by its id and what was moved.
pub(super) fn settle_but(ctx: &mut Ctx, spared: &dyn Fn(&str, &Order) -> bool) -> anyhow::Result<()> {
    let roots = roots(ctx)?;
    let mut touched = BTreeSet::new();
    for (place, _) in super::trash::places(&roots, &mut ctx.ui) {
        let path = place.path().to_owned();
        let held = place.hold(clock::now()).map_err(trash::Fault::into_error)?;
        for recovered in trash::recover_but(&held, spared, &mut trash::go_on)? {
            ctx.ui.warn(&told(&path, &recovered));
            touched.extend(recovered.order.map(|order| (order.store, order.root)));
        }
    }
    if !touched.is_empty() {
        rescan(ctx, touched)?;
    }
    Ok(())
}

/// A sentence about what an earlier run left behind.
fn told(place: &Path, recovered: &Recovered) -> String {
    let name = recovered.order.as_ref().map_or(recovered.id.as_str(), |order| order.name.as_str());
    let (name, place) = (text::clean(name), text::path(place));
    match &recovered.ending {
        Ending::Undone => format!("an earlier run was ended while it took `{name}` away: it is back where it was"),
        Ending::Kept => format!(
            "an earlier run was ended while it took `{name}` away, and something else is in its place: what was taken is in `{place}`"
        ),
        Ending::Restored => format!("an earlier run was ended while it restored `{name}`: it is restored now"),
        Ending::NotRestored(why) => {
            format!("an earlier run was ended while it restored `{name}`, and it cannot go on: {why}")
        }
        Ending::Deleted(_) => format!("an earlier run was ended while it deleted `{name}`: it is deleted now"),
        Ending::Failed(why) => {
            format!("an earlier run left `{name}` half done, and that cannot be put in order: {why}")
        }
    }
}
