//! GPU memory asked of a driver's library that is found at run time: a library that answers as NVML does, and none.

use std::process::Command;

use crate::scene::Scene;
use crate::twins::service;

/// One GPU: on the first look a neighbour holds 4 GiB, later somebody else holds 1.5 GiB beside them.
const NVML: &str = r#"use std::ffi::{c_int, c_uint, c_void};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

static LOOKS: AtomicU32 = AtomicU32::new(0);

#[repr(C)]
pub struct Process { pid: c_uint, used: u64, gpu_instance: c_uint, compute_instance: c_uint }

#[unsafe(no_mangle)]
pub extern "C" fn nvmlInit_v2() -> c_int { 0 }
#[unsafe(no_mangle)]
pub extern "C" fn nvmlShutdown() -> c_int { 0 }
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetCount_v2(count: *mut c_uint) -> c_int {
    LOOKS.fetch_add(1, Relaxed);
    unsafe { *count = 1 };
    0
}
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetHandleByIndex_v2(_: c_uint, device: *mut *mut c_void) -> c_int {
    unsafe { *device = std::ptr::dangling_mut() };
    0
}
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetComputeRunningProcesses_v3(_: *mut c_void, count: *mut c_uint, found: *mut Process) -> c_int {
    let all = [(77, 4u64 << 30), (99, 3 << 29)];
    let here = if LOOKS.load(Relaxed) > 1 { &all[..] } else { &all[..1] };
    let room = unsafe { *count } as usize;
    unsafe { *count = here.len() as c_uint };
    if room < here.len() {
        return 7;
    }
    for (i, (pid, used)) in here.iter().enumerate() {
        unsafe { found.add(i).write(Process { pid: *pid, used: *used, gpu_instance: u32::MAX, compute_instance: u32::MAX }) };
    }
    0
}
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetGraphicsRunningProcesses_v3(_: *mut c_void, count: *mut c_uint, _: *mut Process) -> c_int {
    unsafe { *count = 0 };
    0
}
"#;

/// What the check says of the limit on GPU memory, with this folder among those of libraries.
fn said(scene: &Scene, libraries: &std::path::Path) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_refit"));
    command.args(["check", "--exercise", "--json", "--root"]).arg(scene.root()).env("LD_LIBRARY_PATH", libraries);
    let out = command.output().expect("refit runs");
    let told: serde_json::Value =
        serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out.stderr)));
    let points = told["points"].as_array().expect("points");
    let point =
        points.iter().find(|p| p["what"].as_str().is_some_and(|w| w.starts_with("GPU memory"))).expect("its limit");
    let text = |key: &str| point[key].as_str().unwrap_or_default().to_owned();
    (text("state"), text("detail"))
}

#[test]
#[cfg(target_os = "linux")]
fn what_the_service_holds_on_a_gpu_is_told_without_its_neighbours_and_nothing_where_there_is_none() {
    let scene = service(40);
    let slo = scene.read("slo.toml");
    scene.write("slo.toml", format!("{slo}[limits]\ngpu_memory = \"2GiB\"\n"));
    let dir = tempfile::tempdir().unwrap();
    let (state, detail) = said(&scene, dir.path());
    assert_eq!((state.as_str(), detail.contains("no GPU")), ("open", true), "{detail}");

    std::fs::write(dir.path().join("nvml.rs"), NVML).unwrap();
    let args = ["--edition", "2024", "--crate-type", "cdylib", "-o", "libnvidia-ml.so.1", "nvml.rs"];
    let built = Command::new("rustc").args(args).current_dir(dir.path()).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let (state, detail) = said(&scene, dir.path());
    assert_eq!((state.as_str(), detail.as_str()), ("met", "1536.0 MiB in one run of the workload"));
}
