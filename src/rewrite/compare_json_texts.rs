//! Two values whose JSON is compared in; the comparison of the values out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, short};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::json_compare::compared;
use crate::source::{self, SourceFile, shapes, types, wire};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("compare-json-texts"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let body = source::function_body(file, finding.range).ok_or("the texts are compared outside of a function")?;
    let all = compared(file, body);
    let found = all.iter().find(|found| found.site == finding.range).ok_or("the texts are no longer compared there")?;
    let [left, right] = found.values.map(|value| types::type_among(files, file, shapes::unreferenced(value)));
    let (Some(left), Some(right)) = (left, right) else {
        return Err("the types of the two values are not written down".to_owned());
    };
    let shown = |ty: &syn::Type| quote::ToTokens::to_token_stream(types::strip(ty)).to_string().replace(' ', "");
    if shown(&left) != shown(&right) {
        return Err(format!("`{}` and `{}` are two types", shown(&left), shown(&right)));
    }
    let survives = wire::survives(files, file, types::strip(&left), &["PartialEq", "Serialize"])?;
    if survives.has_floats {
        return Err("there are floats, which compare in another way than their texts".to_owned());
    }
    let mut edits: Vec<TextEdit> = found
        .lines
        .iter()
        .map(|line| TextEdit { range: hoist::whole_lines(file, *line), text: String::new() })
        .collect();
    edits.extend(found.empties.iter().map(|range| TextEdit { range: *range, text: "false".to_owned() }));
    let [a, b] = [(found.values[0], &left), (found.values[1], &right)].map(|(value, ty)| place(file, value, ty));
    edits.push(TextEdit { range: found.site, text: format!("{a} {} {b}", found.sign) });
    let mut obligations = vec!["writing JSON no longer fails where the values are only compared".to_owned()];
    if survives.has_hashes {
        obligations.push("hash collections are equal by what they hold, whatever their order".to_owned());
    }
    Ok(Draft {
        title: format!("compare the values of {} instead of their JSON", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the texts are used for nothing else, and nothing changes the values in between"),
            holds(format!("`{}` derives `PartialEq`, and all that it holds is written", shown(&left))),
            borrow("the values compare as they stand"),
        ],
        obligations,
        ..Draft::default()
    })
}

/// The value itself: `*old` of a reference, `self.order` of `&self.order`.
fn place(file: &SourceFile, value: &syn::Expr, ty: &syn::Type) -> String {
    let bare = shapes::unreferenced(value);
    let mut text = file.text_of(bare).to_owned();
    let mut ty = ty;
    while let syn::Type::Reference(r) = ty {
        text.insert(0, '*');
        ty = &r.elem;
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "compare-json-texts";
    const X: &str = "#[derive(PartialEq, Serialize)]\nstruct X {\n    id: u64,\n    names: Vec<String>,\n}\n";

    #[test]
    fn the_values_are_compared() {
        check(
            RULE,
            &format!(
                "{X}fn f(old: &X, new: &X) -> bool {{\n    // As written.\n    let before = serde_json::to_string(old).unwrap();\n    let after = serde_json::to_string(new).unwrap();\n    before != after // changed\n}}\n"
            ),
            &format!("{X}fn f(old: &X, new: &X) -> bool {{\n    // As written.\n    *old != *new // changed\n}}\n"),
        );
        check(
            RULE,
            &format!(
                "{X}struct S {{\n    x: X,\n}}\nimpl S {{\n    fn f(&self, new: X) -> bool {{\n        serde_json::to_vec(&self.x).unwrap() == serde_json::to_vec(&new).unwrap()\n    }}\n}}\n"
            ),
            &format!(
                "{X}struct S {{\n    x: X,\n}}\nimpl S {{\n    fn f(&self, new: X) -> bool {{\n        self.x == new\n    }}\n}}\n"
            ),
        );
    }

    #[test]
    fn what_compares_in_another_way_is_refused() {
        let compares = |declared: &str| {
            format!(
                "{declared} fn f(a: &X, b: &X) -> bool {{ serde_json::to_string(a).unwrap() == serde_json::to_string(b).unwrap() }}"
            )
        };
        check_refuses(
            RULE,
            &compares("#[derive(PartialEq, Serialize)] struct X { p: f64 }"),
            "there are floats, which compare in another way than their texts",
        );
        check_refuses(RULE, &compares("#[derive(Serialize)] struct X { p: u8 }"), "`X` does not derive `PartialEq`");
        check_refuses(
            RULE,
            &compares("#[derive(PartialEq, Serialize)] struct X { #[serde(skip)] p: u8 }"),
            "`#[serde(skip)]` of `X` changes what comes back",
        );
    }
}
