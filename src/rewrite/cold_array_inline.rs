//! A struct with large arrays that no walk looks at in; the arrays in boxes out.

use crate::source::visit::{self, Visit};

use super::{Draft, Recipe, borrow, file_of, holds};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::SourceFile;
use crate::source::cold_fields::cold;
use crate::source::literals::literals;
use crate::source::types::struct_fields;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("cold-array-inline"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let at = finding.capture("struct").ok_or("the finding has no \"struct\"")?;
    let all = cold(file);
    let found = all.iter().find(|c| file.span_range(c.item.ident.span()) == at).ok_or("the struct is gone")?;
    let owner = found.item.ident.to_string();
    let mut edits: Vec<(String, Vec<TextEdit>)> = Vec::new();
    let named: Vec<String> = found.fields.iter().filter_map(|(f, _)| Some(f.ident.as_ref()?.to_string())).collect();
    edits.push((
        file.path.clone(),
        found.fields.iter().flat_map(|(f, _)| boxed(file.range(&f.ty), "Box<", ">")).collect(),
    ));
    let of_crate = || files.iter().filter(|f| f.role.krate == file.role.krate);
    for name in &named {
        let is_other = |f: &&SourceFile| struct_fields(f).iter().any(|d| d.name == *name && d.owner != owner);
        let written = of_crate().filter(|f| !assigned(f, name).is_empty());
        if written.clone().next().is_some() && of_crate().any(|f| is_other(&f)) {
            return Err(format!(
                "another struct has a field `{name}`: which one is written cannot be told from the syntax"
            ));
        }
        for other in written {
            let values = assigned(other, name);
            edits.push((other.path.clone(), values.into_iter().flat_map(|v| boxed(v, "Box::new(", ")")).collect()));
        }
    }
    for other in of_crate() {
        let mut made = Vec::new();
        for literal in literals(other, &owner)? {
            for name in &named {
                let Some(value) = literal.value(name) else { continue };
                let before =
                    if literal.is_shorthand(name) { format!("{name}: Box::new(") } else { "Box::new(".to_owned() };
                made.extend(boxed(other.range(value), &before, ")"));
            }
        }
        edits.push((other.path.clone(), made));
    }
    let bytes: u64 = found.fields.iter().map(|(_, bytes)| bytes).sum();
    Ok(Draft {
        title: format!("keep {} of {owner} out of the way of its walks", named.join(" and ")),
        edits,
        preconditions: vec![
            holds(format!("no walk over elements of `{owner}` looks at them")),
            borrow("what is done with the arrays can be done through a box"),
        ],
        obligations: vec![format!(
            "each `{owner}` allocates {} and follows a pointer where its arrays are read, for {bytes} bytes less between two elements",
            if named.len() == 1 { "a box".to_owned() } else { format!("{} boxes", named.len()) }
        )],
        ..Draft::default()
    })
}

fn boxed(range: TextRange, before: &str, after: &str) -> [TextEdit; 2] {
    let at = |at: u32, text: &str| TextEdit { range: TextRange { start: at, end: at }, text: text.to_owned() };
    [at(range.start, before), at(range.end, after)]
}

/// The values that are written to a field of this name as a whole.
fn assigned(file: &SourceFile, name: &str) -> Vec<TextRange> {
    struct Writes<'a> {
        file: &'a SourceFile,
        name: &'a str,
        found: Vec<TextRange>,
    }
    impl<'a> Visit<'a> for Writes<'_> {
        fn visit_expr_assign(&mut self, node: &'a syn::ExprAssign) {
            if let syn::Expr::Field(f) = &*node.left
                && matches!(&f.member, syn::Member::Named(n) if n == self.name)
            {
                self.found.push(self.file.range(&*node.right));
            }
            visit::visit_expr_assign(self, node);
        }
    }
    let mut walk = Writes { file, name, found: Vec::new() };
    walk.visit_file(&file.ast);
    walk.found
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check_refuses, proposals};

    const RULE: &str = "cold-array-inline";

    #[test]
    fn the_arrays_go_into_boxes() {
        let before = "struct Bin {
    qty: u32,
    // Of the last year.
    audit: [u64; 16],
}
struct Table {
    bins: Vec<Bin>,
}
impl Table {
    fn with(n: u32, audit: [u64; 16]) -> Table {
        Table { bins: (0..n).map(|qty| Bin { qty, audit }).collect() }
    }
    fn sum(&self) -> u32 {
        self.bins.iter().map(|b| b.qty).sum()
    }
    fn clear(&mut self, i: usize) {
        self.bins[i].audit = [0; 16];
    }
}
";
        let (_, rewrites, refusals) = proposals(RULE, before);
        assert_eq!(refusals, []);
        let diff = &rewrites[0].diff;
        for line in [
            "+    audit: Box<[u64; 16]>,",
            "+        Table { bins: (0..n).map(|qty| Bin { qty, audit: Box::new(audit) }).collect() }",
            "+        self.bins[i].audit = Box::new([0; 16]);",
        ] {
            assert!(diff.contains(line), "{line} in\n{diff}");
        }
        assert_eq!(rewrites[0].obligations.len(), 1);
    }

    #[test]
    fn a_pattern_that_takes_the_struct_apart_refuses() {
        check_refuses(
            RULE,
            "struct E { n: u32, a: [u8; 512] } fn f(es: &[E]) -> u32 { es.iter().map(|e| e.n).sum() } fn g(e: E) { let E { n, a } = e; h(n, a); }",
            "a pattern takes `E` apart in src/lib.rs",
        );
    }
}
