//! A copy that is compared or asked in; the original compared or asked out.

use super::{Draft, Recipe, borrow, file_of, holds, probe, short, std_types};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::SourceFile;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("copy-to-read"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let ranges = |name: &'static str| finding.captures.iter().filter(move |(n, _)| *n == name).map(|(_, r)| *r);
    let mut edits: Vec<TextEdit> = ranges("copy").map(|range| TextEdit { range, text: String::new() }).collect();
    let mut preconditions = vec![holds("the copy lives for one comparison or one question")];
    for place in ranges("place") {
        let stars = ranges("deref").filter(|other| *other == place).count();
        if stars > 0 {
            edits.push(TextEdit { range: TextRange { start: place.start, end: place.start }, text: "*".repeat(stars) });
        }
        let shown = file.on_one_line(place);
        preconditions.push(std_types::is_one(file, place, &std_types::WALKED));
        preconditions.push(probe(
            file,
            format!("cloning `{shown}` copies plain data"),
            place,
            ProbeQuestion::PlainClone,
        ));
    }
    for whole in ranges("whole") {
        let what = format!("cloning `{}` copies plain data", file.on_one_line(whole));
        preconditions.push(probe(file, what, whole, ProbeQuestion::PlainClone));
    }
    edits.extend(ranges("kept").map(|range| TextEdit { range, text: ".clone()".to_owned() }));
    preconditions.push(borrow("the original may be looked at where the copy was, and compares as the copy did"));
    Ok(Draft {
        title: format!("look at the original instead of a copy in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions,
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "copy-to-read";

    #[test]
    fn the_originals_are_compared() {
        check(
            RULE,
            "fn f(a: &str, b: &String) -> bool {\n    // By name.\n    a.to_owned() != b.to_string() // both\n}\n",
            "fn f(a: &str, b: &String) -> bool {\n    // By name.\n    a != *b // both\n}\n",
        );
    }

    #[test]
    fn a_text_that_is_lent_serves_as_well() {
        check(
            RULE,
            "fn f(packet: &[u8]) -> bool {\n    let text = String::from_utf8_lossy(packet).to_string(); // as it is\n    let word = text.split(' ').next().unwrap_or(\"\");\n    word == \"PING\"\n}\n",
            "fn f(packet: &[u8]) -> bool {\n    let text = String::from_utf8_lossy(packet); // as it is\n    let word = text.split(' ').next().unwrap_or(\"\");\n    word == \"PING\"\n}\n",
        );
    }

    #[test]
    fn the_original_is_asked() {
        check(
            RULE,
            "fn f(xs: &Vec<u64>) -> u64 {\n    xs.clone().iter().sum()\n}\n",
            "fn f(xs: &Vec<u64>) -> u64 {\n    xs.iter().sum()\n}\n",
        );
    }

    #[test]
    fn a_part_is_taken_of_the_original() {
        check(
            RULE,
            "struct User {
    name: String,
}
fn f(user: &User) -> String {
    let name = user.clone().name; // alone
    format!(\"<{name}>\")
}
",
            "struct User {
    name: String,
}
fn f(user: &User) -> String {
    let name = user.name.clone(); // alone
    format!(\"<{name}>\")
}
",
        );
        check(
            RULE,
            "fn f(name: &str, n: u8) -> String {
    format!(\"{}-{n}\", name.to_string())
}
",
            "fn f(name: &str, n: u8) -> String {
    format!(\"{}-{n}\", name)
}
",
        );
    }

    #[test]
    fn a_comment_in_the_copy_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(xs: &[u8]) -> usize { xs /* all */ .to_vec().len() }",
            "the comment \"/* all */\" would be lost (line 1)",
        );
    }
}
