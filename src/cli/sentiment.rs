//! `puisano sentiment`: the figures of a lexicon for any text, one after another.

use std::io::BufRead;

use clap::Args;
use puisano_engine::{Language, Lexicons};
use serde_json::json;

use crate::cli::{Common, Exit, output, pack};

/// Weigh texts with a lexicon
///
/// Without TEXT, texts are read from standard input, one a line; with --json each line is a JSON string, and one JSON
/// object a line is written in the same order.
///
/// Examples:
///   puisano sentiment "I HATE waiting!!!"
///   puisano sentiment --lexicon st "Ha ho metsi, ke halefile"
///   puisano sentiment --lexicon vader --json < texts.jsonl
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Sentiment {
    /// The text to weigh
    text: Option<String>,
    /// `vader` for English, or the code of a language that has a lexicon
    #[arg(long, default_value = "vader", value_name = "NAME")]
    lexicon: String,
    /// Read and write JSON lines
    #[arg(long)]
    json: bool,
}

pub(super) fn run(common: &Common, sentiment: &Sentiment) -> anyhow::Result<Exit> {
    let lexicons = pack::lexicons(common)?;
    let scale = Scale::find(&sentiment.lexicon)?;
    if let Some(text) = &sentiment.text {
        output::line(weigh(&lexicons, scale, text, sentiment.json));
        return Ok(Exit::Fine);
    }
    let mut exit = Exit::Fine;
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        match read(&line?, sentiment.json) {
            Ok(text) => output::line(weigh(&lexicons, scale, &text, sentiment.json)),
            Err(reason) => {
                let error = format!("line {}: {reason}", number + 1);
                output::line(json!({ "error": error }));
                exit = Exit::ProblemsFound;
            }
        }
    }
    Ok(exit)
}

fn read(line: &str, json: bool) -> Result<String, serde_json::Error> {
    if json {
        serde_json::from_str(line)
    } else {
        Ok(line.to_owned())
    }
}

#[derive(Clone, Copy)]
enum Scale {
    Vader,
    Language(Language),
}

impl Scale {
    fn find(name: &str) -> anyhow::Result<Self> {
        if name == "vader" {
            return Ok(Self::Vader);
        }
        let language = Language::parse(name).map(Self::Language);
        language.ok_or_else(|| {
            anyhow::anyhow!("`{name}` is no lexicon: use `vader` or a language code such as `st`")
        })
    }
}

fn weigh(lexicons: &Lexicons, scale: Scale, text: &str, json: bool) -> String {
    match scale {
        Scale::Vader => {
            let polarity = lexicons.vader(text);
            if json {
                return serde_json::to_string(&polarity).unwrap_or_default();
            }
            let puisano_engine::Polarity {
                neg,
                neu,
                pos,
                compound,
            } = polarity;
            format!("{compound:+.4}  negative {neg:.3}, neutral {neu:.3}, positive {pos:.3}")
        }
        Scale::Language(language) => {
            let mood = puisano_engine::sentiment(lexicons, text, language);
            if json {
                return serde_json::to_string(&mood).unwrap_or_default();
            }
            let score = mood
                .score
                .map_or_else(|| "not judged".to_owned(), |score| format!("{score:+.4}"));
            let words: Vec<String> = mood
                .words
                .iter()
                .map(|word| format!("{} {:+.2} ({})", word.text, word.value, word.why))
                .collect();
            format!("{score}  {}", words.join(", "))
                .trim_end()
                .to_owned()
        }
    }
}
