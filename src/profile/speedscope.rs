//! A speedscope file in; samples of all its profiles, evented ones as stretches of time, out.
//!
//! Format: `file-format-schema.json` of speedscope. Its times have no common clock and its profiles no thread ids, so
//! samples carry neither; the name of a profile is the outermost frame where there are several.

use serde::Deserialize;

use super::Format;
use super::document::{json, some_of, whole_and_some};
use super::intern::Stacks;
use super::thinned::Part;
use super::trouble::counted;
use crate::model::{Allocated, Frame, FrameId, NodeId, Problem, Profile, Sample, SourceQuality, Unit};

/// speedscope's own format.
pub const FORMAT: Format = Format { name: "speedscope", sniff, open: || whole_and_some(read, some) };

fn sniff(head: &[u8]) -> bool {
    let starts = head.trim_ascii_start().starts_with(b"{");
    starts && memchr::memmem::find(head, b"speedscope.app/file-format-schema.json").is_some()
}

#[derive(Deserialize)]
struct File {
    shared: Shared,
    profiles: Vec<OneProfile>,
}

#[derive(Deserialize)]
struct Shared {
    frames: Vec<WireFrame>,
}

#[derive(Deserialize)]
struct WireFrame {
    name: String,
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    line: Option<u32>,
}

#[derive(Deserialize)]
struct OneProfile {
    #[serde(default)]
    name: String,
    #[serde(default)]
    unit: String,
    /// Root first.
    #[serde(default)]
    samples: Vec<Vec<usize>>,
    #[serde(default)]
    weights: Vec<f64>,
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    frame: usize,
    at: f64,
}

/// What a few samples need.
const SOME: Part = Part::Keys(&[
    ("shared", Part::Whole),
    (
        "profiles",
        Part::Keys(&[
            ("name", Part::Whole),
            ("unit", Part::Whole),
            ("samples", Part::Spread),
            ("weights", Part::Spread),
            ("events", Part::Runs),
        ]),
    ),
]);

fn some(bytes: &[u8]) -> Profile {
    some_of(bytes, &SOME, read)
}

fn read(bytes: &[u8]) -> (Profile, Vec<Problem>) {
    let file: File = match json(bytes, "speedscope file") {
        Ok(file) => file,
        Err(problem) => return (Profile::default(), vec![problem]),
    };
    let unit = file.profiles.iter().map(|p| unit(&p.unit).0).find(|u| *u != Unit::Bytes).unwrap_or(Unit::Samples);
    let mut state = State { unit, ..State::default() };
    state.frames = file.shared.frames.into_iter().map(|f| state.stacks.frame(frame(f))).collect();
    let several = file.profiles.len() > 1;
    for profile in &file.profiles {
        state.take(profile, several);
    }
    state.finish()
}

fn frame(wire: WireFrame) -> Frame {
    let (file, line) = (wire.file.unwrap_or_default(), wire.line.unwrap_or(0));
    Frame { symbol: wire.name, file, line, ..Frame::default() }
}

/// The unit and how many of it one of the file's is.
fn unit(name: &str) -> (Unit, f64) {
    match name {
        "nanoseconds" => (Unit::WallNanoseconds, 1.0),
        "microseconds" => (Unit::WallNanoseconds, 1e3),
        "milliseconds" => (Unit::WallNanoseconds, 1e6),
        "seconds" => (Unit::WallNanoseconds, 1e9),
        "bytes" => (Unit::Bytes, 1.0),
        _ => (Unit::Samples, 1.0),
    }
}

#[derive(Default)]
struct State {
    stacks: Stacks,
    frames: Vec<FrameId>,
    unit: Unit,
    profile: Profile,
    malformed: u64,
    ignored: u64,
}

impl State {
    fn take(&mut self, profile: &OneProfile, several: bool) {
        let (unit, scale) = unit(&profile.unit);
        if unit != self.unit && unit != Unit::Bytes {
            self.ignored += (profile.samples.len() + profile.events.len()) as u64;
            return;
        }
        let root = several.then(|| self.stacks.frame(Frame { symbol: profile.name.clone(), ..Frame::default() }));
        let root = root.map(|frame| self.stacks.child(None, frame));
        self.malformed += (profile.samples.len() as u64).abs_diff(profile.weights.len() as u64);
        for (stack, weight) in profile.samples.iter().zip(&profile.weights) {
            match self.node(root, stack) {
                Some(leaf) => self.add(unit, leaf, weight * scale),
                None => self.malformed += 1,
            }
        }
        self.events(&profile.events, root, unit, scale);
    }

    /// The time between two events belongs to the stack that is open between them.
    fn events(&mut self, events: &[Event], root: Option<NodeId>, unit: Unit, scale: f64) {
        let mut open: Vec<(usize, Option<NodeId>)> = Vec::new();
        // How often each frame is open: what closes none is not sought.
        let mut times = vec![0_u32; self.frames.len()];
        let mut since = events.first().map_or(0.0, |e| e.at);
        for event in events {
            let leaf = open.last().map_or(root, |(_, node)| *node);
            if event.at > since && !open.is_empty() {
                self.add(unit, leaf, (event.at - since) * scale);
            }
            since = since.max(event.at);
            let known = self.frames.get(event.frame).copied();
            match (event.kind.as_str(), known) {
                ("O", Some(frame)) => {
                    times[event.frame] += 1;
                    open.push((event.frame, Some(self.stacks.child(leaf, frame))));
                }
                ("C", Some(_)) if times[event.frame] > 0 => {
                    while let Some((closed, _)) = open.pop() {
                        times[closed] -= 1;
                        if closed == event.frame {
                            break;
                        }
                    }
                }
                _ => self.malformed += 1,
            }
        }
    }

    /// The node of a stack; `None` where it names a frame that is not there.
    fn node(&mut self, root: Option<NodeId>, stack: &[usize]) -> Option<Option<NodeId>> {
        let mut node = root;
        for frame in stack {
            let frame = *self.frames.get(*frame)?;
            node = Some(self.stacks.child(node, frame));
        }
        Some(node)
    }

    fn add(&mut self, unit: Unit, leaf: Option<NodeId>, weight: f64) {
        let weight = weight.round() as u64;
        match unit {
            Unit::Bytes => self.profile.allocated.push(Allocated { leaf, blocks: 0, bytes: weight }),
            _ => self.profile.samples.push(Sample { leaf, weight, time_ns: None, tid: None }),
        }
    }

    fn finish(mut self) -> (Profile, Vec<Problem>) {
        let mut problems = Vec::new();
        if self.profile.samples.is_empty() && self.profile.allocated.is_empty() {
            let help = "was anything recorded before it was exported?";
            problems.push(Problem::error("there is no sample in this speedscope file").help(help));
        }
        if self.malformed > 0 {
            let places = counted(self.malformed, "place");
            let what =
                format!("{places} of this speedscope file name no frame that is there, or close none that is open");
            problems.push(Problem::warning(what).help("export it again"));
        }
        let quality = SourceQuality {
            format: FORMAT.name.into(),
            samples: self.profile.samples.len() as u64,
            malformed: self.malformed,
            ignored: self.ignored,
            unit: self.unit,
            ..SourceQuality::default()
        };
        self.profile.unit = self.unit;
        self.profile.sources = vec![quality];
        (self.profile.frames, self.profile.nodes) = self.stacks.into_parts();
        (self.profile, problems)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights_of(profile: &Profile) -> Vec<(String, u64)> {
        let name = |node: NodeId| {
            let callers = std::iter::successors(Some(node), |n| profile.nodes[n.0 as usize].parent);
            let mut names: Vec<&str> =
                callers.map(|n| profile.frames[profile.nodes[n.0 as usize].frame.0 as usize].symbol.as_str()).collect();
            names.reverse();
            names.join(";")
        };
        profile.samples.iter().map(|s| (s.leaf.map_or(String::new(), name), s.weight)).collect()
    }

    const HEAD: &str = r#"{"$schema":"https://www.speedscope.app/file-format-schema.json","shared":{"frames":[{"name":"main"},{"name":"a;b","file":"src/a.rs","line":4}]},"profiles":["#;

    #[test]
    fn sampled_and_evented_profiles_give_the_same_stacks() {
        let sampled = r#"{"type":"sampled","name":"t","unit":"microseconds","startValue":0,"endValue":3,"samples":[[0],[0,1]],"weights":[1,2]}]}"#;
        let evented = r#"{"type":"evented","name":"t","unit":"microseconds","startValue":0,"endValue":3,"events":[{"type":"O","frame":0,"at":0},{"type":"O","frame":1,"at":1},{"type":"C","frame":1,"at":3},{"type":"C","frame":0,"at":3}]}]}"#;
        for tail in [sampled, evented] {
            let (profile, problems) = read(format!("{HEAD}{tail}").as_bytes());
            assert_eq!(weights_of(&profile), [("main".into(), 1000), ("main;a;b".into(), 2000)]);
            assert_eq!((profile.unit, problems), (Unit::WallNanoseconds, vec![]));
            assert_eq!((profile.frames[1].file.as_str(), profile.frames[1].line), ("src/a.rs", 4));
        }
    }

    #[test]
    fn some_of_the_samples_and_of_the_events_name_frames_that_stand_behind_them() {
        let samples = vec!["[0],[0,1],[0,1]"; 20_000].join(",");
        let weights = vec!["1,2,2"; 20_000].join(",");
        let pair = |n: usize| {
            let event = |kind: &str, at| format!(r#"{{"type":"{kind}","frame":1,"at":{at}}}"#);
            format!("{},{}", event("O", 10 * n + 1), event("C", 10 * n + 3))
        };
        let events = (0..100_000).map(pair).collect::<Vec<_>>().join(",");
        let file = format!(
            r#"{{"$schema":"https://www.speedscope.app/file-format-schema.json","profiles":[
                {{"type":"sampled","name":"t","unit":"none","samples":[{samples}],"weights":[{weights}]}},
                {{"type":"evented","name":"u","unit":"none","events":[{events}]}}],
                "shared":{{"frames":[{{"name":"main"}},{{"name":"a"}}]}}}}"#
        );
        let look = weights_of(&some(file.as_bytes()));
        let [low, high] = ["t;main", "t;main;a"].map(|stack| look.iter().filter(|(s, _)| s == stack).count());
        assert_eq!(low + high, 15_000);
        assert!((4_500..5_500).contains(&low), "{low} of every third");
        assert!(look.iter().all(|(stack, weight)| *weight == if stack == "t;main" { 1 } else { 2 }));
        let events = look.iter().filter(|(stack, _)| stack == "u;a").count();
        assert!((30_000..60_000).contains(&events), "{events} of 100,000");
    }

    #[test]
    fn what_names_no_frame_is_counted_and_left_out() {
        let tail = r#"{"type":"sampled","unit":"none","samples":[[0],[7],[1]],"weights":[1,1]},{"unit":"bytes","events":[{"type":"C","frame":0,"at":1}]}]}"#;
        let (profile, problems) = read(format!("{HEAD}{tail}").as_bytes());
        assert_eq!((profile.samples.len(), profile.sources[0].malformed), (1, 3));
        assert!(problems[0].what.starts_with("3 places of"), "{problems:?}");
        assert_eq!(read(HEAD.as_bytes()).1[0].what, "this speedscope file cannot be read: the file was cut off");
    }

    #[test]
    fn closing_again_and_again_what_is_not_open_takes_no_longer_than_anything_else() {
        let event = |kind: &str, frame: usize| format!(r#"{{"type":"{kind}","frame":{frame},"at":1}}"#);
        let [open, closed] = [event("O", 0), event("C", 1)].map(|one| vec![one; 200_000].join(","));
        let file = format!(r#"{HEAD}{{"type":"evented","unit":"none","events":[{open},{closed}]}}]}}"#);
        let (_, problems) = read(file.as_bytes());
        assert!(problems.iter().any(|p| p.what.starts_with("200000 places")), "{problems:?}");
        assert_eq!(some(file.as_bytes()), Profile::default(), "no stack is as deep");
    }
}
