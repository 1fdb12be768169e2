//! Requests of HTTP/1.1 as a browser or a script sends them, and calls of gRPC-web.

use prost::Message;
use serde_json::Value;
use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
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

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as lines of JSON.
    pub fn json_lines(&self) -> Vec<Value> {
        let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.text().lines().map(read).collect()
    }
}

/// Sends one request over a connection of its own; `url` is that of a server.
pub fn request(url: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut answer = open(url, method, path, headers, body);
    while answer.receive() {}
    read(&answer.read)
}

fn send(url: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> TcpStream {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("the server listens");
    let mut lines = vec![format!("{method} {path} HTTP/1.1"), "connection: close".to_owned()];
    if !headers.iter().any(|(name, _)| *name == "host") {
        lines.push(format!("host: {address}"));
    }
    lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
    let has_length = headers.iter().any(|(name, _)| ["content-length", "transfer-encoding"].contains(name));
    if method != "GET" && method != "HEAD" && !has_length {
        lines.push(format!("content-length: {}", body.len()));
    }
    let head = format!("{}\r\n\r\n", lines.join("\r\n"));
    stream.write_all(head.as_bytes()).expect("the server reads");
    send_more(&mut stream, body);
    stream
}

fn send_more(stream: &mut TcpStream, bytes: &[u8]) {
    match stream.write_all(bytes) {
        // A server that reads no more of a body says why in its answer.
        Err(error) if [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset].contains(&error.kind()) => {}
        sent => sent.expect("the server reads"),
    }
}

/// Sends one request whose answer is read as it arrives.
pub fn open(url: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Open {
    let stream = send(url, method, path, headers, body);
    be_patient(&stream, PATIENCE);
    Open { stream, read: Vec::new() }
}

fn be_patient(stream: &TcpStream, patience: Duration) {
    stream.set_read_timeout(Some(patience)).expect("sockets have timeouts");
}

/// How long an answer may keep a test waiting.
const PATIENCE: Duration = Duration::from_mins(1);

/// An answer that is being read.
pub struct Open {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Open {
    /// Waits until the answer has a text; returns all that has arrived, as it was sent.
    pub fn wait_for(&mut self, text: &str) -> String {
        loop {
            let read = String::from_utf8_lossy(&self.read).into_owned();
            if read.contains(text) {
                return read;
            }
            assert!(self.receive(), "the answer ended without {text}: {read}");
        }
    }

    /// Waits until more of the answer has arrived.
    pub fn wait_for_more(&mut self) {
        assert!(self.receive(), "the answer goes on");
    }

    /// Waits for a short time; returns whether more of the answer has arrived, or it has ended.
    pub fn arrives_within(&mut self, patience: Duration) -> bool {
        be_patient(&self.stream, patience);
        let peeked = self.stream.peek(&mut [0]);
        be_patient(&self.stream, PATIENCE);
        !peeked.is_err_and(|error| [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()))
    }

    /// Waits until the answer ends or breaks off; returns all that has arrived, as it was sent.
    pub fn rest(mut self) -> String {
        while self.receive() {}
        String::from_utf8_lossy(&self.read).into_owned()
    }

    /// Sends more of the body.
    pub fn send(&mut self, bytes: &[u8]) {
        send_more(&mut self.stream, bytes);
    }

    /// Breaks off the body.
    pub fn break_off(&self) {
        self.stream.shutdown(Shutdown::Write).expect("the connection is open");
    }

    fn receive(&mut self) -> bool {
        let mut bytes = [0; 16 * 1024];
        let count = match self.stream.read(&mut bytes) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("the server answers: {error}"),
        };
        self.read.extend_from_slice(&bytes[..count]);
        count > 0
    }
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
