//! A generated fragment and a place in; text with the indentation and line ends of that place out.

use proc_macro2::TokenStream;

use super::SourceFile;
use crate::model::TextRange;

/// White space at the start of the line that holds a byte.
pub fn indent_of(text: &str, offset: u32) -> &str {
    let start = line_start(text, offset as usize);
    let line = &text[start..];
    let line = line.strip_prefix('\u{feff}').unwrap_or(line);
    let end = line.find(|c| c != ' ' && c != '\t').unwrap_or(line.len());
    &line[..end]
}

/// Columns that the white space before a line's first word takes; a tab counts as rustfmt counts it, four.
pub fn columns_before(text: &str, offset: u32) -> usize {
    indent_of(text, offset).chars().map(|c| if c == '\t' { 4 } else { 1 }).sum()
}

/// Line end of the line that holds a byte, or of the nearest line before it; `\n` in a text of one line.
pub fn eol_of(text: &str, offset: u32) -> &'static str {
    let offset = offset as usize;
    let newline = text[offset..].find('\n').map(|n| offset + n).or_else(|| text[..offset].rfind('\n'));
    match newline {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// One step of indentation at a place: a tab where its line is indented with tabs (or, at the margin, the first indented
/// line of the text is), else what separates it from the line
/// that opened its block, or four spaces.
pub fn indent_unit(text: &str, offset: u32) -> String {
    let own = indent_of(text, offset);
    let first_inner = || text.lines().find(|line| line.starts_with([' ', '\t']) && !line.trim().is_empty());
    if own.contains('\t') || (own.is_empty() && first_inner().is_some_and(|line| line.starts_with('\t'))) {
        return "\t".to_owned();
    }
    let before = &text[..line_start(text, offset as usize)];
    let outer = before.lines().rev().filter(|l| !l.trim().is_empty()).map(|l| l.len() - l.trim_start().len());
    let step = outer.filter(|n| *n < own.len()).map(|n| own.len() - n).next();
    " ".repeat(step.filter(|n| (1..=8).contains(n)).unwrap_or(4))
}

/// Lays generated lines out for a place: the first stands at the place, each further line gets its indentation, steps of
/// four spaces become the step of the place, and line ends are those of the place.
///
/// Lines that begin inside a string keep their bytes.
pub fn laid_out(generated: &str, text: &str, offset: u32) -> String {
    let (indent, unit, eol) = (indent_of(text, offset), indent_unit(text, offset), eol_of(text, offset));
    let in_string = super::template::string_line_starts(generated);
    let mut out = String::with_capacity(generated.len());
    let mut at = 0;
    for (n, line) in generated.split('\n').enumerate() {
        if n > 0 {
            out.push_str(eol);
        }
        if n > 0 && !line.is_empty() && !in_string.contains(&at) {
            let spaces = line.len() - line.trim_start_matches(' ').len();
            out.push_str(indent);
            out.push_str(&unit.repeat(spaces / 4));
            out.push_str(&line[spaces / 4 * 4..]);
        } else {
            out.push_str(line);
        }
        at += line.len() + 1;
    }
    out
}

/// Prints statements as rustfmt would, without indentation and with `\n`.
///
/// # Errors
/// Tokens that are no statements, or that the printer cannot handle.
pub fn print_statements(statements: TokenStream) -> Result<String, String> {
    let file: syn::File = syn::parse2(quote::quote! { fn printed() { #statements } })
        .map_err(|error| format!("the generated statements do not parse: {error}"))?;
    let printed = std::panic::catch_unwind(|| prettyplease::unparse(&file))
        .map_err(|_| "the generated statements cannot be printed".to_owned())?;
    let body = printed.trim().strip_prefix("fn printed() {").and_then(|p| p.strip_suffix('}'));
    let body = body.ok_or_else(|| "the generated statements close their own function".to_owned())?;
    let lines = body.trim_matches('\n').lines().map(|l| l.strip_prefix("    ").unwrap_or(l));
    Ok(lines.collect::<Vec<_>>().join("\n").trim_end().to_owned())
}

fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |n| n + 1)
}

/// The line of a statement where it has it to itself, and the statement alone where it shares it.
pub fn whole_lines(file: &SourceFile, stmt: TextRange) -> TextRange {
    let text = &file.text;
    let start = text[..stmt.start as usize].rfind('\n').map_or(0, |n| n + 1);
    let end = text[stmt.end as usize..].find('\n').map_or(text.len(), |n| stmt.end as usize + n + 1);
    let alone = text[start..stmt.start as usize].trim().is_empty() && text[stmt.end as usize..end].trim().is_empty();
    if alone { TextRange::new(start, end) } else { stmt }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_printed_as_rustfmt_would() {
        let printed =
            print_statements(quote::quote! { let mut x = Vec :: new ( ) ; for i in 0 .. 3 { x . push ( i ) ; } });
        assert_eq!(printed.as_deref(), Ok("let mut x = Vec::new();\nfor i in 0..3 {\n    x.push(i);\n}"));
        assert!(print_statements(quote::quote! { let = ; }).is_err());
    }

    #[test]
    fn generated_lines_take_indentation_and_line_ends_of_the_place() {
        let generated = "if a {\n    b(\"x\n    y\");\n}";
        let tabs = "fn f() {\r\n\t\tplace\r\n}";
        let offset = tabs.find("place").unwrap() as u32;
        assert_eq!(laid_out(generated, tabs, offset), "if a {\r\n\t\t\tb(\"x\r\n    y\");\r\n\t\t}");
        let spaces = "fn f() {\n  if x {\n    place\n";
        let offset = spaces.find("place").unwrap() as u32;
        assert_eq!(laid_out("a {\n    b\n}", spaces, offset), "a {\n      b\n    }");
    }

    #[test]
    fn line_ends_are_those_of_the_place_in_a_mixed_file() {
        let text = "a\r\nb\nc";
        assert_eq!([eol_of(text, 0), eol_of(text, 3), eol_of(text, 5)], ["\r\n", "\n", "\n"]);
        assert_eq!(indent_of("\u{feff}  a", 4), "  ");
    }
}
