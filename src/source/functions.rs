//! One syntax tree in; its functions and items out, flat, each with what stands around it.

use super::visit::code::{self as visit, Visit};

use super::SourceFile;
use super::file::is_test_attribute;

/// A function that has a body.
#[derive(Clone, Copy)]
pub struct Function<'a> {
    /// Its attributes.
    pub attrs: &'a [syn::Attribute],
    /// Its signature.
    pub sig: &'a syn::Signature,
    /// Its body.
    pub block: &'a syn::Block,
    /// The self type where it stands in an `impl`.
    pub self_ty: Option<&'a syn::Type>,
    /// True where it implements or declares a trait's method.
    pub in_trait: bool,
    /// True where neither `pub` nor a trait lets other modules call it.
    pub is_private: bool,
    /// True under `#[cfg(test)]` or `#[test]`.
    pub is_test: bool,
}

/// An item of the file or of an inline module.
#[derive(Clone, Copy)]
pub struct Placed<'a> {
    /// The item.
    pub item: &'a syn::Item,
    /// Index of the enclosing module in the order of the text; 0 is the file itself.
    pub module: usize,
    /// True under `#[cfg(test)]`.
    pub is_test: bool,
}

/// All functions with bodies, nested ones included, in the order of the text.
pub fn functions(file: &SourceFile) -> Vec<Function<'_>> {
    let mut seen = Functions { file, found: Vec::new(), self_ty: None, in_trait: false, is_test: false };
    seen.visit_file(&file.ast);
    seen.found
}

/// The functions that give a `Result`, but for tests and what may run while compiling.
pub fn fallible(file: &SourceFile) -> impl Iterator<Item = Function<'_>> {
    let gives_result = |function: &Function<'_>| match &function.sig.output {
        syn::ReturnType::Type(_, output) => head(output).ends_with("Result"),
        syn::ReturnType::Default => false,
    };
    let functions = functions(file).into_iter().filter(|f| !f.is_test && f.sig.constness.is_none());
    functions.filter(gives_result)
}

/// All items of the file and of its inline modules, in the order of the text; not those inside bodies.
pub fn items(ast: &syn::File) -> Vec<Placed<'_>> {
    let mut found = Vec::new();
    let mut modules = 0;
    collect(&ast.items, 0, false, &mut modules, &mut found);
    found
}

fn collect<'a>(items: &'a [syn::Item], module: usize, is_test: bool, modules: &mut usize, found: &mut Vec<Placed<'a>>) {
    for item in items {
        let is_test = is_test || attributes(item).iter().any(is_test_attribute);
        found.push(Placed { item, module, is_test });
        if let syn::Item::Mod(inner) = item
            && let Some((_, items)) = &inner.content
        {
            *modules += 1;
            collect(items, *modules, is_test, modules, found);
        }
    }
}

/// The attributes of an item.
pub fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(x) => &x.attrs,
        syn::Item::Enum(x) => &x.attrs,
        syn::Item::Fn(x) => &x.attrs,
        syn::Item::Impl(x) => &x.attrs,
        syn::Item::Macro(x) => &x.attrs,
        syn::Item::Mod(x) => &x.attrs,
        syn::Item::Static(x) => &x.attrs,
        syn::Item::Struct(x) => &x.attrs,
        syn::Item::Trait(x) => &x.attrs,
        syn::Item::Type(x) => &x.attrs,
        syn::Item::Use(x) => &x.attrs,
        _ => &[],
    }
}

/// The last segment of a type's path, `Scorer` of `crate::risk::Scorer<'a>`; empty for other types.
pub fn head(ty: &syn::Type) -> String {
    match ty {
        syn::Type::Path(path) => path.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default(),
        syn::Type::Paren(inner) => head(&inner.elem),
        syn::Type::Group(inner) => head(&inner.elem),
        _ => String::new(),
    }
}

/// The generic type arguments of a type's last path segment.
pub fn type_arguments(ty: &syn::Type) -> Vec<&syn::Type> {
    let syn::Type::Path(path) = ty else { return Vec::new() };
    let Some(last) = path.path.segments.last() else { return Vec::new() };
    let syn::PathArguments::AngleBracketed(args) = &last.arguments else { return Vec::new() };
    let types = args.args.iter().filter_map(|arg| match arg {
        syn::GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}

/// The names in all `#[derive(…)]` of an item, without their paths.
pub fn derives(attrs: &[syn::Attribute]) -> Vec<String> {
    let mut names = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("derive")) {
        let _ = attr.parse_nested_meta(|meta| {
            names.extend(meta.path.segments.last().map(|s| s.ident.to_string()));
            Ok(())
        });
    }
    names
}

struct Functions<'a> {
    file: &'a SourceFile,
    found: Vec<Function<'a>>,
    self_ty: Option<&'a syn::Type>,
    in_trait: bool,
    is_test: bool,
}

impl<'a> Functions<'a> {
    fn inside(&mut self, attrs: &[syn::Attribute], visit: impl FnOnce(&mut Self)) {
        let before = self.is_test;
        self.is_test |= attrs.iter().any(is_test_attribute);
        visit(self);
        self.is_test = before;
    }

    fn push(
        &mut self,
        attrs: &'a [syn::Attribute],
        vis: &syn::Visibility,
        sig: &'a syn::Signature,
        block: &'a syn::Block,
        method: bool,
    ) {
        let self_ty = if method { self.self_ty } else { None };
        let in_trait = method && self.in_trait;
        let is_private = matches!(vis, syn::Visibility::Inherited) && !in_trait;
        self.found.push(Function { attrs, sig, block, self_ty, in_trait, is_private, is_test: self.is_test });
        if self.file.has_functions(block) {
            self.visit_block(block);
        }
    }
}

impl<'a> Visit<'a> for Functions<'a> {
    fn visit_item_mod(&mut self, node: &'a syn::ItemMod) {
        self.inside(&node.attrs, |this| visit::visit_item_mod(this, node));
    }

    fn visit_item_fn(&mut self, node: &'a syn::ItemFn) {
        self.inside(&node.attrs, |this| this.push(&node.attrs, &node.vis, &node.sig, &node.block, false));
    }

    fn visit_item_impl(&mut self, node: &'a syn::ItemImpl) {
        let before = (self.self_ty, self.in_trait);
        (self.self_ty, self.in_trait) = (Some(&*node.self_ty), node.trait_.is_some());
        self.inside(&node.attrs, |this| visit::visit_item_impl(this, node));
        (self.self_ty, self.in_trait) = before;
    }

    fn visit_item_trait(&mut self, node: &'a syn::ItemTrait) {
        let before = (self.self_ty, self.in_trait);
        (self.self_ty, self.in_trait) = (None, true);
        self.inside(&node.attrs, |this| visit::visit_item_trait(this, node));
        (self.self_ty, self.in_trait) = before;
    }

    fn visit_impl_item_fn(&mut self, node: &'a syn::ImplItemFn) {
        self.inside(&node.attrs, |this| this.push(&node.attrs, &node.vis, &node.sig, &node.block, true));
    }

    fn visit_trait_item_fn(&mut self, node: &'a syn::TraitItemFn) {
        self.inside(&node.attrs, |this| {
            if let Some(block) = &node.default {
                this.push(&node.attrs, &syn::Visibility::Inherited, &node.sig, block, true);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileRole;

    fn parsed(text: &str) -> SourceFile {
        SourceFile::parse("src/lib.rs", text, &FileRole::default()).unwrap()
    }

    #[test]
    fn functions_are_found_however_deep_they_nest() {
        let text = "impl S { fn a(&self) { let f = || { if x { impl T { fn b() { loop { fn c() {} } } } } }; } } \
                    const N: u8 = { fn d() -> u8 { 1 } d() }; fn e() {}";
        let names: Vec<String> = functions(&parsed(text)).iter().map(|f| f.sig.ident.to_string()).collect();
        assert_eq!(names, ["a", "b", "c", "d", "e"]);
    }

    #[test]
    fn nested_functions_and_methods_are_listed_with_their_self_type() {
        let file = parsed("fn a() { fn b() {} } struct S; impl S { fn c(&self) {} } trait T { fn d(); fn e() {} }");
        let seen: Vec<_> =
            functions(&file).iter().map(|f| (f.sig.ident.to_string(), f.self_ty.map(head), f.in_trait)).collect();
        let expected = [("a", None, false), ("b", None, false), ("c", Some("S"), false), ("e", None, true)];
        assert_eq!(seen, expected.map(|(n, s, t)| (n.to_string(), s.map(str::to_string), t)));
    }

    #[test]
    fn tests_are_told_apart_but_not_cfg_of_something_else() {
        let file =
            parsed("#[cfg(test)] mod t { fn a() {} } #[cfg(not(test))] fn b() {} #[tokio::test] async fn c() {}");
        let seen: Vec<bool> = functions(&file).iter().map(|f| f.is_test).collect();
        assert_eq!(seen, [true, false, true]);
    }

    #[test]
    fn derives_are_listed_without_their_paths() {
        let item: syn::ItemStruct =
            syn::parse_str("#[derive(Debug, serde::Serialize)] #[repr(C)] #[derive(Clone)] struct S;").unwrap();
        assert_eq!(derives(&item.attrs), ["Debug", "Serialize", "Clone"]);
    }
}
