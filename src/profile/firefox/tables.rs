//! The column tables of a Firefox profile as they are written in; values by place, in whatever version's spelling, out.

use serde::Deserialize;

/// A number that may be written as a text.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum Number {
    /// `7`.
    Plain(f64),
    /// `"7"`, and samply's `"7.1"` for a thread id that was used again.
    Text(String),
}

impl Number {
    /// The number, cut to a whole one.
    pub fn whole(&self) -> Option<u64> {
        match self {
            Number::Plain(n) => (*n >= 0.0).then_some(*n as u64),
            Number::Text(text) => text.split('.').next().and_then(|n| n.parse().ok()),
        }
    }
}

/// A column of numbers, any of which may be null, or -1 in place of it.
type Column = Vec<Option<f64>>;

fn index(column: &Column, at: usize) -> Option<usize> {
    column.get(at).copied().flatten().filter(|n| *n >= 0.0).map(|n| n as usize)
}

/// `stackTable`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StackTable {
    frame: Column,
    prefix: Column,
    prefix_offset: Column,
}

impl StackTable {
    pub fn len(&self) -> usize {
        self.frame.len()
    }

    pub fn frame(&self, at: usize) -> Option<usize> {
        index(&self.frame, at)
    }

    /// The caller's place: given, or so many places before, where 0 says that there is none.
    pub fn caller(&self, at: usize) -> Option<usize> {
        match index(&self.prefix_offset, at) {
            Some(0) => None,
            // A distance beyond the beginning is a place that is not there.
            Some(distance) => Some(at.checked_sub(distance).unwrap_or(usize::MAX)),
            None => index(&self.prefix, at),
        }
    }
}

/// `frameTable`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FrameTable {
    func: Column,
    address: Column,
    line: Column,
    inline_depth: Column,
    native_symbol: Column,
    lib: Column,
}

impl FrameTable {
    pub fn len(&self) -> usize {
        self.func.len()
    }

    pub fn function(&self, at: usize) -> Option<usize> {
        index(&self.func, at)
    }

    pub fn address(&self, at: usize) -> Option<u64> {
        index(&self.address, at).map(|a| a as u64)
    }

    pub fn line(&self, at: usize) -> u32 {
        index(&self.line, at).and_then(|l| u32::try_from(l).ok()).unwrap_or(0)
    }

    pub fn inline_depth(&self, at: usize) -> usize {
        index(&self.inline_depth, at).unwrap_or(0)
    }

    pub fn native_symbol(&self, at: usize) -> Option<usize> {
        index(&self.native_symbol, at)
    }

    pub fn library(&self, at: usize) -> Option<usize> {
        index(&self.lib, at)
    }
}

/// `funcTable`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FuncTable {
    name: Column,
    file_name: Column,
    source: Column,
    resource: Column,
}

impl FuncTable {
    pub fn name(&self, at: usize) -> Option<usize> {
        index(&self.name, at)
    }

    pub fn file_name(&self, at: usize) -> Option<usize> {
        index(&self.file_name, at)
    }

    pub fn source(&self, at: usize) -> Option<usize> {
        index(&self.source, at)
    }

    pub fn resource(&self, at: usize) -> Option<usize> {
        index(&self.resource, at)
    }
}

/// `resourceTable`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Resources {
    lib: Column,
}

impl Resources {
    pub fn library(&self, at: usize) -> Option<usize> {
        index(&self.lib, at)
    }
}

/// `nativeSymbols`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NativeSymbols {
    lib_index: Column,
}

impl NativeSymbols {
    pub fn library(&self, at: usize) -> Option<usize> {
        index(&self.lib_index, at)
    }
}

/// `sources`, from version 58 on.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sources {
    filename: Column,
}

impl Sources {
    pub fn file(&self, at: usize) -> Option<usize> {
        index(&self.filename, at)
    }
}

/// `samples`; times and what was used of the CPU.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Samples {
    stack: Column,
    time: Column,
    time_deltas: Column,
    weight: Option<Column>,
    weight_type: Option<String>,
}

impl Samples {
    pub fn len(&self) -> usize {
        self.stack.len()
    }

    pub fn stack(&self, at: usize) -> Option<usize> {
        index(&self.stack, at)
    }

    /// Milliseconds; `before` is the time of the sample before.
    pub fn time(&self, at: usize, before: f64) -> f64 {
        let column = |column: &Column| column.get(at).copied().flatten();
        column(&self.time_deltas).map(|d| before + d).or_else(|| column(&self.time)).unwrap_or(before)
    }

    /// True if a sample stands for a known time on the CPU.
    pub fn weights_are_times(&self, interval: f64) -> bool {
        let kind = self.weight_type.as_deref().unwrap_or("samples");
        kind == "tracing-ms" || kind == "samples" && interval > 0.0
    }

    /// The weight; in nanoseconds where `interval`, in milliseconds, says what a sample is worth.
    pub fn weight(&self, at: usize, interval: Option<f64>) -> u64 {
        let weight = self.weight.as_ref().and_then(|w| w.get(at).copied().flatten()).unwrap_or(1.0).max(0.0);
        let scale = match (interval, self.weight_type.as_deref()) {
            (Some(_), Some("tracing-ms")) => 1e6,
            (Some(interval), _) => interval * 1e6,
            (None, _) => 1.0,
        };
        (weight * scale).round() as u64
    }
}
