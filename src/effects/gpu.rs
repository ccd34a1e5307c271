//! Memory that processes hold on GPUs, asked of NVIDIA's own tool again and again; nothing where there is no GPU.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two looks: each starts a process.
const BETWEEN: Duration = Duration::from_millis(250);

/// Looks until it is asked for the largest sum it saw.
pub struct Watch {
    is_over: Arc<AtomicBool>,
    looking: Option<JoinHandle<Option<u64>>>,
}

impl Watch {
    /// Begins to look, where there is something to look at.
    pub fn start() -> Watch {
        let is_over = Arc::new(AtomicBool::new(false));
        let (over, first) = (Arc::clone(&is_over), held());
        let look = move |first: u64| {
            let mut largest = first;
            while !over.load(Ordering::Relaxed) {
                std::thread::sleep(BETWEEN);
                largest = largest.max(held().unwrap_or(0));
            }
            Some(largest)
        };
        let looking = first.and_then(|first| std::thread::Builder::new().spawn(move || look(first)).ok());
        Watch { is_over, looking }
    }

    /// The largest sum that was seen, bytes: a peak between two looks is missed.
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

/// Bytes that all processes hold at this moment; `None` where no tool tells.
fn held() -> Option<u64> {
    let mut command = Command::new("nvidia-smi");
    command.args(["--query-compute-apps=used_memory", "--format=csv,noheader,nounits"]);
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok().filter(|o| o.status.success())?;
    sum(&String::from_utf8_lossy(&output.stdout))
}

/// The sum of lines in MiB; a process whose memory the driver does not tell makes the sum unknown.
fn sum(text: &str) -> Option<u64> {
    text.lines().map(str::trim).filter(|l| !l.is_empty()).map(|l| Some(l.parse::<u64>().ok()? << 20)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_mebibytes_and_what_is_not_told_is_not_zero() {
        assert_eq!(sum("512\n 1024 \n"), Some(1536 << 20));
        assert_eq!(sum(""), Some(0));
        assert_eq!(sum("512\n[N/A]\n"), None);
    }
}
