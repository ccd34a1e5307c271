//! A copy at the last use of a local; the local itself.

use super::{Draft, Recipe, borrow, file_of, holds, probe};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::{self, Node, SourceFile};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("clone-at-last-use"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (value, copy) = (captured("value")?, captured("copy")?);
    let text = if finding.capture("bytes").is_some() { ".into_bytes()" } else { "" };
    let mut edits = vec![TextEdit { range: copy, text: text.to_owned() }];
    // `key: key` would be written `key`.
    if let Some(label) = label_of_same_name(file, finding.range, value) {
        edits.push(TextEdit { range: label, text: String::new() });
    }
    let shown = file.slice(value);
    Ok(Draft {
        title: format!("give {shown} away at its last use instead of a copy"),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{shown}` is a local of this function and not used afterwards on any path")),
            match text {
                // Nothing but a text of std, or what is one in a wrapper, gives its bytes away by that name.
                ".into_bytes()" => borrow(format!("`{shown}` gives its bytes away, as a `String` does")),
                _ => probe(file, format!("cloning `{shown}` copies plain data"), value, ProbeQuestion::PlainClone),
            },
            borrow(format!("`{shown}` is owned and may be moved here")),
        ],
        ..Draft::default()
    })
}

/// `key: ` of the field `key: key.clone()`.
fn label_of_same_name(file: &SourceFile, site: TextRange, value: TextRange) -> Option<TextRange> {
    source::path_to(file, site).into_iter().rev().find_map(|node| match node {
        Node::Expr(syn::Expr::Struct(literal)) => literal.fields.iter().find_map(|field| {
            let is_it = file.range(&field.expr) == site && file.text_of(&field.member) == file.slice(value);
            let start = file.range(&field.member).start;
            (is_it && field.colon_token.is_some()).then_some(TextRange { start, end: value.start })
        }),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "clone-at-last-use";

    #[test]
    fn the_value_itself_is_given_away() {
        check(
            RULE,
            "async fn f(a: &Acquirer) {
    let question = Question { amount: 1 };
    a.ask(question.clone()).await; // once
}
",
            "async fn f(a: &Acquirer) {
    let question = Question { amount: 1 };
    a.ask(question).await; // once
}
",
        );
    }

    #[test]
    fn a_field_of_the_same_name_is_written_short() {
        check(
            RULE,
            "fn f(key: String) -> Entry {
    Entry { key: key.clone(), count: 1 }
}
",
            "fn f(key: String) -> Entry {
    Entry { key, count: 1 }
}
",
        );
        check(
            RULE,
            "fn f(text: String) -> Entry {
    Entry { body: text.clone(), count: 1 }
}
",
            "fn f(text: String) -> Entry {
    Entry { body: text, count: 1 }
}
",
        );
    }

    #[test]
    fn a_text_gives_its_bytes_and_a_struct_its_fields_away() {
        check(
            RULE,
            "fn f(text: String) -> Response {
    Response { status: 200, body: text.as_bytes().to_vec() }
}
",
            "fn f(text: String) -> Response {
    Response { status: 200, body: text.into_bytes() }
}
",
        );
        check(
            RULE,
            "struct Batch {
    lines: Vec<String>,
}
fn f(batch: Batch, all: &mut Vec<String>) {
    all.extend(batch.lines.iter().cloned()); // all
}
",
            "struct Batch {
    lines: Vec<String>,
}
fn f(batch: Batch, all: &mut Vec<String>) {
    all.extend(batch.lines); // all
}
",
        );
    }

    #[test]
    fn a_comment_in_the_copy_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(s: String) { g(s /* why */ .clone()); }",
            "the comment \"/* why */\" would be lost (line 1)",
        );
    }
}
