//! A processed profile of the Firefox Profiler, as samply writes it, in; samples of all its threads with their times out.
//!
//! Versions from 41 to 70 of the format are read (`docs-developer/CHANGELOG-formats.md` of firefox-devtools/profiler): tables
//! stand in each thread or, from 60 on, in `shared`; times as `time` or as `timeDeltas`; a caller as `prefix` or, from
//! 66 on, as the distance `prefixOffset`. samply leaves frames as addresses in libraries: they are looked up here.

mod tables;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde::Deserialize;

use super::Format;
use super::document::{json, some_of, whole_and_some};
use super::intern::Stacks;
use super::thinned::Part;
use super::trouble::counted;
use crate::model::{
    AddressBase, AddressFrame, Frame, FrameId, NodeId, ObjectFile, Problem, Profile, Sample, SourceQuality, Thread,
    Unit,
};
use tables::{FrameTable, FuncTable, NativeSymbols, Number, Resources, Samples, Sources, StackTable};

/// The Firefox Profiler's format.
pub const FORMAT: Format = Format { name: "Firefox profile", sniff, open: || whole_and_some(read, some) };

/// Newest version whose changes are known.
const NEWEST: u64 = 70;
const OLDEST: u64 = 41;

fn sniff(head: &[u8]) -> bool {
    let has = |name: &[u8]| memchr::memmem::find(head, name).is_some();
    head.trim_ascii_start().starts_with(b"{")
        && (has(b"\"preprocessedProfileVersion\"") || has(b"\"meta\"") && has(b"\"frameTable\""))
}

#[derive(Deserialize)]
struct File {
    meta: Meta,
    #[serde(default)]
    libs: Vec<Library>,
    #[serde(default)]
    shared: Option<Tables>,
    #[serde(default)]
    threads: Vec<OneThread>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    #[serde(default)]
    preprocessed_profile_version: u64,
    /// Milliseconds from one sample to the next.
    #[serde(default)]
    interval: f64,
    /// Milliseconds since 1970 at which times begin.
    #[serde(default)]
    start_time: f64,
    /// The same moment on CLOCK_MONOTONIC, where the recorder wrote it.
    #[serde(default)]
    start_time_as_clock_monotonic_nanoseconds_since_boot: Option<f64>,
}

impl Meta {
    fn start_ns(&self) -> u64 {
        self.start_time_as_clock_monotonic_nanoseconds_since_boot.map_or(0, |ns| ns.max(0.0) as u64)
    }
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Library {
    #[serde(default)]
    name: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    debug_path: String,
    #[serde(default)]
    code_id: Option<String>,
    #[serde(default)]
    breakpad_id: Option<String>,
}

/// The tables that frames are made of: of a thread, or of all.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tables {
    #[serde(default, alias = "stringTable")]
    string_array: Vec<String>,
    #[serde(default)]
    stack_table: Option<StackTable>,
    #[serde(default)]
    frame_table: Option<FrameTable>,
    #[serde(default)]
    func_table: Option<FuncTable>,
    #[serde(default)]
    resource_table: Option<Resources>,
    #[serde(default)]
    native_symbols: Option<NativeSymbols>,
    #[serde(default)]
    sources: Option<Sources>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OneThread {
    #[serde(default)]
    name: String,
    #[serde(default)]
    process_name: Option<String>,
    #[serde(default)]
    tid: Option<Number>,
    #[serde(default)]
    samples: Samples,
    #[serde(flatten)]
    tables: Tables,
}

/// What a few samples need: the tables, but neither times nor markers nor counters.
const SOME: Part = Part::Keys(&[
    ("meta", Part::Whole),
    ("libs", Part::Whole),
    ("shared", Part::Keys(&[STRINGS, STRINGS_BEFORE, STACKS, FRAMES, FUNCTIONS, RESOURCES, SYMBOLS, SOURCES])),
    (
        "threads",
        Part::Keys(&[
            ("name", Part::Whole),
            ("processName", Part::Whole),
            ("tid", Part::Whole),
            ("samples", Part::Keys(&[("stack", Part::Spread), ("weight", Part::Spread), ("weightType", Part::Whole)])),
            STRINGS,
            STRINGS_BEFORE,
            STACKS,
            FRAMES,
            FUNCTIONS,
            RESOURCES,
            SYMBOLS,
            SOURCES,
        ]),
    ),
]);

type Table = (&'static str, Part);

const STRINGS: Table = ("stringArray", Part::Whole);
const STRINGS_BEFORE: Table = ("stringTable", Part::Whole);
const STACKS: Table = ("stackTable", Part::Whole);
const FRAMES: Table = ("frameTable", Part::Whole);
const FUNCTIONS: Table = ("funcTable", Part::Whole);
const RESOURCES: Table = ("resourceTable", Part::Whole);
const SYMBOLS: Table = ("nativeSymbols", Part::Whole);
const SOURCES: Table = ("sources", Part::Whole);

fn some(bytes: &[u8]) -> Profile {
    some_of(bytes, &SOME, read)
}

fn read(bytes: &[u8]) -> (Profile, Vec<Problem>) {
    let file: File = match json(bytes, "Firefox profile") {
        Ok(file) => file,
        Err(problem) => return (Profile::default(), vec![problem]),
    };
    let mut problems = Vec::new();
    let version = file.meta.preprocessed_profile_version;
    if !(OLDEST..=NEWEST).contains(&version) {
        let what = format!("this Firefox profile has version {version}; known are {OLDEST} to {NEWEST}");
        problems.push(
            Problem::warning(what).help("open it in profiler.firefox.com and save it again, or record with samply"),
        );
    }
    let mut made = Made::new(&file);
    file.threads.iter().for_each(|thread| made.thread(&file, thread));
    let malformed = made.malformed;
    let profile = made.profile(&file);
    if profile.samples.is_empty() {
        problems.push(Problem::error("there is no sample in this Firefox profile").help("record for longer"));
    }
    if malformed > 0 {
        let what = format!("{} name a stack or a frame that is not there", counted(malformed, "sample or frame"));
        problems.push(Problem::warning(what).help("the rest was read; save the profile again if it matters"));
    }
    (profile, problems)
}

/// What is made of the threads.
#[derive(Default)]
struct Made {
    stacks: Stacks,
    profile: Profile,
    objects: HashMap<ObjectFile, u32>,
    known: HashMap<(u32, u64), FrameId>,
    addresses: Vec<AddressFrame>,
    malformed: u64,
    /// Nodes of the tables that all threads share.
    shared: Option<Vec<Option<NodeId>>>,
    timed: bool,
}

impl Made {
    fn new(file: &File) -> Made {
        let timed = file.threads.iter().all(|t| t.samples.weights_are_times(file.meta.interval));
        Made { timed, ..Made::default() }
    }

    fn thread(&mut self, file: &File, thread: &OneThread) {
        let tid = thread.tid.as_ref().and_then(Number::whole);
        if let Some(tid) = tid {
            let name = if thread.name.is_empty() { thread.process_name.clone() } else { Some(thread.name.clone()) };
            self.profile.threads.push(Thread { tid, name: name.unwrap_or_default() });
        }
        let own_tables = thread.tables.stack_table.is_some();
        let nodes = match (own_tables, &file.shared) {
            (false, Some(shared)) => {
                let known = self.shared.take();
                known.unwrap_or_else(|| self.nodes(file, shared, &shared.string_array))
            }
            // From version 56 on the texts are shared, the tables only from 60 on.
            (_, shared) => {
                let texts = shared.as_ref().map(|s| &s.string_array).filter(|s| !s.is_empty());
                self.nodes(file, &thread.tables, texts.unwrap_or(&thread.tables.string_array))
            }
        };
        self.samples(file, thread, tid, &nodes);
        if !own_tables {
            self.shared = Some(nodes);
        }
    }

    /// The node of every stack of a table; a caller stands before those it calls.
    fn nodes(&mut self, file: &File, tables: &Tables, texts: &[String]) -> Vec<Option<NodeId>> {
        let none = (StackTable::default(), FrameTable::default(), FuncTable::default());
        let stacks = tables.stack_table.as_ref().unwrap_or(&none.0);
        let named = Named {
            file,
            texts,
            frames: tables.frame_table.as_ref().unwrap_or(&none.1),
            functions: tables.func_table.as_ref().unwrap_or(&none.2),
            tables,
        };
        let frames: Vec<FrameId> = (0..named.frames.len()).map(|at| self.frame(&named, at)).collect();
        let mut nodes: Vec<Option<NodeId>> = Vec::with_capacity(stacks.len());
        for at in 0..stacks.len() {
            let caller = stacks.caller(at).map(|c| nodes.get(c).copied().flatten());
            let frame = stacks.frame(at).and_then(|f| frames.get(f).copied());
            // A caller that stands behind what it calls, or nowhere, makes the stack unreadable.
            let node = match (caller, frame) {
                (Some(None), _) | (_, None) => None,
                (caller, Some(frame)) => Some(self.stacks.child(caller.flatten(), frame)),
            };
            self.malformed += u64::from(node.is_none());
            nodes.push(node);
        }
        nodes
    }

    fn frame(&mut self, named: &Named, at: usize) -> FrameId {
        let frame = named.frame(at);
        let Some((library, address)) = named.address(at) else { return self.stacks.frame(frame) };
        let is_named = !frame.symbol.starts_with("0x");
        if is_named && frame.line > 0 {
            return self.stacks.frame(frame);
        }
        let object = self.object(library);
        if let Some(known) = self.known.get(&(object, address)) {
            return *known;
        }
        let path = self.profile.objects[object as usize].path.clone();
        let id = self.stacks.frame(Frame { symbol: format!("{address:#x}"), object: path, ..Frame::default() });
        self.known.insert((object, address), id);
        let base = AddressBase::Image;
        self.addresses.push(AddressFrame { frame: id, object, address, base, is_caller: false, is_callee: false });
        id
    }

    fn object(&mut self, library: &Library) -> u32 {
        let path = if library.path.is_empty() { &library.debug_path } else { &library.path };
        let build_id = library.code_id.clone().unwrap_or_default().to_ascii_lowercase();
        let build_id = if build_id.is_empty() { from_breakpad(library.breakpad_id.as_deref()) } else { build_id };
        let object = ObjectFile { path: if path.is_empty() { library.name.clone() } else { path.clone() }, build_id };
        let objects = &mut self.profile.objects;
        *self.objects.entry(object).or_insert_with_key(|object| {
            objects.push(object.clone());
            objects.len() as u32 - 1
        })
    }

    fn samples(&mut self, file: &File, thread: &OneThread, tid: Option<u64>, nodes: &[Option<NodeId>]) {
        let samples = &thread.samples;
        let mut time = 0.0;
        for at in 0..samples.len() {
            time = samples.time(at, time);
            // samply fills times off the CPU with samples that have no stack.
            let Some(stack) = samples.stack(at) else { continue };
            let Some(leaf) = nodes.get(stack).copied().flatten() else {
                self.malformed += 1;
                continue;
            };
            let weight = samples.weight(at, if self.timed { Some(file.meta.interval) } else { None });
            let time_ns = Some(file.meta.start_ns().saturating_add((time.max(0.0) * 1e6) as u64));
            self.profile.samples.push(Sample { leaf: Some(leaf), weight, time_ns, tid });
        }
    }

    fn profile(mut self, file: &File) -> Profile {
        self.profile.unit = if self.timed { Unit::CpuNanoseconds } else { Unit::Samples };
        self.profile.addresses = self.addresses;
        self.profile.threads.sort();
        let unix = (file.meta.start_time > 0.0).then_some((file.meta.start_time * 1e6) as u64);
        self.profile.unix_offset_ns = unix.and_then(|unix| unix.checked_sub(file.meta.start_ns()));
        let quality = SourceQuality {
            format: FORMAT.name.into(),
            samples: self.profile.samples.len() as u64,
            malformed: self.malformed,
            unit: self.profile.unit,
            ..SourceQuality::default()
        };
        self.profile.sources = vec![quality];
        (self.profile.frames, self.profile.nodes) = self.stacks.into_parts();
        self.profile
    }
}

/// A breakpad id is the first sixteen bytes of a build id as a GUID, whose first three parts stand in reverse, and a number.
fn from_breakpad(id: Option<&str>) -> String {
    let Some(id) = id.filter(|i| i.len() >= 32 && i.is_ascii()) else { return String::new() };
    let byte = |at: usize| id[at * 2..at * 2 + 2].to_ascii_lowercase();
    [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].into_iter().map(byte).collect()
}

/// One set of tables with the texts that it names.
struct Named<'a> {
    file: &'a File,
    texts: &'a [String],
    frames: &'a FrameTable,
    functions: &'a FuncTable,
    tables: &'a Tables,
}

impl<'a> Named<'a> {
    fn text(&self, index: Option<usize>) -> String {
        index.and_then(|i| self.texts.get(i)).cloned().unwrap_or_default()
    }

    fn frame(&self, at: usize) -> Frame {
        let function = self.frames.function(at);
        let name = self.text(function.and_then(|f| self.functions.name(f)));
        // From version 58 on they are shared, the other tables only from 60 on.
        let shared = self.file.shared.as_ref().and_then(|shared| shared.sources.as_ref());
        let source = self.tables.sources.as_ref().or(shared);
        let file = match (source, function.and_then(|f| self.functions.source(f))) {
            (Some(sources), Some(at)) => sources.file(at),
            _ => function.and_then(|f| self.functions.file_name(f)),
        };
        Frame {
            symbol: if name.is_empty() { "[unknown]".into() } else { name },
            object: self.library(at).map(|l| l.path.clone()).unwrap_or_default(),
            file: plain_path(&self.text(file)),
            line: self.frames.line(at),
            inlined: self.frames.inline_depth(at) > 0,
        }
    }

    /// The library of a frame: named by itself (70), by its symbol, or by its function's resource.
    fn library(&self, at: usize) -> Option<&'a Library> {
        let by_symbol = || {
            let symbols = self.tables.native_symbols.as_ref()?;
            symbols.library(self.frames.native_symbol(at)?)
        };
        let by_resource = || {
            let resource = self.functions.resource(self.frames.function(at)?)?;
            self.tables.resource_table.as_ref()?.library(resource)
        };
        let index = self.frames.library(at).or_else(by_symbol).or_else(by_resource)?;
        self.file.libs.get(index)
    }

    fn address(&self, at: usize) -> Option<(&'a Library, u64)> {
        Some((self.library(at)?, self.frames.address(at)?))
    }
}

/// The profiler writes `s3:bucket:digest/path:` and `hg:server:path:revision` for sources that it can fetch.
fn plain_path(file: &str) -> String {
    let mut parts = file.split(':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("hg" | "git" | "s3" | "cargo"), Some(_), Some(path)) => path.to_owned(),
        _ => file.to_owned(),
    }
}
