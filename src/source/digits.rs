//! Expressions in; the characters among them that are made a text only to be parsed as a digit, out.

use super::names::peel;
use super::{SourceFile, shapes, types};
use crate::model::TextRange;

/// A character that is parsed as a number.
pub struct Digit<'a> {
    /// The character.
    pub character: &'a syn::Expr,
    /// How many references stand before it.
    pub references: usize,
    /// From the character to the end of what is done with the failure.
    pub whole: TextRange,
    /// What stands behind the character instead.
    pub text: String,
}

/// All of them in a body.
pub fn digits<'a>(file: &'a SourceFile, body: &'a syn::Block) -> Vec<Digit<'a>> {
    let mut found: Vec<Digit<'_>> = Vec::new();
    for expr in shapes::exprs(body) {
        if let syn::Expr::MethodCall(_) | syn::Expr::Try(_) = expr
            && let Some(digit) = read(file, expr)
            && !found.iter().any(|known| known.whole.contains(digit.whole))
        {
            found.push(digit);
        }
    }
    found
}

/// What is done with the failure, and the call that parses.
enum End<'a> {
    /// `.unwrap_or(value)`.
    Or(&'a syn::Expr),
    /// `.ok()`, and `.unwrap()` or `.expect("…")` with its text.
    Kept(String),
    /// `.is_ok()`.
    Asked,
    /// `.map_err(|_| error)?`, with the closure.
    Told(&'a syn::Expr),
}

fn read<'a>(file: &'a SourceFile, expr: &'a syn::Expr) -> Option<Digit<'a>> {
    let (parse, end) = ended(file, expr)?;
    let parse = shapes::method(parse, "parse", 0)?;
    let made = shapes::method(&parse.receiver, "to_string", 0)?;
    let to = match parse.turbofish.as_ref()?.args.first()? {
        syn::GenericArgument::Type(ty) => types::head(ty)?,
        _ => return None,
    };
    let conversion = conversion(&to)?;
    let character = &*made.receiver;
    if !matches!(character, syn::Expr::Path(_)) {
        return None;
    }
    let ty = types::type_of(file, character)?;
    let mut references = 0;
    let mut inner = &ty;
    while let syn::Type::Reference(r) = inner {
        references += 1;
        inner = &r.elem;
    }
    if types::head(inner).as_deref() != Some("char") {
        return None;
    }
    let as_number = match conversion.as_str() {
        "" => String::new(),
        by => format!(".map({by})"),
    };
    let text = match end {
        End::Or(value) if conversion.is_empty() => format!(".to_digit(10).unwrap_or({})", file.text_of(value)),
        End::Or(value) => format!(".to_digit(10).map_or({}, {conversion})", file.text_of(value)),
        End::Kept(end) => format!(".to_digit(10){as_number}{end}"),
        End::Asked => ".is_ascii_digit()".to_owned(),
        End::Told(closure) => {
            let said = file.text_of(closure);
            let error = said.find("|_|").map(|at| said[at + 3..].trim())?;
            format!(".to_digit(10){as_number}.ok_or_else(|| {error})?")
        }
    };
    Some(Digit { character, references, whole: file.range(expr), text })
}

/// Takes what is done with the failure off a parse.
fn ended<'a>(file: &SourceFile, expr: &'a syn::Expr) -> Option<(&'a syn::Expr, End<'a>)> {
    if let syn::Expr::Try(t) = expr {
        let told = shapes::method(&t.expr, "map_err", 1)?;
        let syn::Expr::Closure(closure) = &told.args[0] else { return None };
        let is_blind = matches!(closure.inputs.first(), Some(syn::Pat::Wild(_))) && closure.capture.is_none();
        return is_blind.then_some((peel(&told.receiver), End::Told(&told.args[0])));
    }
    let syn::Expr::MethodCall(call) = expr else { return None };
    let after = || file.slice(TextRange { start: file.range(&*call.receiver).end, end: file.range(expr).end }).trim();
    let end = match (call.method.to_string().as_str(), call.args.first()) {
        ("unwrap_or", Some(value @ syn::Expr::Lit(_))) => End::Or(value),
        ("ok", None) => End::Kept(String::new()),
        ("unwrap", None) | ("expect", Some(syn::Expr::Lit(_))) => End::Kept(after().to_owned()),
        ("is_ok", None) => End::Asked,
        _ => return None,
    };
    Some((peel(&call.receiver), end))
}

/// How a digit becomes that type: nothing for `u32`; `None` for types that are no integers.
fn conversion(to: &str) -> Option<String> {
    match to {
        "u32" => Some(String::new()),
        "u64" | "i64" | "u128" | "i128" => Some(format!("{to}::from")),
        "u8" | "i8" | "u16" | "i16" | "i32" | "usize" | "isize" => Some(format!("|digit| digit as {to}")),
        _ => None,
    }
}
