//! HTTP/1.1 as far as a load generator needs it, so that it takes as little as it can of the machine it measures.
//!
//! It speaks only with our own server and our own client: lengths are always given, and heads are short.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const READ_BYTES: usize = 16 * 1024;

/// One side of a connection that is kept open.
pub(crate) struct Wire {
    stream: TcpStream,
    /// What has been read and not yet been taken.
    read: Vec<u8>,
    out: Vec<u8>,
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self> {
        Ok(Self::new(TcpStream::connect(address).await?))
    }

    pub(crate) fn new(stream: TcpStream) -> Self {
        // Messages are small and the other side waits for them.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            read: Vec::new(),
            out: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, head: &str, body: &[u8]) -> Result<()> {
        self.out.clear();
        self.out.extend_from_slice(head.as_bytes());
        let length = format!("content-length: {}\r\n\r\n", body.len());
        self.out.extend_from_slice(length.as_bytes());
        self.out.extend_from_slice(body);
        self.stream.write_all(&self.out).await
    }

    /// The next message: its first line and its body.
    pub(crate) async fn receive(&mut self) -> Result<(String, Vec<u8>)> {
        let head = loop {
            if let Some(end) = self.read.windows(4).position(|part| part == b"\r\n\r\n") {
                break end + 4;
            }
            self.read_more().await?;
        };
        let text = String::from_utf8_lossy(&self.read[..head]).to_ascii_lowercase();
        let length: usize = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
            .unwrap_or(0);
        while self.read.len() < head + length {
            self.read_more().await?;
        }
        let first = text.lines().next().unwrap_or_default().to_owned();
        let body = self.read[head..head + length].to_vec();
        self.read.drain(..head + length);
        Ok((first, body))
    }

    async fn read_more(&mut self) -> Result<()> {
        self.read.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.read).await? {
            0 => Err(Error::from(ErrorKind::UnexpectedEof)),
            _ => Ok(()),
        }
    }
}
