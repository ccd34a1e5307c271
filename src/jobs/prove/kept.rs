//! Type questions with the compiler's answers in; the same answers for the next proof on this tree out.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::effects::files;
use crate::jobs::stand::Yard;
use crate::model::{Answer, Probe, Problem};

/// What was answered of one tree by one compiler.
pub struct Kept {
    file: PathBuf,
    by_probe: BTreeMap<String, (Answer, String)>,
}

impl Kept {
    /// What was kept of the base; nothing where that cannot be read.
    ///
    /// # Errors
    /// No rustc.
    pub fn of_base(yard: &Yard) -> Result<Kept, Problem> {
        let compiler = yard.compiler()?;
        let (tree, features) = (&yard.base.tree, &yard.workspace.slo.code.features);
        let name = files::hash(format!("{tree} {compiler} {features:?} {}", env!("CARGO_PKG_VERSION")).as_bytes()).0;
        let file = yard.slots.dir().join(format!("answers-{}", &name[..16]));
        let text = files::read_text(&file, "kept answers").unwrap_or_default();
        Ok(Kept { by_probe: text.lines().filter_map(read).collect(), file })
    }

    /// The answer to a question.
    pub fn answer(&self, probe: &Probe) -> Option<(Answer, String)> {
        self.by_probe.get(&key(probe)).cloned()
    }

    /// Keeps an answer. One that is open may be found the next time.
    pub fn take(&mut self, probe: &Probe, answer: Answer, said: &str) {
        if answer != Answer::Open {
            self.by_probe.insert(key(probe), (answer, said.replace(['\t', '\n'], " ")));
        }
    }

    /// Writes what was taken.
    ///
    /// # Errors
    /// The cache cannot be written.
    pub fn write(&self) -> Result<(), Problem> {
        let line = |(key, (answer, said)): (&String, &(Answer, String))| format!("{key}\t{}\t{said}\n", answer.word());
        files::write_atomic(&self.file, self.by_probe.iter().map(line).collect::<String>().as_bytes())
    }
}

/// A question is its place in the tree and what is asked there.
fn key(probe: &Probe) -> String {
    files::hash(format!("{probe:?}").as_bytes()).0[..32].to_owned()
}

fn read(line: &str) -> Option<(String, (Answer, String))> {
    let mut words = line.splitn(3, '\t');
    let (key, word, said) = (words.next()?, words.next()?, words.next()?);
    let answer = [Answer::Holds, Answer::Refuted].into_iter().find(|a| a.word() == word)?;
    Some((key.to_owned(), (answer, said.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ProbeQuestion, TextRange};

    fn probe(at: usize) -> Probe {
        let expr = TextRange::new(at, at + 3);
        Probe { question: ProbeQuestion::IsSequence, file: "src/a.rs".into(), expr, insert_at: at as u32 }
    }

    #[test]
    fn answers_come_back_and_open_ones_are_asked_again() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("answers");
        let mut kept = Kept { file: file.clone(), by_probe: BTreeMap::new() };
        kept.take(&probe(1), Answer::Holds, "Vec<\tu8>");
        kept.take(&probe(2), Answer::Refuted, "");
        kept.take(&probe(3), Answer::Open, "silence");
        kept.write().unwrap();
        let text = std::fs::read_to_string(&file).unwrap() + "damaged\nx\tmaybe\t\n";
        let again = Kept { file, by_probe: text.lines().filter_map(read).collect() };
        assert_eq!(again.answer(&probe(1)), Some((Answer::Holds, "Vec< u8>".into())));
        assert_eq!(again.answer(&probe(2)), Some((Answer::Refuted, String::new())));
        assert_eq!((again.answer(&probe(3)), again.answer(&probe(4))), (None, None));
        assert_eq!(again.by_probe.len(), 2);
    }
}
