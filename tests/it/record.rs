//! A command and a stand-in for perf in; what `refit record` runs, reads and writes into `slo.toml` out.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A project, and a folder of programs in which `perf` hands out a recording that was made before.
struct Scene {
    dir: tempfile::TempDir,
}

const CONFIG: &str =
    "version = \"slo/v1\"\nservice = { name = \"gw\" }\n\n# The promise.\n[[slo]]\nname = \"work\"\np99 = \"5ms\"\n";

impl Scene {
    fn new(perf: &str) -> Scene {
        let scene = Scene { dir: tempfile::tempdir().unwrap() };
        let gw = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/profiles/gw");
        std::fs::create_dir_all(scene.at("project/src")).unwrap();
        std::fs::create_dir_all(scene.at("bin")).unwrap();
        for file in ["src/main.rs", "src/risk.rs", "src/ledger.rs"] {
            std::fs::copy(gw.join(file), scene.at("project").join(file)).unwrap();
        }
        let manifest = "[package]\nname = \"gw\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
        std::fs::write(scene.at("project/Cargo.toml"), manifest).unwrap();
        std::fs::write(scene.at("project/slo.toml"), CONFIG).unwrap();
        scene.git(&["init", "-q"]);
        scene.git(&["add", "-A"]);
        scene.git(&["-c", "user.name=M", "-c", "user.email=m@example.invalid", "commit", "-q", "-m", "start"]);
        let packed = include_bytes!("fixtures/profiles/perf-data/fp.data.zst");
        // A binary that no machine has, so that the test is the same on all of them.
        let recorded = zstd::decode_all(&packed[..]).unwrap();
        let recorded = replaced(recorded, b"/opt/my app/gw", b"/opt/no app/gw");
        std::fs::write(scene.at("recorded"), recorded).unwrap();
        std::fs::write(scene.at("bin/perf"), perf.replace("RECORDED", &scene.at("recorded").display().to_string()))
            .unwrap();
        std::fs::set_permissions(scene.at("bin/perf"), std::fs::Permissions::from_mode(0o755)).unwrap();
        scene
    }

    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn git(&self, args: &[&str]) {
        let ended = Command::new("git").args(args).current_dir(self.at("project")).output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }

    fn refit(&self, args: &[&str]) -> (i32, String, String) {
        let path = format!("{}:{}", self.at("bin").display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new(env!("CARGO_BIN_EXE_refit"));
        command.args(args).current_dir(self.at("project")).env("PATH", path).env("HOME", self.dir.path());
        let Output { status, stdout, stderr } = command.env("REFIT_CACHE_DIR", self.at("cache")).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (status.code().unwrap_or(-1), text(stdout), text(stderr))
    }
}

/// The same bytes with every `from` replaced by a `to` of the same length.
fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    for at in 0..bytes.len().saturating_sub(from.len()) {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
    bytes
}

/// Says that cycles cannot be counted, and copies the recording to where `-o` says.
const WORKING: &str = "#!/bin/sh
case \"$*\" in
--version) echo 'perf version 6.1'; exit 0 ;;
stat*cycles*) echo '<not supported>,,cycles'; exit 0 ;;
stat*) exit 0 ;;
esac
while [ \"$1\" != -o ]; do shift; done
cp 'RECORDED' \"$2\"
";

/// As perf says it where the kernel is strict.
const REFUSED: &str = "#!/bin/sh
[ \"$1\" = --version ] && echo 'perf version 6.1' && exit 0
cat >&2 <<'END'
Error:
Access to performance monitoring and observability operations is limited.
Consider adjusting /proc/sys/kernel/perf_event_paranoid setting to open
access to performance monitoring and observability operations for processes
without CAP_PERFMON, CAP_SYS_PTRACE or CAP_SYS_ADMIN Linux capability.
More information can be found at 'Perf events and tool security' document:
https://www.kernel.org/doc/html/latest/admin-guide/perf-security.html
perf_event_paranoid setting is 4:
  -1: Allow use of (almost) all events by all users
      Ignore mlock limit after perf_event_mlock_kb without CAP_IPC_LOCK
>= 0: Disallow raw and ftrace function tracepoint access
>= 1: Disallow CPU event access
>= 2: Disallow kernel profiling
To make the adjusted perf_event_paranoid setting permanent preserve it
in /etc/sysctl.conf (e.g. kernel.perf_event_paranoid = <setting>)
END
exit 255
";

/// As perf says it in a container whose seccomp profile leaves the call out.
const CONTAINED: &str = "#!/bin/sh
[ \"$1\" = --version ] && echo 'perf version 6.1' && exit 0
cat >&2 <<'END'
Error:
The sys_perf_event_open() syscall returned with 1 (Operation not permitted) for event (cpu-clock).
/bin/dmesg | grep -i perf may provide additional information.

END
exit 255
";

const EMPTY_HANDED: &str = "#!/bin/sh
[ \"$1\" = stat ] && exit 0
echo 'Workload failed: No such file or directory' >&2
exit 255
";

#[test]
fn a_recording_is_made_judged_and_named_once() {
    let scene = Scene::new(WORKING);
    let (status, said, beside) = scene.refit(&["record", "--", "svc", "2"]);
    // The recording is of another program than this project builds, and the gate says so.
    assert_eq!(status, 2, "{said}{beside}");
    assert!(said.starts_with("perf/svc.perf.data is recorded: 255 samples of cpu-clock, 0.0 MB\n"), "{said}");
    assert!(
        said.contains(
            "perf record -k mono -e cpu-clock -F 297 --call-graph dwarf,16384 -o perf/svc.perf.data -- svc 2"
        )
    );
    assert!(said.contains("this machine shows no hardware counters"), "{said}");
    assert!(said.ends_with("  slo.toml: the source was added\nnext: refit rank\n"), "{said}");
    assert!(beside.contains("object files of the recording are not here: /opt/no app/gw"), "{beside}");
    assert!(beside.contains("no function of this workspace is in the profile"), "{beside}");
    let config = std::fs::read_to_string(scene.at("project/slo.toml")).unwrap();
    assert!(config.starts_with(CONFIG), "what stood there stays: {config}");
    assert!(config.contains("\n[[source]]\nfile = \"perf/svc.perf.data\"\ncommit = \""), "{config}");
    let (_, said, _) = scene.refit(&["record", "--", "svc", "2"]);
    assert!(!said.contains("was added"), "{said}");
    assert_eq!(std::fs::read_to_string(scene.at("project/slo.toml")).unwrap(), config);
}

#[test]
fn where_perf_is_refused_the_other_ways_are_named() {
    let scene = Scene::new(REFUSED);
    let (status, said, beside) = scene.refit(&["record", "--", "svc"]);
    assert_eq!((status, said.as_str()), (2, ""));
    assert!(beside.contains("perf cannot sample on this machine: Access to performance monitoring"), "{beside}");
    assert!(beside.contains("(perf_event_paranoid is 4)"), "{beside}");
    assert!(beside.contains("request log") && beside.contains("OTLP spans"), "{beside}");
    assert_eq!(std::fs::read_to_string(scene.at("project/slo.toml")).unwrap(), CONFIG);
    let (status, said, beside) = Scene::new(CONTAINED).refit(&["record", "--", "true"]);
    assert_eq!((status, said.as_str()), (2, ""));
    assert!(beside.contains("(Operation not permitted) for event (cpu-clock)"), "{beside}");
    assert!(beside.contains("true ended and wrote neither a request log nor a trace"), "{beside}");
}

#[test]
fn without_perf_the_log_is_taken_and_doctor_says_so() {
    let scene = Scene::new(WORKING);
    // A folder with what else is needed, and no perf.
    std::fs::remove_file(scene.at("bin/perf")).unwrap();
    for program in ["git", "sh", "mkdir", "cargo", "rustc"] {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
        let path = String::from_utf8(found.stdout).unwrap();
        std::os::unix::fs::symlink(path.trim(), scene.at("bin").join(program)).unwrap();
    }
    let alone = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_refit"));
        command.args(args).current_dir(scene.at("project")).env("PATH", scene.at("bin")).env("HOME", scene.dir.path());
        let ended = command.env("REFIT_CACHE_DIR", scene.at("cache")).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (ended.status.code(), text(ended.stdout), text(ended.stderr))
    };
    let line = r#"{"request":"1","operation":"GET /","start_ns":1,"end_ns":900}"#;
    let service = format!("mkdir -p perf; echo '{line}' > perf/requests.jsonl");
    let (status, said, beside) = alone(&["record", "--", "sh", "-c", &service]);
    assert_eq!(status, Some(0), "{said}{beside}");
    assert!(said.contains("perf/requests.jsonl is recorded: 1 request,"), "{said}");
    assert!(said.contains("perf cannot sample on this machine: "), "{said}");
    let (_, said, _) = alone(&["doctor"]);
    let best = said.lines().find(|l| l.contains("best route")).unwrap_or_default();
    assert!(best.contains("the service's own request log, or its spans"), "{said}");
    assert!(said.lines().any(|l| l.trim().starts_with("next:")), "{said}");
}

#[test]
fn where_perf_is_refused_the_log_that_the_service_writes_is_taken() {
    let scene = Scene::new(REFUSED);
    let line = |id: u32| {
        let start = u64::from(id) * 1_000_000;
        format!("{{\"request\":\"{id}\",\"operation\":\"GET /\",\"start_ns\":{start},\"end_ns\":{}}}\\n", start + 900)
    };
    let log: String = (0..400).map(line).collect();
    let service = format!("mkdir -p perf; printf '{log}' > perf/requests.jsonl; echo other > perf/notes.txt");
    let (status, said, beside) = scene.refit(&["record", "--", "sh", "-c", &service]);
    assert_eq!(status, 0, "{said}{beside}");
    assert!(said.starts_with("perf/requests.jsonl is recorded: 400 requests, "), "{said}");
    assert!(said.contains("perf cannot sample on this machine: Access to performance monitoring"), "{said}");
    assert!(said.ends_with("  slo.toml: the source was added\nnext: refit rank\n"), "{said}");
    let config = std::fs::read_to_string(scene.at("project/slo.toml")).unwrap();
    assert!(config.contains("\n[[source]]\nfile = \"perf/requests.jsonl\"\n"), "{config}");
    let (status, said, _) = scene.refit(&["rank"]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("400 requests"), "{said}");
}

#[test]
fn a_command_that_does_not_start_is_no_recording() {
    let scene = Scene::new(EMPTY_HANDED);
    let (status, _, beside) = scene.refit(&["record", "--", "svc"]);
    assert_eq!(status, 2);
    assert!(beside.contains("Workload failed: No such file or directory"), "{beside}");
    assert_eq!(std::fs::read_to_string(scene.at("project/slo.toml")).unwrap(), CONFIG);
}

#[test]
fn a_prediction_for_a_function_that_was_not_measured_and_a_comparison_are_answered() {
    let scene = Scene::new(WORKING);
    scene.refit(&["record", "--", "svc"]);
    std::fs::copy(scene.at("project/perf/svc.perf.data"), scene.at("project/perf/old.perf.data")).unwrap();
    let (status, said, beside) = scene.refit(&[
        "rank",
        "--json",
        "--despite-quality",
        "--base",
        "perf/old.perf.data",
        "--what-if",
        "nowhere=-40%",
    ]);
    assert_eq!(status, 2, "{beside}");
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(json["comparison"]["measure"], "percent");
    let rows = json["comparison"]["rows"].as_array().unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|r| r["base"] == r["now"] && r["clear"] == false), "{rows:?}");
    assert!(beside.contains("no function \"nowhere\" was measured"), "{beside}");
    assert_eq!(scene.refit(&["rank", "--what-if", "spin"]).0, 2, "no percentage");
}

#[test]
fn doctor_names_the_best_route_and_its_command() {
    let route = |scene: &Scene| {
        let (_, said, _) = scene.refit(&["doctor"]);
        let line = |what: &str| said.lines().find(|l| l.contains(what)).unwrap_or_default().trim().to_owned();
        (line("best route"), line("next:"))
    };
    let (best, next) = route(&Scene::new(WORKING));
    assert!(best.starts_with("good") && next == "next: refit record -- CMD", "{best} {next}");
    let (best, next) = route(&Scene::new(REFUSED));
    assert!(best.contains("request log") && !next.contains("refit record"), "{best} {next}");
}
