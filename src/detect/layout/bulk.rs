//! Type declarations of all files as background facts, and back again for a judgement.

use crate::detect::{Fact, FileFacts};
use crate::source::SourceFile;
pub use crate::source::bulk::is_small;
use crate::source::bulk::{Bulk, Declared, declared};

/// One background fact for each struct and enum of a file.
pub fn facts(file: &SourceFile) -> Vec<Fact> {
    let fact = |found: &Declared| {
        let variants: Vec<String> = found.variants.iter().map(|fields| fields.join("\u{1}")).collect();
        let fact = Fact::at(file, found.range)
            .note("declared", &found.name)
            .note("variants", variants.join("\u{2}"))
            .note("names", found.names.join("\u{1}"))
            .note("copy", if found.is_copy { "yes" } else { "no" });
        let fact = fact.note("alias", if found.is_alias { "yes" } else { "no" });
        Fact { is_background: true, ..fact }
    };
    declared(file).iter().map(fact).collect()
}

/// What all files declare.
pub fn learn(facts: &[FileFacts]) -> Bulk {
    Bulk::of(facts.iter().flat_map(|f| &f.facts).filter_map(read))
}

fn read(fact: &Fact) -> Option<Declared> {
    let list = |text: &str| text.split('\u{1}').filter(|s| !s.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    Some(Declared {
        name: fact.word("declared")?.to_owned(),
        range: fact.site,
        variants: fact.word("variants")?.split('\u{2}').map(list).collect(),
        names: list(fact.word("names")?),
        is_copy: fact.word("copy")? == "yes",
        is_alias: fact.word("alias")? == "yes",
    })
}
