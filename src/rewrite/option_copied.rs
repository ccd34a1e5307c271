//! An option that is copied only to be read in; the option read where it stands out.

use super::{Draft, Recipe, borrow, file_of, holds, probe, short, std_types};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::SourceFile;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("option-copied-to-read"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (option, copy, plain) = (captured("option")?, captured("copy")?, captured("plain")?);
    let has = |name| finding.capture(name).is_some();
    let instead = match () {
        () if has("as_deref") => ".as_deref()",
        () if has("as_ref") => ".as_ref()",
        () if has("as_str") => ".map(String::as_str)",
        () if has("as_slice") => ".map(Vec::as_slice)",
        () => "",
    };
    let mut edits = vec![TextEdit { range: copy, text: instead.to_owned() }];
    if copy.end < finding.range.end {
        let range = TextRange { start: copy.end, end: finding.range.end };
        let text = match finding.capture("literal") {
            Some(literal) => format!(".unwrap_or({})", file.slice(literal)),
            None => ".unwrap_or_default()".to_owned(),
        };
        // A call on a line of its own stays there.
        let kept = file.slice(range).len() - file.slice(range).trim_start().len();
        let range = TextRange { start: range.start + kept as u32, ..range };
        if file.slice(range) != text {
            edits.push(TextEdit { range, text });
        }
    }
    if has("lent") {
        let at = TextRange { start: option.start, end: option.start };
        edits.push(TextEdit { range: at, text: "&".to_owned() });
    }
    for (_, range) in finding.captures.iter().filter(|(name, _)| *name == "reference") {
        edits.push(TextEdit { range: *range, text: String::new() });
    }
    let (shown, whole) = (file.on_one_line(option), file.on_one_line(plain));
    Ok(Draft {
        title: format!("read what is in {shown} instead of a copy in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("what is copied is only read"),
            match plain == option {
                true => std_types::is_one(file, option, &std_types::OPTION),
                false => std_types::is_one(file, plain, &std_types::KEYED),
            },
            probe(file, format!("cloning what is in `{whole}` copies plain data"), plain, ProbeQuestion::PlainClone),
            borrow(format!("`{whole}` may be borrowed as long as it is read")),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "option-copied-to-read";

    #[test]
    fn what_is_in_the_option_is_read_where_it_stands() {
        check(
            RULE,
            "struct S {
    note: Option<String>,
}
impl S {
    fn length(&self) -> usize {
        // Without blanks.
        self.note.clone().unwrap_or_default().trim().len() // in bytes
    }
}
",
            "struct S {
    note: Option<String>,
}
impl S {
    fn length(&self) -> usize {
        // Without blanks.
        self.note.as_deref().unwrap_or_default().trim().len() // in bytes
    }
}
",
        );
        check(
            RULE,
            "fn f(name: &Option<String>) -> bool {
    name.clone().unwrap_or_else(|| \"none\".to_string()).starts_with('n')
}
",
            "fn f(name: &Option<String>) -> bool {
    name.as_deref().unwrap_or(\"none\").starts_with('n')
}
",
        );
    }

    #[test]
    fn what_a_look_up_gives_is_read() {
        check(
            RULE,
            "fn f(by: &HashMap<String, Vec<u64>>, k: &str) -> Option<u64> {
    let ids = by.get(k).cloned().unwrap_or_default();
    log(&ids);
    ids.iter().copied().max()
}
",
            "fn f(by: &HashMap<String, Vec<u64>>, k: &str) -> Option<u64> {
    let ids = by.get(k).map(Vec::as_slice).unwrap_or_default();
    log(ids);
    ids.iter().copied().max()
}
",
        );
    }

    #[test]
    fn a_closure_or_a_pattern_gets_a_reference() {
        check(
            RULE,
            "fn f(note: Option<String>) -> usize {
    note.clone().map_or(0, |n| n.len())
}
",
            "fn f(note: Option<String>) -> usize {
    note.as_ref().map_or(0, |n| n.len())
}
",
        );
        check(
            RULE,
            "struct S {
    note: Option<String>,
}
fn f(s: &S) {
    if let Some(n) = s.note.clone() {
        println!(\"{n}\");
    }
}
",
            "struct S {
    note: Option<String>,
}
fn f(s: &S) {
    if let Some(n) = &s.note {
        println!(\"{n}\");
    }
}
",
        );
    }

    #[test]
    fn a_comment_in_the_copy_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(n: &Option<String>) -> bool { n /* all */ .clone().is_some() }",
            "the comment \"/* all */\" would be lost (line 1)",
        );
    }
}
