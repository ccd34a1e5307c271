//! One conversion that is spelled out in many places in; one `impl From` and `?` at each place out.

use super::{Draft, Recipe, borrow, holds, question_mark};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::conversions::{Clue, Conversion, What, clues, join};
use crate::source::functions::{head, items};
use crate::source::{SourceFile, Template, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("repeated-map-err"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let all: Vec<Vec<Clue>> = files.iter().map(clues).collect();
    let found = join(&all);
    let is_this = |conversion: &&Conversion| {
        conversion.sites.iter().any(|(i, clue)| files[*i].path == finding.file && clue.site == finding.range)
    };
    let conversion = found.iter().find(is_this).ok_or("the conversion is no longer spelled out twice")?;
    let mut edits: Vec<(String, Vec<TextEdit>)> = Vec::new();
    let mut touched = Vec::new();
    let is_meant = |index: usize, clue: &Clue| {
        let function = files[index].item_around(clue.site).map(|item| &item.id);
        !conversion.exists || (files[index].path == finding.file && function == Some(&finding.function))
    };
    let sites: Vec<&(usize, Clue)> = conversion.sites.iter().filter(|(index, clue)| is_meant(*index, clue)).collect();
    for (index, clue) in &sites {
        let file = &files[*index];
        edits.push((file.path.clone(), shortened(file, clue)?));
        touched.extend(file.item_around(clue.site).map(|item| item.id.clone()));
    }
    if !conversion.exists {
        let rank = found
            .iter()
            .filter(|other| !other.exists && (other.home, &other.target) == (conversion.home, &conversion.target))
            .position(|other| other == conversion)
            .unwrap_or(0);
        edits.push((files[conversion.home].path.clone(), implemented(&files[conversion.home], conversion, rank)));
    }
    touched.dedup();
    Ok(Draft {
        title: title(conversion, sites.len()),
        edits,
        touched,
        preconditions: preconditions(conversion),
        ..Draft::default()
    })
}

fn title(conversion: &Conversion, sites: usize) -> String {
    let Conversion { target, variant, .. } = conversion;
    let verb = if conversion.exists { "use" } else { "add" };
    match sites {
        1 => format!("{verb} the From for {target}::{variant} instead of a wrapping"),
        count => format!("{verb} one From for {target}::{variant} instead of {count} wrappings"),
    }
}

fn preconditions(conversion: &Conversion) -> Vec<super::Precondition> {
    let Conversion { target, variant, source, .. } = conversion;
    let from = if conversion.exists {
        format!("the `From<{source}>` of `{target}` does nothing but wrap it in `{variant}`")
    } else {
        format!("`{target}` has no `From<{source}>` and no other variant that holds a `{source}`")
    };
    vec![
        holds(format!("`{target}::{variant}` holds just a `{source}`, and no place adds context")),
        holds(from),
        holds(format!("each function returns a `Result` of `{target}`")),
        borrow("no conversion elsewhere becomes ambiguous"),
    ]
}

fn shortened(file: &SourceFile, clue: &Clue) -> Result<Vec<TextEdit>, String> {
    if clue.what == What::Match {
        return question_mark::replaced(file, clue.site, clue.kept);
    }
    let gap = TextRange { start: clue.kept.end, end: clue.site.end };
    let text = file.slice(gap);
    // A comment between the call and `.map_err` stays where it is.
    let dot = if lexer::comments(text).is_empty() { 0 } else { text.rfind(".map_err").unwrap_or(0) };
    let range = TextRange { start: gap.start + dot as u32, end: gap.end };
    Ok(vec![TextEdit { range, text: String::new() }])
}

/// The `impl From`, after the last one of the enum, or after the enum.
///
/// Several conversions of one enum are proposals of their own: each gets a place of its own, so that all can land.
fn implemented(file: &SourceFile, conversion: &Conversion, rank: usize) -> Vec<TextEdit> {
    let Conversion { target, variant, source, .. } = conversion;
    let text = format!(
        "impl From<{source}> for {target} {{\n    fn from(error: {source}) -> Self {{\n        {target}::{variant}(error)\n    }}\n}}"
    );
    let anchors = anchors(file, conversion);
    let after = anchors[(rank / 2) % anchors.len()];
    let line_end = file.text[after as usize..].find('\n').map(|n| after + n as u32 + 1);
    // The first proposal goes before the line break behind the anchor, the second after it.
    let (at, text) = match line_end.filter(|_| rank % 2 == 1) {
        Some(next) if file.text[after as usize..next as usize].trim().is_empty() => (next, format!("\n{text}\n")),
        _ => (after, format!("\n\n{text}")),
    };
    let place = TextRange { start: after, end: after };
    let laid_out = Template::new(file, place).text(text).edits();
    laid_out.into_iter().map(|edit| TextEdit { range: TextRange { start: at, end: at }, ..edit }).collect()
}

/// Ends of the enum's `From` impls, the last first, and of the enum.
fn anchors(file: &SourceFile, conversion: &Conversion) -> Vec<u32> {
    let placed = items(&file.ast);
    let module = placed.iter().find(|p| file.range(p.item) == conversion.declared).map_or(0, |p| p.module);
    let froms = placed.iter().filter(|p| p.module == module).filter_map(|p| match p.item {
        syn::Item::Impl(item) if head(&item.self_ty) == conversion.target => {
            let (path, _) = item.trait_.as_ref()?;
            path.segments.last().filter(|s| s.ident == "From").map(|_| file.range(item).end)
        }
        _ => None,
    });
    let mut all: Vec<u32> =
        froms.chain([conversion.declared.end]).filter(|end| *end >= conversion.declared.end).collect();
    all.sort_unstable_by(|a, b| b.cmp(a));
    all
}

#[cfg(test)]
mod tests {
    use crate::detect;
    use crate::model::{EditSet, TextEdit};
    use crate::rewrite::propose;
    use crate::rewrite::testing::{check, parse};
    use crate::source::{FileRole, SourceFile, apply};

    const RULE: &str = "repeated-map-err";

    #[test]
    fn one_from_takes_the_place_of_all_wrappings() {
        let rewrite = check(
            RULE,
            "/// What goes wrong.\nenum E {\n    Io(io::Error), // disk\n}\n\nfn f() -> Result<u8, E> {\n    let a = g().map_err(E::Io)?;\n    let b = match h() {\n        Ok(b) => b,\n        Err(e) => return Err(E::Io(e)),\n    };\n    let c = k()\n        .map_err(|e| E::Io(e))?;\n    Ok(a + b + c)\n}\n",
            "/// What goes wrong.\nenum E {\n    Io(io::Error), // disk\n}\n\nimpl From<io::Error> for E {\n    fn from(error: io::Error) -> Self {\n        E::Io(error)\n    }\n}\n\nfn f() -> Result<u8, E> {\n    let a = g()?;\n    let b = h()?;\n    let c = k()?;\n    Ok(a + b + c)\n}\n",
        );
        assert_eq!(rewrite.title, "add one From for E::Io instead of 3 wrappings");
    }

    #[test]
    fn a_from_that_exists_is_used_and_a_comment_in_the_chain_stays() {
        let head = "enum E {\n    Io(io::Error),\n}\n\nimpl From<io::Error> for E {\n    fn from(e: io::Error) -> Self {\n        Self::Io(e)\n    }\n}\n";
        let rewrite = check(
            RULE,
            &format!(
                "{head}\nfn f() -> Result<u8, E> {{\n    let a = g().map_err(E::Io)?;\n    let b = h() // reads\n        .map_err(E::Io)?;\n    Ok(a + b)\n}}\n"
            ),
            &format!(
                "{head}\nfn f() -> Result<u8, E> {{\n    let a = g()?;\n    let b = h() // reads\n        ?;\n    Ok(a + b)\n}}\n"
            ),
        );
        assert_eq!(rewrite.title, "use one From for E::Io instead of 2 wrappings");
    }

    #[test]
    fn the_new_impl_stands_after_the_last_from_of_its_module() {
        check(
            RULE,
            "mod error {\n    pub enum E {\n        Io(io::Error),\n        Num(Gone),\n    }\n\n    impl From<Gone> for E {\n        fn from(e: Gone) -> Self {\n            E::Num(e)\n        }\n    }\n}\n\nfn f() -> Result<u8, error::E> {\n    g().map_err(error::E::Io)?;\n    h().map_err(error::E::Io)?;\n    Ok(1)\n}\n",
            "mod error {\n    pub enum E {\n        Io(io::Error),\n        Num(Gone),\n    }\n\n    impl From<Gone> for E {\n        fn from(e: Gone) -> Self {\n            E::Num(e)\n        }\n    }\n\n    impl From<io::Error> for E {\n        fn from(error: io::Error) -> Self {\n            E::Io(error)\n        }\n    }\n}\n\nfn f() -> Result<u8, error::E> {\n    g()?;\n    h()?;\n    Ok(1)\n}\n",
        );
    }

    #[test]
    fn conversions_of_one_enum_can_all_land() {
        let text = "enum E {\n    Io(io::Error),\n    Num(Gone),\n}\n\nfn f() -> Result<u8, E> {\n    a().map_err(E::Io)?;\n    b().map_err(E::Io)?;\n    c().map_err(E::Num)?;\n    d().map_err(E::Num)?;\n    Ok(1)\n}\n";
        let files = [parse(text)];
        let (findings, _) = detect::scan(&files, &[detect::rule(RULE).unwrap()]);
        let (rewrites, _) = propose(&files, &findings);
        let all: Vec<TextEdit> = rewrites.iter().flat_map(|r| r.edits[0].edits().to_vec()).collect();
        let both = EditSet::new("src/lib.rs", files[0].hash.clone(), all).expect("the places are distinct");
        let expected = "enum E {\n    Io(io::Error),\n    Num(Gone),\n}\n\nimpl From<io::Error> for E {\n    fn from(error: io::Error) -> Self {\n        E::Io(error)\n    }\n}\n\nimpl From<Gone> for E {\n    fn from(error: Gone) -> Self {\n        E::Num(error)\n    }\n}\n\nfn f() -> Result<u8, E> {\n    a()?;\n    b()?;\n    c()?;\n    d()?;\n    Ok(1)\n}\n";
        assert_eq!(apply(&both, text).unwrap(), expected);
    }

    #[test]
    fn places_in_several_files_are_one_rewrite() {
        let role = FileRole { krate: "pay".into(), modules: vec!["b".into()], ..FileRole::default() };
        let text = "fn b() -> Result<u8, crate::E> {\n    Ok(g().map_err(crate::E::Io)?)\n}\n";
        let files = [
            parse("pub enum E {\n    Io(io::Error),\n}\n\nfn a() -> Result<u8, E> {\n    Ok(g().map_err(E::Io)?)\n}\n"),
            SourceFile::parse("src/b.rs", text, &role).unwrap(),
        ];
        let (findings, _) = detect::scan(&files, &[detect::rule(RULE).unwrap()]);
        let (rewrites, refusals) = propose(&files, &findings);
        assert_eq!((rewrites.len(), refusals.len()), (1, 0), "{refusals:?}");
        let counts: Vec<_> = rewrites[0].edits.iter().map(|set| (set.file(), set.edits().len())).collect();
        assert_eq!(counts, [("src/b.rs", 1), ("src/lib.rs", 2)]);
        let touched: Vec<_> = rewrites[0].touched.iter().map(|f| f.0.as_str()).collect();
        assert_eq!(touched, ["pay::a", "pay::b::b"]);
        let empty = |edit: &&TextEdit| edit.text.is_empty();
        assert_eq!(rewrites[0].edits[0].edits().iter().filter(empty).count(), 1);
    }
}
