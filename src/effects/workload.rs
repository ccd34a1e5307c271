//! The commands of a workload in; a service that came up, was loaded and was stopped again out.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Cancel;
use super::gpu::Watch;
use super::process::{Command, Ended, Running};
use crate::model::Problem;

/// How long a service may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// One exercise of a service, or of a program that ends by itself.
#[derive(Clone, Debug)]
pub struct Exercise {
    /// Starts the service and runs until it is stopped; `None` where the load is the program itself.
    pub service: Option<Command>,
    /// Drives it and ends.
    pub load: Command,
    /// `GET http://127.0.0.1:PORT/PATH`, asked until it answers 2xx; empty: until the port accepts.
    pub ready: String,
    /// The port it listens on.
    pub port: u16,
    /// Where the service's own output goes.
    pub output: PathBuf,
}

/// A port of the loopback interface that is free at this moment.
///
/// # Errors
/// No port is free.
pub fn free_port() -> Result<u16, Problem> {
    let bound = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    bound.map(|address| address.port()).map_err(|e| Problem::error(format!("no port of 127.0.0.1 is free: {e}")))
}

/// What one exercise came to.
#[derive(Debug)]
pub struct Exercised {
    /// How the load ended.
    pub ended: Ended,
    /// From its start until the service answered, ms; `None` where the load is the program itself.
    pub start_ms: Option<f64>,
    /// Peak resident memory of the service and its children, bytes; `None` without a service or where the system does
    /// not tell.
    pub peak: Option<u64>,
    /// Largest GPU memory that was seen of processes that were not there before, bytes; `None` without a GPU.
    pub gpu: Option<u64>,
}

impl Exercise {
    /// Starts the service, waits until it is ready, drives the load to its end and stops the service with all its children.
    ///
    /// # Errors
    /// A service that does not come up, with the end of what it wrote. How the load ends is no error.
    pub fn run(&self, cancel: &Cancel, line: &mut dyn FnMut(&str)) -> Result<Ended, Problem> {
        self.watched(cancel, line).map(|exercised| exercised.ended)
    }

    /// The same, and what the service took.
    ///
    /// # Errors
    /// As [`Exercise::run`].
    pub fn watched(&self, cancel: &Cancel, line: &mut dyn FnMut(&str)) -> Result<Exercised, Problem> {
        let Some(service) = &self.service else {
            let ended = self.load.run(cancel, line)?;
            return Ok(Exercised { ended, start_ms: None, peak: None, gpu: None });
        };
        let watch = Watch::start();
        let began = Instant::now();
        let mut service = service.start(&self.output)?;
        self.await_ready(&mut service, cancel)?;
        let start_ms = Some(began.elapsed().as_secs_f64() * 1e3);
        let ended = self.load.run(cancel, line);
        let (peak, gpu) = (service.peak_bytes(), watch.largest());
        service.stop();
        Ok(Exercised { ended: ended?, start_ms, peak, gpu })
    }

    fn await_ready(&self, service: &mut Running, cancel: &Cancel) -> Result<(), Problem> {
        let began = Instant::now();
        loop {
            if self.is_ready() || cancel.is_cancelled() {
                return Ok(());
            }
            let is_alive = service.is_alive();
            if !is_alive || began.elapsed() > PATIENCE {
                let said = std::fs::read_to_string(&self.output).unwrap_or_default();
                let last: Vec<&str> = said.lines().rev().take(3).collect();
                let said = last.into_iter().rev().collect::<Vec<_>>().join(" / ");
                let what = if is_alive { "does not answer" } else { "ended before it was ready" };
                return Err(Problem::error(format!("the service of the workload {what}: {said}"))
                    .help("run its command by hand; `ready` in slo.toml must name what it answers"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn is_ready(&self) -> bool {
        match target(&self.ready) {
            Some((address, path)) => answers(address, path),
            None => TcpStream::connect(("127.0.0.1", self.port)).is_ok(),
        }
    }
}

/// Host with port, and path, of `GET http://HOST:PORT/PATH`.
fn target(ready: &str) -> Option<(&str, &str)> {
    let url = ready.trim().trim_start_matches("GET").trim();
    let rest = url.strip_prefix("http://")?;
    Some(rest.split_once('/').unwrap_or((rest, "")))
}

/// True if a plain GET is answered with a status of 200 to 299.
fn answers(address: &str, path: &str) -> bool {
    let ask = || -> std::io::Result<bool> {
        let wait = Duration::from_secs(2);
        let socket = address.to_socket_addrs()?.next().ok_or(std::io::ErrorKind::NotFound)?;
        let mut stream = TcpStream::connect_timeout(&socket, wait)?;
        stream.set_read_timeout(Some(wait))?;
        write!(stream, "GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(head.starts_with(b"HTTP/1.") && head[9] == b'2')
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_address_and_path_of_the_ready_line_are_read() {
        assert_eq!(target("GET http://127.0.0.1:80/health?x=1"), Some(("127.0.0.1:80", "health?x=1")));
        assert_eq!(target("http://127.0.0.1:80"), Some(("127.0.0.1:80", "")));
        assert_eq!(target(""), None);
        assert_eq!(target("GET https://a/b"), None);
    }

    #[test]
    fn only_a_2xx_answer_is_ready() {
        let serve = |answer: &'static str| {
            let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
            let address = listener.local_addr().unwrap().to_string();
            std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 512]);
                let _ = stream.write_all(answer.as_bytes());
            });
            address
        };
        // A busy machine may let one answer come too late.
        assert!((0..20).any(|_| answers(&serve("HTTP/1.1 204 No Content\r\n\r\n"), "health")));
        assert!(!answers(&serve("HTTP/1.1 503 Service Unavailable\r\n\r\n"), "health"));
        assert!(!answers(&serve("nonsense"), "health"));
    }

    #[test]
    fn a_program_that_ends_by_itself_needs_no_service() {
        let exercise = Exercise {
            service: None,
            load: Command::shell("echo measured", Path::new("/")),
            ready: String::new(),
            port: free_port().unwrap(),
            output: PathBuf::new(),
        };
        assert_eq!(exercise.run(&Cancel::default(), &mut |_| {}).unwrap().out, "measured\n");
    }

    #[test]
    fn a_service_that_ends_before_it_is_ready_is_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let command = |line: &str| Command::shell(line, Path::new("/"));
        let exercise = Exercise {
            service: Some(command("echo 'cannot bind'; exit 1")),
            load: command("true"),
            ready: String::new(),
            port: free_port().unwrap(),
            output: dir.path().join("out"),
        };
        let problem = exercise.run(&Cancel::default(), &mut |_| {}).unwrap_err();
        assert_eq!(problem.what, "the service of the workload ended before it was ready: cannot bind");
    }
}
