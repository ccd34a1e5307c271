//! What a memory profile allocated where in; blocks and bytes of the rows that own it out.

use super::owners::{Owners, StackOwner};
use super::sampled::{Key, Rows};
use crate::model::{Problem, Profile};

/// Adds every allocation to the row that owns its stack, as time is owned.
pub fn add(profile: &Profile, owners: &Owners, rows: &mut Rows) {
    for allocated in &profile.allocated {
        let key = match owners.of(allocated.leaf) {
            StackOwner::Item { item, .. } => Key::Item(item),
            StackOwner::Label(label) => {
                let (kind, name) = &owners.labels[label as usize];
                Key::Named(*kind, name.clone())
            }
        };
        let row = rows.id(key);
        let cost = rows.cost(row);
        cost.blocks += allocated.blocks as f64;
        cost.bytes += allocated.bytes as f64;
    }
}

/// Over how many requests allocations are averaged; 0 for the whole recording, `None` without a memory profile.
pub fn requests(profile: &Profile) -> Option<u64> {
    (!profile.allocated.is_empty()).then_some(profile.requests.len() as u64)
}

/// What the mean per request takes for granted.
pub fn assumption(profile: &Profile) -> Option<Problem> {
    let requests = requests(profile).filter(|n| *n > 0)?;
    let what = format!("allocations per request are those of the memory profile over {requests} requests");
    Some(Problem::note(what).help("record the memory profile under the same load as the requests"))
}
