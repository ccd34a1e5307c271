//! A pattern that each round compiles in; one that the first round to need it compiles, out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short};
use crate::model::{Finding, RuleId};
use crate::source::{SourceFile, Template, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("pattern-in-loop"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let before = finding.capture("before").ok_or("the loop is gone")?;
    let base = finding.capture("name").map_or("pattern", |name| file.slice(name));
    if !lexer::comments(file.slice(finding.range)).is_empty() {
        return Err("a comment stands inside the call".to_owned());
    }
    let once = place::fresh_name(file, before, &format!("{}_once", base.trim_start_matches("r#")));
    let new = Template::new(file, finding.range);
    let (kept, new) = match finding.capture("question") {
        Some(_) => {
            let new = new.text(format!("match &{once} {{\n    Some(made) => made,\n    None => &*{once}.insert("));
            (format!("let mut {once} = None;"), new.keep_moved(finding.range, 1).text("),\n}"))
        }
        None => {
            place::require_rust(file, 70, "`OnceCell`")?;
            let new = new.text(format!("{once}.get_or_init(|| ")).keep(finding.range).text(")");
            (format!("let {once} = std::cell::OnceCell::new();"), new)
        }
    };
    let mut edits = place::insert_before(file, before, &kept);
    edits.extend(new.edits());
    Ok(Draft {
        title: format!("compile {base} once instead of in each round of {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("nothing that the pattern is made of changes in the loop"),
            holds("it is compiled by the first round that needs it: a loop without rounds fails as little as before"),
            borrow("the compiled value is only looked at, and what is lent from it does not outlive the loop"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "pattern-in-loop";

    #[test]
    fn the_first_round_compiles() {
        check(
            RULE,
            "use regex::Regex;
fn f(filter: &Filter, lines: &[String]) -> usize {
    let mut hits = 0;
    // All lines.
    for line in lines {
        if line.is_empty() {
            continue;
        }
        let re = Regex::new(&filter.pattern).unwrap(); // checked before
        if re.is_match(line) {
            hits += 1;
        }
    }
    hits
}
",
            "use regex::Regex;
fn f(filter: &Filter, lines: &[String]) -> usize {
    let mut hits = 0;
    let re_once = std::cell::OnceCell::new();
    // All lines.
    for line in lines {
        if line.is_empty() {
            continue;
        }
        let re = re_once.get_or_init(|| Regex::new(&filter.pattern).unwrap()); // checked before
        if re.is_match(line) {
            hits += 1;
        }
    }
    hits
}
",
        );
    }

    #[test]
    fn an_error_is_returned_by_the_round_that_meets_it() {
        check(
            RULE,
            "use regex::Regex;
fn f(pattern: &str, lines: &[String]) -> Result<usize, regex::Error> {
    let mut hits = 0;
    for line in lines {
        let re = Regex::new(pattern)?;
        hits += re.find_iter(line).count();
    }
    Ok(hits)
}
",
            "use regex::Regex;
fn f(pattern: &str, lines: &[String]) -> Result<usize, regex::Error> {
    let mut hits = 0;
    let mut re_once = None;
    for line in lines {
        let re = match &re_once {
            Some(made) => made,
            None => &*re_once.insert(Regex::new(pattern)?),
        };
        hits += re.find_iter(line).count();
    }
    Ok(hits)
}
",
        );
    }

    #[test]
    fn a_comment_in_the_call_is_refused() {
        check_refuses(
            RULE,
            "use regex::Regex; fn f(p: &str, xs: &[S]) { for x in xs { let re = Regex::new(p /* a */).unwrap(); g(re.is_match(x)); } }",
            "a comment stands inside the call",
        );
    }
}
