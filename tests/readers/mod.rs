//! Second readers of our documents: what they see of the structure, by parsers that are not ours.

#![allow(dead_code, clippy::unwrap_used, reason = "support of tests; no test uses all of it")]

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use pulldown_cmark::{Event, Options, Parser};

/// The tags of a page with the names of their attributes, in order, and its text.
#[derive(Default, Debug)]
pub struct Seen {
    pub tags: Vec<String>,
    pub links: Vec<String>,
    pub text: String,
}

#[derive(Default)]
struct Sink(RefCell<Seen>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut seen = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) => seen.text.push_str(&text),
            Token::TagToken(tag) => {
                let slash = if tag.kind == TagKind::EndTag { "/" } else { "" };
                let names: Vec<String> =
                    tag.attrs.iter().map(|a| a.name.local.to_string()).collect();
                seen.tags.push(format!("{slash}{} {}", tag.name, names.join(" ")));
                let href = tag.attrs.iter().filter(|a| &*a.name.local == "href");
                seen.links.extend(href.map(|a| a.value.to_string()));
                if tag.kind == TagKind::StartTag {
                    match &*tag.name {
                        "style" => return TokenSinkResult::RawData(RawKind::Rawtext),
                        "title" => return TokenSinkResult::RawData(RawKind::Rcdata),
                        "script" => return TokenSinkResult::RawData(RawKind::ScriptData),
                        _ => {}
                    }
                }
            }
            Token::CommentToken(text) => seen.tags.push(format!("comment {text}")),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// Reads a page.
pub fn html(page: &str) -> Seen {
    let tokenizer = Tokenizer::new(Sink::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(page));
    while !input.is_empty() {
        let _ = tokenizer.feed(&input);
    }
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

/// The blocks and marks of a Markdown document, without its text. `<br>` is part of text.
pub fn markdown(text: &str) -> Vec<String> {
    Parser::new_ext(text, Options::all())
        .filter_map(|event| match event {
            Event::Start(tag) => Some(format!("{tag:?}")),
            Event::End(tag) => Some(format!("/{tag:?}")),
            Event::Html(html) => Some(format!("html {}", html.trim())),
            Event::InlineHtml(html) if &*html == "<br>" => None,
            Event::InlineHtml(html) => Some(format!("inline {html}")),
            Event::Rule | Event::FootnoteReference(_) | Event::TaskListMarker(_) => {
                Some(format!("{event:?}"))
            }
            _ => None,
        })
        .collect()
}

/// Each line of annotations is one command of ours: its word.
pub fn annotations(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| {
            let rest = line.strip_prefix("::").unwrap_or_else(|| panic!("no command: {line:?}"));
            let word = rest.split([' ', ':']).next().unwrap().to_owned();
            assert!(["error", "warning", "notice"].contains(&word.as_str()), "{line}");
            word
        })
        .collect()
}
