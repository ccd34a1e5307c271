//! A loop inside a loop that compares keys; the inner list grouped by key before the outer loop.

use super::keyed::{Keyed, keyed};
use super::{Draft, Recipe, borrow, file_of, holds, place, probe, probe_at};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::visit::{self, Visit};
use crate::source::{self, SourceFile, Template, usage};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("nested-loop-join"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    place::require_std(files, file)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let join = Join::read(file, finding.range)?;
    let (list, statement, key) = (captured("list")?, captured("statement")?, captured("key")?);
    let expr = |range| source::expr_at(file, range).ok_or_else(|| "the comparison changed".to_owned());
    let keyed = keyed(files, file, expr(captured("element")?)?, expr(key)?, 1)?;
    let base = place::base_name(&file.on_one_line(list));
    let suffix = if keyed.field.is_empty() { "map".to_owned() } else { format!("by_{}", keyed.field) };
    let name = place::fresh_name(file, finding.range, &format!("{base}_{suffix}"));
    let mut edits = place::insert_before(file, statement, &join.index(&name, &keyed));
    edits.extend(join.replaced(&name, &keyed)?);
    let shown = file.on_one_line(list);
    Ok(Draft {
        title: format!("join by {name} instead of comparing every pair"),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the inner list is the same in every round, and grouping it has no effect"),
            holds("partners come in the order of the inner list, as before"),
            probe_at(
                file,
                format!("`{shown}` is a `Vec`, `VecDeque`, slice or array"),
                list,
                statement.start,
                ProbeQuestion::IsSequence,
            ),
            probe(file, format!("`{}` is `Eq + Hash`, and both agree", file.slice(key)), key, ProbeQuestion::HashEq),
            borrow(format!("nothing changes or moves `{shown}` while `{name}` borrows it")),
        ],
        ..Draft::default()
    })
}

/// `for element in list { if … { body } }`.
struct Join<'a> {
    file: &'a SourceFile,
    inner: &'a syn::ExprForLoop,
    body: &'a syn::Block,
    element: String,
    /// The final `break;` of the body: only the first partner counts.
    last_break: Option<TextRange>,
}

impl<'a> Join<'a> {
    fn read(file: &'a SourceFile, range: TextRange) -> Result<Join<'a>, String> {
        let Some(syn::Expr::ForLoop(inner)) = source::expr_at(file, range) else {
            return Err("the inner loop changed".to_owned());
        };
        let [syn::Stmt::Expr(syn::Expr::If(only), _)] = &inner.body.stmts[..] else {
            return Err("the body of the inner loop is more than one `if`".to_owned());
        };
        let body = &only.then_branch;
        let last_break = match body.stmts.last() {
            Some(stmt @ syn::Stmt::Expr(syn::Expr::Break(b), _)) if b.label.is_none() => Some(file.range(stmt)),
            _ => None,
        };
        Ok(Join { file, inner, body, element: file.text_of(&inner.pat).to_owned(), last_break })
    }

    /// The statements that build the index.
    fn index(&self, name: &str, keyed: &Keyed) -> String {
        let (file, element) = (self.file, &self.element);
        let map = place::collection(file, file.range(self.inner), "HashMap");
        let (new, add) = match self.last_break {
            Some(_) => (format!("{map}::new()"), format!("or_insert({element})")),
            None => (format!("{map}::<_, Vec<_>>::new()"), format!("or_default().push({element})")),
        };
        format!(
            "let mut {name} = {new};\nfor {element} in {} {{\n    {name}.entry({}).{add};\n}}",
            file.on_one_line(file.range(&self.inner.expr)),
            keyed.held
        )
    }

    fn is_element_used(&self) -> bool {
        !usage::uses(self.file, self.body, &self.element).is_empty()
    }

    fn replaced(&self, name: &str, keyed: &Keyed) -> Result<Vec<TextEdit>, String> {
        match self.last_break {
            Some(last) => self.first_partner(name, keyed, last),
            None => Ok(self.all_partners(name, keyed)),
        }
    }

    fn all_partners(&self, name: &str, keyed: &Keyed) -> Vec<TextEdit> {
        let (file, whole) = (self.file, self.file.range(self.inner));
        let pattern = file.range(&self.inner.pat);
        let list = file.range(&self.inner.expr);
        let outer = file.span_range(self.inner.body.brace_token.span.join());
        let template = Template::new(file, whole).keep(TextRange { start: whole.start, end: pattern.start });
        let template = if self.is_element_used() { template.keep(pattern) } else { template.text("_") };
        template
            .keep(TextRange { start: pattern.end, end: list.start })
            .text(format!("{name}.get({}).into_iter().flatten().copied()", keyed.asked))
            .keep(TextRange { start: list.end, end: outer.start + 1 })
            .keep_moved(self.inside(None), -1)
            .keep(TextRange { start: outer.end - 1, end: outer.end })
            .edits()
    }

    fn first_partner(&self, name: &str, keyed: &Keyed, last: TextRange) -> Result<Vec<TextEdit>, String> {
        if exits(self.body) > 1 {
            return Err("the body leaves the inner loop in more than one way".to_owned());
        }
        if self.body.stmts.len() < 2 {
            return Err("the body does nothing but break".to_owned());
        }
        let head = if self.is_element_used() {
            format!("if let Some({}) = {name}.get({}).copied() {{", self.element, keyed.asked)
        } else {
            format!("if {name}.contains_key({}) {{", keyed.asked)
        };
        let template = Template::new(self.file, self.file.range(self.inner));
        Ok(template.text(head).keep_moved(self.inside(Some(last)), -1).text("\n}").edits())
    }

    /// What stands between the braces of the `if`, up to a statement that goes.
    fn inside(&self, up_to: Option<TextRange>) -> TextRange {
        let block = self.file.span_range(self.body.brace_token.span.join());
        let start = block.start + 1;
        let end = match up_to {
            Some(last) => start + self.file.slice(TextRange { start, end: last.start }).trim_end().len() as u32,
            None => block.end - 1,
        };
        TextRange { start, end }
    }
}

/// Number of `break` and `continue` that leave or go on with the loop around the block.
fn exits(block: &syn::Block) -> usize {
    struct Exits(usize);
    impl<'ast> Visit<'ast> for Exits {
        fn visit_expr(&mut self, node: &'ast syn::Expr) {
            match node {
                syn::Expr::Break(b) if b.label.is_none() => self.0 += 1,
                syn::Expr::Continue(c) if c.label.is_none() => self.0 += 1,
                syn::Expr::ForLoop(_) | syn::Expr::While(_) | syn::Expr::Loop(_) | syn::Expr::Closure(_) => return,
                _ => {}
            }
            visit::visit_expr(self, node);
        }
    }
    let mut exits = Exits(0);
    exits.visit_block(block);
    exits.0
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "nested-loop-join";

    #[test]
    fn partners_are_grouped_by_key_in_their_order() {
        check(
            RULE,
            "fn f(items: &[Item], rates: &[Rate]) -> Vec<Line> {
    let mut lines = Vec::new();
    for item in items {
        for rate in rates {
            if item.category == rate.category {
                // Rounded half up.
                let tax = rounded(item, rate);
                lines.push(Line {
                    tax,
                });
            }
        }
    }
    lines
}
",
            "fn f(items: &[Item], rates: &[Rate]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut rates_by_category = std::collections::HashMap::<_, Vec<_>>::new();
    for rate in rates {
        rates_by_category.entry(&rate.category).or_default().push(rate);
    }
    for item in items {
        for rate in rates_by_category.get(&item.category).into_iter().flatten().copied() {
            // Rounded half up.
            let tax = rounded(item, rate);
            lines.push(Line {
                tax,
            });
        }
    }
    lines
}
",
        );
    }

    #[test]
    fn a_body_that_breaks_takes_the_first_partner() {
        check(
            RULE,
            "fn f(items: &[Item], rates: &Vec<Rate>) {
    for item in items {
        for rate in rates.iter() {
            if rate.id == *item {
                hit(rate); // first
                break;
            }
        }
    }
}
",
            "fn f(items: &[Item], rates: &Vec<Rate>) {
    let mut rates_by_id = std::collections::HashMap::new();
    for rate in rates.iter() {
        rates_by_id.entry(&rate.id).or_insert(rate);
    }
    for item in items {
        if let Some(rate) = rates_by_id.get(item).copied() {
            hit(rate); // first
        }
    }
}
",
        );
    }

    #[test]
    fn a_flag_needs_no_element() {
        check(
            RULE,
            "fn f(items: &[u32], rates: &[u32]) -> u32 {
    let mut count = 0;
    for item in items {
        let mut found = false;
        for rate in rates {
            if rate == item {
                found = true;
                break;
            }
        }
        count += u32::from(found);
    }
    count
}
",
            "fn f(items: &[u32], rates: &[u32]) -> u32 {
    let mut count = 0;
    let mut rates_map = std::collections::HashMap::new();
    for rate in rates {
        rates_map.entry(rate).or_insert(rate);
    }
    for item in items {
        let mut found = false;
        if rates_map.contains_key(item) {
            found = true;
        }
        count += u32::from(found);
    }
    count
}
",
        );
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        check_refuses(
            RULE,
            "fn f(a: &[A], b: &[B]) { for x in a { for y in b { /* why */ if x.id == y.id { hit(); } } } }",
            "the comment \"/* why */\" would be lost (line 1)",
        );
        check_refuses(
            RULE,
            "fn f(a: &[A], b: &[B]) { for x in a { for y in b { if x.id == y.id { if y.on { continue; } hit(); break; } } } }",
            "the body leaves the inner loop in more than one way",
        );
    }
}
