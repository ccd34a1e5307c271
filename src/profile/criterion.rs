//! Criterion's output folder, as one line for each benchmark, in; a request for each of its samples out.
//!
//! Who opens the folder writes a line `{"benchmark": …, "sample": …}` from `benchmark.json` and `sample.json` of every `new`
//! folder (or of a baseline). Times are nanoseconds of wall time, which the files do not say. A sample is the mean of many
//! iterations: its spread is less than that of single calls, and that is said.

use serde::Deserialize;

use super::Format;
use super::lines::{Linewise, by_lines};
use super::trouble::Trouble;
use crate::model::{Problem, Profile, Request, SourceQuality, Unit};

/// Criterion's samples.
pub const FORMAT: Format = Format { name: "Criterion", sniff, open: by_lines::<State> };

fn sniff(head: &[u8]) -> bool {
    let line = head.split(|b| *b == b'\n').next().unwrap_or(head).trim_ascii_start();
    line.starts_with(b"{\"benchmark\":") && memchr::memmem::find(line, b"\"sample\":").is_some()
}

#[derive(Deserialize)]
struct Line {
    benchmark: Benchmark,
    sample: Sample,
}

#[derive(Deserialize)]
struct Benchmark {
    #[serde(default)]
    full_id: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    group_id: Option<String>,
}

/// Old versions wrote the two lists without names.
#[derive(Deserialize)]
#[serde(untagged)]
enum Sample {
    Named { iters: Vec<f64>, times: Vec<f64> },
    Bare(Vec<f64>, Vec<f64>),
    Mode(serde::de::IgnoredAny, Vec<f64>, Vec<f64>),
}

#[derive(Clone, Default)]
struct State {
    requests: Vec<Request>,
    benchmarks: u64,
    /// When the last sample ended, if all had been taken one after another.
    now: u64,
}

impl Linewise for State {
    fn line(&mut self, line: &[u8], met: &mut Trouble) {
        if line.trim_ascii().is_empty() {
            return;
        }
        match serde_json::from_slice::<Line>(line) {
            Ok(line) => self.take(line, met),
            Err(error) => met.malformed(error.to_string()),
        }
    }

    fn profile(self) -> (Profile, Vec<Problem>) {
        let problem = match self.requests.is_empty() {
            true => Problem::error("there is no sample in this Criterion folder").help("run `cargo bench` first"),
            false => {
                let what = "a Criterion sample is the mean of many iterations: its percentiles are narrower than those of single calls";
                Problem::note(what).help("measure requests of the service for the objective itself")
            }
        };
        let quality = SourceQuality {
            format: FORMAT.name.into(),
            samples: self.requests.len() as u64,
            event: if self.benchmarks == 1 { "1 benchmark".into() } else { format!("{} benchmarks", self.benchmarks) },
            unit: Unit::WallNanoseconds,
            ..SourceQuality::default()
        };
        let unit = Unit::WallNanoseconds;
        (Profile { requests: self.requests, unit, sources: vec![quality], ..Profile::default() }, vec![problem])
    }
}

impl State {
    fn take(&mut self, line: Line, met: &mut Trouble) {
        let (iterations, times) = match line.sample {
            Sample::Named { iters, times } | Sample::Bare(iters, times) | Sample::Mode(_, iters, times) => {
                (iters, times)
            }
        };
        let Benchmark { full_id, title, group_id } = line.benchmark;
        let Some(operation) = full_id.or(title).or(group_id) else {
            return met.malformed("a benchmark without a name");
        };
        self.benchmarks += 1;
        for (at, (iterations, time)) in iterations.iter().zip(&times).enumerate() {
            let each = (time / iterations).round();
            if !(0.0..1e18).contains(&each) {
                met.malformed(format!("sample {at} of {operation} takes no time that can be"));
                continue;
            }
            let (start_ns, end_ns) = (self.now, self.now.saturating_add(each as u64));
            self.now = end_ns;
            let (id, operation) = (format!("{operation}#{at}"), operation.clone());
            self.requests.push(Request { id, operation, start_ns, end_ns, tid: None });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_every_version_become_requests_of_their_benchmark() {
        let text = concat!(
            r#"{"benchmark":{"group_id":"sort","function_id":"quick","value_str":"10","full_id":"sort/quick/10","directory_name":"sort/quick/10","title":"sort/quick/10"},"sample":{"sampling_mode":"Linear","iters":[1.0,2.0],"times":[100.0,300.0]}}"#,
            "\n",
            r#"{"benchmark":{"full_id":"old"},"sample":[[4.0,0.0],[100.0,7.0]]}"#,
            "\n{\"benchmark\":{}, \"sample\":[[1],[1]]}\n"
        );
        assert!(sniff(text.as_bytes()));
        let mut reader = (FORMAT.open)();
        reader.feed(text.as_bytes());
        let (profile, problems) = reader.finish();
        let found: Vec<_> = profile.requests.iter().map(|r| (r.operation.as_str(), r.end_ns - r.start_ns)).collect();
        assert_eq!(found, [("sort/quick/10", 100), ("sort/quick/10", 150), ("old", 25)]);
        assert_eq!(profile.sources[0].malformed, 2);
        assert!(problems[1].what.contains("line 2: sample 1 of old takes no time that can be"), "{problems:?}");
    }
}
