//! A key that is looked up again and again in; one look-up with a name out.

use super::contains_then_get::{named, one_of};
use super::{Draft, Recipe, borrow, file_of, holds, place, short, std_types};
use crate::model::{Finding, RuleId};
use crate::source::SourceFile;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("looked-up-again"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let map = finding.capture("map").ok_or("the finding has no \"map\"")?;
    let shown = file.on_one_line(map);
    let edits = match (finding.capture("named"), finding.capture("before"), finding.capture("first")) {
        (Some(name), _, _) => named(finding, file.slice(name)),
        (None, Some(before), Some(first)) => {
            let name = place::fresh_name(file, finding.range, &one_of(&shown));
            let text = file.slice(first);
            if text.contains('\n') {
                return Err("the look-up spans lines".to_owned());
            }
            let lent = if text.ends_with(']') { "&" } else { "" };
            let mut edits = place::insert_before(file, before, &format!("let {name} = {lent}{text};"));
            edits.extend(named(finding, &name));
            edits
        }
        _ => return Err("the finding has no place for the name".to_owned()),
    };
    Ok(Draft {
        title: format!("look once into {shown} in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the same key of the same map is looked up, and nothing visible changes them in between"),
            std_types::is_one(file, map, &std_types::MAP),
            borrow(format!("`{shown}` may be borrowed from the first look-up to the last")),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "looked-up-again";

    #[test]
    fn the_name_that_is_there_serves_for_an_index_too() {
        let head = "fn f(parents: &HashMap<String, Vec<String>>, name: &str) -> usize {\n    // Known ones.\n";
        check(
            RULE,
            &format!("{head}    let own = &parents[name];\n    own.len() + parents[name].iter().count()\n}}\n"),
            &format!("{head}    let own = &parents[name];\n    own.len() + own.iter().count()\n}}\n"),
        );
    }

    #[test]
    fn what_is_found_gets_a_name() {
        check(
            RULE,
            "impl S {
    fn f(&self, sku: &str) -> Option<f64> {
        // Both of one level.
        let on_hand = self.levels.get(sku)?.on_hand; // here
        let reserved = self.levels.get(sku)?.reserved;
        Some(reserved / on_hand)
    }
}
",
            "impl S {
    fn f(&self, sku: &str) -> Option<f64> {
        let level = self.levels.get(sku)?;
        // Both of one level.
        let on_hand = level.on_hand; // here
        let reserved = level.reserved;
        Some(reserved / on_hand)
    }
}
",
        );
        check(
            RULE,
            "fn f(rates: &HashMap<String, u64>, k: &str) -> u64 {
    let low = rates[k] - 1;
    low + rates[k].count_ones() as u64
}
",
            "fn f(rates: &HashMap<String, u64>, k: &str) -> u64 {
    let rate = &rates[k];
    let low = *rate - 1;
    low + rate.count_ones() as u64
}
",
        );
    }

    #[test]
    fn a_name_that_is_there_is_used() {
        check(
            RULE,
            "fn f(m: &HashMap<u8, L>, k: u8) -> u8 {
    let l = m.get(&k).unwrap();
    g(l);
    m.get(&k).unwrap().b
}
",
            "fn f(m: &HashMap<u8, L>, k: u8) -> u8 {
    let l = m.get(&k).unwrap();
    g(l);
    l.b
}
",
        );
    }

    #[test]
    fn a_comment_in_a_look_up_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(m: &HashMap<u8, L>, k: u8) -> u8 { let a = m.get(&k).unwrap().a; a + m.get(/* again */ &k).unwrap().b }",
            "the comment \"/* again */\" would be lost (line 1)",
        );
    }
}
