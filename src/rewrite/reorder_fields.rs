//! A `repr(C)` struct with holes in; the same fields by falling alignment, each with what is written about it, out.

use quote::ToTokens;

use super::{Draft, Recipe, file_of, holds};
use crate::model::{Finding, FunctionId, RuleId, TextEdit, TextRange};
use crate::source::functions::{Placed, derives, functions, head, items};
use crate::source::names::mentions;
use crate::source::sizes::{Known, Shape, is_repr_c, lay_out, learn, shape, tag_shape, tightest};
use crate::source::{SourceFile, eol_of, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("repr-c-holes"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let placed = items(&file.ast);
    let item = placed
        .iter()
        .find_map(|p| match p.item {
            syn::Item::Struct(item) if file.range(&item.ident) == finding.range => Some(item),
            _ => None,
        })
        .ok_or("the struct is no longer where it was found")?;
    check_attributes(item)?;
    check_comments(file, file.range(item))?;
    let name = item.ident.to_string();
    for other in files {
        check_uses(other, &name)?;
    }
    let syn::Fields::Named(fields) = &item.fields else { return Err("the struct has no named fields".to_string()) };
    let fields: Vec<&syn::Field> = fields.named.iter().collect();
    check_fields(&fields)?;
    let shapes = shapes(files, &fields).ok_or("the size of a field is not fixed by the language")?;
    let order = tightest(&shapes);
    let (now, then) = (lay_out(&shapes), lay_out(&order.iter().map(|i| shapes[*i]).collect::<Vec<_>>()));
    Ok(Draft {
        title: format!(
            "order the fields of {name} by alignment: {} bytes instead of {}",
            then.shape.size, now.shape.size
        ),
        edits: vec![(finding.file.clone(), reordered(file, item, &fields, &order)?)],
        touched: users(files, &name, file, &fields),
        preconditions: vec![
            holds(format!("every field of `{name}` has a size that the language fixes")),
            holds(format!(
                "nothing in the workspace looks at the bytes of `{name}`, hands it to foreign code or names it in unsafe code"
            )),
            holds("no derive follows the order of the fields, and at most one field has drop glue"),
        ],
        obligations: obligations(item, &name, now.holes, then.holes),
        hunks_independent: false,
    })
}

fn obligations(item: &syn::ItemStruct, name: &str, before: u64, after: u64) -> Vec<String> {
    let mut all = vec![format!(
        "nobody outside of the workspace (C code, a file, a wire, shared memory) reads the bytes of `{name}`: its layout \
         changes, {before} bytes of holes become {after}"
    )];
    if derives(&item.attrs).iter().any(|d| d == "Debug") {
        all.push(format!("the `{{:?}}` text of `{name}` lists its fields in the new order"));
    }
    all
}

/// Derives that do not follow the order of fields; `Debug` does and is told.
const HARMLESS: &[&str] = &["Clone", "Copy", "Debug", "Default", "PartialEq", "Eq"];
const PLAIN: &[&str] = &["repr", "derive", "doc", "allow", "expect", "must_use", "non_exhaustive", "deprecated"];

fn check_attributes(item: &syn::ItemStruct) -> Result<(), String> {
    if let Some(derive) = derives(&item.attrs).iter().find(|d| !HARMLESS.contains(&d.as_str())) {
        return Err(format!("`derive({derive})` may follow the order of the fields or the bytes of the struct"));
    }
    let other = item.attrs.iter().find(|attr| !PLAIN.iter().any(|plain| attr.path().is_ident(plain)));
    match other {
        Some(attr) => Err(format!("the struct is under `#[{}]`, which may look at its fields", words(attr.path()))),
        None => Ok(()),
    }
}

/// What is written about a struct whose bytes somebody else knows.
fn check_comments(file: &SourceFile, item: TextRange) -> Result<(), String> {
    const WORDS: &[&str] = &[
        "abi",
        "byte",
        "bytes",
        "device",
        "disk",
        "ffi",
        "firmware",
        "format",
        "hardware",
        "kernel",
        "layout",
        "mapped",
        "mmap",
        "offset",
        "offsets",
        "packet",
        "protocol",
        "register",
        "registers",
        "wire",
    ];
    let before = &file.tokens[..file.tokens.partition_point(|t| t.range.start < item.start)];
    let above = before.iter().rev().take_while(|t| t.is_comment());
    let inside = file.tokens.iter().filter(|t| t.is_comment() && item.contains(t.range));
    let told = above.chain(inside).map(|t| t.text(&file.text)).find(|text| {
        let words = text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
        words.into_iter().any(|word| WORDS.contains(&word.as_str()))
    });
    told.map_or(Ok(()), |told| Err(format!("a comment says that somebody else knows its bytes: {told}")))
}

fn check_fields(fields: &[&syn::Field]) -> Result<(), String> {
    if fields.iter().any(|f| f.attrs.iter().any(|a| a.path().is_ident("cfg") || a.path().is_ident("cfg_attr"))) {
        return Err("a field is under `cfg`: other configurations are not seen".to_string());
    }
    let dropped = fields.iter().filter(|f| mentions(&f.ty, "Box")).count();
    if dropped > 1 {
        return Err(format!("{dropped} fields have drop glue, and the order in which they are dropped would change"));
    }
    Ok(())
}

fn words(node: &impl ToTokens) -> String {
    node.to_token_stream().to_string().replace(' ', "")
}

/// What shows that code looks at bytes or offsets rather than at fields.
const BYTES: &[&str] = &[
    "transmute",
    "transmute_copy",
    "from_raw_parts",
    "from_raw_parts_mut",
    "zeroed",
    "MaybeUninit",
    "offset_of",
    "addr_of",
    "read_unaligned",
    "write_unaligned",
    "bytes_of",
    "from_bytes",
    "cast_slice",
    "size_of",
    "size_of_val",
    "as_ptr",
    "as_mut_ptr",
    "Mmap",
    "Pod",
    "Zeroable",
    "AsBytes",
    "FromBytes",
];

fn check_uses(file: &SourceFile, name: &str) -> Result<(), String> {
    for function in functions(file) {
        let own = function.self_ty.is_some_and(|ty| head(ty) == name);
        let names = own || mentions(function.sig, name) || mentions(function.block, name);
        if !names {
            continue;
        }
        let at = format!("`{}` in {}", function.sig.ident, file.path);
        if function.sig.abi.is_some() {
            return Err(format!("{at} hands `{name}` to foreign code"));
        }
        let block = function.block.to_token_stream();
        if let Some(word) = BYTES.iter().find(|word| mentions(&block, word)) {
            return Err(format!("{at} names `{name}` and uses `{word}`: it may look at its bytes"));
        }
        let text = block.to_string();
        if text.contains("* const") || text.contains("* mut") || mentions(&block, "unsafe") {
            return Err(format!("{at} names `{name}` and is unsafe or holds raw pointers: it may look at its bytes"));
        }
    }
    items(&file.ast).iter().try_for_each(|placed| check_item(file, placed, name))
}

fn check_item(file: &SourceFile, placed: &Placed<'_>, name: &str) -> Result<(), String> {
    let said = |what: &str| Err(format!("{what} `{name}` in {}", file.path));
    match placed.item {
        syn::Item::ForeignMod(item) if mentions(item, name) => said("foreign functions take"),
        syn::Item::Union(item) if mentions(item, name) => said("a union holds"),
        syn::Item::Impl(item) if head(&item.self_ty) == name && item.unsafety.is_some() => {
            let marker = item.trait_.as_ref().map(|(path, _)| words(path)).unwrap_or_default();
            if marker == "Send" || marker == "Sync" { Ok(()) } else { said("an unsafe impl speaks of") }
        }
        syn::Item::Const(item) if mentions(&item.expr, name) && BYTES.iter().any(|w| mentions(&item.expr, w)) => {
            said("a constant measures")
        }
        syn::Item::Macro(item) if mentions(&item.mac.tokens, name) => said("a macro that is not read names"),
        _ => Ok(()),
    }
}

fn shapes(files: &[SourceFile], fields: &[&syn::Field]) -> Option<Vec<Shape>> {
    let mut known = Known::new();
    let mut structs = Vec::new();
    for placed in files.iter().flat_map(|file| items(&file.ast)) {
        match placed.item {
            syn::Item::Enum(item) => {
                if let Some(shape) = tag_shape(item) {
                    known.insert(item.ident.to_string(), shape);
                }
            }
            syn::Item::Struct(item) if is_repr_c(&item.attrs) && item.generics.params.is_empty() => {
                let types = item.fields.iter().map(|f| f.ty.clone()).collect::<Vec<_>>();
                structs.push((item.ident.to_string(), types));
            }
            _ => {}
        }
    }
    learn(structs.iter().map(|(name, types)| (name.as_str(), types.clone())), &mut known);
    fields.iter().map(|field| shape(&field.ty, &known)).collect()
}

/// Functions that name the type, and those of its file that read one of its fields: their code changes with the layout.
fn users(files: &[SourceFile], name: &str, home: &SourceFile, fields: &[&syn::Field]) -> Vec<FunctionId> {
    let mut found = Vec::new();
    for file in files {
        for function in functions(file).into_iter().filter(|f| !f.is_test) {
            let own = function.self_ty.is_some_and(|ty| head(ty) == name);
            let names = own || mentions(function.sig, name) || mentions(function.block, name);
            let text = || function.block.to_token_stream().to_string();
            let reads = || fields.iter().filter_map(|f| f.ident.as_ref()).any(|f| text().contains(&format!(". {f}")));
            if names || (file.path == home.path && reads()) {
                found.extend(file.item_around(file.range(&function.sig.ident)).map(|item| item.id.clone()));
            }
        }
    }
    found
}

/// Moves the fields' own bytes: documentation, attributes, the comments above and on the same line.
fn reordered(
    file: &SourceFile,
    item: &syn::ItemStruct,
    fields: &[&syn::Field],
    order: &[usize],
) -> Result<Vec<TextEdit>, String> {
    let syn::Fields::Named(named) = &item.fields else { return Err("the struct has no named fields".to_string()) };
    let braces = file.span_range(named.brace_token.span.join());
    let inside = TextRange { start: braces.start + 1, end: braces.end - 1 };
    let chunks: Vec<Chunk> = match lines(file, inside, fields) {
        Some(chunks) => chunks,
        None if lexer::comments(file.slice(inside)).is_empty() => {
            fields.iter().map(|f| Chunk { range: file.range(*f), comma: None, field_end: file.range(*f).end }).collect()
        }
        None => {
            return Err("several fields share a line with comments: put each field on a line of its own".to_string());
        }
    };
    let edits = order.iter().enumerate().filter(|(to, from)| to != *from).map(|(to, from)| {
        let wants_comma = chunks[to].comma.is_some() || (to + 1 < chunks.len() && chunks[to].is_line(file));
        TextEdit { range: chunks[to].range, text: chunks[*from].text(file, wants_comma) }
    });
    Ok(edits.collect())
}

/// A field with what belongs to it.
struct Chunk {
    range: TextRange,
    comma: Option<u32>,
    field_end: u32,
}

impl Chunk {
    fn is_line(&self, file: &SourceFile) -> bool {
        file.slice(self.range).trim_end() != file.slice(self.range) || self.comma.is_some()
    }

    /// Its bytes, with or without the comma after the field.
    fn text(&self, file: &SourceFile, comma: bool) -> String {
        let before = file.slice(TextRange { start: self.range.start, end: self.field_end });
        let after_at = self.comma.map_or(self.field_end, |at| at + 1);
        let after = file.slice(TextRange { start: after_at, end: self.range.end });
        let between = if comma { "," } else { "" };
        let line_end =
            if after.contains('\n') || !self.is_line(file) { "" } else { eol_of(&file.text, self.range.start) };
        format!("{before}{between}{after}{line_end}")
    }
}

/// Each field as whole lines, from the comment above it to its line end; `None` where fields share lines.
fn lines(file: &SourceFile, inside: TextRange, fields: &[&syn::Field]) -> Option<Vec<Chunk>> {
    let text = &file.text;
    let mut at = inside.start as usize;
    at += text[at..inside.end as usize].find('\n')? + 1;
    if !text[inside.start as usize..at].trim().is_empty() {
        return None;
    }
    let mut chunks = Vec::new();
    for field in fields {
        let range = file.range(*field);
        let end = range.end as usize;
        let line_end = text[end..inside.end as usize].find('\n').map(|n| end + n + 1)?;
        let rest = &text[end..line_end];
        let comma = rest.trim_start().starts_with(',').then(|| (end + rest.find(',').unwrap_or(0)) as u32);
        let tail = rest.trim().trim_start_matches(',').trim();
        let shares = !(tail.is_empty() || tail.starts_with("//") || (tail.starts_with("/*") && tail.ends_with("*/")));
        let blank = text[at..range.start as usize].len()
            - text[at..range.start as usize].trim_start_matches(['\n', '\r']).len();
        if shares || (range.start as usize) < at {
            return None;
        }
        chunks.push(Chunk { range: TextRange::new(at + blank, line_end), comma, field_end: range.end });
        at = line_end;
    }
    Some(chunks)
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "repr-c-holes";
    const HOLES: &str = "#[repr(C)]\nstruct Cell {\n    a: u8,\n    b: u64,\n    c: u8,\n}\n";

    #[test]
    fn fields_move_with_docs_attributes_and_comments() {
        let rewrite = check(
            RULE,
            "/// One cell.\n#[repr(C)]\n#[derive(Debug, Clone, Copy)]\npub(crate) struct Cell {\n    /// Whether it is used.\n    pub used: bool, // 0 or 1\n\n    // Seconds.\n    last_seen: u64,\n    #[allow(dead_code)]\n    flagged: bool,\n    card: u32\n}\n",
            "/// One cell.\n#[repr(C)]\n#[derive(Debug, Clone, Copy)]\npub(crate) struct Cell {\n    // Seconds.\n    last_seen: u64,\n\n    card: u32,\n    /// Whether it is used.\n    pub used: bool, // 0 or 1\n    #[allow(dead_code)]\n    flagged: bool\n}\n",
        );
        assert_eq!(rewrite.title, "order the fields of Cell by alignment: 16 bytes instead of 24");
        assert_eq!(rewrite.obligations.len(), 2);
    }

    #[test]
    fn what_is_written_about_its_bytes_is_believed() {
        for text in [
            "/// As the sensor sends it, byte for byte.\n#[repr(C)] struct P { a: u8, b: u64, c: u8 }",
            "// Wire format, version 2.\n#[repr(C)] struct P { a: u8, b: u64, c: u8 }",
            "#[repr(C)] struct P { a: u8, /* offset 8 */ b: u64, c: u8 }",
        ] {
            let (_, rewrites, refusals) = crate::rewrite::testing::proposals(RULE, text);
            assert!(rewrites.is_empty() && refusals[0].reason.contains("knows its bytes"), "{text}: {refusals:?}");
        }
    }

    #[test]
    fn fields_on_one_line_change_places() {
        check(RULE, "#[repr(C)] struct P { a: u8, b: u64, c: u8 }\n", "#[repr(C)] struct P { b: u64, a: u8, c: u8 }\n");
    }

    #[test]
    fn the_functions_that_use_the_type_are_named() {
        let rewrite = check(
            RULE,
            &format!(
                "{HOLES}fn new() -> Cell {{ Cell {{ a: 1, b: 2, c: 3 }} }}\nfn sum(t: &Table) -> u64 {{ t.cells[0].b }}\nfn other() {{}}\n"
            ),
            "#[repr(C)]\nstruct Cell {\n    b: u64,\n    a: u8,\n    c: u8,\n}\nfn new() -> Cell { Cell { a: 1, b: 2, c: 3 } }\nfn sum(t: &Table) -> u64 { t.cells[0].b }\nfn other() {}\n",
        );
        let touched: Vec<_> = rewrite.touched.iter().map(|f| f.0.as_str()).collect();
        assert_eq!(touched, ["pay::new", "pay::sum"]);
    }

    #[test]
    fn whoever_looks_at_bytes_refuses() {
        let refuses = |rest: &str, reason: &str| check_refuses(RULE, &format!("{HOLES}{rest}"), reason);
        refuses("extern \"C\" { fn take(c: *const Cell); }", "foreign functions take `Cell` in src/lib.rs");
        refuses("pub extern \"C\" fn give() -> Cell { make() }", "`give` in src/lib.rs hands `Cell` to foreign code");
        refuses(
            "fn f(c: Cell) -> [u8; 24] { transmute(c) }",
            "`f` in src/lib.rs names `Cell` and uses `transmute`: it may look at its bytes",
        );
        refuses(
            "fn f(c: &Cell) -> *const u8 { c as *const Cell as *const u8 }",
            "`f` in src/lib.rs names `Cell` and is unsafe or holds raw pointers: it may look at its bytes",
        );
        refuses(
            "fn f() -> usize { std::mem::size_of::<Cell>() }",
            "`f` in src/lib.rs names `Cell` and uses `size_of`: it may look at its bytes",
        );
        refuses("const _: () = assert!(size_of::<Cell>() == 24);", "a constant measures `Cell` in src/lib.rs");
        refuses("union U { c: Cell, n: u8 }", "a union holds `Cell` in src/lib.rs");
        refuses("unsafe impl Pod for Cell {}", "an unsafe impl speaks of `Cell` in src/lib.rs");
        refuses("layout_of! { Cell }", "a macro that is not read names `Cell` in src/lib.rs");
    }

    #[test]
    fn derives_that_follow_the_order_refuse() {
        for derive in ["PartialOrd", "Ord", "Hash", "Serialize", "Pod", "Archive"] {
            check_refuses(
                RULE,
                &format!("#[derive({derive})]\n{HOLES}"),
                &format!("`derive({derive})` may follow the order of the fields or the bytes of the struct"),
            );
        }
    }

    #[test]
    fn drop_order_and_cfg_refuse() {
        check_refuses(
            RULE,
            "#[repr(C)]\nstruct A { a: u8, b: Box<u64>, c: u8, d: Option<Box<u8>> }",
            "2 fields have drop glue, and the order in which they are dropped would change",
        );
        check_refuses(
            RULE,
            "#[repr(C)]\nstruct A { a: u8, b: u64, #[cfg(unix)] c: u8 }",
            "a field is under `cfg`: other configurations are not seen",
        );
        check_refuses(
            RULE,
            &format!("#[pin_project]\n{HOLES}"),
            "the struct is under `#[pin_project]`, which may look at its fields",
        );
    }

    #[test]
    fn fields_that_share_a_line_with_a_comment_refuse() {
        check_refuses(
            RULE,
            "#[repr(C)]\nstruct A { a: u8, /* pad */ b: u64, c: u8 }",
            "several fields share a line with comments: put each field on a line of its own",
        );
    }
}
