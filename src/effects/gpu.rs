//! Memory that processes hold on GPUs, asked of NVIDIA's management library (NVML) again and again; nothing where there is none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nvml_wrapper::Nvml;
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::struct_wrappers::device::ProcessInfo;

/// Between two looks.
const BETWEEN: Duration = Duration::from_millis(20);

/// Looks until it is asked for the largest sum it saw.
pub struct Watch {
    is_over: Arc<AtomicBool>,
    looking: Option<JoinHandle<Option<u64>>>,
}

impl Watch {
    /// Begins to look, where there is something to look at, before what is to be watched begins: who holds memory then is
    /// somebody else. (Process ids are those of the machine, and a container has others: nobody is known by theirs.)
    pub fn start() -> Watch {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        // The library is loaded at run time: where it is missing, or no driver runs, there is nothing to ask.
        let first = Nvml::init().ok().and_then(|nvml| Some((held(&nvml)?, nvml)));
        let look = move |(others, nvml): (Held, Nvml)| {
            let others: BTreeSet<u32> = others.into_keys().collect();
            let mut largest = 0;
            while !over.load(Ordering::Relaxed) {
                std::thread::sleep(BETWEEN);
                largest = largest.max(sum(&held(&nvml)?, &others)?);
            }
            Some(largest)
        };
        let looking = first.and_then(|first| std::thread::Builder::new().spawn(move || look(first)).ok());
        Watch { is_over, looking }
    }

    /// The largest sum that was seen, bytes: a peak between two looks is missed. `None` where a driver does not tell.
    pub fn largest(mut self) -> Option<u64> {
        self.is_over.store(true, Ordering::Relaxed);
        self.looking.take()?.join().ok().flatten()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// Bytes by process; `None` for one of which the driver does not tell.
type Held = BTreeMap<u32, Option<u64>>;

/// What each process holds on all GPUs at this moment; `None` where nothing tells.
fn held(nvml: &Nvml) -> Option<Held> {
    let mut by_process = Held::new();
    for index in 0..nvml.device_count().ok().filter(|n| *n > 0)? {
        let device = nvml.device_by_index(index).ok()?;
        let all = [device.running_compute_processes(), device.running_graphics_processes()];
        if all.iter().all(Result::is_err) {
            return None;
        }
        for (pid, bytes) in of_device(all.into_iter().flatten().flatten()) {
            let sum = by_process.entry(pid).or_insert(Some(0));
            *sum = sum.zip(bytes).map(|(sum, bytes)| sum + bytes);
        }
    }
    Some(by_process)
}

/// A process that computes and draws is told twice, each time with all that it holds.
fn of_device(told: impl Iterator<Item = ProcessInfo>) -> Held {
    let mut held = Held::new();
    for ProcessInfo { pid, used_gpu_memory, .. } in told {
        let bytes = match used_gpu_memory {
            UsedGpuMemory::Used(bytes) => Some(bytes),
            UsedGpuMemory::Unavailable => None,
        };
        let most = held.entry(pid).or_insert(bytes);
        *most = (*most).max(bytes);
    }
    held
}

/// The sum of all that were not there before.
fn sum(held: &Held, others: &BTreeSet<u32>) -> Option<u64> {
    held.iter().filter(|(pid, _)| !others.contains(pid)).map(|(_, bytes)| *bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_computes_and_draws_counts_once() {
        let told = |pid, used_gpu_memory| ProcessInfo {
            pid,
            used_gpu_memory,
            gpu_instance_id: None,
            compute_instance_id: None,
        };
        let all =
            [told(7, UsedGpuMemory::Used(5)), told(8, UsedGpuMemory::Unavailable), told(7, UsedGpuMemory::Used(5))];
        assert_eq!(of_device(all.into_iter()), Held::from([(7, Some(5)), (8, None)]));
    }

    #[test]
    fn who_was_there_before_does_not_count_and_what_is_not_told_is_not_zero() {
        let held = Held::from([(7, Some(4 << 30)), (8, Some(512 << 20)), (9, Some(1 << 30))]);
        assert_eq!(sum(&held, &BTreeSet::from([7])), Some(1536 << 20));
        assert_eq!(sum(&held, &BTreeSet::from([7, 8, 9])), Some(0));
        assert_eq!(sum(&Held::from([(8, None)]), &BTreeSet::new()), None);
        assert_eq!(sum(&Held::from([(8, None)]), &BTreeSet::from([8])), Some(0));
    }
}
