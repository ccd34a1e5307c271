//! A look-up that walks a list in a loop; an index of the list before the loop.

use super::keyed::{Keyed, keyed};
use super::{Draft, Recipe, borrow, file_of, holds, place, probe, probe_at};
use crate::model::{Finding, Precondition, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::{self, Node, SourceFile, Template, types};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("linear-lookup-in-loop"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    place::require_std(files, file)?;
    let Some(syn::Expr::MethodCall(call)) = source::expr_at(file, finding.range) else {
        return Err("the look-up is no longer a method call".to_owned());
    };
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let site = Site { file, call, finding, list: captured("list")?, statement: captured("statement")? };
    let (edits, name, conditions) = match call.method.to_string().as_str() {
        "contains" => site.set_of_elements(),
        method => {
            let references = if method == "find" || method == "filter" { 2 } else { 1 };
            let element = expr(file, captured("element")?)?;
            let key = expr(file, captured("key")?)?;
            let (keyed, item) = match site.pair() {
                Some(pair) => site.keyed_by_part(pair, element, key)?,
                None => {
                    let item = source::usage::place(strip(element)).map(|p| p.root).ok_or("the element has no name")?;
                    (keyed(files, file, element, key, references)?, item)
                }
            };
            site.keyed(method, &keyed, captured("key")?, &item)
        }
    }?;
    let list = site.list();
    let mut preconditions = vec![
        holds("the list is the same in every round of the loop, and building its index has no effect"),
        probe_at(
            file,
            format!("`{list}` is a `Vec`, `VecDeque`, slice or array"),
            site.list,
            site.statement.start,
            ProbeQuestion::IsSequence,
        ),
    ];
    preconditions.extend(conditions);
    preconditions.push(borrow(format!("nothing changes or moves `{list}` while `{name}` borrows it")));
    Ok(Draft {
        title: format!("look up in {name} instead of walking {list}"),
        edits: vec![(file.path.clone(), edits)],
        preconditions,
        ..Draft::default()
    })
}

fn expr(file: &SourceFile, range: TextRange) -> Result<&syn::Expr, String> {
    source::expr_at(file, range).ok_or_else(|| "the comparison changed".to_owned())
}

struct Site<'a> {
    file: &'a SourceFile,
    call: &'a syn::ExprMethodCall,
    finding: &'a Finding,
    list: TextRange,
    statement: TextRange,
}

/// Edits, name of the index, and what must hold for its key.
type Built = Result<(Vec<TextEdit>, String, Vec<Precondition>), String>;

impl Site<'_> {
    fn list(&self) -> String {
        self.file.on_one_line(self.list)
    }

    fn name(&self, suffix: &str) -> String {
        place::fresh_name(self.file, self.finding.range, &format!("{}_{suffix}", place::base_name(&self.list())))
    }

    fn before(&self, new: &str) -> Vec<TextEdit> {
        place::insert_before(self.file, self.statement, new)
    }

    fn elements_are_hashable(&self) -> Precondition {
        probe_at(
            self.file,
            format!("elements of `{}` are `Eq + Hash`, and both agree", self.list()),
            self.list,
            self.statement.start,
            ProbeQuestion::ElementHashEq,
        )
    }

    /// `list.contains(&key)`: a set of references is asked with the same argument.
    fn set_of_elements(&self) -> Built {
        let name = self.name("set");
        let set = place::collection(self.file, self.finding.range, "HashSet");
        let mut edits = self.before(&format!("let {name}: {set}<_> = {}.iter().collect();", self.list()));
        edits.push(TextEdit { range: self.list, text: name.clone() });
        Ok((edits, name, vec![self.elements_are_hashable()]))
    }

    /// The pattern of a closure that takes a pair apart.
    fn pair(&self) -> Option<&syn::PatTuple> {
        let Some(syn::Expr::Closure(closure)) = self.call.args.first() else { return None };
        match closure.inputs.first() {
            Some(syn::Pat::Tuple(pair)) => Some(pair),
            _ => None,
        }
    }

    /// `|(name, _)| name == key`: the part of the element that the name stands for, by its position.
    fn keyed_by_part(
        &self,
        pair: &syn::PatTuple,
        element: &syn::Expr,
        key: &syn::Expr,
    ) -> Result<(Keyed, String), String> {
        let name = source::usage::place(element).map(|p| p.root).ok_or("the element has no name")?;
        let is_it = |pat: &syn::Pat| matches!(pat, syn::Pat::Ident(p) if p.ident == name);
        let at = pair.elems.iter().position(is_it).ok_or("the part has no position")?;
        let item = place::fresh_name(self.file, self.finding.range, &super::contains_then_get::one_of(&self.list()));
        // The name is a reference to the part.
        let asked = match element {
            syn::Expr::Path(_) => self.file.text_of(key).to_owned(),
            _ => super::keyed::referenced(self.file, key),
        };
        Ok((Keyed { held: format!("&{item}.{at}"), asked, field: "key".to_owned() }, item))
    }

    fn keyed(&self, method: &str, keyed: &Keyed, key: TextRange, item: &str) -> Built {
        let condition = if keyed.field.is_empty() {
            self.elements_are_hashable()
        } else {
            let shown = self.file.slice(key);
            match self.require_statement_scope(key) {
                Ok(()) => {
                    let text = format!("`{shown}` is `Eq + Hash`, and both agree");
                    probe(self.file, text, key, ProbeQuestion::HashEq)
                }
                Err(_) if self.is_of_std(key) => holds(format!("`{shown}` is a text or a whole number of std")),
                Err(reason) => return Err(reason),
            }
        };
        let (name, build, answer) = match method {
            "any" => self.key_set(keyed, item),
            "find" => self.first_by_key(keyed, item),
            "filter" => self.all_by_key(keyed, item),
            _ => self.position_by_key(keyed, item),
        };
        let mut edits = self.before(&build);
        edits.extend(Template::new(self.file, self.file.range(self.call)).text(answer).edits());
        Ok((edits, name, vec![condition]))
    }

    fn key_set(&self, keyed: &Keyed, item: &str) -> (String, String, String) {
        let name = self.name(&if keyed.field.is_empty() { "set".to_owned() } else { format!("{}_set", keyed.field) });
        let set = place::collection(self.file, self.finding.range, "HashSet");
        let mapped = if keyed.held == item { String::new() } else { format!(".map(|{item}| {})", keyed.held) };
        let build = format!("let {name}: {set}<_> = {}.iter(){mapped}.collect();", self.list());
        let answer = format!("{name}.contains({})", keyed.asked);
        (name, build, answer)
    }

    fn first_by_key(&self, keyed: &Keyed, item: &str) -> (String, String, String) {
        let name = self.name(&if keyed.field.is_empty() { "map".to_owned() } else { format!("by_{}", keyed.field) });
        let map = place::collection(self.file, self.finding.range, "HashMap");
        let build = format!(
            "let mut {name} = {map}::new();\nfor {item} in {}.iter() {{\n    {name}.entry({}).or_insert({item});\n}}",
            self.list(),
            keyed.held
        );
        let answer = format!("{name}.get({}).copied()", keyed.asked);
        (name, build, answer)
    }

    fn all_by_key(&self, keyed: &Keyed, item: &str) -> (String, String, String) {
        let name = self.name(&if keyed.field.is_empty() { "map".to_owned() } else { format!("by_{}", keyed.field) });
        let map = place::collection(self.file, self.finding.range, "HashMap");
        let build = format!(
            "let mut {name}: {map}<_, Vec<_>> = {map}::new();\nfor {item} in {}.iter() {{\n    {name}.entry({}).or_default().push({item});\n}}",
            self.list(),
            keyed.held
        );
        let answer = format!("{name}.get({}).into_iter().flatten().copied()", keyed.asked);
        (name, build, answer)
    }

    fn position_by_key(&self, keyed: &Keyed, item: &str) -> (String, String, String) {
        let name = self.name("index");
        let map = place::collection(self.file, self.finding.range, "HashMap");
        let at = if item == "at" { "position" } else { "at" };
        let build = format!(
            "let mut {name} = {map}::new();\nfor ({at}, {item}) in {}.iter().enumerate() {{\n    {name}.entry({}).or_insert({at});\n}}",
            self.list(),
            keyed.held
        );
        let answer = format!("{name}.get({}).copied()", keyed.asked);
        (name, build, answer)
    }

    /// True where the file says that the key is a text or a number whose equality and hash agree.
    fn is_of_std(&self, key: TextRange) -> bool {
        let mut expr = source::expr_at(self.file, key);
        while let Some(syn::Expr::Unary(syn::ExprUnary { op: syn::UnOp::Deref(_), expr: inner, .. })) = expr {
            expr = Some(inner);
        }
        let ty = expr.and_then(|expr| types::type_of(self.file, expr));
        let head = ty.as_ref().and_then(|ty| types::head(types::strip(ty)));
        head.is_some_and(|head| {
            let is_text = head == "str" || head == "String";
            let is_number =
                ty.as_ref().is_some_and(|ty| types::is_primitive(types::strip(ty))) && !head.starts_with('f');
            is_text || is_number
        })
    }

    /// A probe of the key is a statement: what the key names must be in scope where a statement can stand.
    fn require_statement_scope(&self, key: TextRange) -> Result<(), String> {
        let path = source::path_to(self.file, key);
        let after = path.iter().rposition(|node| matches!(node, Node::Stmt(_))).map_or(0, |n| n + 1);
        let is_in_closure = path[after..].iter().any(|node| match node {
            Node::Expr(syn::Expr::Closure(closure)) => {
                let range = self.file.range(closure);
                !self.file.range(self.call).contains(range)
            }
            _ => false,
        });
        if is_in_closure {
            return Err("the key belongs to a closure of one expression, where its type cannot be asked for".to_owned());
        }
        Ok(())
    }
}

/// The place inside `&place` and `place.as_str()`.
fn strip(expr: &syn::Expr) -> &syn::Expr {
    match expr {
        syn::Expr::Reference(r) => strip(&r.expr),
        syn::Expr::MethodCall(call) => strip(&call.receiver),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Answer, ProbeQuestion};
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "linear-lookup-in-loop";

    #[test]
    fn a_list_that_is_asked_whether_it_contains_becomes_a_set() {
        let rewrite = check(
            RULE,
            "fn f(items: &[Item], restricted: &[String]) -> Vec<String> {
    let mut hits = Vec::new();
    // One by one.
    for item in items {
        if restricted.contains(&item.sku) { // not by card
            hits.push(item.sku.clone());
        }
    }
    hits
}
",
            "fn f(items: &[Item], restricted: &[String]) -> Vec<String> {
    let mut hits = Vec::new();
    let restricted_set: std::collections::HashSet<_> = restricted.iter().collect();
    // One by one.
    for item in items {
        if restricted_set.contains(&item.sku) { // not by card
            hits.push(item.sku.clone());
        }
    }
    hits
}
",
        );
        assert_eq!(rewrite.title, "look up in restricted_set instead of walking restricted");
        let open: Vec<_> = rewrite
            .preconditions
            .iter()
            .filter(|p| p.state == Answer::Open)
            .filter_map(|p| p.probe.as_ref().map(|probe| probe.question.clone()))
            .collect();
        assert_eq!(open, [ProbeQuestion::IsSequence, ProbeQuestion::ElementHashEq]);
    }

    #[test]
    fn a_part_of_a_pair_is_the_key() {
        check(
            RULE,
            "fn f(keys: &[String], table: &[(String, u64)]) -> u64 {
    let mut total = 0;
    for key in keys {
        if let Some((_, value)) = table.iter().find(|(name, _)| name == key) {
            total += value;
        }
    }
    total
}
",
            "fn f(keys: &[String], table: &[(String, u64)]) -> u64 {
    let mut total = 0;
    let mut table_by_key = std::collections::HashMap::new();
    for entry in table.iter() {
        table_by_key.entry(&entry.0).or_insert(entry);
    }
    for key in keys {
        if let Some((_, value)) = table_by_key.get(key).copied() {
            total += value;
        }
    }
    total
}
",
        );
    }

    #[test]
    fn a_key_of_a_closure_is_known_by_what_is_walked() {
        check(
            RULE,
            "struct Item {
    sku: String,
}
fn f(names: &[String], all: &[Item]) -> Vec<usize> {
    names.iter().map(|name| all.iter().filter(|item| item.sku == *name).count()).collect()
}
",
            "struct Item {
    sku: String,
}
fn f(names: &[String], all: &[Item]) -> Vec<usize> {
    let mut all_by_sku: std::collections::HashMap<_, Vec<_>> = std::collections::HashMap::new();
    for item in all.iter() {
        all_by_sku.entry(&item.sku).or_default().push(item);
    }
    names.iter().map(|name| all_by_sku.get(name).into_iter().flatten().copied().count()).collect()
}
",
        );
    }

    #[test]
    fn the_first_of_equal_elements_is_found_by_key() {
        check(
            RULE,
            "use std::collections::HashMap;

fn f(items: &[Item], catalogue: &[Product]) {
    for item in items {
        match catalogue.iter().find(|product| product.sku == item.sku) {
            Some(product) => weigh(product),
            None => unknown(item),
        }
    }
}
",
            "use std::collections::HashMap;

fn f(items: &[Item], catalogue: &[Product]) {
    let mut catalogue_by_sku = HashMap::new();
    for product in catalogue.iter() {
        catalogue_by_sku.entry(&product.sku).or_insert(product);
    }
    for item in items {
        match catalogue_by_sku.get(&item.sku).copied() {
            Some(product) => weigh(product),
            None => unknown(item),
        }
    }
}
",
        );
    }

    #[test]
    fn all_of_equal_elements_are_found_by_key() {
        check(
            RULE,
            "fn f(orders: &[Order], fills: &[Fill]) -> Vec<(u64, u64)> {
    let mut open = Vec::new();
    for order in orders {
        let filled: u64 = fills
            .iter()
            .filter(|fill| fill.order_id == order.id)
            .map(|fill| fill.qty)
            .sum();
        open.push((order.id, filled));
    }
    open
}
",
            "fn f(orders: &[Order], fills: &[Fill]) -> Vec<(u64, u64)> {
    let mut open = Vec::new();
    let mut fills_by_order_id: std::collections::HashMap<_, Vec<_>> = std::collections::HashMap::new();
    for fill in fills.iter() {
        fills_by_order_id.entry(&fill.order_id).or_default().push(fill);
    }
    for order in orders {
        let filled: u64 = fills_by_order_id.get(&order.id).into_iter().flatten().copied()
            .map(|fill| fill.qty)
            .sum();
        open.push((order.id, filled));
    }
    open
}
",
        );
    }

    #[test]
    fn a_str_is_looked_up_among_strings() {
        check(
            RULE,
            "fn f(names: &[&str], users: &Vec<User>) -> usize {
    let mut count = 0;
    for name in names {
        let name: &str = name;
        if users.iter().any(|user| user.name == name) {
            count += 1;
        }
    }
    count
}
",
            "fn f(names: &[&str], users: &Vec<User>) -> usize {
    let mut count = 0;
    let users_name_set: std::collections::HashSet<_> = users.iter().map(|user| user.name.as_str()).collect();
    for name in names {
        let name: &str = name;
        if users_name_set.contains(name) {
            count += 1;
        }
    }
    count
}
",
        );
    }

    #[test]
    fn a_position_is_looked_up_and_the_outermost_loop_is_chosen() {
        check(
            RULE,
            "fn f(rows: &[Vec<u32>], ids: &[u32]) {
    for row in rows {
        for id in row {
            if let Some(at) = ids.iter().position(|other| other == id) {
                mark(at);
            }
        }
    }
}
",
            "fn f(rows: &[Vec<u32>], ids: &[u32]) {
    let mut ids_index = std::collections::HashMap::new();
    for (at, other) in ids.iter().enumerate() {
        ids_index.entry(other).or_insert(at);
    }
    for row in rows {
        for id in row {
            if let Some(at) = ids_index.get(id).copied() {
                mark(at);
            }
        }
    }
}
",
        );
    }

    #[test]
    fn a_chain_over_several_lines_is_read_as_one() {
        check(
            RULE,
            "struct S {
    known: Vec<u32>,
}
impl S {
    fn f(&self, ids: &[u32]) {
        for id in ids {
            let at = self
                .known
                .iter()
                .position(|other| other == id);
            mark(at);
        }
    }
}
",
            "struct S {
    known: Vec<u32>,
}
impl S {
    fn f(&self, ids: &[u32]) {
        let mut known_index = std::collections::HashMap::new();
        for (at, other) in self.known.iter().enumerate() {
            known_index.entry(other).or_insert(at);
        }
        for id in ids {
            let at = known_index.get(id).copied();
            mark(at);
        }
    }
}
",
        );
    }

    #[test]
    fn a_closure_of_an_adaptor_repeats_too() {
        check(
            RULE,
            "fn f(items: Vec<u32>, known: &[u32]) -> Vec<u32> {
    items.into_iter().filter(|id| !known.contains(id)).collect()
}
",
            "fn f(items: Vec<u32>, known: &[u32]) -> Vec<u32> {
    let known_set: std::collections::HashSet<_> = known.iter().collect();
    items.into_iter().filter(|id| !known_set.contains(id)).collect()
}
",
        );
    }

    #[test]
    fn what_cannot_be_asked_or_kept_is_refused() {
        check_refuses(
            RULE,
            "fn f(is: &[I], ps: &[P]) -> usize { is.iter().filter(|i| ps.iter().any(|p| p.id == i.id)).count() }",
            "the key belongs to a closure of one expression, where its type cannot be asked for",
        );
        check_refuses(
            RULE,
            "fn f(is: &[I], ps: &[P]) { for i in is { ps.iter().any(|p| /* by id */ p.id == i.id); } }",
            "the comment \"/* by id */\" would be lost (line 1)",
        );
        check_refuses(
            RULE,
            "#![no_std] fn f(is: &[u8], ps: &[u8]) { for i in is { ps.contains(i); } }",
            "the crate is `no_std`: it has no hash collections",
        );
        check_refuses(
            RULE,
            "fn f(is: &[u8], ps: &[u8]) { for i in is { #[cfg(unix)] log(i); ps.contains(i); } }",
            "line 1 is there only under a `cfg`: other configurations are not seen",
        );
    }
}
