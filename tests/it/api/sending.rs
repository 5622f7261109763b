//! `docs/sending.md`, line by line: every command is run in order against the real program and its simulator.

use std::time::Duration;

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::world::Town;

const PAGE: &str = include_str!("../../../docs/sending.md");
/// What is in the reader's `notice.pdf`.
const NOTICE: &[u8] = b"%PDF-1.7 the new tariffs";
const ADDRESS: &str = "http://127.0.0.1:8080";
/// How long what is shown may take, and how often a reader asks again.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A block of the page.
enum Block<'a> {
    Command(&'a str),
    Answer { status: u16, shown: Value },
}

fn blocks() -> Vec<Block<'static>> {
    let mut blocks = Vec::new();
    for part in PAGE.split("\n```").skip(1).step_by(2) {
        let (kind, body) = part.split_once('\n').unwrap();
        match kind.split_once(' ') {
            None if kind == "sh" => blocks.push(Block::Command(body)),
            Some(("json", status)) => blocks.push(Block::Answer {
                status: status.parse().unwrap(),
                shown: serde_json::from_str(body).unwrap(),
            }),
            _ => panic!("the page has a block that nothing tests: {kind}"),
        }
    }
    blocks
}

/// A `curl` as it stands on the page.
#[derive(Debug, Default)]
struct Curl {
    method: Option<String>,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    /// A field of a form, and the file in it.
    file: Option<(String, String)>,
}

fn curl(command: &str) -> Curl {
    let words = words(&command.replace("\\\n", " "));
    let mut curl = Curl::default();
    let mut words = words.into_iter().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-X" => curl.method = words.next(),
            "-d" => curl.body = words.next(),
            "-F" => {
                let field = words.next().unwrap();
                let (name, file) = field.split_once("=@").unwrap();
                curl.file = Some((name.to_owned(), file.to_owned()));
            }
            "-H" => {
                let header = words.next().unwrap();
                let (name, value) = header.split_once(": ").unwrap();
                curl.headers.push((name.to_owned(), value.to_owned()));
            }
            url => {
                assert!(curl.url.is_empty() && url.starts_with("http"), "{url}");
                url.clone_into(&mut curl.url);
            }
        }
    }
    curl
}

/// Words as a shell takes them apart; the page has no quotes inside of quotes.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for letter in line.chars() {
        match (letter, quote) {
            (letter, Some(open)) if letter == open => quote = None,
            ('"' | '\'', None) => quote = Some(letter),
            (letter, None) if letter.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (letter, _) => word.push(letter),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Whether `answer` has all that is `shown`; an ellipsis stands for anything, and an empty list for any.
fn shows(shown: &Value, answer: &Value) -> bool {
    match (shown, answer) {
        (Value::String(text), _) if text == "…" => !answer.is_null(),
        (Value::Object(shown), Value::Object(answer)) => shown
            .iter()
            .all(|(name, value)| answer.get(name).is_some_and(|found| shows(value, found))),
        (Value::Array(shown), Value::Array(_)) if shown.is_empty() => true,
        (Value::Array(shown), Value::Array(answer)) => {
            shown.len() == answer.len() && shown.iter().zip(answer).all(|(a, b)| shows(a, b))
        }
        _ => shown == answer,
    }
}

/// A time zone in which it is noon: at night Thandi would not be disturbed.
fn where_it_is_noon() -> String {
    let hour = i64::from(
        puisano::clock::Clock::default()
            .now()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .hour(),
    );
    match 12 - hour {
        0 => "Etc/UTC".to_owned(),
        // The names count westwards.
        east @ 1.. => format!("Etc/GMT-{east}"),
        west => format!("Etc/GMT+{}", -west),
    }
}

/// The page's reader: what the shell would know.
struct Reader {
    town: Town,
    client: reqwest::Client,
    key: String,
    id: String,
    file: String,
}

impl Reader {
    async fn run(&mut self, command: &str) -> Option<(u16, Value)> {
        let command = command
            .replace("$KEY", &self.key)
            .replace("$ID", &self.id)
            .replace("$FILE", &self.file)
            .replace("Africa/Johannesburg", &where_it_is_noon())
            .replace(ADDRESS, &self.town.address());
        if command.starts_with("curl ") {
            return Some(self.call(&curl(&command)).await);
        }
        let assigned = command
            .strip_prefix("KEY=$(")
            .and_then(|rest| rest.strip_suffix(")"));
        let words = words(assigned.unwrap_or(&command));
        assert_eq!(words[0], "puisano", "{command}");
        if words[1] == "serve" {
            return None;
        }
        let arguments: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
        let output = self.town.command(&arguments);
        let printed = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.success() && !printed.trim().is_empty(),
            "{command}\n{printed}{said}"
        );
        if assigned.is_some() {
            printed.trim().clone_into(&mut self.key);
        }
        None
    }

    async fn call(&mut self, curl: &Curl) -> (u16, Value) {
        let method = curl.method.as_deref().unwrap_or("GET").parse().unwrap();
        let mut request = self.client.request(method, &curl.url);
        for (name, value) in &curl.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &curl.body {
            request = request.body(body.clone());
        }
        if let Some((field, file)) = &curl.file {
            let part = Part::bytes(NOTICE).file_name(file.clone());
            request = request.multipart(Form::new().part(field.clone(), part));
        }
        let answer = request.send().await.unwrap();
        let (status, body) = (
            answer.status().as_u16(),
            answer.json().await.unwrap_or(json!(null)),
        );
        if status == 201 && curl.file.is_some() {
            body["id"].as_str().unwrap().clone_into(&mut self.file);
        }
        if status == 202 {
            body["id"].as_str().unwrap().clone_into(&mut self.id);
        }
        (status, body)
    }
}

#[tokio::test]
async fn every_example_of_the_page_does_what_the_page_says() {
    let mut reader = Reader {
        town: Town::open_shipped("sending").await,
        client: puisano::channels::local_client(Duration::from_secs(20)).unwrap(),
        key: String::new(),
        id: String::new(),
        file: String::new(),
    };
    let (mut command, mut answer, mut answers) = ("", None, 0);
    for block in blocks() {
        match block {
            Block::Command(next) => {
                command = next;
                answer = reader.run(command).await;
            }
            Block::Answer { status, shown } => {
                answers += 1;
                let mut last = answer.take().unwrap();
                // What takes a moment is asked for again, as a reader would.
                let repeats = !command.contains("-X ");
                let begun = std::time::Instant::now();
                while repeats && !shows(&shown, &last.1) && begun.elapsed() < PATIENCE {
                    tokio::time::sleep(LOOK_EVERY).await;
                    last = reader.run(command).await.unwrap();
                }
                assert_eq!(last.0, status, "{command}\n{}", last.1);
                assert!(
                    shows(&shown, &last.1),
                    "{command}\nshows {shown}\nand got {}",
                    last.1
                );
            }
        }
    }
    assert!(answers >= 12);
}

#[test]
fn a_shell_would_take_the_commands_apart_like_this() {
    let curl = curl("curl -X POST http://a/b \\\n  -H \"A: b c\" \\\n  -d '{\"x\": \"y z\"}'");
    assert_eq!(
        (curl.method.as_deref(), &*curl.url),
        (Some("POST"), "http://a/b")
    );
    assert_eq!(curl.headers, [("A".to_owned(), "b c".to_owned())]);
    assert_eq!(curl.body.as_deref(), Some("{\"x\": \"y z\"}"));
}
