//! An expression and a family of types of std in; the question to rustc whether it is one of them out.

use super::{probe, probe_at};
use crate::model::{Precondition, ProbeQuestion, TextRange};
use crate::source::SourceFile;

/// Types of std that answer to the same methods in the same way.
pub struct Family {
    /// What people call one of them, with its article.
    name: &'static str,
    /// The types with full paths; `_` stands for any argument.
    types: &'static [&'static str],
}

/// `String`.
pub const STRING: Family = Family { name: "a `String` of std", types: &["std::string::String"] };
/// `String` and `str`.
pub const TEXT: Family = Family { name: "a text of std", types: &["std::string::String", "str"] };
/// `Vec`.
pub const VEC: Family = Family { name: "a `Vec` of std", types: &["std::vec::Vec<_>"] };
/// What grows step by step unless it is told how much will come.
pub const GROWN: Family = Family {
    name: "a vector, a queue or a map of std",
    types: &["std::vec::Vec<_>", "std::collections::VecDeque<_>", "std::collections::HashMap<_, _>"],
};

/// `Option`.
pub const OPTION: Family = Family { name: "an `Option` of std", types: &["std::option::Option<_>"] };
/// `Result`.
pub const RESULT: Family = Family { name: "a `Result` of std", types: &["std::result::Result<_, _>"] };
/// Vectors, slices, arrays.
pub const SLICE: Family =
    Family { name: "a vector, slice or array of std", types: &["std::vec::Vec<_>", "[_]", "[_; 0]"] };
/// Lists of which elements are kept in one pass.
pub const RETAINED: Family =
    Family { name: "a vector or a queue of std", types: &["std::vec::Vec<_>", "std::collections::VecDeque<_>"] };
/// Bytes that can be looked at as a slice.
pub const BYTES: Family =
    Family { name: "bytes", types: &["std::vec::Vec<u8>", "[u8]", "[u8; 0]", "bytes::Bytes", "bytes::BytesMut"] };
/// Collections whose empty value is their default.
pub const EMPTIED: Family = Family {
    name: "a text or a collection of std",
    types: &[
        "std::string::String",
        "std::vec::Vec<_>",
        "std::collections::HashMap<_, _>",
        "std::collections::HashSet<_>",
        "std::collections::BTreeMap<_, _>",
        "std::collections::BTreeSet<_>",
    ],
};
/// Maps with `entry`, `get` and indices by key.
pub const MAP: Family =
    Family { name: "a map of std", types: &["std::collections::HashMap<_, _>", "std::collections::BTreeMap<_, _>"] };
/// What `get` looks into by key or by index.
pub const KEYED: Family = Family {
    name: "a map, a vector, a queue or a slice of std",
    types: &[
        "std::collections::HashMap<_, _>",
        "std::collections::BTreeMap<_, _>",
        "std::vec::Vec<_>",
        "std::collections::VecDeque<_>",
        "[_]",
        "[_; 0]",
    ],
};
/// What things are taken out of one after the other.
pub const TAKEN_FROM: Family = Family {
    name: "a text or a collection of std",
    types: &[
        "std::vec::Vec<_>",
        "[_]",
        "[_; 0]",
        "std::string::String",
        "std::collections::VecDeque<_>",
        "std::collections::BinaryHeap<_>",
        "std::collections::BTreeMap<_, _>",
        "std::collections::BTreeSet<_>",
    ],
};
/// What can be walked or taken from, and does neither where it is empty.
pub const TAKEN_OR_WALKED: Family = Family {
    name: "a collection of std",
    types: &[
        "std::vec::Vec<_>",
        "[_]",
        "[_; 0]",
        "std::collections::VecDeque<_>",
        "std::collections::BinaryHeap<_>",
        "std::collections::HashMap<_, _>",
        "std::collections::HashSet<_>",
        "std::collections::BTreeMap<_, _>",
        "std::collections::BTreeSet<_>",
    ],
};
/// Sets whose `insert` says whether the value was new.
pub const SET: Family =
    Family { name: "a set of std", types: &["std::collections::HashSet<_>", "std::collections::BTreeSet<_>"] };
/// What knows its length without counting.
pub const COUNTED: Family = Family {
    name: "a collection that knows its length",
    types: &[
        "std::vec::Vec<_>",
        "[_]",
        "[_; 0]",
        "std::collections::VecDeque<_>",
        "std::collections::HashMap<_, _>",
        "std::collections::HashSet<_>",
        "std::collections::BTreeMap<_, _>",
        "std::collections::BTreeSet<_>",
    ],
};
/// What can be walked again and again without anybody noticing.
pub const WALKED: Family = Family {
    name: "a text or a collection of std",
    types: &[
        "std::string::String",
        "str",
        "std::vec::Vec<_>",
        "[_]",
        "[_; 0]",
        "std::collections::VecDeque<_>",
        "std::collections::HashMap<_, _>",
        "std::collections::HashSet<_>",
        "std::collections::BTreeMap<_, _>",
        "std::collections::BTreeSet<_>",
    ],
};

/// What can be looked through without anybody noticing when the iterators and texts made for it are gone.
pub const LOOKED_THROUGH: Family = Family {
    name: "a text, a collection or an option of std",
    types: &[
        "std::string::String",
        "str",
        "std::vec::Vec<_>",
        "[_]",
        "[_; 0]",
        "std::option::Option<_>",
        "std::collections::VecDeque<_>",
        "std::collections::HashMap<_, _>",
        "std::collections::HashSet<_>",
        "std::collections::BTreeMap<_, _>",
        "std::collections::BTreeSet<_>",
    ],
};

/// Guards whose drop unlocks.
pub const GUARD: Family = Family {
    name: "the guard of a lock",
    types: &[
        "std::sync::MutexGuard<_>",
        "std::sync::RwLockReadGuard<_>",
        "std::sync::RwLockWriteGuard<_>",
        "tokio::sync::MutexGuard<_>",
        "tokio::sync::RwLockReadGuard<_>",
        "tokio::sync::RwLockWriteGuard<_>",
        "lock_api::MutexGuard<_, _>",
        "lock_api::RwLockReadGuard<_, _>",
        "lock_api::RwLockWriteGuard<_, _>",
    ],
};
/// A mutex, shared or not.
pub const MUTEX: Family = Family {
    name: "a `Mutex` of std or parking_lot",
    types: &[
        "std::sync::Mutex<_>",
        "std::sync::Arc<std::sync::Mutex<_>>",
        "lock_api::Mutex<_, _>",
        "std::sync::Arc<lock_api::Mutex<_, _>>",
    ],
};
/// A reader-writer lock, shared or not.
pub const RW_LOCK: Family = Family {
    name: "an `RwLock` of std, parking_lot or tokio",
    types: &[
        "tokio::sync::RwLock<_>",
        "std::sync::Arc<tokio::sync::RwLock<_>>",
        "std::sync::RwLock<_>",
        "std::sync::Arc<std::sync::RwLock<_>>",
        "lock_api::RwLock<_, _>",
        "std::sync::Arc<lock_api::RwLock<_, _>>",
    ],
};
/// A lock of std, parking_lot or tokio, shared or not.
pub const LOCK: Family = Family {
    name: "a lock of std, parking_lot or tokio",
    types: &[
        "std::sync::Mutex<_>",
        "std::sync::Arc<std::sync::Mutex<_>>",
        "std::sync::RwLock<_>",
        "std::sync::Arc<std::sync::RwLock<_>>",
        "lock_api::Mutex<_, _>",
        "std::sync::Arc<lock_api::Mutex<_, _>>",
        "lock_api::RwLock<_, _>",
        "std::sync::Arc<lock_api::RwLock<_, _>>",
        "tokio::sync::Mutex<_>",
        "std::sync::Arc<tokio::sync::Mutex<_>>",
        "tokio::sync::RwLock<_>",
        "std::sync::Arc<tokio::sync::RwLock<_>>",
    ],
};
/// What a thread receives messages by.
pub const RECEIVER: Family = Family {
    name: "the receiver of a channel for threads",
    types: &["std::sync::mpsc::Receiver<_>", "crossbeam_channel::Receiver<_>"],
};
/// What is waited for by `join()` or `.await`.
pub const JOIN_HANDLE: Family = Family {
    name: "the handle of a thread or a task",
    types: &["std::thread::JoinHandle<_>", "std::thread::ScopedJoinHandle<'_, _>", "tokio::task::JoinHandle<_>"],
};
/// What a task receives messages by.
pub const TASK_RECEIVER: Family = Family {
    name: "the receiver of a channel of tokio",
    types: &["tokio::sync::mpsc::Receiver<_>", "tokio::sync::mpsc::UnboundedReceiver<_>"],
};
/// A lock that tasks wait for.
pub const TASK_LOCK: Family = Family {
    name: "a lock of tokio",
    types: &[
        "tokio::sync::Mutex<_>",
        "std::sync::Arc<tokio::sync::Mutex<_>>",
        "tokio::sync::RwLock<_>",
        "std::sync::Arc<tokio::sync::RwLock<_>>",
    ],
};
/// The handle of a runtime of tokio.
pub const HANDLE: Family = Family { name: "a `Handle` of tokio", types: &["tokio::runtime::Handle"] };
/// A path of std.
pub const PATH: Family = Family { name: "a path of std", types: &["std::path::Path", "std::path::PathBuf"] };
/// Writers into memory, or with a buffer before the file.
pub const BUFFERED: Family =
    Family { name: "a buffered writer", types: &["std::io::BufWriter<_>", "std::vec::Vec<u8>"] };
/// A file.
pub const FILE: Family = Family { name: "a `File` of std", types: &["std::fs::File"] };

impl Family {
    /// What people call one of them, with its article.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The question to rustc.
    pub fn question(&self) -> ProbeQuestion {
        ProbeQuestion::IsOneOf(self.types.iter().map(|ty| (*ty).to_owned()).collect())
    }
}

/// Asks before the statement around the expression.
pub fn is_one(file: &SourceFile, expr: TextRange, family: &Family) -> Precondition {
    probe(file, format!("`{}` is {}", file.on_one_line(expr), family.name), expr, family.question())
}

/// Asks at a place that the recipe chooses, as after the `let` of a name.
pub fn is_one_at(file: &SourceFile, expr: TextRange, insert_at: u32, family: &Family) -> Precondition {
    let text = format!("`{}` is {}", file.on_one_line(expr), family.name);
    probe_at(file, text, expr, insert_at, family.question())
}
