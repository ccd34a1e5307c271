//! Criterion's output folder in; one line of JSON for each benchmark that it holds out.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::walk;

/// `{"benchmark": …, "sample": …}` of every benchmark's newest run, in the order of their folders; each is read when its turn
/// comes. `None` for a folder without benchmarks.
pub fn lines(folder: &Path) -> Option<Lines> {
    let run = |path: &str| path.strip_suffix("benchmark.json").filter(|run| is_newest(run)).map(|run| folder.join(run));
    let mut runs: Vec<PathBuf> = walk::files(folder).iter().filter_map(|found| run(&found.path)).collect();
    runs.retain(|run| run.join("sample.json").is_file());
    (!runs.is_empty()).then(|| Lines { runs: runs.into_iter(), line: io::Cursor::default() })
}

/// The lines of a folder.
pub struct Lines {
    runs: std::vec::IntoIter<PathBuf>,
    line: io::Cursor<Vec<u8>>,
}

impl Read for Lines {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.line.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            let Some(run) = self.runs.next() else { return Ok(0) };
            self.line = io::Cursor::new(line(&run)?);
        }
    }
}

fn line(run: &Path) -> io::Result<Vec<u8>> {
    let part = |file: &str| {
        let path = run.join(file);
        let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", path.display()));
        std::fs::read_to_string(&path).map(|text| text.replace(['\n', '\r'], " ")).map_err(named)
    };
    let (benchmark, sample) = (part("benchmark.json")?, part("sample.json")?);
    Ok(format!("{{\"benchmark\":{benchmark},\"sample\":{sample}}}\n").into_bytes())
}

fn is_newest(run: &str) -> bool {
    run == "new/" || run.ends_with("/new/")
}
