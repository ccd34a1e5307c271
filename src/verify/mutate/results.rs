//! A function in; early returns of values that its result may have out.

use super::{ASKED, Draft};
use crate::model::TextRange;
use crate::source::{self, SourceFile};
use crate::verify::change::Function;

/// Early returns for the function.
pub fn of(file: &SourceFile, function: &Function) -> Vec<Draft> {
    let at = TextRange::at(function.body.start as usize + 1);
    let Some(sig) = source::signature(file, at) else { return Vec::new() };
    let early = |(rank, value): (usize, String)| {
        let what = if value.is_empty() { String::from("early `return`") } else { format!("early `return {value}`") };
        let before = format!(" if {ASKED} {{ return {value}; }}");
        Draft { rank, is_whole: true, ..Draft::around(at, before, "", what) }
    };
    let values = match &sig.output {
        syn::ReturnType::Default => vec![String::new()],
        syn::ReturnType::Type(_, ty) => values(file, ty),
    };
    values.into_iter().enumerate().map(early).collect()
}

/// Values of a type as written, plain ones first; what is not known gets its default.
fn values(file: &SourceFile, ty: &syn::Type) -> Vec<String> {
    let list = |values: &[&str]| -> Vec<String> { values.iter().map(|v| v.to_string()).collect() };
    let path = match ty {
        syn::Type::Tuple(t) if t.elems.is_empty() => return list(&[""]),
        syn::Type::Never(_) | syn::Type::ImplTrait(_) => return Vec::new(),
        syn::Type::Reference(r) => {
            return match file.text_of(&*r.elem) {
                "str" if r.mutability.is_none() => list(&["\"\"", "\"refit\""]),
                _ if matches!(*r.elem, syn::Type::Slice(_)) && r.mutability.is_none() => list(&["&[]"]),
                _ => Vec::new(),
            };
        }
        syn::Type::Path(p) => p,
        _ => return list(&["::std::default::Default::default()"]),
    };
    let Some(last) = path.path.segments.last() else { return Vec::new() };
    match last.ident.to_string().as_str() {
        "bool" => list(&["true", "false"]),
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => list(&["0", "1"]),
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => list(&["0", "1"]),
        "f32" | "f64" => list(&["0.0", "1.0"]),
        "Option" => list(&["::std::option::Option::None"]),
        "Result" => list(&["::std::result::Result::Ok(::std::default::Default::default())"]),
        _ => list(&["::std::default::Default::default()"]),
    }
}
