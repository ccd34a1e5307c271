//! Functions with a large error in; the error in a box out.

use crate::source::visit::{self, Visit};

use super::{Draft, Recipe, borrow, file_of, holds};
use crate::model::{Finding, FunctionId, RuleId, TextEdit, TextRange};
use crate::source::functions::{head, items, type_arguments};
use crate::source::{SourceFile, shapes};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("large-error"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let name = file.slice(finding.range).rsplit("::").next().unwrap_or_default().trim();
    let (mut edits, mut touched, mut count) = (Vec::new(), Vec::new(), 0);
    for other in files.iter().filter(|f| f.role.krate == file.role.krate) {
        let mut walk = Failing { file: other, name, count: 0, refused: None, touched: Vec::new(), edits: Vec::new() };
        for placed in items(&other.ast) {
            walk.item(placed.item);
        }
        if let Some(reason) = walk.refused {
            return Err(reason);
        }
        count += walk.count;
        touched.extend(walk.touched);
        edits.push((other.path.clone(), walk.edits));
    }
    Ok(Draft {
        title: format!("box the error {name}"),
        edits,
        touched,
        preconditions: vec![
            holds(format!("the {count} functions that return `{name}` are private to the crate")),
            borrow("what callers do with the error can be done through a box"),
        ],
        obligations: vec![format!("errors are rare: each `{name}` now allocates a box")],
        ..Draft::default()
    })
}

/// The functions of a file that return the error.
struct Failing<'a> {
    file: &'a SourceFile,
    name: &'a str,
    count: usize,
    refused: Option<String>,
    touched: Vec<FunctionId>,
    edits: Vec<TextEdit>,
}

impl Failing<'_> {
    fn item(&mut self, item: &syn::Item) {
        match item {
            syn::Item::Fn(f) => self.function(&f.vis, &f.sig, &f.block, false),
            syn::Item::Impl(i) => {
                for member in &i.items {
                    if let syn::ImplItem::Fn(f) = member {
                        self.function(&f.vis, &f.sig, &f.block, i.trait_.is_some());
                    }
                }
            }
            syn::Item::Trait(t) => {
                for member in &t.items {
                    if let syn::TraitItem::Fn(f) = member
                        && self.error_of(&f.sig).is_some()
                    {
                        self.refuse(&f.sig.ident, "belongs to a trait");
                    }
                }
            }
            _ => {}
        }
    }

    fn error_of<'s>(&self, sig: &'s syn::Signature) -> Option<&'s syn::Type> {
        let syn::ReturnType::Type(_, output) = &sig.output else { return None };
        let error = type_arguments(output).get(1).copied()?;
        (head(output) == "Result" && head(error) == self.name).then_some(error)
    }

    fn refuse(&mut self, function: &syn::Ident, why: &str) {
        self.refused.get_or_insert(format!("`{function}` returns `{}` too, and {why}", self.name));
    }

    fn function(&mut self, vis: &syn::Visibility, sig: &syn::Signature, block: &syn::Block, in_trait: bool) {
        let Some(error) = self.error_of(sig) else { return };
        if in_trait {
            return self.refuse(&sig.ident, "belongs to a trait");
        }
        if matches!(vis, syn::Visibility::Public(_)) {
            return self.refuse(&sig.ident, "is public");
        }
        self.count += 1;
        if let Some(item) = self.file.item_around(self.file.range(block)) {
            self.touched.push(item.id.clone());
        }
        self.edits.extend(around(self.file.range(error), "Box<", ">"));
        let mut walk = Errors { file: self.file, edits: Vec::new() };
        walk.visit_block(block);
        self.edits.extend(walk.edits);
    }
}

fn around(range: TextRange, before: &str, after: &str) -> [TextEdit; 2] {
    let at = |at: u32, text: &str| TextEdit { range: TextRange { start: at, end: at }, text: text.to_owned() };
    [at(range.start, before), at(range.end, after)]
}

/// `Err(value)`, where a function makes it: not in closures and items inside. Where `?` follows something else, it boxes
/// by itself; where a result is returned as it came, rustc says so.
struct Errors<'a> {
    file: &'a SourceFile,
    edits: Vec<TextEdit>,
}

impl<'a> Visit<'a> for Errors<'_> {
    fn visit_expr(&mut self, node: &'a syn::Expr) {
        match node {
            syn::Expr::Closure(_) | syn::Expr::Async(_) => {}
            _ => {
                if let Some(call) = shapes::call(node, &["Err"]).filter(|call| call.args.len() == 1) {
                    self.edits.extend(around(self.file.range(&call.args[0]), "Box::new(", ")"));
                }
                visit::visit_expr(self, node);
            }
        }
    }

    fn visit_item(&mut self, _: &'a syn::Item) {}
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "large-error";

    #[test]
    fn the_error_goes_into_a_box() {
        let rewrite = check(
            RULE,
            "struct Declined {
    code: u16,
    raw: [u8; 2048],
}
fn authorise(pan: &str) -> Result<u64, Declined> {
    if pan.is_empty() {
        return Err(Declined { code: 14, raw: [0; 2048] }); // format
    }
    check(pan)?;
    Ok(1)
}
fn check(pan: &str) -> Result<(), Declined> {
    let at = pan.find('x').ok_or(Declined { code: 15, raw: [0; 2048] })?;
    match at {
        0 => Err(refused()),
        _ => Ok(()),
    }
}
",
            "struct Declined {
    code: u16,
    raw: [u8; 2048],
}
fn authorise(pan: &str) -> Result<u64, Box<Declined>> {
    if pan.is_empty() {
        return Err(Box::new(Declined { code: 14, raw: [0; 2048] })); // format
    }
    check(pan)?;
    Ok(1)
}
fn check(pan: &str) -> Result<(), Box<Declined>> {
    let at = pan.find('x').ok_or(Declined { code: 15, raw: [0; 2048] })?;
    match at {
        0 => Err(Box::new(refused())),
        _ => Ok(()),
    }
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.touched.len()), (1, 2));
    }

    #[test]
    fn public_functions_and_those_of_traits_refuse() {
        let big = "struct Big { raw: [u8; 2048] } ";
        check_refuses(
            RULE,
            &format!("{big} pub fn f() -> Result<u8, Big> {{ g() }}"),
            "`f` returns `Big` too, and is public",
        );
        check_refuses(
            RULE,
            &format!(
                "{big} fn f() -> Result<u8, Big> {{ g() }} impl T for S {{ fn h() -> Result<u8, Big> {{ g() }} }}"
            ),
            "`h` returns `Big` too, and belongs to a trait",
        );
    }
}
