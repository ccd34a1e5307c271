//! Types as they are written in; their size and alignment on a 64-bit target out, where the syntax tells them.
//!
//! Only what the reference fixes is answered: primitives, pointers to sized types, arrays with a literal length,
//! atomics, and `repr(C)` structs of these. Everything else is unknown rather than guessed.

use std::collections::BTreeMap;

/// Size and alignment in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Bytes from one array element to the next.
    pub size: u64,
    /// Alignment in bytes.
    pub align: u64,
}

/// Where the fields of a `repr(C)` struct lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Size and alignment of the whole.
    pub shape: Shape,
    /// Bytes between and after the fields that hold nothing.
    pub holes: u64,
}

/// Shapes of `repr(C)` structs and field-less enums of the workspace, by name.
pub type Known = BTreeMap<String, Shape>;

/// The shape of a type; `None` where the syntax does not tell it.
pub fn shape(ty: &syn::Type, known: &Known) -> Option<Shape> {
    match ty {
        syn::Type::Paren(inner) => shape(&inner.elem, known),
        syn::Type::Group(inner) => shape(&inner.elem, known),
        syn::Type::Array(array) => array_shape(array, known),
        syn::Type::Reference(reference) => pointer(&reference.elem, known),
        syn::Type::Tuple(tuple) if tuple.elems.is_empty() => Some(Shape { size: 0, align: 1 }),
        syn::Type::Path(path) => path_shape(ty, path, known),
        _ => None,
    }
}

/// Lays fields out in the order given, as `repr(C)` does.
pub fn lay_out(fields: &[Shape]) -> Layout {
    let mut at = 0u64;
    let mut filled = 0u64;
    let mut align = 1u64;
    for field in fields {
        at = at.next_multiple_of(field.align.max(1)) + field.size;
        filled += field.size;
        align = align.max(field.align);
    }
    let size = at.next_multiple_of(align);
    Layout { shape: Shape { size, align }, holes: size - filled }
}

/// The order that leaves the fewest holes: by falling alignment, ties as they stand. Indices into `fields`.
pub fn tightest(fields: &[Shape]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..fields.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(fields[i].align));
    order
}

/// Adds the shapes of all structs that can be told, until no more can be.
pub fn learn<'a>(structs: impl Iterator<Item = (&'a str, Vec<syn::Type>)>, known: &mut Known) {
    let mut open: Vec<_> = structs.collect();
    loop {
        let before = open.len();
        open.retain(|(name, fields)| {
            let shapes: Option<Vec<Shape>> = fields.iter().map(|ty| shape(ty, known)).collect();
            if let Some(shapes) = &shapes {
                known.insert(name.to_string(), lay_out(shapes).shape);
            }
            shapes.is_none()
        });
        if open.len() == before {
            return;
        }
    }
}

/// True for exactly `#[repr(C)]`: no packing, no alignment, no tag.
pub fn is_repr_c(attrs: &[syn::Attribute]) -> bool {
    repr(attrs) == ["C"]
}

/// The shape of an enum without fields and with a tag of fixed size, `#[repr(u8)]`.
pub fn tag_shape(item: &syn::ItemEnum) -> Option<Shape> {
    let bare = item.variants.iter().all(|variant| matches!(variant.fields, syn::Fields::Unit));
    match repr(&item.attrs).as_slice() {
        [tag] if bare && tag != "C" => shape(&syn::parse_str(tag).ok()?, &Known::new()),
        _ => None,
    }
}

fn repr(attrs: &[syn::Attribute]) -> Vec<String> {
    let mut words = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("repr")) {
        if let syn::Meta::List(list) = &attr.meta {
            words.extend(list.tokens.to_string().split(',').map(|word| word.trim().to_string()));
        }
    }
    words
}

fn scalar(bytes: u64) -> Option<Shape> {
    Some(Shape { size: bytes, align: bytes })
}

fn path_shape(ty: &syn::Type, path: &syn::TypePath, known: &Known) -> Option<Shape> {
    let last = path.path.segments.last()?;
    let name = last.ident.to_string();
    let arguments = super::functions::type_arguments(ty);
    match name.as_str() {
        "bool" | "u8" | "i8" | "AtomicBool" | "AtomicU8" | "AtomicI8" => scalar(1),
        "u16" | "i16" | "AtomicU16" | "AtomicI16" => scalar(2),
        "u32" | "i32" | "f32" | "char" | "AtomicU32" | "AtomicI32" => scalar(4),
        "u64" | "i64" | "f64" | "usize" | "isize" | "AtomicU64" | "AtomicI64" | "AtomicUsize" | "AtomicIsize" => {
            scalar(8)
        }
        "u128" | "i128" => scalar(16),
        "PhantomData" => Some(Shape { size: 0, align: 1 }),
        "Box" => pointer(arguments.first()?, known),
        "Option" => match arguments.first()? {
            syn::Type::Reference(reference) => pointer(&reference.elem, known),
            inner if super::functions::head(inner) == "Box" => shape(inner, known),
            _ => None,
        },
        _ if matches!(last.arguments, syn::PathArguments::None) => known.get(&name).copied(),
        _ => None,
    }
}

fn array_shape(array: &syn::TypeArray, known: &Known) -> Option<Shape> {
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(length), .. }) = &array.len else { return None };
    let length: u64 = length.base10_parse().ok()?;
    let element = shape(&array.elem, known)?;
    Some(Shape { size: element.size.checked_mul(length)?, align: element.align })
}

/// A thin pointer where the target is known to be sized, a wide one for `str`, slices and `dyn`.
fn pointer(target: &syn::Type, known: &Known) -> Option<Shape> {
    let wide = Some(Shape { size: 16, align: 8 });
    match target {
        syn::Type::Slice(_) | syn::Type::TraitObject(_) => wide,
        syn::Type::Path(_) if super::functions::head(target) == "str" => wide,
        _ if matches!(super::functions::head(target).as_str(), "String" | "Vec") => scalar(8),
        _ => shape(target, known).and_then(|_| scalar(8)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ty: &str, expected: Option<(u64, u64)>) {
        let ty: syn::Type = syn::parse_str(ty).unwrap();
        let known = Known::from([("Point".to_string(), Shape { size: 12, align: 4 })]);
        assert_eq!(shape(&ty, &known).map(|s| (s.size, s.align)), expected);
    }

    #[test]
    fn what_the_reference_fixes_is_told() {
        check("u8", Some((1, 1)));
        check("[u16; 5]", Some((10, 2)));
        check("u128", Some((16, 16)));
        check("&'static str", Some((16, 8)));
        check("Option<Box<u32>>", Some((8, 8)));
        check("[Point; 2]", Some((24, 4)));
        check("std::sync::atomic::AtomicU64", Some((8, 8)));
    }

    #[test]
    fn what_is_not_fixed_is_unknown() {
        check("String", None);
        check("Option<u32>", None);
        check("[u8; LEN]", None);
        check("&T", None);
        check("*const u8", None);
        check("Duration", None);
        check("Point<u8>", None);
    }

    #[test]
    fn holes_are_counted_between_and_after_the_fields() {
        let fields: Vec<Shape> = [1, 8, 2, 4].map(|n| Shape { size: n, align: n }).to_vec();
        let layout = lay_out(&fields);
        assert_eq!((layout.shape.size, layout.holes), (24, 9));
        let order = tightest(&fields);
        assert_eq!(order, [1, 3, 2, 0]);
        let tight: Vec<Shape> = order.iter().map(|&i| fields[i]).collect();
        assert_eq!((lay_out(&tight).shape.size, lay_out(&tight).holes), (16, 1));
    }

    #[test]
    fn structs_are_learnt_whatever_their_order() {
        let ty = |text: &str| syn::parse_str::<syn::Type>(text).unwrap();
        let structs =
            [("Outer", vec![ty("u8"), ty("Inner")]), ("Inner", vec![ty("u32")]), ("Lost", vec![ty("String")])];
        let mut known = Known::new();
        learn(structs.into_iter(), &mut known);
        assert_eq!(known.get("Outer"), Some(&Shape { size: 8, align: 4 }));
        assert_eq!(known.get("Lost"), None);
    }
}
