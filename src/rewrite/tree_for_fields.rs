//! A struct that is turned into a JSON tree for a field in; the field out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, short};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::functions::items;
use crate::source::tree_fields::tree_fields;
use crate::source::{SourceFile, Template, lexer, types, wire};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("tree-for-fields"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let all = tree_fields(file);
    let found = all.iter().find(|f| file.range(f.call) == finding.range).ok_or("the tree is no longer made there")?;
    let owner = types::head(&found.ty).unwrap_or_default();
    let is_spelled_otherwise = items(&file.ast).iter().any(|placed| match placed.item {
        syn::Item::Struct(item) => item.ident == owner && file.text_of(item).contains("serde("),
        _ => false,
    });
    if is_spelled_otherwise {
        return Err(format!("an attribute of serde on `{owner}` may give the field another name or form"));
    }
    wire::survives(files, file, &found.ty, &["Serialize"])?;
    let shown = file.on_one_line(file.range(found.value));
    let edits = match found.kept {
        None => {
            if !lexer::comments(file.slice(found.holder)).is_empty() || !hoist::stands_alone(file, found.holder) {
                return Err("a comment stands in the `let`, or other code on its line".to_owned());
            }
            let mut edits = found.edits.clone();
            edits.push(TextEdit { range: hoist::whole_lines(file, found.holder), text: String::new() });
            edits
        }
        Some(kept) => {
            let mut edits = Template::new(file, found.holder).keep_moved(kept, -1).edits();
            edits.extend(found.edits.iter().cloned());
            edits
        }
    };
    Ok(Draft {
        title: format!("read the field of {shown} instead of a tree in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("nothing but fields of `{shown}` are read from the tree, and they are as they were")),
            holds(format!("`{owner}` is always written, each field under its own name")),
            borrow("the fields are what they are declared to be"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "tree-for-fields";
    const C: &str = "#[derive(Serialize)]\nstruct C {\n    priority: u8,\n    name: String,\n}\n";

    #[test]
    fn the_field_is_read() {
        check(
            RULE,
            &format!(
                "{C}fn f(cs: &[C]) -> u64 {{\n    let mut top = 0;\n    for c in cs {{\n        if let Ok(tree) = serde_json::to_value(c) {{\n            top = top.max(tree[\"priority\"].as_u64().unwrap_or(0));\n        }}\n    }}\n    top\n}}\n"
            ),
            &format!(
                "{C}fn f(cs: &[C]) -> u64 {{\n    let mut top = 0;\n    for c in cs {{\n        top = top.max(u64::from(c.priority));\n    }}\n    top\n}}\n"
            ),
        );
        check(
            RULE,
            &format!(
                "{C}fn f(c: &C) -> R {{\n    let tree = serde_json::to_value(c)?;\n    Ok(tree[\"name\"].as_str().unwrap_or(\"\").len())\n}}\n"
            ),
            &format!("{C}fn f(c: &C) -> R {{\n    Ok(c.name.as_str().len())\n}}\n"),
        );
    }

    #[test]
    fn a_field_under_another_name_is_refused() {
        check_refuses(
            RULE,
            "#[derive(Serialize)] struct C { #[serde(rename = \"p\")] priority: u8 } fn f(c: &C) -> R { let t = serde_json::to_value(c)?; Ok(t[\"priority\"].as_u64().is_some()) }",
            "an attribute of serde on `C` may give the field another name or form",
        );
    }
}
