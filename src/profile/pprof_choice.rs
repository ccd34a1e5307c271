//! The kinds of values that a pprof profile holds in; which of them is the weight of its samples out.

use crate::model::{Problem, Unit};

/// A kind of value: `cpu` in `nanoseconds`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ValueType {
    /// What is counted.
    pub kind: String,
    /// In what unit.
    pub unit: String,
}

/// Which values are used; places among the values of a sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// The weight of samples; `None` where the profile holds allocations alone.
    pub weight: Option<usize>,
    /// What is weighed: `cpu`.
    pub event: String,
    /// Its unit, after multiplying by `scale`.
    pub unit: Unit,
    /// Nanoseconds in the unit that the file gives.
    pub scale: u64,
    /// Allocated blocks over the whole run.
    pub blocks: Option<usize>,
    /// Their bytes.
    pub bytes: Option<usize>,
}

/// Time on a CPU first, then elapsed time, then what the file names as its default, then the last; allocations apart.
pub fn choose(types: &[ValueType], default: &str) -> Choice {
    let find = |wanted: &dyn Fn(&ValueType) -> bool| types.iter().position(wanted);
    let blocks = find(&|t| t.kind == "alloc_objects");
    let bytes = find(&|t| t.kind == "alloc_space");
    let of_memory = |t: &ValueType| t.kind.starts_with("alloc_") || t.kind.starts_with("inuse_") || t.unit == "bytes";
    let weight = find(&|t| t.kind == "cpu" && time_unit(&t.unit).is_some())
        .or_else(|| find(&|t| t.kind == "wall" && time_unit(&t.unit).is_some()))
        .or_else(|| find(&|t| !default.is_empty() && t.kind == default && !of_memory(t)))
        .or_else(|| types.iter().rposition(|t| !of_memory(t)));
    let Some(at) = weight else { return Choice { blocks, bytes, scale: 1, ..Choice::default() } };
    let chosen = &types[at];
    let (unit, scale) = match (chosen.kind.as_str(), time_unit(&chosen.unit)) {
        ("cpu" | "samples", Some(scale)) => (Unit::CpuNanoseconds, scale),
        (_, Some(scale)) => (Unit::WallNanoseconds, scale),
        ("samples" | "cpu", None) => (Unit::Samples, 1),
        (_, None) => (Unit::Events, 1),
    };
    Choice { weight, event: chosen.kind.clone(), unit, scale, blocks, bytes }
}

fn time_unit(unit: &str) -> Option<u64> {
    match unit {
        "nanoseconds" | "ns" => Some(1),
        "microseconds" | "us" => Some(1_000),
        "milliseconds" | "ms" => Some(1_000_000),
        "seconds" | "s" => Some(1_000_000_000),
        _ => None,
    }
}

impl Choice {
    /// What is left out, and where memory in use cannot be ranked.
    pub fn problems(&self, types: &[ValueType]) -> Option<Problem> {
        if self.weight.is_some() || self.blocks.is_some() {
            return None;
        }
        let kinds: Vec<&str> = types.iter().map(|t| t.kind.as_str()).collect();
        let what = format!("this pprof file holds {}: neither time nor allocations", kinds.join(", "));
        Some(Problem::warning(what).help("record a CPU profile"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(types: &[(&str, &str)], default: &str, event: &str, unit: Unit, scale: u64) {
        let types: Vec<ValueType> =
            types.iter().map(|(kind, unit)| ValueType { kind: (*kind).into(), unit: (*unit).into() }).collect();
        let choice = choose(&types, default);
        assert_eq!((choice.event.as_str(), choice.unit, choice.scale), (event, unit, scale), "{types:?}");
    }

    #[test]
    fn time_on_a_cpu_goes_before_counts() {
        check(&[("samples", "count"), ("cpu", "nanoseconds")], "", "cpu", Unit::CpuNanoseconds, 1);
        check(&[("cpu", "milliseconds"), ("samples", "count")], "samples", "cpu", Unit::CpuNanoseconds, 1_000_000);
        check(&[("samples", "count")], "", "samples", Unit::Samples, 1);
        check(&[("wall", "nanoseconds"), ("samples", "count")], "", "wall", Unit::WallNanoseconds, 1);
        check(&[("contentions", "count"), ("delay", "nanoseconds")], "", "delay", Unit::WallNanoseconds, 1);
    }

    #[test]
    fn allocations_are_not_time() {
        let types = [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count")];
        let types: Vec<ValueType> =
            types.iter().map(|(kind, unit)| ValueType { kind: (*kind).into(), unit: (*unit).into() }).collect();
        let choice = choose(&types, "alloc_space");
        assert_eq!((choice.weight, choice.blocks, choice.bytes), (None, Some(0), Some(1)));
        assert!(choice.problems(&types).is_none());
        assert!(choose(&types[2..], "").problems(&types[2..]).unwrap().what.contains("inuse_objects"));
    }
}
