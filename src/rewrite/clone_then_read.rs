//! A copy that is only read; a reference to the original.

use super::{Draft, Recipe, borrow, file_of, holds, probe};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::{self, SourceFile, types};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("clone-then-read"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (original, copy, name) = (captured("source")?, captured("copy")?, captured("name")?);
    let expr = source::expr_at(file, original).ok_or("the copied place changed")?;
    let is_reference = matches!(types::type_of(file, expr), Some(syn::Type::Reference(_)));
    let insert = |at: u32| TextEdit { range: TextRange { start: at, end: at }, text: "&".to_owned() };
    let mut edits = vec![TextEdit { range: copy, text: String::new() }];
    if !is_reference {
        edits.push(insert(original.start));
    } else if file.slice(original) == file.slice(name) {
        edits = vec![without_statement(file, original)?];
    }
    let is_text = types::type_of(file, expr).and_then(|ty| types::head(types::strip(&ty))).as_deref() == Some("str");
    if let Some(ty) = finding.capture("type").filter(|ty| is_reference && is_text && file.slice(*ty) == "String") {
        edits.push(TextEdit { range: ty, text: "&str".to_owned() });
    } else if let Some(ty) = finding.capture("type") {
        if is_reference || !file.slice(copy).contains("clone") {
            return Err("the type of the copy is written out and differs from that of a reference".to_owned());
        }
        edits.push(insert(ty.start));
    }
    // A reference need not be borrowed again.
    for (_, whole) in finding.captures.iter().filter(|(capture, _)| *capture == "reference") {
        let end = whole.end - (name.end - name.start);
        edits.push(TextEdit { range: TextRange { start: whole.start, end }, text: String::new() });
    }
    let (shown, name) = (file.slice(original), file.slice(name));
    // A part is what the whole is.
    let probed = finding.capture("whole").unwrap_or(original);
    let mut preconditions = vec![
        holds(format!("`{name}` is only read, and nothing visible changes `{shown}` meanwhile")),
        probe(file, format!("cloning `{shown}` copies plain data"), probed, ProbeQuestion::PlainClone),
        borrow(format!("`{shown}` may be borrowed as long as `{name}` is used")),
    ];
    // Anything may have a method of that name that makes something else.
    if file.slice(copy).contains("to_vec") {
        let asked = format!("`{shown}` is a slice, an array or a `Vec`");
        preconditions.insert(1, probe(file, asked, probed, ProbeQuestion::IsSequence));
    }
    Ok(Draft {
        title: format!("borrow {shown} instead of copying it"),
        edits: vec![(file.path.clone(), edits)],
        preconditions,
        ..Draft::default()
    })
}

/// Takes a statement out up to the next one: `let key = key;` says nothing.
fn without_statement(file: &SourceFile, inside: TextRange) -> Result<TextEdit, String> {
    let (block, index) = source::stmt_around(file, inside).ok_or("the copy is no statement")?;
    let start = file.range(&block.stmts[index]).start;
    let next = block.stmts.get(index + 1).ok_or("nothing follows the copy")?;
    let range = TextRange { start, end: file.range(next).start };
    let gap = TextRange { start: file.range(&block.stmts[index]).end, end: range.end };
    if !file.slice(gap).trim().is_empty() {
        return Err("a comment follows the copy, whose line would go".to_owned());
    }
    Ok(TextEdit { range, text: String::new() })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "clone-then-read";

    #[test]
    fn a_part_of_a_text_is_lent() {
        check(
            RULE,
            "fn f(m: &M, raw: &str) -> bool {
    let key: String = raw.trim().to_owned(); // as it is asked for
    m.get(&key).is_some()
}
",
            "fn f(m: &M, raw: &str) -> bool {
    let key: &str = raw.trim(); // as it is asked for
    m.get(key).is_some()
}
",
        );
        check(
            RULE,
            "fn f(frame: &[u8]) -> u64 {
    let body = frame[8..].to_vec();
    sum(&body)
}
",
            "fn f(frame: &[u8]) -> u64 {
    let body = &frame[8..];
    sum(body)
}
",
        );
    }

    #[test]
    fn the_name_becomes_a_reference_and_is_not_borrowed_again() {
        check(
            RULE,
            "fn f(order: &Order, rule: &Rule) -> u64 {
    // All of them.
    let lines = order.items.to_vec(); // by line
    println!(\"{lines:?}\");
    amount(&lines, rule) + lines.len() as u64
}
",
            "fn f(order: &Order, rule: &Rule) -> u64 {
    // All of them.
    let lines = &order.items; // by line
    println!(\"{lines:?}\");
    amount(lines, rule) + lines.len() as u64
}
",
        );
    }

    #[test]
    fn a_reference_stays_one_and_a_written_type_follows() {
        check(
            RULE,
            "fn f(key: &str) {
    let own = key.to_owned();
    g(&own);
}
",
            "fn f(key: &str) {
    let own = key;
    g(own);
}
",
        );
        check(
            RULE,
            "fn f(key: &str) {
    let key = key.to_owned();
    g(&key);
}
",
            "fn f(key: &str) {
    g(key);
}
",
        );
        check(
            RULE,
            "fn f(request: &Request) {
    let name: String = request.name.clone();
    g(&name);
}
",
            "fn f(request: &Request) {
    let name: &String = &request.name;
    g(name);
}
",
        );
    }

    #[test]
    fn a_written_type_that_differs_is_refused() {
        check_refuses(
            RULE,
            "fn f(key: &[u8]) { let own: Vec<u8> = key.to_vec(); g(&own); }",
            "the type of the copy is written out and differs from that of a reference",
        );
    }
}
