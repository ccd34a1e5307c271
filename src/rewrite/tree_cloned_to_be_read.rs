//! A JSON tree copied to be taken apart in; the tree taken apart where it stands, out.

use super::{Draft, Recipe, borrow, file_of, holds, place, probe, short};
use crate::model::{Finding, ProbeQuestion, RuleId};
use crate::source::{self, SourceFile, Template, types};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("tree-cloned-to-be-read"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let tree = finding.capture("tree").ok_or("the finding has no \"tree\"")?;
    let is_imported = place::is_named(file, finding.range, &["serde", "Deserialize"]);
    let callee = match finding.capture("type") {
        Some(ty) if is_imported && file.slice(ty).chars().all(|c| c.is_alphanumeric() || "_:".contains(c)) => {
            format!("{}::deserialize(", file.slice(ty))
        }
        Some(ty) if file.slice(ty) != "_" => format!("<{} as serde::Deserialize>::deserialize(", file.slice(ty)),
        _ => "serde::Deserialize::deserialize(".to_owned(),
    };
    let shown = file.on_one_line(tree);
    // A name whose type nothing tells is that of a reference: what is owned need not be copied to be given away.
    let expr = source::expr_at(file, tree).ok_or("the tree changed")?;
    let is_reference = matches!(expr, syn::Expr::Path(_))
        && types::type_of(file, expr).is_none_or(|ty| matches!(ty, syn::Type::Reference(_)));
    let sign = if is_reference { "" } else { "&" };
    let new = Template::new(file, finding.range).text(format!("{callee}{sign}")).keep(tree).text(")");
    Ok(Draft {
        title: format!("take {shown} apart without a copy in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), new.edits())],
        preconditions: vec![
            holds("the copy is taken apart at once"),
            probe(
                file,
                format!("`{shown}` is a `Value` of serde_json"),
                tree,
                ProbeQuestion::IsOneOf(vec!["serde_json::Value".to_owned()]),
            ),
            borrow("a reference to the tree can be taken apart, and the package depends on `serde`"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "tree-cloned-to-be-read";

    #[test]
    fn the_tree_is_taken_apart_where_it_stands() {
        check(
            RULE,
            "use serde::{Deserialize, Serialize};\nfn f(tree: &Value) -> Result<X, E> {\n    // Its part.\n    let x = serde_json::from_value::<X>(tree[\"part\"].clone())?; // one\n    Ok(x)\n}\n",
            "use serde::{Deserialize, Serialize};\nfn f(tree: &Value) -> Result<X, E> {\n    // Its part.\n    let x = X::deserialize(&tree[\"part\"])?; // one\n    Ok(x)\n}\n",
        );
        check(
            RULE,
            "use serde::Serialize;\nfn f(tree: &Value) -> Result<Vec<X>, E> {\n    serde_json::from_value(tree.clone())\n}\n",
            "use serde::Serialize;\nfn f(tree: &Value) -> Result<Vec<X>, E> {\n    serde::Deserialize::deserialize(tree)\n}\n",
        );
    }

    #[test]
    fn a_comment_inside_is_not_lost() {
        check_refuses(
            RULE,
            "use serde::Serialize;\nfn f(v: &Value) -> R { serde_json::from_value(v /* whole */ .clone()) }",
            "the comment \"/* whole */\" would be lost (line 2)",
        );
    }
}
