//! An edited file in; its text with a counter in each part of the new code, and what the counters told, out.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::visit::{self, Visit};

use super::agree::{Home, Shims};
use super::change::Change;
use crate::model::{RungState, TextRange};
use crate::source::{FileRole, SourceFile};

/// The variable that names the file in which counters write.
pub const VARIABLE: &str = "REFIT_HITS";

/// One counted place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Its number, unique over all files of a proposal.
    pub id: usize,
    /// File relative to the project root.
    pub file: String,
    /// Line of the new text, from 1.
    pub line: u32,
    /// Which of the proposals in the text it belongs to, from 0.
    pub part: usize,
    /// True for the statement that an edit stands in: without it the edit was not executed at all.
    pub is_entry: bool,
}

/// A file with its counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The text to build.
    pub text: String,
    /// Its places.
    pub sites: Vec<Site>,
}

/// Puts counters into the new text: before each statement that an edit stands in, and at the start of each block and
/// match arm that is new. An edit of a type counts the functions of its file that name the type. `parts` are the
/// proposals that stand in one text together.
pub fn count(parts: &[Change], first_id: usize) -> Counted {
    count_among(parts, first_id, &Shims::default(), None)
}

/// As [`count`] in a text that gets these shims, too. Where `home` is a runtime of theirs, nothing is counted while it
/// tries the bodies.
pub fn count_among(parts: &[Change], first_id: usize, shims: &Shims, home: Option<Home>) -> Counted {
    let Some(change) = parts.first() else { return Counted { text: String::new(), sites: Vec::new() } };
    let unchanged = Counted { text: change.new.clone(), sites: Vec::new() };
    let Ok(file) = SourceFile::parse(&change.file, &change.new, &FileRole::default()) else { return unchanged };
    let mut inserts: Vec<Insert> = Vec::new();
    for (part, change) in parts.iter().enumerate() {
        let (points, arms) = points(&file, change);
        inserts.extend(points.iter().map(|(at, entry)| (*at, Some((part, *entry)), "")));
        for arm in arms {
            inserts.push((arm.start, Some((part, false)), "{ "));
            inserts.push((arm.end, None, " }"));
        }
    }
    inserts.extend(shims.inserts.iter().map(|(at, text)| (*at, None, text.as_str())));
    inserts.sort_by_key(|(at, site, _)| (*at, site.is_some()));
    let trial = |at: u32| home.map(|home| format!("{}::is_trial()", home.path(depth(&file, &file.ast.items, at))));
    let mut text = String::with_capacity(change.new.len() + inserts.len() * 700);
    let mut sites = Vec::new();
    let mut done = 0;
    for (at, site, glue) in inserts {
        text.push_str(&change.new[done..at as usize]);
        done = at as usize;
        text.push_str(glue);
        if let Some((part, is_entry)) = site {
            let id = first_id + sites.len();
            text.push_str(&counter(id, trial(at)));
            let (line, _) = file.line_column(at);
            sites.push(Site { id, file: change.file.clone(), line, part, is_entry });
        }
    }
    text.push_str(&change.new[done..]);
    Counted { text, sites }
}

/// Offset, site (its proposal, and whether it is an edit's own statement) and text before it: the closing brace of an arm
/// has no site.
type Insert<'t> = (u32, Option<(usize, bool)>, &'t str);

/// Where counters go: offsets, true for those of an edit's own statement, and bodies that need braces first.
fn points(file: &SourceFile, change: &Change) -> (BTreeMap<u32, bool>, Vec<TextRange>) {
    let news: Vec<TextRange> = change.own_places().map(|(_, new)| *new).collect();
    let mut walk = Walk { file, news: &news, blocks: Vec::new(), branches: Vec::new(), arms: Vec::new() };
    walk.visit_file(&file.ast);
    let entries: BTreeSet<u32> = news.iter().filter_map(|new| walk.entry(*new)).collect();
    let mut points: BTreeMap<u32, bool> = walk.branches.iter().map(|at| (*at, false)).collect();
    points.extend(entries.iter().map(|at| (*at, true)));
    if points.is_empty() && walk.arms.is_empty() {
        points.extend(users_of_types(file, &news).into_iter().map(|at| (at, true)));
    }
    (points, walk.arms)
}

/// A counter that needs nothing around it. It writes at 1, 2, 4, 8, … hits and at the first hit of each thread (libtest
/// runs each test on its own), so that what a killed process counted is there too.
fn counter(id: usize, trial: Option<String>) -> String {
    let condition = trial.map_or(String::new(), |trial| format!("if !{trial} "));
    format!(
        "{condition}{{ static __REFIT_HITS: ::std::sync::atomic::AtomicU64 = ::std::sync::atomic::AtomicU64::new(0); \
         let __refit_n = __REFIT_HITS.fetch_add(1, ::std::sync::atomic::Ordering::Relaxed) + 1; \
         ::std::thread_local! {{ static __REFIT_SEEN: ::std::cell::Cell<bool> = const {{ ::std::cell::Cell::new(false) }}; }} \
         let __refit_seen = __REFIT_SEEN.try_with(|seen| seen.replace(true)).unwrap_or(true); \
         if !__refit_seen || __refit_n.is_power_of_two() {{ if let ::std::option::Option::Some(__refit_path) = ::std::env::var_os(\"{VARIABLE}\") {{ \
         if let ::std::result::Result::Ok(mut __refit_file) = ::std::fs::OpenOptions::new().append(true).create(true).open(__refit_path) {{ \
         let __refit_thread = ::std::thread::current(); \
         let __refit_line = ::std::format!(\"{{}} {id} {{}} {{}}\\n\", ::std::process::id(), __refit_n, __refit_thread.name().unwrap_or(\"-\")); \
         let _ = ::std::io::Write::write_all(&mut __refit_file, __refit_line.as_bytes()); }} }} }} }} "
    )
}

/// Modules of the file around a place.
fn depth(file: &SourceFile, items: &[syn::Item], at: u32) -> usize {
    let inside = items.iter().find_map(|item| match item {
        syn::Item::Mod(m) if file.range(m).start <= at && at < file.range(m).end => m.content.as_ref(),
        _ => None,
    });
    inside.map_or(0, |(_, items)| 1 + depth(file, items, at))
}

struct Walk<'a> {
    file: &'a SourceFile,
    news: &'a [TextRange],
    /// Blocks that run, with the starts and ends of their statements.
    blocks: Vec<(TextRange, Vec<TextRange>)>,
    /// Right behind the brace of each new block.
    branches: Vec<u32>,
    /// Bodies of new match arms and closures that are no blocks.
    arms: Vec<TextRange>,
}

impl Walk<'_> {
    fn is_new(&self, at: u32) -> bool {
        self.news.iter().any(|n| n.start <= at && at < n.end)
    }

    /// Where the counter of an edit stands: before the first statement that it meets in the innermost block around it.
    fn entry(&self, new: TextRange) -> Option<u32> {
        let around = |block: &&(TextRange, Vec<TextRange>)| block.0.start < new.start.max(1) && new.end < block.0.end;
        let (block, statements) = self.blocks.iter().filter(around).min_by_key(|(block, _)| block.len())?;
        let meets = statements.iter().find(|s| s.end > new.start || (new.is_empty() && s.end == new.start));
        Some(meets.map_or(block.end - 1, |s| s.start))
    }

    fn bare(&mut self, body: &syn::Expr) {
        let range = self.file.range(body);
        if !matches!(body, syn::Expr::Block(_) | syn::Expr::Async(_)) && self.is_new(range.start) {
            self.arms.push(range);
        }
    }
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_block(&mut self, node: &'ast syn::Block) {
        let block = self.file.range(node);
        let statements: Vec<TextRange> = node.stmts.iter().map(|s| self.file.range(s)).collect();
        if self.is_new(block.start) {
            self.branches.push(statements.first().map_or(block.end - 1, |s| s.start));
        }
        self.blocks.push((block, statements));
        visit::visit_block(self, node);
    }

    fn visit_arm(&mut self, node: &'ast syn::Arm) {
        self.bare(&node.body);
        visit::visit_arm(self, node);
    }

    fn visit_expr_closure(&mut self, node: &'ast syn::ExprClosure) {
        if matches!(node.output, syn::ReturnType::Default) {
            self.bare(&node.body);
        }
        visit::visit_expr_closure(self, node);
    }

    // What is computed by the compiler counts nothing.
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}

    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        if node.sig.constness.is_none() {
            visit::visit_item_fn(self, node);
        }
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        if node.sig.constness.is_none() {
            visit::visit_impl_item_fn(self, node);
        }
    }
}

/// Body starts of the functions of this file that name a type whose definition was edited.
fn users_of_types(file: &SourceFile, news: &[TextRange]) -> Vec<u32> {
    let mut names = Vec::new();
    type_names(file, &file.ast.items, news, &mut names);
    let mut walk = Walk { file, news: &[], blocks: Vec::new(), branches: Vec::new(), arms: Vec::new() };
    walk.visit_file(&file.ast);
    let bodies: BTreeMap<u32, &Vec<TextRange>> = walk.blocks.iter().map(|(block, s)| (block.start, s)).collect();
    let functions = super::change::functions(&file.path, &file.text).unwrap_or_default();
    let mentions = |text: &str| {
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.into_iter().any(|w| names.iter().any(|n| n == w))
    };
    // A method of the type itself does not spell its name: its impl does.
    let uses =
        functions.iter().filter(|f| !f.is_const && (mentions(file.slice(f.whole)) || in_impl_of(file, f.body, &names)));
    uses.filter_map(|f| Some(bodies.get(&f.body.start)?.first().map_or(f.body.end - 1, |s| s.start))).collect()
}

fn type_names(file: &SourceFile, items: &[syn::Item], news: &[TextRange], names: &mut Vec<String>) {
    for item in items {
        let range = file.range(item);
        let edited = news.iter().any(|n| range.contains(*n) || range.intersects(*n));
        match item {
            syn::Item::Struct(s) if edited => names.push(s.ident.to_string()),
            syn::Item::Enum(e) if edited => names.push(e.ident.to_string()),
            syn::Item::Mod(m) => {
                if let Some((_, items)) = &m.content {
                    type_names(file, items, news, names);
                }
            }
            _ => {}
        }
    }
}

fn in_impl_of(file: &SourceFile, body: TextRange, names: &[String]) -> bool {
    fn search(file: &SourceFile, items: &[syn::Item], body: TextRange, names: &[String]) -> bool {
        items.iter().any(|item| match item {
            syn::Item::Impl(i) if file.range(i).contains(body) => {
                let ty = file.slice(file.range(&i.self_ty));
                names.iter().any(|n| ty.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == n))
            }
            syn::Item::Mod(m) => m.content.as_ref().is_some_and(|(_, items)| search(file, items, body, names)),
            _ => false,
        })
    }
    search(file, &file.ast.items, body, names)
}

/// Judges what the counters of one proposal wrote: every place where an edit stands must have been executed.
pub fn judge(sites: &[Site], written: &str) -> (RungState, String, String) {
    let (hits, tests) = gathered(sites, written);
    let of = |site: &Site| hits.get(&site.id).copied().unwrap_or(0);
    let place = |site: &Site| format!("{}:{}", site.file, site.line);
    let by = |site: &Site| match tests.get(&site.id) {
        Some(names) => format!(" by {}", names.iter().copied().collect::<Vec<_>>().join(", ")),
        None => String::new(),
    };
    let log: String = sites.iter().map(|s| format!("{} at least {} hits{}\n", place(s), of(s), by(s))).collect();
    let threads = tests.values().flatten().collect::<BTreeSet<_>>().len();
    if sites.is_empty() {
        return (RungState::Undecided, String::from("the edit has no code that could be counted"), log);
    }
    let missed: Vec<String> = sites.iter().filter(|s| s.is_entry && of(s) == 0).map(&place).collect();
    let reached = sites.iter().filter(|s| of(s) > 0).count();
    if reached == 0 {
        return (RungState::Untested, format!("no test executes it ({})", place(&sites[0])), log);
    }
    if !missed.is_empty() {
        return (RungState::Untested, format!("no test executes {}", missed.join(", ")), log);
    }
    let total: u64 = sites.iter().map(of).max().unwrap_or(0);
    let unreached: Vec<String> = sites.iter().filter(|s| of(s) == 0).map(&place).collect();
    let rest = if unreached.is_empty() { String::new() } else { format!("; never: {}", unreached.join(", ")) };
    let by = if threads == 0 { String::new() } else { format!(" by {}", super::tests(threads)) };
    (RungState::Passed, format!("{reached} of {} places executed{by}, at least {total} times{rest}", sites.len()), log)
}

/// Names of the threads that came by any counter; libtest names each test's thread after it.
pub fn threads(written: &str) -> BTreeSet<String> {
    written.lines().filter_map(|line| line.splitn(4, ' ').nth(3)).map(String::from).collect()
}

/// Hits per site over all processes, and the tests (libtest names threads after them) that made them.
fn gathered<'w>(sites: &[Site], written: &'w str) -> (BTreeMap<usize, u64>, BTreeMap<usize, BTreeSet<&'w str>>) {
    let mut most: BTreeMap<(u64, usize), u64> = BTreeMap::new();
    let mut tests: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    for line in written.lines() {
        let mut words = line.splitn(4, ' ');
        let (Some(pid), Some(site), Some(n)) = (number(words.next()), number(words.next()), number(words.next()))
        else {
            continue;
        };
        if !sites.iter().any(|s| s.id == site as usize) {
            continue;
        }
        let of_process = most.entry((pid, site as usize)).or_default();
        *of_process = n.max(*of_process);
        if let Some(name) = words.next().filter(|name| !["-", "main"].contains(name)) {
            tests.entry(site as usize).or_default().insert(name);
        }
    }
    let mut hits = BTreeMap::new();
    for ((_, site), n) in most {
        *hits.entry(site).or_default() += n;
    }
    (hits, tests)
}

fn number(word: Option<&str>) -> Option<u64> {
    word?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EditSet, TextEdit};
    use crate::source::hash;

    fn change(old: &str, from: &str, to: &str) -> Change {
        let start = old.find(from).unwrap();
        let edit = TextEdit { range: TextRange::new(start, start + from.len()), text: to.to_owned() };
        let new = old.replacen(from, to, 1);
        Change::new(&EditSet::new("a.rs", hash(old), vec![edit]).unwrap(), old, &new)
    }

    /// The counted text with each counter shown as its number.
    #[track_caller]
    fn check(old: &str, from: &str, to: &str, expected: &str) {
        let counted = count(&[change(old, from, to)], 0);
        let mut text = counted.text.clone();
        for site in &counted.sites {
            assert!(text.contains(&counter(site.id, None)));
            text = text
                .replace(&counter(site.id, None), &format!("<{}{}> ", site.id, if site.is_entry { "!" } else { "" }));
        }
        assert_eq!(text, expected);
        assert!(syn::parse_file(&counted.text).is_ok());
    }

    #[test]
    fn the_statement_of_the_edit_and_its_new_branches_are_counted() {
        check(
            "fn f(v: &[u8]) -> u8 {\n    let a = 1;\n    let b = old(v);\n    a + b\n}\n",
            "old(v)",
            "match v { [] => 0, [x] if *x > 1 => { *x } _ => v.iter().map(|x| x + 1).sum() }",
            "fn f(v: &[u8]) -> u8 {\n    let a = 1;\n    <0!> let b = match v { [] => { <1> 0 }, [x] if *x > 1 => { <2> *x } _ => { <3> v.iter().map(|x| { <4> x + 1 }).sum() } };\n    a + b\n}\n",
        );
    }

    #[test]
    fn a_deletion_counts_the_statement_it_was_in() {
        check("fn f(s: &str) { g(s.clone()); h(); }", ".clone()", "", "fn f(s: &str) { <0!> g(s); h(); }");
    }

    #[test]
    fn statements_replaced_as_a_whole_are_counted_at_the_first() {
        check(
            "fn f() { a(); for x in y { b(x); } c() }",
            "for x in y { b(x); }",
            "for x in &y { d(x); }",
            "fn f() { a(); <0!> for x in &y { <1> d(x); } c() }",
        );
    }

    #[test]
    fn a_new_function_is_counted_inside_and_a_static_is_not() {
        check(
            "fn f() { a(); }\n",
            "fn f() { a(); }",
            "static X: u8 = { 1 };\nfn f() { a(); }\nimpl From<A> for B { fn from(a: A) -> B { B(a) } }",
            "static X: u8 = { 1 };\nfn f() { <0> a(); }\nimpl From<A> for B { fn from(a: A) -> B { <1> B(a) } }\n",
        );
    }

    #[test]
    fn an_edited_type_counts_the_functions_that_use_it() {
        check(
            "struct Cell { a: u8, b: u64 }\nimpl Cell { fn n(&self) -> u8 { self.a } }\nfn other() { x(); }\nfn user(c: &Cell) { y(); }\n",
            "a: u8, b: u64",
            "b: u64, a: u8",
            "struct Cell { b: u64, a: u8 }\nimpl Cell { fn n(&self) -> u8 { <0!> self.a } }\nfn other() { x(); }\nfn user(c: &Cell) { <1!> y(); }\n",
        );
    }

    fn site(id: usize, is_entry: bool) -> Site {
        Site { id, file: "a.rs".into(), line: id as u32 + 1, part: 0, is_entry }
    }

    #[test]
    fn hits_are_summed_over_processes_and_listed_by_test() {
        let sites = [site(0, true), site(1, false), site(2, false)];
        let written = "10 0 1 t::a\n10 0 2 t::b\n10 0 4 t::b\n11 0 1 main\n10 2 1 t::b\n";
        let (state, detail, log) = judge(&sites, written);
        assert_eq!(state, RungState::Passed);
        assert_eq!(detail, "2 of 3 places executed by 2 tests, at least 5 times; never: a.rs:2");
        assert_eq!(
            log,
            "a.rs:1 at least 5 hits by t::a, t::b\na.rs:2 at least 0 hits\na.rs:3 at least 1 hits by t::b\n"
        );
    }

    #[test]
    fn an_edit_that_nothing_executes_is_untested_even_if_another_is_reached() {
        let sites = [site(0, true), site(1, true)];
        let (state, detail, _) = judge(&sites, "10 0 1 t::a\n");
        assert_eq!((state, detail.as_str()), (RungState::Untested, "no test executes a.rs:2"));
        assert_eq!(judge(&sites, "").0, RungState::Untested);
        assert_eq!(judge(&[], "").0, RungState::Undecided);
    }

    #[test]
    fn proposals_that_stand_together_are_counted_apart() {
        let old = "fn f() { a(); }\nfn g() { b(); }\n";
        let edit = |from: &str, to: &str| {
            let start = old.find(from).unwrap();
            TextEdit { range: TextRange::new(start, start + from.len()), text: to.to_owned() }
        };
        let set = |edits: Vec<TextEdit>| EditSet::new("a.rs", hash(old), edits).unwrap();
        let (one, other) = (set(vec![edit("a();", "c(); c();")]), set(vec![edit("b();", "d();")]));
        let both = set(vec![edit("a();", "c(); c();"), edit("b();", "d();")]);
        let change = Change::new(&both, old, &crate::source::apply(&both, old).unwrap());
        let counted = count(&[change.part(&one), change.part(&other)], 0);
        assert_eq!(counted.sites.iter().map(|s| (s.id, s.part)).collect::<Vec<_>>(), [(0, 0), (1, 1)]);
        assert_eq!(
            judge(&counted.sites[..1], "10 0 1 t::a\n10 1 9 t::b\n").1,
            "1 of 1 places executed by 1 test, at least 1 times"
        );
        assert_eq!(judge(&counted.sites[1..], "10 0 1 t::a\n").0, RungState::Untested);
    }
}
