//! One columnar model for every profile and trace format: frames, a call trie, samples, requests, polls, waits and spans.

use super::Samples;

/// Index into [`Profile::frames`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameId(pub u32);

/// Index into [`Profile::nodes`]; a node is a whole stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// What a weight counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds of CPU time (`cpu-clock`, `task-clock`).
    CpuNanoseconds,
    /// Nanoseconds of wall time (spans).
    WallNanoseconds,
    /// Number of samples.
    Samples,
    /// Hardware events (cycles, instructions).
    Events,
    /// Allocated blocks (memory profiles).
    Blocks,
    /// Allocated bytes, where blocks are not counted.
    Bytes,
    /// A folded file does not say; only shares can be shown.
    #[default]
    Unknown,
}

/// One place in a stack as the format named it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Frame {
    /// The symbol as written: mangled, demangled or a span name; `[unknown]` where there was none.
    pub symbol: String,
    /// Object file it came from; empty where unknown.
    pub object: String,
    /// Source file as written; empty where unknown.
    pub file: String,
    /// Line from 1; 0 where unknown.
    pub line: u32,
    /// True if the frame was inlined into its caller.
    pub inlined: bool,
}

/// Something that addresses of a profile lie in: an object file, the kernel, or memory without a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ObjectFile {
    /// Path on the machine that was recorded (`[kernel.kallsyms]` for the kernel).
    pub path: String,
    /// Build id in hex; empty where the recording does not tell.
    pub build_id: String,
}

/// A sample that names the request it was taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its place among [`Profile::samples`].
    pub sample: u32,
    /// Id of the request or trace.
    pub request: String,
}

/// How an address is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressBase {
    /// Offset in the object file: what perf keeps.
    FileOffset,
    /// Distance from the lowest address that the object file is loaded at: what samply keeps.
    Image,
    /// The address itself, as in the kernel.
    Absolute,
}

/// A frame that is known by its address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressFrame {
    /// The frame, which has no name until the address is looked up.
    pub frame: FrameId,
    /// Index into [`Profile::objects`].
    pub object: u32,
    /// The address; that of a call, not of the instruction it returns to.
    pub address: u64,
    /// How the address is to be read.
    pub base: AddressBase,
    /// True if the recording has the address that a call returns to, which is one more.
    pub is_caller: bool,
    /// True if not this address is meant but the function that its call enters: frame pointers skip the caller of a leaf
    /// that keeps none, and the call one further out tells who that was.
    pub is_callee: bool,
}

/// Symbol of a frame that frame pointers skip and no call names: whoever owns the samples below it is not known.
pub const LOST_CALLER: &str = "[caller without a frame]";

/// A node of the call trie: a frame below its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// The caller's node; `None` for a root frame.
    pub parent: Option<NodeId>,
    /// The frame.
    pub frame: FrameId,
}

/// One request: from arrival to answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// Its id in the log.
    pub id: String,
    /// `POST /authorize`, or the root span's name.
    pub operation: String,
    /// Start, nanoseconds on the log's monotonic clock.
    pub start_ns: u64,
    /// End, nanoseconds on the same clock.
    pub end_ns: u64,
    /// The thread that served it whole, if one did.
    pub tid: Option<u64>,
}

/// A stretch of time in which a thread worked for a request (one poll of its task, or the whole of it).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Poll {
    /// Index into [`Profile::requests`].
    pub request: u32,
    /// OS thread.
    pub tid: u64,
    /// Start in nanoseconds.
    pub start_ns: u64,
    /// End in nanoseconds.
    pub end_ns: u64,
}

/// A stretch of time in which a request waited for something that has a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    /// Index into [`Profile::requests`].
    pub request: u32,
    /// What it waited for (`acquirer`, `ledger lock`).
    pub name: String,
    /// Start in nanoseconds.
    pub start_ns: u64,
    /// End in nanoseconds.
    pub end_ns: u64,
}

/// A stretch of time in which a thread was off the CPU, as the scheduler tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OffCpu {
    /// OS thread.
    pub tid: u64,
    /// When it left the CPU, CLOCK_MONOTONIC nanoseconds.
    pub start_ns: u64,
    /// When it was next seen to run.
    pub end_ns: u64,
    /// Where it stood; `None` for an empty stack.
    pub leaf: Option<NodeId>,
    /// True if it could have run on (another thread had the CPU), false if it slept or was blocked.
    pub runnable: bool,
}

/// What was allocated at one place, over the whole run of a memory profile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allocated {
    /// The stack that allocated; `None` for an empty stack.
    pub leaf: Option<NodeId>,
    /// Number of allocated blocks.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A thread by name: traces may know the name alone, profiles know the OS thread too.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thread {
    /// The number that samples, requests and polls of the same source use.
    pub tid: u64,
    /// Its name; perf cuts it to 15 bytes.
    pub name: String,
}

/// A span of a trace, with the code it stands for where the trace says so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    /// Index into [`Profile::requests`] (one request per trace root).
    pub request: u32,
    /// Index of the parent in [`Profile::spans`].
    pub parent: Option<u32>,
    /// Span name.
    pub name: String,
    /// Function path where `code.function` tells; empty otherwise.
    pub function: String,
    /// Source file; empty where unknown.
    pub file: String,
    /// Line from 1; 0 where unknown.
    pub line: u32,
    /// Start, nanoseconds.
    pub start_ns: u64,
    /// End, nanoseconds.
    pub end_ns: u64,
    /// Time on the executor where the trace tells (`busy_ns`).
    pub busy_ns: Option<u64>,
    /// Time awaiting where the trace tells (`idle_ns`).
    pub idle_ns: Option<u64>,
}

/// What a reader could say about the quality of one source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceQuality {
    /// The file as named in `slo.toml`.
    pub file: String,
    /// Name of the format.
    pub format: String,
    /// Samples read.
    pub samples: u64,
    /// Samples the kernel says were lost.
    pub lost: u64,
    /// Frames without a symbol.
    pub unresolved: u64,
    /// Stacks that do not reach a thread's start.
    pub truncated: u64,
    /// Lines or records that could not be read.
    pub malformed: u64,
    /// Event of the samples (`cpu-clock`); empty for traces.
    pub event: String,
    /// Unit of its weights.
    pub unit: Unit,
    /// Samples of other events, or of a unit that other sources do not have: counted, never added.
    pub ignored: u64,
    /// Bytes read after decompression.
    pub bytes: u64,
    /// True where every event was counted and none sampled: its numbers have no interval.
    pub is_counted: bool,
}

/// Everything that was measured, whatever it was read from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// Distinct frames.
    pub frames: Vec<Frame>,
    /// Call trie; a parent stands before its children.
    pub nodes: Vec<Node>,
    /// Samples in the order of the file.
    pub samples: Samples,
    /// Unit of the weights.
    pub unit: Unit,
    /// Requests in the order of the file.
    pub requests: Vec<Request>,
    /// Polls of request tasks.
    pub polls: Vec<Poll>,
    /// Named waits.
    pub waits: Vec<Wait>,
    /// Spans of traces.
    pub spans: Vec<Span>,
    /// Times off the CPU, where scheduler events were recorded.
    pub off_cpu: Vec<OffCpu>,
    /// What was allocated where, from memory profiles.
    pub allocated: Vec<Allocated>,
    /// Threads whose names are known.
    pub threads: Vec<Thread>,
    /// What has to be added to the times of the samples to get nanoseconds since 1970, where the recording tells.
    pub unix_offset_ns: Option<u64>,
    /// Quality, one entry per source.
    pub sources: Vec<SourceQuality>,
    /// Samples that name their request and were not joined to it yet.
    pub marks: Vec<Mark>,
    /// Object files of the frames that still have to be looked up.
    pub objects: Vec<ObjectFile>,
    /// Frames that still have to be looked up; empty once they have been.
    pub addresses: Vec<AddressFrame>,
}
