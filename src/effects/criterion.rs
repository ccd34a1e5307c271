//! Criterion's output folder in; one line of JSON for each benchmark that it holds out.

use std::io;
use std::path::Path;

use super::walk;

/// `{"benchmark": …, "sample": …}` of every benchmark's newest run, in the order of their folders.
///
/// # Errors
/// A file that cannot be read.
pub fn lines(folder: &Path) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for found in walk::files(folder) {
        let Some(run) = found.path.strip_suffix("benchmark.json").filter(|run| is_newest(run)) else { continue };
        let sample = folder.join(run).join("sample.json");
        if sample.is_file() {
            let part = |path: &Path| std::fs::read_to_string(path).map(|text| text.replace(['\n', '\r'], " "));
            let (benchmark, sample) = (part(&folder.join(&found.path))?, part(&sample)?);
            lines.extend_from_slice(format!("{{\"benchmark\":{benchmark},\"sample\":{sample}}}\n").as_bytes());
        }
    }
    Ok(lines)
}

fn is_newest(run: &str) -> bool {
    run == "new/" || run.ends_with("/new/")
}
