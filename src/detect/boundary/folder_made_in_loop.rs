//! Loops that make one and the same folder in each round.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::made_in_loop::is_same_each_round;
use crate::source::{SourceFile, names, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("folder-made-in-loop"),
    eye: Eye::Boundary,
    kind: Kind::HiddenWait,
    class: Class::B,
    title: "same folder made in each round of a loop",
    explain: EXPLAIN,
    triggers: &["create_dir_all"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `for` loops over a list that begin each round with `fs::create_dir_all(…)`, or a check for the folder before it, for a folder that
is the same in each round.

## Why it costs

Two and more system calls per round find out what the first round has settled.

## Before

```rust
for ticket in tickets {
    let dir = self.root.join(&self.name);
    if !dir.is_dir() {
        fs::create_dir_all(&dir)?;
    }
    fs::write(dir.join(&ticket.name), &ticket.text)?;
}
```

## After

```rust
let dir = self.root.join(&self.name);
if !dir.is_dir() {
    fs::create_dir_all(&dir)?;
}
for ticket in tickets {
    fs::write(dir.join(&ticket.name), &ticket.text)?;
}
```

The folder is made even where the list is empty. That is for a person to accept.

## When it is refused

The path depends on the round; something stands before it in the round; a round removes or renames folders, or leaves the folder's name to
somebody else; its name is used around the loop as well.
";

/// Words by which a round may take the folder away again.
const REMOVES: &[&str] = &["remove_dir", "remove_dir_all", "rename", "persist", "Command", "remove"];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        for stmt in &block.stmts {
            if let syn::Stmt::Expr(syn::Expr::ForLoop(around), _) = stmt {
                found.extend(made(file, block, stmt, around));
            }
        }
    }
    found
}

fn made(file: &SourceFile, block: &syn::Block, stmt: &syn::Stmt, around: &syn::ExprForLoop) -> Option<Fact> {
    let stmts = &around.body.stmts;
    let named = shapes::plain_let(stmts.first()?).filter(|l| !l.is_mut && is_path(l.value));
    let make = stmts.get(usize::from(named.is_some()))?;
    let path = folder(make)?;
    let list = shapes::counted(&around.expr)?;
    let bound = names::bound_by(&around.pat);
    let rest =
        syn::Block { brace_token: around.body.brace_token, stmts: stmts[1 + usize::from(named.is_some())..].to_vec() };
    let is_same = match &named {
        Some(named) => {
            let name = named.name.to_string();
            let is_it = names::plain_name(path).is_some_and(|found| *found == name);
            let is_free = shapes::count(block, &name) == shapes::count(stmt, &name);
            let is_kept = crate::source::usage::uses(file, &rest, &name).iter().all(|u| !u.is_change());
            is_it && is_free && is_kept && is_same_each_round(file, &around.body, &bound, named.value)
        }
        None => is_path(path) && is_same_each_round(file, &around.body, &bound, path),
    };
    let leaves = shapes::exits_of(&around.expr).is_empty() && around.label.is_none() && !names::mentions(list, "rx");
    if !is_same || !leaves || rest.stmts.is_empty() || names::mentions_any(&rest, REMOVES) {
        return None;
    }
    let mut fact = Fact::at(file, file.range(make))
        .capture("loop", file.range(stmt))
        .note("message", "each round asks the disk for a folder that the first has made");
    if let Some(named) = named {
        fact = fact.capture("named", file.range(named.local));
    }
    Some(fact)
}

/// A path that is only looked at, or joined of parts that are.
fn is_path(expr: &syn::Expr) -> bool {
    match shapes::unreferenced(expr) {
        syn::Expr::MethodCall(call) if call.method == "join" || call.method == "with_file_name" => {
            is_path(&call.receiver) && call.args.iter().all(|arg| shapes::is_quiet(shapes::unreferenced(arg)))
        }
        other => shapes::is_quiet(other),
    }
}

/// The path of `fs::create_dir_all(path)?;`, alone or behind `if !path.is_dir()`.
fn folder(stmt: &syn::Stmt) -> Option<&syn::Expr> {
    let syn::Stmt::Expr(expr, _) = stmt else { return None };
    if let syn::Expr::If(check) = expr {
        let asked = shapes::denied(&check.cond)?;
        let asked = shapes::method(asked, "is_dir", 0).or_else(|| shapes::method(asked, "exists", 0))?;
        let ([inner], None) = (check.then_branch.stmts.as_slice(), &check.else_branch) else { return None };
        return folder(inner).filter(|path| shapes::same(names::peel(&asked.receiver), path));
    }
    let syn::Expr::Try(t) = expr else { return None };
    let made = match &*t.expr {
        syn::Expr::MethodCall(call) if call.method == "map_err" => &*call.receiver,
        other => other,
    };
    let call = shapes::call(made, &["fs", "create_dir_all"]).filter(|call| call.args.len() == 1)?;
    Some(shapes::unreferenced(&call.args[0]))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_folders_that_stay_the_same() {
        for text in [
            "impl S { fn f(&self, xs: &[X]) -> R { for x in xs { let d = self.root.join(&self.name); $0if !d.is_dir() { fs::create_dir_all(&d)?; }$0 fs::write(d.join(&x.n), &x.t)?; } Ok(()) } }",
            "fn f(dir: &Path, xs: &[X]) -> R { for x in xs { $0std::fs::create_dir_all(dir)?;$0 fs::write(dir.join(&x.n), &x.t)?; } Ok(()) }",
            "fn f(c: &C, xs: &[X]) -> R { for x in xs.iter() { $0fs::create_dir_all(c.root.join(\"out\")).map_err(|e| E::Io(e))?;$0 save(c, x)?; } Ok(()) }",
            "fn f(c: &C, xs: &[X]) -> R { for x in xs { $0if !c.dir.exists() { fs::create_dir_all(&c.dir)?; }$0 save(c, x)?; } Ok(()) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Another folder in each round.
                "fn f(root: &Path, xs: &[X]) -> R { for x in xs { let d = root.join(&x.name); fs::create_dir_all(&d)?; fs::write(d.join(\"a\"), &x.t)?; } Ok(()) }",
                "fn f(xs: &[X]) -> R { for x in xs { fs::create_dir_all(&x.dir)?; fs::write(&x.path, &x.t)?; } Ok(()) }",
                "fn f(mut d: PathBuf, xs: &[X]) -> R { for x in xs { fs::create_dir_all(&d)?; d.push(&x.n); } Ok(()) }",
                "fn f(c: &C, xs: &[X]) -> R { for x in xs { fs::create_dir_all(c.next_dir())?; save(x)?; } Ok(()) }",
                // Something comes first, or takes it away.
                "fn f(d: &Path, xs: &[X]) -> R { for x in xs { if x.skip { continue; } fs::create_dir_all(d)?; save(x)?; } Ok(()) }",
                "fn f(d: &Path, xs: &[X]) -> R { for x in xs { fs::create_dir_all(d)?; save(x)?; fs::remove_dir_all(d)?; } Ok(()) }",
                "fn f(d: &Path, xs: &[X]) -> R { for x in xs { fs::create_dir_all(d)?; save(x)?; fs::rename(d, &x.p)?; } Ok(()) }",
                // Not the folder that was asked for, nothing else to do, or no list.
                "fn f(d: &Path, e: &Path, xs: &[X]) -> R { for x in xs { if !d.is_dir() { fs::create_dir_all(e)?; } save(x)?; } Ok(()) }",
                "fn f(d: &Path, xs: &[X]) -> R { for x in xs { fs::create_dir_all(d)?; } Ok(()) }",
                "fn f(d: &Path, rx: Receiver<X>) -> R { for x in rx.try_iter() { fs::create_dir_all(d)?; save(x)?; } Ok(()) }",
                "fn f(d: &Path, xs: &[X]) -> R { fs::create_dir_all(d)?; for x in xs { save(x)?; } Ok(()) }",
            ],
        );
    }
}
