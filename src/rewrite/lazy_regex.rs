//! A regular expression that a function compiles on each call in; a static that compiles it once out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short};
use crate::model::{Finding, Precondition, RuleId, TextEdit, TextRange};
use crate::source::functions::Function;
use crate::source::names::{NameUse, Use, bound_by, fresh, imports, screaming, uses};
use crate::source::regexes::{made, unwrapped};
use crate::source::{Node, SourceFile, Template, columns_before, expr_at, function_body, path_to, stmt_around};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("regex-in-function"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    place::require_rust(file, 80, "`LazyLock`")?;
    let compiled = expr_at(file, finding.range).ok_or("the expression is no longer where it was found")?;
    let edits = match (unwrapped(file, compiled), made(file, compiled)) {
        (Some(ty), _) => match named(file, finding.range)? {
            Some(local) => renamed(file, finding.range, &ty, &local)?,
            None => inserted(file, finding.range, &ty)?,
        },
        (None, Some(ty)) => kept_as_result(file, finding.range, &ty)?,
        (None, None) => return Err("the expression no longer compiles a literal pattern".to_owned()),
    };
    Ok(Draft {
        title: format!("compile the pattern of {} once", short(&finding.function)),
        edits: vec![(finding.file.clone(), edits)],
        touched: vec![finding.function.clone()],
        preconditions: preconditions(file, "the pattern is a literal: compiling it gives the same each time"),
        ..Draft::default()
    })
}

/// What must hold for a value that moves into a static.
pub(super) fn preconditions(file: &SourceFile, constant: &str) -> Vec<Precondition> {
    let mut all = vec![
        holds(constant),
        holds("every use only borrows it"),
        borrow("its type is `Sync` and speaks of no generic of the function"),
    ];
    if file.role.edition == "2024" {
        all.push(holds("edition 2024 has `LazyLock` (since 1.80)"));
    } else {
        all.push(borrow("the toolchain has `LazyLock` (since 1.80)"));
    }
    all
}

/// `static NAME: LazyLock<T> =` with what opens its initialiser, on two lines where `value` would make one too long.
pub(super) fn static_head(file: &SourceFile, at: TextRange, name: &str, ty: &str, value: &str) -> String {
    let lazy = lazy_lock(file);
    let (declared, built) = (format!("static {name}: {lazy}<{ty}> ="), format!("{lazy}::new(|| "));
    let first = value.lines().next().unwrap_or_default().len();
    let width = columns_before(&file.text, at.start) + declared.len() + built.len() + first + ");".len() + 1;
    if width > file.role.width.0 && !value.contains('\n') {
        format!("{declared}\n    {built}")
    } else {
        format!("{declared} {built}")
    }
}

/// `LazyLock` as the file may spell it.
pub(super) fn lazy_lock(file: &SourceFile) -> &'static str {
    if imports(file, "LazyLock") == ["std::sync::LazyLock"] { "LazyLock" } else { "std::sync::LazyLock" }
}

/// A static that holds the result, and a look at it where the pattern was compiled.
fn kept_as_result(file: &SourceFile, value: TextRange, ty: &str) -> Result<Vec<TextEdit>, String> {
    let (block, index) = stmt_around(file, value).ok_or("the expression stands in no statement")?;
    let stmt = &block.stmts[index];
    let before = file.range(stmt).start;
    let bound = match stmt {
        syn::Stmt::Local(local) => bound_by(&local.pat),
        _ => Vec::new(),
    };
    if let [name] = &bound[..] {
        let uses = uses(&block.stmts[index + 1..], name)
            .ok_or_else(|| format!("`{name}` is bound again, or handed to a macro whose meaning is not known"))?;
        if let Some(moved) = uses.iter().find(|u| !matches!(u.how, Use::Method(_) | Use::Borrow | Use::Format)) {
            let (line, _) = file.line_column(file.range(&moved.ident).start);
            return Err(format!("`{name}` is moved, returned or stored in line {line}"));
        }
    }
    let base = bound.first().map_or_else(|| "PATTERN".to_owned(), |name| screaming(name));
    let name = free_name(file, value, &base);
    let kept = format!("Result<{ty}, regex::Error>");
    let declared = format!("{}{});\n", static_head(file, value, &name, &kept, file.slice(value)), file.slice(value));
    let mut edits = Template::new(file, TextRange { start: before, end: before }).text(declared).edits();
    // `?` hands on an error of its own.
    let parent = path_to(file, value).into_iter().rev().find_map(|node| match node {
        Node::Expr(expr) if file.range(expr) != value => Some(expr),
        _ => None,
    });
    let is_handed_on = matches!(parent, Some(syn::Expr::Try(t)) if file.range(&*t.expr) == value);
    let handed_on = if is_handed_on { ".map_err(Clone::clone)" } else { "" };
    edits.push(TextEdit { range: value, text: format!("{name}.as_ref(){handed_on}") });
    Ok(at_one_place(edits, before == value.start))
}

/// A `let` that names the value, and how the name is used.
struct Local {
    stmt: TextRange,
    name: String,
    uses: Vec<NameUse>,
}

fn named(file: &SourceFile, value: TextRange) -> Result<Option<Local>, String> {
    let (block, index) = stmt_around(file, value).ok_or("the expression stands in no statement")?;
    let syn::Stmt::Local(local) = &block.stmts[index] else { return Ok(None) };
    let is_init = local.init.as_ref().is_some_and(|init| file.range(&init.expr) == value && init.diverge.is_none());
    let pat = match &local.pat {
        syn::Pat::Type(typed) => &*typed.pat,
        pat => pat,
    };
    let syn::Pat::Ident(name) = pat else { return Ok(None) };
    if !is_init {
        return Ok(None);
    }
    if name.mutability.is_some() || name.by_ref.is_some() || !local.attrs.is_empty() {
        return Err(format!("`{}` is bound as `mut`, by reference or under an attribute", name.ident));
    }
    let name = name.ident.to_string();
    let uses = uses(&block.stmts[index + 1..], &name)
        .ok_or_else(|| format!("`{name}` is bound again, or handed to a macro whose meaning is not known"))?;
    Ok(Some(Local { stmt: file.range(&block.stmts[index]), name, uses }))
}

fn renamed(file: &SourceFile, value: TextRange, ty: &str, local: &Local) -> Result<Vec<TextEdit>, String> {
    if let Some(moved) = local.uses.iter().find(|u| !matches!(u.how, Use::Method(_) | Use::Borrow | Use::Format)) {
        let (line, _) = file.line_column(file.range(&moved.ident).start);
        return Err(format!("`{}` is moved, returned or stored in line {line}", local.name));
    }
    let name = free_name(file, value, &screaming(&local.name));
    let mut edits = Template::new(file, local.stmt)
        .text(static_head(file, value, &name, ty, file.slice(value)))
        .keep(value)
        .text(");")
        .edits();
    for found in &local.uses {
        let text = if found.how == Use::Format { format!("*{name}") } else { name.clone() };
        edits.push(TextEdit { range: file.range(&found.ident), text });
    }
    Ok(edits)
}

/// A name for a static inside the function: one that the function does not mention.
pub(super) fn free_name(file: &SourceFile, inside: TextRange, base: &str) -> String {
    function_body(file, inside).map_or_else(|| base.to_string(), |body| fresh(body, base))
}

/// A static before the statement, and its name instead of the expression.
fn inserted(file: &SourceFile, value: TextRange, ty: &str) -> Result<Vec<TextEdit>, String> {
    if !is_borrowed(file, value) {
        return Err("the regex is moved, returned or stored where it is compiled".to_string());
    }
    let (block, index) = stmt_around(file, value).ok_or("the expression stands in no statement")?;
    let before = file.range(&block.stmts[index]).start;
    let name = free_name(file, value, "PATTERN");
    let declared = format!("{}{});\n", static_head(file, value, &name, ty, file.slice(value)), file.slice(value));
    let mut edits = Template::new(file, TextRange { start: before, end: before }).text(declared).edits();
    edits.push(TextEdit { range: value, text: name });
    Ok(at_one_place(edits, before == value.start))
}

/// One edit of an insertion and the replacement that begins where it stands: the statement begins with the expression.
fn at_one_place(mut edits: Vec<TextEdit>, is_one_place: bool) -> Vec<TextEdit> {
    if is_one_place {
        let inserted = edits.remove(0).text;
        edits[0].text.insert_str(0, &inserted);
    }
    edits
}

/// True where the expression around only borrows the value: a method of it is called, or `&` stands before it.
fn is_borrowed(file: &SourceFile, value: TextRange) -> bool {
    let path = path_to(file, value);
    let parent = path.iter().rev().find_map(|node| match node {
        Node::Expr(expr) if file.range(*expr) != value => Some(*expr),
        _ => None,
    });
    match parent {
        Some(syn::Expr::MethodCall(call)) => file.range(&call.receiver) == value,
        Some(syn::Expr::Reference(reference)) => reference.mutability.is_none(),
        _ => false,
    }
}

/// True where a type speaks of what only the function knows: its generics, its lifetimes, `Self`.
pub(super) fn is_local(function: &Function<'_>, ty: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '\'').map(str::to_string).collect()
    };
    let generics = function.sig.generics.type_params().map(|p| p.ident.to_string()).collect::<Vec<_>>();
    words(ty).iter().any(|word| {
        word == "Self" || generics.contains(word) || (word.starts_with('\'') && word != "'static" && word.len() > 1)
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "regex-in-function";

    #[test]
    fn a_named_pattern_becomes_a_static_where_it_stood() {
        let rewrite = check(
            RULE,
            "use regex::Regex;\n\nfn f(s: &str) -> bool {\n    // Orders.\n    let order_id = Regex::new(r\"^ORD-\\d{8}$\").unwrap(); // eight digits\n    check(&order_id);\n    order_id.is_match(s)\n}\n",
            "use regex::Regex;\n\nfn f(s: &str) -> bool {\n    // Orders.\n    static ORDER_ID: std::sync::LazyLock<Regex> =\n        std::sync::LazyLock::new(|| Regex::new(r\"^ORD-\\d{8}$\").unwrap()); // eight digits\n    check(&ORDER_ID);\n    ORDER_ID.is_match(s)\n}\n",
        );
        assert_eq!(rewrite.title, "compile the pattern of pay::f once");
    }

    #[test]
    fn an_import_of_lazy_lock_is_used_and_names_in_macros_follow() {
        check(
            RULE,
            "use regex::Regex;\nuse std::sync::LazyLock;\n\nfn f(s: &str) {\n    for line in s.lines() {\n        let p = Regex::new(\"a\").expect(\"fine\");\n        assert!(p.is_match(line), \"{}\", p);\n    }\n}\n",
            "use regex::Regex;\nuse std::sync::LazyLock;\n\nfn f(s: &str) {\n    for line in s.lines() {\n        static P: LazyLock<Regex> = LazyLock::new(|| Regex::new(\"a\").expect(\"fine\"));\n        assert!(P.is_match(line), \"{}\", *P);\n    }\n}\n",
        );
    }

    #[test]
    fn an_unnamed_pattern_gets_a_static_before_its_statement() {
        check(
            RULE,
            "fn f(s: &str) -> bool {\n    s.len() > 2 && regex::Regex::new(\"a\").unwrap().is_match(s)\n}\n",
            "fn f(s: &str) -> bool {\n    static PATTERN: std::sync::LazyLock<regex::Regex> =\n        std::sync::LazyLock::new(|| regex::Regex::new(\"a\").unwrap());\n    s.len() > 2 && PATTERN.is_match(s)\n}\n",
        );
        check(
            RULE,
            "fn f(s: &str) -> bool {\n    regex::Regex::new(\"a\").unwrap().is_match(s)\n}\n",
            "fn f(s: &str) -> bool {\n    static PATTERN: std::sync::LazyLock<regex::Regex> =\n        std::sync::LazyLock::new(|| regex::Regex::new(\"a\").unwrap());\n    PATTERN.is_match(s)\n}\n",
        );
    }

    #[test]
    fn a_name_that_the_function_mentions_is_avoided() {
        check(
            RULE,
            "fn f(s: &str) -> bool {\n    let sku = regex::Regex::new(\"a\").unwrap();\n    sku.is_match(s) || s == SKU\n}\n",
            "fn f(s: &str) -> bool {\n    static SKU_2: std::sync::LazyLock<regex::Regex> =\n        std::sync::LazyLock::new(|| regex::Regex::new(\"a\").unwrap());\n    SKU_2.is_match(s) || s == SKU\n}\n",
        );
    }

    #[test]
    fn a_failure_that_is_handled_is_looked_at_each_time() {
        check(
            RULE,
            "fn f(s: &str) -> Result<bool, String> {\n    // Events.\n    let event = regex::RegexBuilder::new(\"a\").case_insensitive(true).build().map_err(|e| e.to_string())?;\n    Ok(event.is_match(s))\n}\n",
            "fn f(s: &str) -> Result<bool, String> {\n    // Events.\n    static EVENT: std::sync::LazyLock<Result<regex::Regex, regex::Error>> =\n        std::sync::LazyLock::new(|| regex::RegexBuilder::new(\"a\").case_insensitive(true).build());\n    let event = EVENT.as_ref().map_err(|e| e.to_string())?;\n    Ok(event.is_match(s))\n}\n",
        );
        check(
            RULE,
            "use regex::Regex;\n\nfn f(lines: &[String]) -> usize {\n    let mut n = 0;\n    for line in lines {\n        let p = match Regex::new(\"a\") {\n            Ok(p) => p,\n            Err(_) => return n, // never\n        };\n        n += p.find_iter(line).count();\n    }\n    n\n}\n",
            "use regex::Regex;\n\nfn f(lines: &[String]) -> usize {\n    let mut n = 0;\n    for line in lines {\n        static P: std::sync::LazyLock<Result<Regex, regex::Error>> =\n            std::sync::LazyLock::new(|| Regex::new(\"a\"));\n        let p = match P.as_ref() {\n            Ok(p) => p,\n            Err(_) => return n, // never\n        };\n        n += p.find_iter(line).count();\n    }\n    n\n}\n",
        );
        check(
            RULE,
            "fn f(s: &str) -> Result<bool, regex::Error> {\n    let p = regex::Regex::new(\"a\")?;\n    Ok(p.is_match(s))\n}\n",
            "fn f(s: &str) -> Result<bool, regex::Error> {\n    static P: std::sync::LazyLock<Result<regex::Regex, regex::Error>> =\n        std::sync::LazyLock::new(|| regex::Regex::new(\"a\"));\n    let p = P.as_ref().map_err(Clone::clone)?;\n    Ok(p.is_match(s))\n}\n",
        );
    }

    #[test]
    fn what_is_moved_is_refused() {
        check_refuses(
            RULE,
            "fn f(v: &mut V) {\n    let p = regex::Regex::new(\"a\").unwrap();\n    v.push(p);\n}\n",
            "`p` is moved, returned or stored in line 3",
        );
        check_refuses(
            RULE,
            "fn f(v: &mut V) {\n    v.push(regex::Regex::new(\"a\").unwrap());\n}\n",
            "the regex is moved, returned or stored where it is compiled",
        );
    }

    #[test]
    fn a_name_that_is_bound_again_or_hidden_in_a_macro_is_refused() {
        let reason = "`p` is bound again, or handed to a macro whose meaning is not known";
        check_refuses(
            RULE,
            "fn f() {\n    let p = regex::Regex::new(\"a\").unwrap();\n    let p = p.replace(\"a\", \"\");\n}\n",
            reason,
        );
        check_refuses(RULE, "fn f() {\n    let p = regex::Regex::new(\"a\").unwrap();\n    select!(p);\n}\n", reason);
    }
}
