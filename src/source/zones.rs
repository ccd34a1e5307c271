//! A file and the ranges that a rewrite would edit in; why no rewrite may touch them, if so, out.

use super::visit::{self, Visit};
use syn::spanned::Spanned;

use super::SourceFile;
use crate::model::{TextEdit, TextRange};

/// Attributes of a function that leave its body as it is written, or whose expansion is known to keep it.
const PLAIN_ATTRIBUTES: &[&str] = &[
    "allow",
    "bench",
    "cfg",
    "cfg_attr",
    "cold",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "export_name",
    "forbid",
    "inline",
    "instrument",
    "link_section",
    "main",
    "must_use",
    "no_mangle",
    "non_exhaustive",
    "rustfmt",
    "target_feature",
    "test",
    "track_caller",
    "unsafe",
    "warn",
    "clippy",
];

/// Macros whose arguments are expressions in the order in which they are written.
const KNOWN_MACROS: &[&str] = &[
    "assert",
    "assert_eq",
    "assert_ne",
    "dbg",
    "debug",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "eprint",
    "eprintln",
    "error",
    "event",
    "format",
    "format_args",
    "info",
    "matches",
    "panic",
    "print",
    "println",
    "todo",
    "trace",
    "unimplemented",
    "unreachable",
    "vec",
    "warn",
    "write",
    "writeln",
];

/// Why no rewrite may make these edits in this file, whatever the rule; `None` where nothing speaks against them.
pub fn refusal(file: &SourceFile, edits: &[TextEdit]) -> Option<String> {
    if file.is_generated {
        return Some("the file is generated: change what generates it".to_owned());
    }
    if file.role.is_doubled {
        return Some("the file is part of more than one module: an edit would change them all".to_owned());
    }
    let mut walk = Zones { file, hulls: hulls(file, edits), edits, reason: None };
    walk.visit_file(&file.ast);
    walk.reason
}

/// From the first to the last edit within each function: what stands between them takes part in the rewrite.
fn hulls(file: &SourceFile, edits: &[TextEdit]) -> Vec<TextRange> {
    let mut by_item: Vec<(Option<TextRange>, TextRange)> = Vec::new();
    for edit in edits {
        let item = file.item_around(edit.range).map(|i| i.range);
        match by_item.iter_mut().find(|(known, _)| *known == item && item.is_some()) {
            Some((_, hull)) => {
                *hull = TextRange { start: hull.start.min(edit.range.start), end: hull.end.max(edit.range.end) };
            }
            None => by_item.push((item, edit.range)),
        }
    }
    by_item.into_iter().map(|(_, hull)| hull).collect()
}

struct Zones<'a> {
    file: &'a SourceFile,
    hulls: Vec<TextRange>,
    edits: &'a [TextEdit],
    reason: Option<String>,
}

fn touches(range: TextRange, edit: TextRange) -> bool {
    range.intersects(edit) || (edit.is_empty() && range.start < edit.start && edit.start < range.end)
}

impl Zones<'_> {
    fn is_edited(&self, range: TextRange) -> bool {
        self.edits.iter().any(|e| touches(range, e.range))
    }

    fn refuse(&mut self, reason: String) {
        self.reason.get_or_insert(reason);
    }

    fn check_macro(&mut self, mac: &syn::Macro, is_definition: bool) {
        let name = mac.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
        let range = self.file.range(mac);
        if is_definition {
            if self.is_edited(range) {
                self.refuse("the place is inside a macro definition".to_owned());
            }
        } else if !KNOWN_MACROS.contains(&name.as_str()) && self.is_within(range) {
            self.refuse(format!("the place is inside the arguments of `{name}!`, whose meaning is not known"));
        }
    }

    /// True if an edit lies strictly inside: replacing a whole macro call is no edit of its arguments.
    fn is_within(&self, range: TextRange) -> bool {
        self.edits.iter().any(|e| touches(range, e.range) && !e.range.contains(range))
    }

    fn check_function(&mut self, range: TextRange, attrs: &[syn::Attribute]) {
        if !self.is_edited(range) {
            return;
        }
        for attr in attrs {
            let segments: Vec<String> = attr.path().segments.iter().map(|s| s.ident.to_string()).collect();
            let (first, last) = (segments.first(), segments.last());
            let is_plain = [first, last].into_iter().flatten().any(|s| PLAIN_ATTRIBUTES.contains(&s.as_str()));
            if !is_plain {
                self.refuse(format!("the function is under `#[{}]`, which may rewrite its body", segments.join("::")));
            }
        }
    }

    fn check_cfg<T: Spanned + 'static>(&mut self, node: &T, attrs: &[syn::Attribute]) {
        let Some(attr) = attrs.iter().find(|a| a.path().is_ident("cfg") || a.path().is_ident("cfg_attr")) else {
            return;
        };
        let range = self.file.range(node);
        if self.hulls.iter().any(|hull| touches(range, *hull) || hull.contains(range)) {
            let (line, _) = self.file.line_column(self.file.range(attr).start);
            self.refuse(format!("line {line} is there only under a `cfg`: other configurations are not seen"));
        }
    }
}

/// Visits nodes that carry attributes inside a function body.
macro_rules! check_cfg_of {
    ($($visit:ident: $node:ident,)+) => {$(
        fn $visit(&mut self, node: &'ast syn::$node) {
            self.check_cfg(node, &node.attrs);
            visit::$visit(self, node);
        }
    )+};
}

impl<'ast> Visit<'ast> for Zones<'_> {
    fn visit_item(&mut self, node: &'ast syn::Item) {
        let range = self.file.range(node);
        if self.edits.iter().any(|e| touches(range, e.range)) {
            visit::visit_item(self, node);
        }
    }

    fn visit_item_macro(&mut self, node: &'ast syn::ItemMacro) {
        self.check_macro(&node.mac, node.mac.path.is_ident("macro_rules"));
    }

    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        self.check_macro(node, node.path.is_ident("macro_rules"));
    }

    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.check_function(self.file.range(node), &node.attrs);
        visit::visit_item_fn(self, node);
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.check_function(self.file.range(node), &node.attrs);
        visit::visit_impl_item_fn(self, node);
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        self.check_function(self.file.range(node), &node.attrs);
        visit::visit_trait_item_fn(self, node);
    }

    fn visit_item_impl(&mut self, node: &'ast syn::ItemImpl) {
        self.check_function(self.file.range(node), &node.attrs);
        visit::visit_item_impl(self, node);
    }

    fn visit_item_trait(&mut self, node: &'ast syn::ItemTrait) {
        self.check_function(self.file.range(node), &node.attrs);
        visit::visit_item_trait(self, node);
    }

    fn visit_stmt(&mut self, node: &'ast syn::Stmt) {
        match node {
            syn::Stmt::Macro(mac) => self.check_cfg(mac, &mac.attrs),
            syn::Stmt::Expr(syn::Expr::Block(block), _) => self.check_cfg(block, &block.attrs),
            syn::Stmt::Expr(syn::Expr::If(node), _) => self.check_cfg(node, &node.attrs),
            syn::Stmt::Expr(syn::Expr::Call(call), _) => self.check_cfg(call, &call.attrs),
            syn::Stmt::Expr(syn::Expr::MethodCall(call), _) => self.check_cfg(call, &call.attrs),
            syn::Stmt::Expr(syn::Expr::Assign(assign), _) => self.check_cfg(assign, &assign.attrs),
            syn::Stmt::Expr(syn::Expr::ForLoop(node), _) => self.check_cfg(node, &node.attrs),
            syn::Stmt::Expr(syn::Expr::Match(node), _) => self.check_cfg(node, &node.attrs),
            syn::Stmt::Expr(syn::Expr::Macro(mac), _) => self.check_cfg(mac, &mac.attrs),
            _ => {}
        }
        visit::visit_stmt(self, node);
    }

    check_cfg_of! {
        visit_local: Local,
        visit_arm: Arm,
        visit_field_value: FieldValue,
        visit_field: Field,
        visit_variant: Variant,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileRole;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        check_role(text, FileRole::default(), expected);
    }

    #[track_caller]
    fn check_role(text: &str, role: FileRole, expected: Option<&str>) {
        let file = SourceFile::parse("a.rs", text, &role).unwrap();
        let edits: Vec<TextEdit> = text
            .match_indices("HERE")
            .map(|(at, _)| TextEdit { range: TextRange::new(at, at + 4), text: "x".into() })
            .collect();
        assert_eq!(refusal(&file, &edits).as_deref(), expected);
    }

    #[test]
    fn plain_functions_may_be_edited() {
        check("#[inline] #[must_use] /// doc\nfn f() { HERE }", None);
        check("#[tokio::main] async fn f() { HERE }", None);
        check("#[tracing::instrument(skip(a))] fn f() { println!(\"{}\", HERE); }", None);
        check("#[derive(Debug)] struct S { a: HERE }", None);
        check("fn f() { my_macro!(x); HERE; }", None);
    }

    #[test]
    fn macros_and_their_arguments_are_left_alone() {
        check("macro_rules! m { () => { HERE } }", Some("the place is inside a macro definition"));
        let reason = "the place is inside the arguments of `select!`, whose meaning is not known";
        check("fn f() { tokio::select! { HERE => {} } }", Some(reason));
    }

    #[test]
    fn functions_that_a_procedural_macro_may_rewrite_are_left_alone() {
        let reason = "the function is under `#[async_trait]`, which may rewrite its body";
        check("#[async_trait] impl S { async fn f() { HERE } }", Some(reason));
        check("#[async_trait] impl S { async fn f() { a } } fn g() { HERE }", None);
    }

    #[test]
    fn statements_under_a_cfg_between_the_edits_refuse() {
        let reason = "line 2 is there only under a `cfg`: other configurations are not seen";
        check("fn f() { HERE;\n#[cfg(unix)] let a = 1;\nHERE; }", Some(reason));
        check("fn f() { HERE;\n#[cfg(unix)]\n{ a() }\nHERE; }", Some(reason));
        check("fn f() { HERE;\nHERE;\n#[cfg(unix)] let a = 1; }", None);
        check("#[cfg(unix)] fn f() { HERE }", None);
    }

    #[test]
    fn generated_and_doubled_files_are_left_alone() {
        let generated = FileRole { is_generated: true, ..FileRole::default() };
        check_role("fn f() { HERE }", generated, Some("the file is generated: change what generates it"));
        let doubled = FileRole { is_doubled: true, ..FileRole::default() };
        let reason = "the file is part of more than one module: an edit would change them all";
        check_role("fn f() { HERE }", doubled, Some(reason));
    }
}
