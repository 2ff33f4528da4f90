//! A plain HTTP client with short patience.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result, bail};

/// The body of a GET that is answered with 200.
pub fn get(address: &str, port: u16, path: &str) -> Result<String> {
    let patience = Duration::from_millis(1500);
    let mut stream = TcpStream::connect_timeout(&format!("{address}:{port}").parse()?, patience)?;
    stream.set_read_timeout(Some(patience))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer is cut off")?;
    if head.split_whitespace().nth(1) != Some("200") {
        bail!("{}", head.lines().next().unwrap_or_default());
    }
    let announced = head.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length: ")?
            .parse::<usize>()
            .ok()
    });
    if announced.is_some_and(|length| body.len() < length) {
        bail!("the answer is cut off");
    }
    Ok(body.to_owned())
}

/// A figure of the operator, the first of this name.
pub fn metric(name: &str) -> Result<u64> {
    let text = get("127.0.0.1", 8080, "/metrics")?;
    let line = text
        .lines()
        .find(|line| line.starts_with(name))
        .with_context(|| format!("no metric {name}"))?;
    Ok(line.rsplit(' ').next().unwrap_or_default().parse::<f64>()? as u64)
}
