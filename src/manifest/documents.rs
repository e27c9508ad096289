//! The documents of all files, a few files at a time.
//!
//! Purpose: ten thousand quotes are never ten thousand trees at once. Files with products are read
//! first and kept, since quotes look into them; all others are parsed, read and let go in waves.
//!
//! Invariants: the result is the one that parsing everything first would give. What a wave takes
//! for granted (no product in an unlikely place, no file that cannot be read) is checked; where it
//! proves wrong, reading starts over without it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::catalog::{Product, read_product};
use super::check::Names;
use super::load::file_number;
use super::quote::{Context, read_quote};
use super::read::{Sink, nearest};
use super::workspace::FILE_NAME;
use crate::desired::{Origin, Quote};
use crate::failure::SourceFile;
use crate::yaml::{self, Document, Entry, Kind, Parsed, Problem};

/// Bytes of text of one wave: enough work for every processor, little enough to be forgotten.
const WAVE: usize = 512 * 1024;
/// Bytes of text below which more than one thread costs more than it brings.
const ALONE: usize = 64 * 1024;

/// What is taken for granted while reading.
#[derive(Clone, Copy, Debug)]
struct Premise {
    /// Some file cannot be read, so that a missing product proves nothing.
    incomplete: bool,
    /// Products may be anywhere.
    anywhere: bool,
}

/// Reads all documents of all files but the first, the workspace file. Gives sound products and
/// quotes, by name.
pub(super) fn read_documents(
    sources: &[Arc<SourceFile>],
    context: &Context<'_>,
    sink: &mut Sink,
) -> (Vec<Product>, Vec<Quote>) {
    let mut premise = Premise { incomplete: context.products.incomplete, anywhere: false };
    // Each new premise gives up one assumption, so the third attempt cannot fail.
    loop {
        let mut attempt = sink.clone();
        match read_under(premise, sources, context, &mut attempt) {
            Ok(found) => {
                *sink = attempt;
                return found;
            }
            Err(weaker) => premise = weaker,
        }
    }
}

fn read_under(
    premise: Premise,
    sources: &[Arc<SourceFile>],
    context: &Context<'_>,
    sink: &mut Sink,
) -> Result<(Vec<Product>, Vec<Quote>), Premise> {
    let check = |trees: &mut dyn Iterator<Item = &Parsed<'_>>, products: bool| {
        for tree in trees {
            if tree.incomplete && !premise.incomplete {
                return Err(Premise { incomplete: true, ..premise });
            }
            let product = |d: &Document<'_>| key(d, "product").is_some();
            if !products && !premise.anywhere && tree.documents.iter().any(product) {
                return Err(Premise { anywhere: true, ..premise });
            }
        }
        Ok(())
    };
    let likely =
        |i: &usize| premise.anywhere || sources.get(*i).is_some_and(|s| names_product(&s.text));
    let kept: Vec<usize> = (1..sources.len()).filter(likely).collect();
    let kept: BTreeMap<usize, Parsed<'_>> =
        kept.iter().copied().zip(parse(sources, &kept)).collect();
    check(&mut kept.values(), true)?;

    let mut names = Names::default();
    let mut context = context.clone();
    context.products.incomplete = premise.incomplete;
    let mut products = Vec::new();
    for (number, tree) in &kept {
        let Some(source) = sources.get(*number) else { continue };
        for document in &tree.documents {
            let (Some(entry), None) = (key(document, "product"), key(document, "quote")) else {
                continue;
            };
            let before = sink.count();
            let product = read_product(&document.root, source, document.start, sink);
            let (Kind::Plain(name) | Kind::Quoted(name)) = &entry.value.kind else { continue };
            if names.product(name, entry.value.span, source, sources, sink) {
                context.products.by_name.insert(name, &document.root);
                products.extend(product.filter(|_| sink.count() == before && !document.broken));
            }
        }
    }
    let mut quotes = Vec::new();
    for wave in waves(sources) {
        let fresh: Vec<usize> = wave.iter().copied().filter(|i| !kept.contains_key(i)).collect();
        let trees: BTreeMap<usize, Parsed<'_>> =
            fresh.iter().copied().zip(parse(sources, &fresh)).collect();
        check(&mut trees.values(), false)?;
        for number in wave {
            let tree = trees.get(&number).or_else(|| kept.get(&number));
            let (Some(tree), Some(source)) = (tree, sources.get(number)) else { continue };
            for problem in &tree.problems {
                sink.push(problem.clone());
            }
            for document in &tree.documents {
                let Some(entry) = kind_of(document, sink).filter(|e| e.key == "quote") else {
                    continue;
                };
                let origin = Origin::new(Arc::clone(source), document.start);
                let (name, quote) = read_quote(&document.root, origin, &context, sink);
                let Some(name) = name else { continue };
                let fresh = names.quote(&name, entry.value.span, source, sources, sink);
                quotes.extend(quote.filter(|_| fresh && !document.broken));
            }
        }
    }
    names.check_renames(&mut quotes, sources, sink);
    products.sort_by(|a, b| a.product.cmp(&b.product));
    quotes.sort_by(|a, b| a.name.cmp(&b.name));
    quotes.shrink_to_fit();
    Ok((products, quotes))
}

/// Whether a line begins with what makes a document a product, as people and tools write it.
fn names_product(text: &str) -> bool {
    text.lines().any(|line| line.trim_start_matches(['"', '\'']).starts_with("product"))
}

/// The files in their order, in groups of about [`WAVE`] bytes.
fn waves(sources: &[Arc<SourceFile>]) -> Vec<Vec<usize>> {
    let mut waves: Vec<Vec<usize>> = Vec::new();
    let mut room = 0;
    for (number, source) in sources.iter().enumerate().skip(1) {
        match waves.last_mut() {
            Some(wave) if room > source.text.len() => wave.push(number),
            _ => {
                room = WAVE;
                waves.push(vec![number]);
            }
        }
        room = room.saturating_sub(source.text.len());
    }
    waves
}

/// Parses some files, on as many threads as there are processors.
fn parse<'s>(sources: &'s [Arc<SourceFile>], numbers: &[usize]) -> Vec<Parsed<'s>> {
    let some: Vec<(u32, &'s SourceFile)> = numbers
        .iter()
        .filter_map(|i| sources.get(*i).map(|s| (file_number(*i), s.as_ref())))
        .collect();
    let all = |part: &[(u32, &'s SourceFile)]| -> Vec<Parsed<'s>> {
        part.iter().map(|(i, s)| yaml::parse(&s.text, *i)).collect()
    };
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8);
    let bytes: usize = some.iter().map(|(_, s)| s.text.len()).sum();
    if some.len() < 2 || workers < 2 || bytes < ALONE {
        return all(&some);
    }
    std::thread::scope(|scope| {
        let parts: Vec<_> = some
            .chunks(some.len().div_ceil(workers))
            .map(|part| (part, scope.spawn(move || all(part))))
            .collect();
        let mut trees = Vec::with_capacity(some.len());
        for (part, handle) in parts {
            // A worker cannot panic by design; should it, its files are read here and now.
            trees.extend(handle.join().unwrap_or_else(|_| all(part)));
        }
        trees
    })
}

/// The entry of a key at the top of a document.
fn key<'d>(document: &'d Document<'_>, wanted: &str) -> Option<&'d Entry<'d>> {
    match &document.root.kind {
        Kind::Mapping(entries) => entries.iter().find(|e| e.key == wanted),
        _ => None,
    }
}

/// What a document is, by its keys.
fn kind_of<'d>(document: &'d Document<'_>, sink: &mut Sink) -> Option<&'d Entry<'d>> {
    let root = &document.root;
    let Kind::Mapping(entries) = &root.kind else {
        let message = format!("a manifest is a map, not {}", root.describe());
        sink.push(
            Problem::new("not-a-manifest", root.span, message)
                .help("it starts with `quote: NAME` or `product: NAME`"),
        );
        return None;
    };
    let key = |wanted: &str| entries.iter().find(|e| e.key == wanted);
    match (key("quote"), key("product")) {
        (Some(entry), None) | (None, Some(entry)) => Some(entry),
        (Some(_), Some(product)) => {
            let message = "a document is either a quote or a product";
            sink.push(
                Problem::new("not-a-manifest", product.key_span, message)
                    .help("put `---` between two documents"),
            );
            None
        }
        (None, None) => {
            let mut problem =
                Problem::new("not-a-manifest", root.span, "a manifest needs `quote` or `product`")
                    .help("it starts with `quote: NAME` or `product: NAME`");
            let near = |e: &&Entry<'_>| nearest(&e.key, ["quote", "product"].into_iter()).is_some();
            if let Some(entry) = entries.iter().find(near) {
                let meant =
                    nearest(&entry.key, ["quote", "product"].into_iter()).unwrap_or_default();
                problem.span = entry.key_span;
                problem.help = Some(format!("did you mean `{meant}`?"));
            } else if key("proforma").is_some() {
                problem.help =
                    Some(format!("a workspace file is called `{FILE_NAME}` and lies at the top"));
            }
            sink.push(problem);
            None
        }
    }
}
