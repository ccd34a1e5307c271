//! A small HTTP/1 client: one request over one connection to this machine, status and body back.

use std::fmt;
use std::io;

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What the server answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    pub status: u16,
    pub body: Bytes,
}

/// Why there is no reply.
#[derive(Debug)]
pub enum ClientError {
    Connect(io::Error),
    Exchange(hyper::Error),
    Request(hyper::http::Error),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Connect(error) => write!(f, "cannot connect: {error}"),
            ClientError::Exchange(error) => write!(f, "the exchange broke off: {error}"),
            ClientError::Request(error) => write!(f, "the request cannot be sent: {error}"),
        }
    }
}

impl std::error::Error for ClientError {}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        ClientError::Connect(error)
    }
}

impl From<hyper::Error> for ClientError {
    fn from(error: hyper::Error) -> Self {
        ClientError::Exchange(error)
    }
}

impl From<hyper::http::Error> for ClientError {
    fn from(error: hyper::http::Error) -> Self {
        ClientError::Request(error)
    }
}

/// Sends one request to a port of this machine.
pub async fn send(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<Reply, ClientError> {
    let request = match build(method, path, headers, body) {
        Ok(request) => request,
        Err(error) => return Err(error.into()),
    };
    let stream = match TcpStream::connect(("127.0.0.1", port)).await {
        Ok(stream) => stream,
        Err(error) => return Err(error.into()),
    };
    let (mut sender, connection) = match hyper::client::conn::http1::handshake(TokioIo::new(stream)).await {
        Ok(parts) => parts,
        Err(error) => return Err(ClientError::from(error)),
    };
    tokio::spawn(connection);
    let response = match sender.send_request(request).await {
        Ok(response) => response,
        Err(error) => return Err(ClientError::from(error)),
    };
    let status = response.status().as_u16();
    let collected = match response.into_body().collect().await {
        Ok(collected) => collected,
        Err(error) => return Err(error.into()),
    };
    Ok(Reply { status, body: collected.to_bytes() })
}

fn build(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let mut builder = Request::builder().method(method).uri(path).header("host", "127.0.0.1");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Full::new(Bytes::from(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_nobody_listens_on_is_a_connection_error() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let error = send(port, "GET", "/", &[], vec![]).await.unwrap_err();
        assert!(matches!(error, ClientError::Connect(_)), "{error}");
        assert!(error.to_string().starts_with("cannot connect: "), "{error}");
    }

    #[tokio::test]
    async fn a_header_that_http_does_not_allow_is_a_request_error() {
        let error = send(1, "GET", "/", &[("bad name", "x")], vec![]).await.unwrap_err();
        assert!(matches!(error, ClientError::Request(_)), "{error}");
        assert!(error.to_string().starts_with("the request cannot be sent: "), "{error}");
    }

    #[tokio::test]
    async fn a_connection_that_closes_without_an_answer_is_an_exchange_error() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { listener.accept().await.map(drop) });
        let error = send(port, "GET", "/", &[], vec![]).await.unwrap_err();
        assert!(matches!(error, ClientError::Exchange(_)), "{error}");
    }
}
