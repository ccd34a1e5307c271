//! The functions of all files in; the same with an id of their own each out.

use std::collections::{HashMap, HashSet};

use crate::model::{FunctionId, Item};

/// The functions in the order given; a second one of an id gets a `#2` behind it, a third a `#3`.
pub fn told_apart(items: impl IntoIterator<Item = Item>) -> Vec<Item> {
    let mut items: Vec<Item> = items.into_iter().collect();
    let mut counts: HashMap<&str, u32> = HashMap::with_capacity(items.len());
    let doubles: Vec<usize> = items
        .iter()
        .enumerate()
        .filter(|(_, item)| {
            let count = counts.entry(&item.id.0).or_default();
            *count += 1;
            *count > 1
        })
        .map(|(at, _)| at)
        .collect();
    if doubles.is_empty() {
        return items;
    }
    let mut taken: HashSet<FunctionId> = counts.into_keys().map(|id| FunctionId(id.to_owned())).collect();
    for at in doubles {
        let numbered = |n: u32| FunctionId(format!("{}#{n}", items[at].id));
        let free = (2..).map(numbered).find(|id| !taken.contains(id)).expect("numbers do not end");
        taken.insert(free.clone());
        items[at].id = free;
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_numbered_in_their_order() {
        let item = |id: &str| Item { id: FunctionId(id.into()), ..Item::default() };
        let found = told_apart(["a", "b", "a", "a#2", "a", "c"].map(item));
        let found: Vec<&str> = found.iter().map(|item| item.id.0.as_str()).collect();
        assert_eq!(found, ["a", "b", "a#3", "a#2", "a#4", "c"]);
    }
}
