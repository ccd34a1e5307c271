//! A function's body in; the places of it that can be wrong, and how, out.

use crate::source::visit::{self, Visit};
use syn::spanned::Spanned;

use super::{ASKED, Draft, shown};
use crate::model::TextRange;
use crate::source::SourceFile;

/// Methods that have a counterpart of the same type.
const COUNTERPARTS: &[(&str, &str)] = &[
    ("min", "max"),
    ("min_by", "max_by"),
    ("min_by_key", "max_by_key"),
    ("is_some", "is_none"),
    ("is_ok", "is_err"),
    ("any", "all"),
    ("first", "last"),
    ("starts_with", "ends_with"),
    ("find", "rfind"),
    ("sum", "product"),
    ("floor", "ceil"),
    ("to_uppercase", "to_lowercase"),
    ("to_ascii_uppercase", "to_ascii_lowercase"),
    ("trim_start", "trim_end"),
    ("saturating_add", "saturating_sub"),
    ("wrapping_add", "wrapping_sub"),
    ("checked_add", "checked_sub"),
    ("push_front", "push_back"),
    ("pop_front", "pop_back"),
];

/// Methods whose closure says yes or no.
const ASKING: &[&str] = &[
    "filter",
    "any",
    "all",
    "find",
    "position",
    "rposition",
    "take_while",
    "skip_while",
    "retain",
    "partition",
    "is_some_and",
    "is_none_or",
    "is_ok_and",
];

/// Methods that use up an iterator.
const ENDS: &[&str] = &["collect", "sum", "product", "count", "fold", "for_each", "max", "min", "last"];

/// Calls that change nothing but the time it takes: a mutant of them could not be told from the code.
const ROOM: &[&str] =
    &["with_capacity", "with_capacity_and_hasher", "reserve", "reserve_exact", "shrink_to_fit", "shrink_to", "drop"];

/// All that can be made of a body.
pub fn of(file: &SourceFile, body: TextRange) -> Vec<Draft> {
    let mut walk = Walk { file, body, found: Vec::new() };
    walk.visit_file(&file.ast);
    walk.found.sort_by_key(|d| (d.range.start, std::cmp::Reverse(d.range.end)));
    walk.found
}

struct Walk<'a> {
    file: &'a SourceFile,
    body: TextRange,
    found: Vec<Draft>,
}

impl Walk<'_> {
    fn range<T: Spanned + 'static>(&self, node: &T) -> TextRange {
        self.file.range(node)
    }

    fn text<T: Spanned + 'static>(&self, node: &T) -> &str {
        self.file.slice(self.file.range(node))
    }

    fn add(&mut self, draft: Draft) {
        if self.body.contains(draft.range) {
            self.found.push(draft);
        }
    }

    fn binary(&mut self, node: &syn::ExprBinary) {
        if has_let(&node.left) || has_let(&node.right) {
            return;
        }
        let was = self.text(&node.op).to_owned();
        let (left, right) = (self.text(&*node.left).to_owned(), self.text(&*node.right).to_owned());
        let is_assignment = was.len() > 1 && was.ends_with('=') && !["==", "!=", "<=", ">="].contains(&&*was);
        for (rank, other) in others(&was).iter().enumerate() {
            let text =
                if is_assignment { format!("{left} {other} {right}") } else { format!("({left}) {other} ({right})") };
            let draft = Draft::instead(self.range(node), &text, format!("`{other}` for `{was}`"));
            self.add(Draft { rank, ..draft });
        }
    }

    fn unary(&mut self, node: &syn::ExprUnary) {
        let sign = match node.op {
            syn::UnOp::Not(_) => "!",
            syn::UnOp::Neg(_) => "-",
            _ => return,
        };
        let inner = self.text(&*node.expr).to_owned();
        self.add(Draft::instead(self.range(node), &inner, format!("`{sign}` left out before `{}`", shown(&inner))));
    }

    fn literal(&mut self, node: &syn::ExprLit) {
        let was = self.text(node).to_owned();
        for (rank, other) in constants(&node.lit).iter().enumerate() {
            let draft = Draft::instead(self.range(node), other, format!("`{other}` for `{}`", shown(&was)));
            self.add(Draft { rank, ..draft });
        }
    }

    /// A condition that holds where it does not, and the other way about.
    fn condition(&mut self, condition: &syn::Expr, swaps: bool) {
        // Its operator is turned around as such.
        let is_equality =
            matches!(condition, syn::Expr::Binary(b) if matches!(b.op, syn::BinOp::Eq(_) | syn::BinOp::Ne(_)));
        if has_let(condition) || is_equality || matches!(condition, syn::Expr::Unary(_)) {
            return;
        }
        let text = shown(self.text(condition));
        let what = if swaps { format!("arms of `if {text}` swapped") } else { format!("`!({text})` for `{text}`") };
        self.add(Draft::around(self.range(condition), format!("({ASKED} != ("), "))", what));
    }

    /// A loop that is never entered: one that never ends says nothing but that it takes long.
    fn loop_condition(&mut self, condition: &syn::Expr) {
        if !has_let(condition) {
            let what = format!("`while {}` never entered", shown(self.text(condition)));
            self.add(Draft::around(self.range(condition), format!("(!{ASKED} && ("), "))", what));
        }
    }

    fn for_loop(&mut self, node: &syn::ExprForLoop) {
        let what = format!("first of `{}` left out", shown(self.text(&*node.expr)));
        self.add(Draft::around(
            self.range(&*node.expr),
            "::std::iter::Iterator::skip(::std::iter::IntoIterator::into_iter(",
            format!("), ::std::primitive::usize::from({ASKED}))"),
            what,
        ));
    }

    fn guard(&mut self, guard: &syn::Expr) {
        if has_let(guard) {
            return;
        }
        let (range, text) = (self.range(guard), shown(self.text(guard)));
        self.add(Draft::around(range, format!("({ASKED} || ("), "))", format!("guard `{text}` always true")));
        let never = Draft::around(range, format!("(!{ASKED} && ("), "))", format!("guard `{text}` always false"));
        self.add(Draft { rank: 1, ..never });
    }

    /// Where a wildcard follows, an arm can be left out.
    fn arms(&mut self, node: &syn::ExprMatch) {
        let Some(wildcard) = node.arms.iter().position(|a| matches!(a.pat, syn::Pat::Wild(_))) else { return };
        for arm in &node.arms[..wildcard] {
            if matches!(arm.pat, syn::Pat::Guard(_)) {
                continue;
            }
            let range = self.range(&arm.pat);
            let what = format!("arm `{}` left out", shown(self.file.slice(range)));
            self.add(Draft::around(range, "", format!(" if !{ASKED}"), what));
        }
    }

    fn method(&mut self, node: &syn::ExprMethodCall) {
        let (range, name) = (self.range(node), node.method.to_string());
        let pair = COUNTERPARTS.iter().find_map(|(a, b)| match () {
            () if *a == name => Some(*b),
            () if *b == name => Some(*a),
            () => None,
        });
        if let Some(other) = pair {
            let (start, end) = (self.range(&*node.receiver).end, self.range(&node.method));
            let head = self.file.slice(TextRange { start: range.start, end: start });
            let tail = self.file.slice(TextRange { start: end.end, end: range.end });
            let text = format!("{head}.{other}{tail}");
            self.add(Draft::instead(range, &text, format!("`{other}` for `{name}`")));
        }
        if name == "len" && node.args.is_empty() {
            let after = format!(" + ::std::primitive::usize::from({ASKED}))");
            self.add(Draft::around(range, "(", after, format!("`{} + 1`", shown(self.file.slice(range)))));
        }
        if ["cmp", "total_cmp"].contains(&name.as_str()) {
            let text = format!("({}).reverse()", self.file.slice(range));
            self.add(Draft::instead(range, &text, format!("order of `{name}` reversed")));
        }
        if ENDS.contains(&name.as_str()) && matches!(*node.receiver, syn::Expr::MethodCall(_)) {
            let needs_arguments = ["fold", "for_each"].contains(&name.as_str());
            if needs_arguments != node.args.is_empty() {
                let end = TextRange::at(self.range(&*node.receiver).end as usize);
                let skip = format!(".skip(::std::primitive::usize::from({ASKED}))");
                self.add(Draft::around(end, skip, "", format!("first left out before `{name}`")));
            }
        }
        if ASKING.contains(&name.as_str()) {
            for argument in &node.args {
                self.predicate(argument, &name);
            }
        }
    }

    fn predicate(&mut self, argument: &syn::Expr, method: &str) {
        let syn::Expr::Closure(closure) = argument else { return };
        let is_equality =
            matches!(&*closure.body, syn::Expr::Binary(b) if matches!(b.op, syn::BinOp::Eq(_) | syn::BinOp::Ne(_)));
        let is_negated = matches!(&*closure.body, syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Not(_)));
        if !matches!(closure.output, syn::ReturnType::Default) || is_equality || is_negated {
            return;
        }
        let range = self.range(&*closure.body);
        let what = format!("`!({})` in `{method}`", shown(self.file.slice(range)));
        self.add(Draft::around(range, format!("({ASKED} != ("), "))", what));
    }

    /// An end that is no literal, which counts as a constant.
    fn ends(&mut self, node: &syn::ExprRange) {
        let is_literal = |e: &syn::Expr| matches!(e, syn::Expr::Lit(_));
        for (end, sign, name) in [(&node.start, "+", "start"), (&node.end, "-", "end")] {
            let Some(end) = end.as_deref().filter(|e| !is_literal(e)) else { continue };
            let text = self.text(end).to_owned();
            let what = format!("`{} {sign} 1` for the {name} of a range", shown(&text));
            self.add(Draft::instead(self.range(end), &format!("({text}) {sign} 1"), what));
        }
    }

    fn call(&mut self, node: &syn::ExprCall) {
        if matches!(&*node.func, syn::Expr::Path(p) if p.path.is_ident("Some")) {
            let range = self.range(node);
            let what = format!("`None` for `{}`", shown(self.file.slice(range)));
            self.add(Draft::instead(range, "::std::option::Option::None", what));
        }
    }

    fn statement(&mut self, node: &syn::Stmt) {
        let syn::Stmt::Expr(expr, Some(_)) = node else { return };
        let range = self.range(node);
        let text = shown(self.text(expr));
        let what = match called(expr) {
            Some(Left::Out) => format!("`{text}` left out"),
            Some(Left::EarlyReturn) => format!("early `{text}` left out"),
            None => return,
        };
        self.add(Draft::around(range, format!("if !{ASKED} {{ "), " }", what));
    }
}

/// What a statement is that can be left out.
enum Left {
    Out,
    EarlyReturn,
}

fn called(expr: &syn::Expr) -> Option<Left> {
    let is_room = |name: String| ROOM.contains(&name.as_str());
    match expr {
        syn::Expr::MethodCall(m) => (!is_room(m.method.to_string())).then_some(Left::Out),
        syn::Expr::Call(c) => (!name_of(c).is_some_and(is_room)).then_some(Left::Out),
        syn::Expr::Assign(_) => Some(Left::Out),
        syn::Expr::Try(t) => called(&t.expr),
        syn::Expr::Await(a) => called(&a.base),
        syn::Expr::Return(_) | syn::Expr::Continue(_) => Some(Left::EarlyReturn),
        _ => None,
    }
}

fn name_of(call: &syn::ExprCall) -> Option<String> {
    match &*call.func {
        syn::Expr::Path(p) => Some(p.path.segments.last()?.ident.to_string()),
        _ => None,
    }
}

/// True for `let … = …` and what is joined to one by `&&`.
fn has_let(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(b) => has_let(&b.left) || has_let(&b.right),
        syn::Expr::Paren(p) => has_let(&p.expr),
        _ => false,
    }
}

/// Operators of the same types: of a comparison the one beside it and the one that looks the other way.
fn others(operator: &str) -> &'static [&'static str] {
    match operator {
        "+" => &["-", "*"],
        "-" => &["+", "/"],
        "*" => &["+", "/"],
        "/" => &["*", "%"],
        "%" => &["/", "*"],
        "&&" => &["||"],
        "||" => &["&&"],
        "==" => &["!="],
        "!=" => &["=="],
        "<" => &["<=", ">"],
        "<=" => &["<", ">="],
        ">" => &[">=", "<"],
        ">=" => &[">", "<="],
        "&" => &["|"],
        "|" => &["&"],
        "^" => &["&"],
        "<<" => &[">>"],
        ">>" => &["<<"],
        "+=" => &["-="],
        "-=" => &["+="],
        "*=" => &["+="],
        "/=" => &["*="],
        "%=" => &["/="],
        "&=" => &["|="],
        "|=" => &["&="],
        "^=" => &["|="],
        "<<=" => &[">>="],
        ">>=" => &["<<="],
        _ => &[],
    }
}

/// Other constants of the same type. A text grows rather than shrinks: an empty path is a dangerous one.
fn constants(lit: &syn::Lit) -> Vec<String> {
    match lit {
        syn::Lit::Int(n) => {
            let suffix = n.suffix();
            match n.base10_parse::<u128>() {
                Ok(0) => vec![format!("1{suffix}")],
                Ok(n) if n < u128::from(u64::MAX) => vec![format!("{}{suffix}", n + 1), format!("{}{suffix}", n - 1)],
                _ => Vec::new(),
            }
        }
        syn::Lit::Float(n) => match n.base10_parse::<f64>() {
            Ok(x) if x.is_finite() => vec![format!("{:?}{}", x + 1.0, n.suffix())],
            _ => Vec::new(),
        },
        syn::Lit::Bool(b) => vec![(!b.value).to_string()],
        syn::Lit::Str(s) => vec![format!("{:?}", s.value() + "refit")],
        syn::Lit::Char(c) => {
            let next = char::from_u32(u32::from(c.value()) + 1);
            next.map(|c| vec![format!("{c:?}")]).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_stmt(&mut self, node: &'ast syn::Stmt) {
        self.statement(node);
        visit::visit_stmt(self, node);
    }

    fn visit_expr(&mut self, node: &'ast syn::Expr) {
        match node {
            syn::Expr::Binary(n) => self.binary(n),
            syn::Expr::Unary(n) => self.unary(n),
            syn::Expr::Lit(n) => self.literal(n),
            syn::Expr::If(n) => self.condition(&n.cond, n.else_branch.is_some()),
            syn::Expr::While(n) => self.loop_condition(&n.cond),
            syn::Expr::ForLoop(n) => self.for_loop(n),
            syn::Expr::Match(n) => self.arms(n),
            syn::Expr::MethodCall(n) => self.method(n),
            syn::Expr::Range(n) => self.ends(n),
            syn::Expr::Call(n) => self.call(n),
            // What a wrong version does there is undefined; what the compiler computes chooses nothing.
            syn::Expr::Unsafe(_) | syn::Expr::Const(_) => return,
            syn::Expr::Repeat(n) => return self.visit_expr(&n.expr),
            _ => {}
        }
        visit::visit_expr(self, node);
    }

    fn visit_expr_method_call(&mut self, node: &'ast syn::ExprMethodCall) {
        match ROOM.contains(&node.method.to_string().as_str()) {
            true => self.visit_expr(&node.receiver),
            false => visit::visit_expr_method_call(self, node),
        }
    }

    fn visit_expr_call(&mut self, node: &'ast syn::ExprCall) {
        if !name_of(node).is_some_and(|name| ROOM.contains(&name.as_str())) {
            visit::visit_expr_call(self, node);
        }
    }

    fn visit_pat(&mut self, node: &'ast syn::Pat) {
        if let syn::Pat::Guard(guarded) = node {
            self.guard(&guarded.guard);
            self.visit_expr(&guarded.guard);
        }
    }

    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        if node.sig.constness.is_none() && !matches!(node.sig.safety, syn::Safety::Unsafe(_)) {
            visit::visit_item_fn(self, node);
        }
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        if node.sig.constness.is_none() && !matches!(node.sig.safety, syn::Safety::Unsafe(_)) {
            visit::visit_impl_item_fn(self, node);
        }
    }

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_generic_argument(&mut self, _: &'ast syn::GenericArgument) {}
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_item_enum(&mut self, _: &'ast syn::ItemEnum) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_trait_item_const(&mut self, _: &'ast syn::TraitItemConst) {}
}
