//! Findings as people read them: in rustc's look, or one line each.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Severity};
use crate::compile::BUILT_IN;
use crate::source::{Source, SourceId, Span, line_and_column};

/// With or without colours for a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    Always,
    Never,
}

/// The finding with the lines it is about, carets and help. `sources` are those that were compiled.
pub fn render(diagnostic: &Diagnostic, sources: &[Source], color: Color) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(
        level
            .primary_title(diagnostic.message.as_str())
            .id(diagnostic.code),
    );
    let mut rest: Vec<&(Span, String)> = diagnostic.others.iter().collect();
    let (own, foreign): (Vec<_>, Vec<_>) = rest
        .drain(..)
        .partition(|(span, _)| span.source == diagnostic.at.0.source);
    if let Some(snippet) = snippet(sources, Some(&diagnostic.at), &own) {
        group = group.element(snippet);
    }
    for place in foreign {
        if let Some(snippet) = snippet(sources, None, &[place]) {
            group = group.element(snippet);
        }
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = match color {
        Color::Always => Renderer::styled(),
        Color::Never => Renderer::plain(),
    };
    renderer.decor_style(DecorStyle::Ascii).render(&[group])
}

/// `file:line:column: error[code] message`, with the help behind it.
pub fn concise(diagnostic: &Diagnostic, sources: &[Source]) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let span = diagnostic.at.0;
    let place = match source_of(sources, span.source) {
        Some((name, text)) => {
            let (line, column) = line_and_column(text, span.start as usize);
            format!("{name}:{line}:{column}: ")
        }
        None => String::new(),
    };
    let help = diagnostic
        .help
        .as_deref()
        .map_or(String::new(), |help| format!("; {help}"));
    printable(&format!(
        "{place}{severity}[{}] {}{help}",
        diagnostic.code, diagnostic.message
    ))
}

/// A pack's text must not steer the terminal it is shown on.
fn printable(line: &str) -> String {
    line.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn source_of(sources: &[Source], id: SourceId) -> Option<(&str, &str)> {
    if id == SourceId::BUILT_IN {
        return Some((BUILT_IN.0, BUILT_IN.1));
    }
    sources
        .get(id.0 as usize)
        .map(|source| (source.name.as_str(), source.text.as_str()))
}

/// The lines of one file that the places are on. Only those are handed on, so that a finding in a large file costs no
/// more than one in a small file.
fn snippet<'a>(
    sources: &'a [Source],
    primary: Option<&'a (Span, String)>,
    others: &[&'a (Span, String)],
) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let places = || primary.into_iter().chain(others.iter().copied());
    let (name, text) = source_of(sources, places().next()?.0.source)?;
    let first = places()
        .map(|(span, _)| span.start as usize)
        .min()?
        .min(text.len());
    let last = places()
        .map(|(span, _)| span.end as usize)
        .max()?
        .min(text.len());
    let from = text.get(..first)?.rfind('\n').map_or(0, |at| at + 1);
    let to = text
        .get(last..)?
        .find('\n')
        .map_or(text.len(), |at| last + at);
    let lines = text.get(from..to)?;
    let line = text.get(..from)?.matches('\n').count() + 1;
    let range = |span: Span| {
        let start = (span.start as usize).clamp(from, to) - from;
        start..((span.end as usize).clamp(from, to) - from).max(start)
    };
    // Windows ends lines with two marks; the first would be drawn as a sign that nobody wrote.
    let mut snippet = Snippet::source(lines.replace('\r', " "))
        .line_start(line)
        .path(name);
    for (kind, (span, label)) in primary
        .into_iter()
        .map(|place| (AnnotationKind::Primary, place))
        .chain(others.iter().map(|place| (AnnotationKind::Context, *place)))
    {
        snippet = snippet.annotation(kind.span(range(*span)).label(label.as_str()));
    }
    Some(snippet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostics;

    fn shown(text: &str, key: &str, at: std::ops::Range<usize>) -> (String, String) {
        let sources = [Source {
            name: "a.yaml".to_owned(),
            text: text.to_owned(),
        }];
        let mut diagnostics = Diagnostics::default();
        diagnostics.unknown_key(
            Span::new(SourceId(0), at.start, at.end),
            (key, "in a rule"),
            None,
        );
        let finding = diagnostics.iter().next().unwrap();
        (
            render(finding, &sources, Color::Never),
            concise(finding, &sources),
        )
    }

    #[test]
    fn a_pack_cannot_steer_the_terminal() {
        let text = "\"\\e[31mx\u{1b}[2J\": y\n";
        let (full, line) = shown(text, "\u{1b}[31mx\r\nfake: error", 0..10);
        for said in [&full, &line] {
            assert!(!said.contains(['\u{1b}', '\r']), "{said:?}");
        }
        assert!(!line.contains('\n'));
    }

    #[test]
    fn lines_that_end_as_on_windows_look_like_others() {
        let lines = |end: &str| shown(&["rules:", "  frase: x", ""].join(end), "frase", 0..20).0;
        assert_eq!(
            lines("\r\n").replace(" \n", "\n"),
            lines(" \n").replace(" \n", "\n")
        );
        assert!(!lines("\r\n").contains(['\r', '\u{240d}']));
    }

    #[test]
    fn a_long_line_is_cut() {
        let text = format!("{}frases{}", "x, ".repeat(100_000), ", x".repeat(100_000));
        let (full, line) = shown(&text, "frases", 300_000..300_006);
        assert!(
            full.len() < 2_000 && full.contains("frases") && full.contains("^^^^^^"),
            "{full}"
        );
        assert_eq!(
            line,
            "a.yaml:1:300001: error[unknown-key] unknown key `frases` in a rule"
        );
    }

    #[test]
    fn positions_beyond_the_text_are_harmless() {
        for (start, end) in [(0, 0), (5, 5), (90, 99), (3, 2), (1, 2)] {
            shown("é\n", "k", start..end);
            assert!(shown("", "k", start..end).1.contains("unknown-key"));
        }
    }
}
