//! A map that is asked before an insertion in; the same map through `entry` out.

use super::contains_then_get::one_of;
use super::{Draft, Recipe, borrow, file_of, hoist, holds, place, probe, short, std_types};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, Template, expr_at, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("insert-if-missing"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (map, value, whole) = (captured("map")?, captured("inserted")?, captured("whole")?);
    let is_copied = finding.capture("copied").is_some() && finding.capture("spent").is_none();
    let again = again(finding);
    if is_copied && again.is_none() {
        return Err("the key would be copied on every call, not only where it is missing".to_owned());
    }
    if !lexer::comments(file.slice(whole)).is_empty() || file.slice(value).contains('\n') {
        return Err("the insertion spans lines, or a comment stands in it".to_owned());
    }
    let shown = file.on_one_line(map);
    let expr = expr_at(file, value).ok_or("the value changed")?;
    let key = finding.capture("spent").unwrap_or(captured("key")?);
    let entry = format!("{shown}.entry({}).{}", file.on_one_line(key), made(file, expr));
    let gone = TextEdit { range: hoist::whole_lines(file, whole), text: String::new() };
    let edits = match again {
        None => vec![TextEdit { range: whole, text: format!("{entry};") }],
        Some(again) if is_copied => looked_first(file, finding, &again, &shown, &entry)?,
        Some(again) => vec![gone, TextEdit { range: again.range, text: again.of(&entry, finding) }],
    };
    let mut preconditions = vec![
        holds("the same key of the same map is asked for and inserted, and the value does not look at the map"),
        std_types::is_one(file, map, &std_types::MAP),
        borrow("the key may be given to the entry"),
    ];
    if let Some(spent) = finding.capture("spent") {
        let what = format!("`{}` is plain data, so that it may be moved instead of cloned", file.on_one_line(spent));
        preconditions.push(probe(file, what, spent, ProbeQuestion::PlainClone));
    }
    Ok(Draft {
        title: format!("look once into {shown} in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions,
        ..Draft::default()
    })
}

/// The look-up on the next line.
struct Again {
    range: TextRange,
    how: &'static str,
    is_read: bool,
}

fn again(finding: &Finding) -> Option<Again> {
    let hows = ["reference", "value", "value in brackets"];
    let (how, range) = hows.into_iter().find_map(|how| Some((how, finding.capture(how)?)))?;
    Some(Again { range, how, is_read: finding.capture("get").is_some() })
}

impl Again {
    /// What stands in its place, where `text` is a mutable reference to the value.
    fn of(&self, text: &str, finding: &Finding) -> String {
        match self.how {
            "value" => format!("*{text}"),
            "value in brackets" => format!("(*{text})"),
            // A name that is only read shall not keep the map from being read.
            _ if self.is_read && finding.capture("statement").is_some() => format!("&*{text}"),
            _ => text.to_owned(),
        }
    }
}

/// Looks first and inserts where nothing is found, so that the key is copied only there.
fn looked_first(
    file: &SourceFile,
    finding: &Finding,
    again: &Again,
    shown: &str,
    entry: &str,
) -> Result<Vec<TextEdit>, String> {
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (asked, whole) = (file.on_one_line(captured("asked")?), captured("whole")?);
    let name = place::fresh_name(file, finding.range, &one_of(shown));
    let (get, found) = if again.is_read { ("get", "&*") } else { ("get_mut", "") };
    let text = format!("match {shown}.{get}({asked}) {{\n    Some({name}) => {name},\n    None => {found}{entry},\n}}");
    if finding.capture("statement").is_some() && again.how == "reference" {
        let mut edits = Template::new(file, again.range).text(text).edits();
        edits.push(TextEdit { range: hoist::whole_lines(file, whole), text: String::new() });
        return Ok(edits);
    }
    let mut edits = Template::new(file, whole).text(format!("let {name} = {text};")).edits();
    let used = Again { range: again.range, how: again.how, is_read: false };
    edits.push(TextEdit { range: again.range, text: used.of(&name, finding) });
    Ok(edits)
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
    fn a_key_that_is_copied_is_looked_for_first() {
        check(
            RULE,
            "fn f(history: &mut BTreeMap<String, Vec<u8>>, day: &str, x: u8) {
    // Its day.
    if history.get(day).is_none() {
        history.insert(day.to_string(), Vec::new());
    }
    // At its end.
    history.get_mut(day).unwrap().push(x);
}
",
            "fn f(history: &mut BTreeMap<String, Vec<u8>>, day: &str, x: u8) {
    // Its day.
    let entry = match history.get_mut(day) {
        Some(entry) => entry,
        None => history.entry(day.to_string()).or_insert_with(Vec::new),
    };
    // At its end.
    entry.push(x);
}
",
        );
        check(
            RULE,
            "fn f(rates: &mut HashMap<String, u8>, pair: &str) {
    if !rates.contains_key(pair) {
        rates.insert(pair.to_owned(), load(pair));
    }
    let found = rates.get(pair).unwrap();
    g(found);
}
",
            "fn f(rates: &mut HashMap<String, u8>, pair: &str) {
    let found = match rates.get(pair) {
        Some(rate) => rate,
        None => &*rates.entry(pair.to_owned()).or_insert_with(|| load(pair)),
    };
    g(found);
}
",
        );
    }

    #[test]
    fn a_key_that_is_not_needed_any_more_is_moved() {
        check(
            RULE,
            "fn f(rooms: &mut BTreeMap<String, Vec<u8>>, room: &str) -> usize {
    let key: String = room.trim().to_string();
    if !rooms.contains_key(&key) {
        rooms.insert(key.clone(), Vec::new());
    }
    let members = rooms.get_mut(&key).unwrap();
    members.len()
}
",
            "fn f(rooms: &mut BTreeMap<String, Vec<u8>>, room: &str) -> usize {
    let key: String = room.trim().to_string();
    let members = rooms.entry(key).or_insert_with(Vec::new);
    members.len()
}
",
        );
    }

    #[test]
    fn a_value_that_is_read_behind_is_read_from_the_entry() {
        check(
            RULE,
            "fn f(m: &mut HashMap<u8, u64>, k: u8) -> u64 {
    if !m.contains_key(&k) {
        m.insert(k, 1);
    }
    m[&k] + 1
}
",
            "fn f(m: &mut HashMap<u8, u64>, k: u8) -> u64 {
    *m.entry(k).or_insert(1) + 1
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
