//! A constant text parsed on each call in; a static that parses it once out.

use super::lazy_regex::{free_name, is_local, preconditions, static_head};
use super::{Draft, Recipe, file_of, place, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::functions::functions;
use crate::source::names::screaming;
use crate::source::parsed::{Parsed, borrows, parsed};
use crate::source::usage::{How, Use};
use crate::source::{SourceFile, Template, types};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("constant-parsed"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    place::require_rust(file, 80, "`LazyLock`")?;
    let all = functions(file);
    let mut found = all.iter().flat_map(|function| parsed(file, function).into_iter().map(move |p| (function, p)));
    let (function, parsed) = found
        .find(|(_, parsed)| file.range(parsed.local) == finding.range)
        .ok_or("the text is no longer parsed where it was found")?;
    let ty = written(file, &parsed);
    if is_local(function, &ty) || borrows(&parsed.ty) {
        return Err(format!("the type of `{}` speaks of what only the function knows: `{ty}`", parsed.name));
    }
    let value = file.range(parsed.value);
    let name = free_name(file, finding.range, &screaming(&parsed.name.to_string()));
    let head = |value: &str| static_head(file, finding.range, &name, &ty, value);
    let template = Template::new(file, finding.range);
    let mut edits = if file.slice(value).contains('\n') {
        template.text(format!("{}{{\n    ", head("\n"))).keep_moved(value, 1).text("\n});").edits()
    } else {
        // Without the `let` nothing else says which type is parsed, but the static does.
        template.text(head(file.slice(value))).keep(value).text(");").edits()
    };
    for used in &parsed.uses {
        edits.extend(renamed(files, file, &parsed, used, &name)?);
    }
    Ok(Draft {
        title: format!("parse {} of {} once", parsed.name, short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        touched: vec![finding.function.clone()],
        preconditions: preconditions(file, "the text is a constant, and nothing changes what is parsed from it"),
        ..Draft::default()
    })
}

/// The type as the file writes it; that of a path is its own text.
fn written(file: &SourceFile, parsed: &Parsed<'_>) -> String {
    match &parsed.local.pat {
        syn::Pat::Type(typed) => file.text_of(&*typed.ty).to_owned(),
        _ => quote::ToTokens::to_token_stream(&parsed.ty).to_string().replace(' ', ""),
    }
}

/// The static's name instead of the local's; a part that was moved out is cloned.
fn renamed(
    files: &[SourceFile],
    file: &SourceFile,
    parsed: &Parsed<'_>,
    used: &Use,
    name: &str,
) -> Result<Vec<TextEdit>, String> {
    let is_lent = used.is_bare && used.how == How::Read;
    let text = if is_lent { format!("*{name}") } else { name.to_owned() };
    let mut edits = vec![TextEdit { range: used.name, text }];
    if used.is_bare && used.how == How::Method("into_iter".to_owned()) {
        let call = TextRange { start: used.place.end, end: used.whole.end };
        let at = file.slice(call).find("into_iter").ok_or("the elements are not taken where they were")?;
        let range = TextRange { start: call.start + at as u32, end: call.start + (at + "into_iter".len()) as u32 };
        edits.push(TextEdit { range, text: "iter".to_owned() });
    }
    let is_moved = !used.is_bare && matches!(used.how, How::Value)
        || matches!(&used.how, How::Method(method) if !used.is_bare && method.starts_with("unwrap"));
    if is_moved && !is_copied(files, file, parsed, used)? {
        let end = TextRange { start: used.place.end, end: used.place.end };
        edits.push(TextEdit { range: end, text: ".clone()".to_owned() });
    }
    Ok(edits)
}

/// Whether a part is copied, not moved, by what the workspace declares.
fn is_copied(files: &[SourceFile], file: &SourceFile, parsed: &Parsed<'_>, used: &Use) -> Result<bool, String> {
    let part = file.on_one_line(used.place);
    let unknown = || {
        format!("what type `{part}` is of, which is moved out of `{}`, is not declared in the workspace", parsed.name)
    };
    let mut ty = parsed.ty.clone();
    for field in &used.fields {
        let owner = types::head(types::strip(&ty)).ok_or_else(unknown)?;
        let mut declared =
            files.iter().flat_map(types::struct_fields).filter(|f| f.owner == owner && f.name == *field).map(|f| &f.ty);
        let first = declared.next().ok_or_else(unknown)?;
        if declared.any(|other| other != first) {
            return Err(unknown());
        }
        ty = syn::parse_str(first).map_err(|_| unknown())?;
    }
    Ok(types::is_primitive(&ty))
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "constant-parsed";
    const RULES: &str = "struct Rules {\n    limit: u64,\n    other: String,\n    by: Map,\n}\n";

    #[test]
    fn the_text_is_parsed_once_and_what_was_moved_out_is_cloned() {
        check(
            RULE,
            &format!(
                "{RULES}\nfn f(key: &str) -> String {{\n    // Embedded.\n    let rules: Rules = serde_json::from_str(RULES_JSON).expect(\"embedded rules\"); // const\n    if rules.limit > 3 {{\n        check(&rules, rules.limit);\n    }}\n    match rules.by.get(key) {{\n        Some(name) => name.clone(),\n        None => rules.other,\n    }}\n}}\n"
            ),
            &format!(
                "{RULES}\nfn f(key: &str) -> String {{\n    // Embedded.\n    static RULES: std::sync::LazyLock<Rules> =\n        std::sync::LazyLock::new(|| serde_json::from_str(RULES_JSON).expect(\"embedded rules\")); // const\n    if RULES.limit > 3 {{\n        check(&*RULES, RULES.limit);\n    }}\n    match RULES.by.get(key) {{\n        Some(name) => name.clone(),\n        None => RULES.other.clone(),\n    }}\n}}\n"
            ),
        );
        check(
            RULE,
            "use url::Url;\n\nfn f(key: &str) -> bool {\n    let base = Url::parse(\"https://a.b/c\").unwrap();\n    base.path() == key\n}\n",
            "use url::Url;\n\nfn f(key: &str) -> bool {\n    static BASE: std::sync::LazyLock<Url> =\n        std::sync::LazyLock::new(|| Url::parse(\"https://a.b/c\").unwrap());\n    BASE.path() == key\n}\n",
        );
    }

    #[test]
    fn a_part_of_a_type_that_nothing_declares_is_not_moved_out() {
        check_refuses(
            RULE,
            "fn f() -> String {\n    let rules: Rules = serde_json::from_str(TEXT).unwrap();\n    rules.other\n}\n",
            "what type `rules.other` is of, which is moved out of `rules`, is not declared in the workspace",
        );
    }

    #[test]
    fn a_type_of_the_function_is_refused() {
        check_refuses(
            RULE,
            "fn f<'a>(key: &'a str) -> bool {\n    let rules: Rules<'a> = serde_json::from_str(TEXT).unwrap();\n    rules.has(key)\n}\n",
            "the type of `rules` speaks of what only the function knows: `Rules<'a>`",
        );
    }
}
