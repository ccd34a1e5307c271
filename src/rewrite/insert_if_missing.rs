//! A map that is asked before an insertion in; the same map through `entry` out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, short, std_types};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, expr_at, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("insert-if-missing"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (map, key, value, whole) = (captured("map")?, captured("key")?, captured("value")?, captured("whole")?);
    if finding.capture("copied").is_some() {
        return Err("the key would be copied on every call, not only where it is missing".to_owned());
    }
    if !lexer::comments(file.slice(whole)).is_empty() || file.slice(value).contains('\n') {
        return Err("the insertion spans lines, or a comment stands in it".to_owned());
    }
    let shown = file.on_one_line(map);
    let expr = expr_at(file, value).ok_or("the value changed")?;
    let entry = format!("{shown}.entry({}).{}", file.on_one_line(key), made(file, expr));
    let edits = match finding.capture("again") {
        Some(again) => vec![
            TextEdit { range: hoist::whole_lines(file, whole), text: String::new() },
            TextEdit { range: again, text: entry },
        ],
        None => vec![TextEdit { range: whole, text: format!("{entry};") }],
    };
    Ok(Draft {
        title: format!("look once into {shown} in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the same key of the same map is asked for and inserted, and the value does not look at the map"),
            std_types::is_one(file, map, &std_types::MAP),
            borrow("the key may be given to the entry"),
        ],
        ..Draft::default()
    })
}

/// What makes the value only where the key is missing.
fn made(file: &SourceFile, value: &syn::Expr) -> String {
    let text = file.text_of(value);
    match value {
        syn::Expr::Lit(_) => format!("or_insert({text})"),
        syn::Expr::Call(call) if call.args.is_empty() => format!("or_insert_with({})", file.text_of(&*call.func)),
        syn::Expr::Macro(m) if m.mac.path.is_ident("vec") && m.mac.tokens.is_empty() => {
            "or_insert_with(Vec::new)".to_owned()
        }
        syn::Expr::Struct(_) | syn::Expr::Block(_) | syn::Expr::If(_) | syn::Expr::Match(_) => {
            format!("or_insert_with(|| {{ {text} }})")
        }
        _ => format!("or_insert_with(|| {text})"),
    }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "insert-if-missing";

    #[test]
    fn the_entry_is_made_and_used_at_once() {
        check(
            RULE,
            "fn f(by_id: &mut HashMap<u64, Vec<u8>>, id: u64) {
    // Known from here on.
    if !by_id.contains_key(&id) {
        by_id.insert(id, Vec::new());
    }
    by_id.get_mut(&id).unwrap().push(1); // once
}
",
            "fn f(by_id: &mut HashMap<u64, Vec<u8>>, id: u64) {
    // Known from here on.
    by_id.entry(id).or_insert_with(Vec::new).push(1); // once
}
",
        );
    }

    #[test]
    fn an_insertion_alone_becomes_an_entry() {
        check(
            RULE,
            "fn f(counts: &mut BTreeMap<u8, u8>, n: &u8) {
    if !counts.contains_key(n) {
        counts.insert(*n, n + 1);
    }
}
",
            "fn f(counts: &mut BTreeMap<u8, u8>, n: &u8) {
    counts.entry(*n).or_insert_with(|| n + 1);
}
",
        );
    }

    #[test]
    fn a_key_that_is_copied_for_the_insertion_refuses() {
        check_refuses(
            RULE,
            "fn f(m: &mut HashMap<String, u8>, k: &str) { if !m.contains_key(k) { m.insert(k.to_string(), 1); } }",
            "the key would be copied on every call, not only where it is missing",
        );
    }
}
