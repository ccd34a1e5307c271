//! The service: `gateway --port 8080 --data DIR [--acquirer PORT] [--request-log FILE] [--config FILE]`.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use payment_gateway::config::Config;
use payment_gateway::gateway::Gateway;
use payment_gateway::request_log::{FlushOnDrop, RequestLog};
use payment_gateway::server;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::layer::SubscriberExt;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match Config::from_args(&args).map_err(Into::into).and_then(|config| run(&config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gateway: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(config: &Config) -> Result<(), Box<dyn Error>> {
    let _flush = start_request_log(config)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("gateway").enable_all().build()?;
    runtime.block_on(serve(config))
}

fn start_request_log(config: &Config) -> Result<Option<FlushOnDrop>, Box<dyn Error>> {
    let Some(path) = &config.request_log else { return Ok(None) };
    let (layer, flush) = RequestLog::create(path)?;
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))?;
    Ok(Some(flush))
}

async fn serve(config: &Config) -> Result<(), Box<dyn Error>> {
    let gateway = Arc::new(Gateway::open(config)?);
    let listener = TcpListener::bind(("127.0.0.1", config.port)).await?;
    println!("listening on {}", listener.local_addr()?);
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        () = server::serve(listener, gateway.clone()) => {}
        _ = terminated.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    gateway.flush().await?;
    Ok(())
}
