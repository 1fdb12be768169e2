//! Requests of HTTP/1.1 as a browser or a script sends them, and calls of gRPC-web.

use prost::Message;
use std::{
    io::{Read, Write},
    net::TcpStream,
};
use tonic::Code;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, with names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("the body is text")
    }
}

/// Sends one request over a connection of its own; `url` is that of a server.
pub fn request(url: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut stream = send(url, method, path, headers, body);
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the server answers");
    read(&bytes)
}

fn send(url: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> TcpStream {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("the server listens");
    let mut lines = vec![format!("{method} {path} HTTP/1.1"), "connection: close".to_owned()];
    if !headers.iter().any(|(name, _)| *name == "host") {
        lines.push(format!("host: {address}"));
    }
    lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
    if method != "GET" && method != "HEAD" {
        lines.push(format!("content-length: {}", body.len()));
    }
    let head = format!("{}\r\n\r\n", lines.join("\r\n"));
    stream.write_all(&[head.as_bytes(), body].concat()).expect("the server reads");
    stream
}

/// A call of gRPC-web: its answer, the last one of a stream, or the code with which it was refused.
pub fn call<Q: Message, A: Message + Default>(
    url: &str,
    path: &str,
    headers: &[(&str, &str)],
    message: &Q,
) -> Result<A, Code> {
    begin(url, path, headers, message).end()
}

/// Begins a call of gRPC-web.
pub fn begin<Q: Message>(url: &str, path: &str, headers: &[(&str, &str)], message: &Q) -> Call {
    let mut all = vec![("content-type", "application/grpc-web+proto"), ("x-grpc-web", "1")];
    all.retain(|(name, _)| !headers.iter().any(|(given, _)| given == name));
    all.extend_from_slice(headers);
    let bytes = message.encode_to_vec();
    let length = u32::try_from(bytes.len()).expect("messages are small").to_be_bytes();
    let stream = send(url, "POST", path, &all, &[&[0], &length[..], &bytes].concat());
    Call { stream, read: Vec::new() }
}

/// A call of gRPC-web that was begun.
pub struct Call {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Call {
    /// Waits until something of a message has arrived.
    pub fn wait_for_message(&mut self) {
        let has_body = |bytes: &[u8]| {
            bytes.windows(4).position(|part| part == b"\r\n\r\n").is_some_and(|end| bytes.len() > end + 4)
        };
        while !has_body(&self.read) {
            let mut bytes = [0; 4_096];
            let count = self.stream.read(&mut bytes).expect("the server answers");
            assert!(count > 0, "the call ended without a message");
            self.read.extend_from_slice(&bytes[..count]);
        }
    }

    /// Waits for its end.
    pub fn end<A: Message + Default>(mut self) -> Result<A, Code> {
        self.stream.read_to_end(&mut self.read).expect("the server answers");
        let answer = read(&self.read);
        let (mut found, mut status) = (None, answer.header("grpc-status").to_owned());
        let mut rest = answer.body.as_slice();
        while let Some((head, body)) = rest.split_first_chunk::<5>() {
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            let (frame, behind) = body.split_at_checked(length).expect("frames are whole");
            if head[0] & 0x80 == 0 {
                found = Some(A::decode(frame).expect("answers are messages"));
            } else {
                let trailers = String::from_utf8_lossy(frame).into_owned();
                let told = trailers.lines().find_map(|line| line.strip_prefix("grpc-status:"));
                told.expect("a call ends with its status").trim().clone_into(&mut status);
            }
            rest = behind;
        }
        match Code::from_bytes(status.as_bytes()) {
            Code::Ok => Ok(found.expect("a call that succeeds has an answer")),
            code => Err(code),
        }
    }
}

fn read(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|part| part == b"\r\n\r\n").expect("an answer has a head");
    let head = std::str::from_utf8(&bytes[..end]).expect("heads are text");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let answer = Answer { status: status.expect("an answer has a status"), headers, body: bytes[end + 4..].to_vec() };
    let body = if answer.header("transfer-encoding") == "chunked" { unchunked(&answer.body) } else { answer.body };
    Answer { body, ..answer }
}

fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = bytes.windows(2).position(|part| part == b"\r\n") {
        let size = std::str::from_utf8(&bytes[..end]).expect("sizes are text");
        let size = usize::from_str_radix(size.trim(), 16).expect("sizes are hex");
        let chunk = &bytes[end + 2..];
        body.extend_from_slice(&chunk[..size]);
        if size == 0 {
            break;
        }
        bytes = &chunk[size + 2..];
    }
    body
}
