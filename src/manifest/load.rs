//! From a folder to checked values: the whole pipeline, every error of every file at once.
//!
//! Invariants: the result is the same on any machine (files and quotes in the order of their
//! names); what has an error is missing from the result and everything else is still checked; a
//! file that could not be read silences the errors that only follow from its absence.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::catalog::Product;
use super::cover::{Cover, Hush};
use super::documents::read_documents;
use super::item::Products;
use super::quote::{Context, check_defaults};
use super::read::{Field, Sink, shown};
use super::walk::{Content, Refusal, collect, decode, read};
use super::workspace::{FILE_NAME, Reading, Workspace, read_workspace};
use crate::desired::Quote;
use crate::failure::{Diagnostic, Severity, SourceFile};
use crate::yaml::{self, Parsed, Problem, Span};

/// What the caller decides, because this module reads no environment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LoadOptions {
    /// Hosts that a `base_url` may name besides the provider's own (`PROFORMA_ALLOW_HOSTS`).
    pub allow_hosts: Vec<String>,
}

/// All that a workspace folder holds. Sound parts are given even when others have errors: ask
/// [`Loaded::has_errors`] before acting on them.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The workspace, if its file is sound enough to name it.
    pub workspace: Option<Workspace>,
    /// Sound quotes, by name.
    pub quotes: Vec<Quote>,
    /// Sound products, by name.
    pub products: Vec<Product>,
    /// Every file that was read, the workspace file first: with its secrets covered where anything
    /// is wrong, and as it is otherwise.
    pub sources: Vec<Arc<SourceFile>>,
    /// Problems by file and place, at most 200 and a note that says how many more there are.
    pub diagnostics: Vec<Diagnostic>,
}

/// What the files of a workspace may hold in all, in bytes: 100,000 quotes are half of it.
const MAX_WORKSPACE: usize = 256 << 20;

impl Loaded {
    /// Whether anything is wrong enough to stop.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }
}

/// Reads and checks the workspace in a folder. Never fails: what is wrong is in `diagnostics`.
pub fn load(dir: &Path, options: &LoadOptions) -> Loaded {
    match read(dir, FILE_NAME) {
        Ok(content) => assemble(dir, content, options, |reading, sink, refusals| {
            let paths = find_files(dir, reading, sink, refusals);
            read_all(dir, paths, MAX_WORKSPACE)
        }),
        Err(refusal) => Loaded::nothing(vec![no_workspace(dir, refusal)]),
    }
}

/// Reads files as long as there is room: in git, one large blob may have any number of names.
fn read_all(dir: &Path, paths: BTreeSet<String>, most: usize) -> Contents {
    let (count, mut left) = (paths.len(), most);
    let mut contents = Contents::new();
    for (n, path) in paths.into_iter().enumerate() {
        let found = read(dir, &path);
        if let Ok(Content::Text(text) | Content::NotUtf8(text, _)) = &found {
            let Some(rest) = left.checked_sub(text.len()) else {
                let message = format!(
                    "the files of the workspace hold more than {} MiB: `{path}` and {} more were not read",
                    most >> 20,
                    count - n - 1
                );
                let refusal = Refusal::new(&path, "workspace-too-large", message);
                contents.push((Err(refusal), path));
                break;
            };
            left = rest;
        }
        contents.push((found, path));
    }
    contents
}

/// The same without a disk: the bytes of the workspace file, and of files with their paths below
/// the workspace, all of which are read wherever the workspace file looks. For tests and fuzzing.
#[doc(hidden)]
pub fn load_bytes(workspace: &[u8], files: &[(&str, &[u8])], options: &LoadOptions) -> Loaded {
    match decode(FILE_NAME, workspace.to_vec()) {
        Ok(content) => assemble(Path::new(""), content, options, |_, _, _| {
            let decoded =
                |(path, bytes): &(&str, &[u8])| (decode(path, bytes.to_vec()), (*path).to_owned());
            files.iter().map(decoded).collect()
        }),
        Err(refusal) => Loaded::nothing(vec![Diagnostic::error(refusal.code, refusal.message)]),
    }
}

/// The content of the other files with their paths, in order.
type Contents = Vec<(Result<Content, Refusal>, String)>;

/// From the content of all files to checked values.
fn assemble(
    dir: &Path,
    first: Content,
    options: &LoadOptions,
    fetch: impl FnOnce(Option<&Reading<'_>>, &mut Sink, &mut Vec<Refusal>) -> Contents,
) -> Loaded {
    let mut sink = Sink::default();
    let mut refusals: Vec<Refusal> = Vec::new();
    let text = match first {
        Content::Text(text) => text,
        Content::NotUtf8(text, at) => {
            sink.push(not_utf8(0, at));
            let shown = Cover::Workspace.text(&text);
            let source = Arc::new(SourceFile { path: FILE_NAME.to_owned(), text: shown });
            return Loaded::nothing(finish(sink, &text, &[source], Vec::new()));
        }
    };
    let parsed = yaml::parse(&text, 0);
    let reading = read_workspace_file(&parsed, options, &mut sink);
    let masked = Cover::Workspace.text(&mask(&text, sink.secrets()));
    let workspace_source = Arc::new(SourceFile { path: FILE_NAME.to_owned(), text: masked });

    let mut sources = vec![Arc::clone(&workspace_source)];
    let mut incomplete = parsed.incomplete;
    for (found, path) in fetch(reading.as_ref(), &mut sink, &mut refusals) {
        match found {
            Ok(Content::Text(text)) => sources.push(Arc::new(SourceFile { path, text })),
            Ok(Content::NotUtf8(text, at)) => {
                sink.push(not_utf8(file_number(sources.len()), at));
                // The text is kept for the caret only: nothing of it is parsed.
                sources.push(Arc::new(SourceFile { path, text }));
            }
            Err(refusal) => refusals.push(refusal),
        }
    }
    incomplete |= !refusals.is_empty() || sink.count() > 0;
    let mut context = context_of(reading.as_ref(), &workspace_source);
    context.products.incomplete = incomplete;
    let (products, quotes) = read_documents(&sources, &context, &mut sink);
    let workspace = reading.and_then(|reading| {
        Some(Workspace {
            dir: dir.to_owned(),
            name: reading.name?,
            connections: reading.connections,
            default_connection: reading.default_connection,
            quotes: reading.quotes,
            catalog: reading.catalog,
            guardrails: reading.guardrails,
        })
    });
    let diagnostics = finish(sink, &text, &sources, refusals);
    if let Some(first) = sources.first_mut()
        && diagnostics.is_empty()
    {
        // Nothing of it will be shown from here, and whoever reads it again needs each value.
        *first = Arc::new(SourceFile { path: FILE_NAME.to_owned(), text });
    }
    Loaded { workspace, quotes, products, sources, diagnostics }
}

impl Loaded {
    fn nothing(diagnostics: Vec<Diagnostic>) -> Self {
        Self {
            workspace: None,
            quotes: Vec::new(),
            products: Vec::new(),
            sources: Vec::new(),
            diagnostics,
        }
    }
}

fn no_workspace(dir: &Path, refusal: Refusal) -> Diagnostic {
    let missing = std::fs::symlink_metadata(dir.join(FILE_NAME))
        .is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound);
    if missing {
        let message = format!("there is no `{FILE_NAME}` in `{}`", dir.display());
        return Diagnostic::error("no-workspace", message)
            .help("run `proforma init` there, or name the folder with `--dir`");
    }
    Diagnostic::error(refusal.code, refusal.message)
}

fn not_utf8(file: u32, at: usize) -> Problem {
    let span = Span { file, offset: u32::try_from(at).unwrap_or(u32::MAX), length: 1 };
    Problem::new("not-utf8", span, "the file is not UTF-8 text").help("save it as UTF-8")
}

pub(super) fn file_number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn read_workspace_file<'n>(
    parsed: &'n Parsed<'n>,
    options: &LoadOptions,
    sink: &mut Sink,
) -> Option<Reading<'n>> {
    for problem in &parsed.problems {
        sink.push(problem.clone());
    }
    let mut documents = parsed.documents.iter();
    let Some(first) = documents.next() else {
        if !parsed.incomplete {
            let problem =
                Problem::new("missing-key", Span::default(), "the workspace file is empty");
            sink.push(problem.help("`proforma init` writes one"));
        }
        return None;
    };
    if let Some(second) = documents.next() {
        let problem = Problem::new(
            "not-a-manifest",
            second.root.span,
            "the workspace file holds one document only",
        );
        sink.push(problem.help("quotes and products go into files of their own"));
    }
    let reading = read_workspace(&first.root, &options.allow_hosts, sink)?;
    for (name, node) in &reading.declared {
        let Some(node) = node else { continue };
        let field = Field { name: "defaults", node, key_span: node.span, list: None };
        let connection = reading.connections.iter().find(|(known, _)| known.as_str() == *name);
        check_defaults(field, connection.and_then(|(_, c)| c.currency), sink);
    }
    Some(reading)
}

/// The paths of all manifests, sorted.
fn find_files(
    dir: &Path,
    reading: Option<&Reading<'_>>,
    sink: &mut Sink,
    refusals: &mut Vec<Refusal>,
) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let Some(reading) = reading else {
        // The usual folders: a broken workspace file must not hide what is wrong elsewhere.
        for root in ["quotes", "catalog"] {
            collect(dir, root, &mut paths, refusals);
        }
        return paths;
    };
    for root in &reading.roots {
        if collect(dir, &root.path, &mut paths, refusals) || root.optional {
            continue;
        }
        let message = format!("there is no file or folder `{}`", shown(&root.path));
        if let Some(field) = root.named {
            sink.push(field.problem("missing-file", message));
        }
    }
    paths
}

fn context_of<'n>(reading: Option<&Reading<'n>>, source: &Arc<SourceFile>) -> Context<'n> {
    let Some(reading) = reading else {
        return Context {
            connections: BTreeMap::new(),
            declared: BTreeMap::new(),
            default_connection: None,
            has_workspace: false,
            defaults: BTreeMap::new(),
            products: Products::default(),
        };
    };
    let with_defaults = reading.declared.iter().filter(|(_, node)| node.is_some());
    let origin =
        |name: &str| Arc::new((Arc::clone(source), format!("connections.{name}.defaults")));
    Context {
        connections: reading.connections.clone(),
        declared: reading.declared.clone(),
        default_connection: reading.default_connection.clone(),
        has_workspace: true,
        defaults: with_defaults.map(|(name, _)| (*name, origin(name))).collect(),
        products: Products::default(),
    }
}

/// The text with every secret made unreadable, of the same length.
fn mask(text: &str, secrets: &[Span]) -> String {
    if secrets.is_empty() {
        return text.to_owned();
    }
    let mut bytes = text.as_bytes().to_vec();
    for span in secrets {
        let from = span.offset as usize;
        let to = from.saturating_add(span.length as usize).min(bytes.len());
        for byte in bytes.get_mut(from..to).unwrap_or_default() {
            if !matches!(*byte, b'"' | b'\'') && !byte.is_ascii_whitespace() {
                *byte = b'x';
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// Problems to diagnostics with places, sorted. The first of the sources is shown with its secrets
/// covered; `workspace` is its text as it is.
fn finish(
    sink: Sink,
    workspace: &str,
    sources: &[Arc<SourceFile>],
    refusals: Vec<Refusal>,
) -> Vec<Diagnostic> {
    let (mut problems, hidden) = sink.into_problems();
    problems.sort_by(|a, b| (a.span, a.code).cmp(&(b.span, b.code)));
    let refused = refusals.into_iter().map(|r| Diagnostic::error(r.code, r.message));
    let mut diagnostics: Vec<Diagnostic> = refused.collect();
    let covered_text = sources.first().map_or("", |s| s.text.as_str());
    let workspace = Hush::new(workspace, covered_text);
    let mut covered: BTreeMap<u32, Arc<SourceFile>> = BTreeMap::new();
    for problem in problems {
        let file = problem.span.file;
        // Names of the workspace file are repeated by problems of other files too.
        let mut problem = workspace.problem(problem, file == 0);
        let place = sources.get(file as usize).map(|source| {
            let shown = covered.entry(file).or_insert_with(|| {
                if file == 0 {
                    return Arc::clone(source);
                }
                let text = Cover::Manifest.text(&source.text);
                Arc::new(SourceFile { path: source.path.clone(), text })
            });
            if file > 0 && shown.text != source.text {
                problem = Hush::new(&source.text, &shown.text).problem(problem.clone(), true);
            }
            yaml::place_of(shown, problem.span)
        });
        let mut diagnostic = Diagnostic::error(problem.code, problem.message).at(place);
        diagnostic.help = problem.help;
        diagnostics.push(diagnostic);
    }
    if hidden > 0 {
        let mut note = Diagnostic::warning("more-errors", format!("and {hidden} more"));
        note.severity = Severity::Note;
        diagnostics.push(note);
    }
    diagnostics
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_has_room_for_so_much_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let names: BTreeSet<String> = (0..5).map(|n| format!("{n}.yaml")).collect();
        for name in &names {
            std::fs::write(folder.path().join(name), "#".repeat(1 << 20)).unwrap();
        }
        let all = read_all(folder.path(), names.clone(), 5 << 20);
        assert!(all.len() == 5 && all.iter().all(|(found, _)| found.is_ok()));
        let cut = read_all(folder.path(), names, 3 << 20);
        assert_eq!(cut.len(), 4, "three are read, the fourth is told, the fifth is not opened");
        let told = cut.last().unwrap().0.as_ref().err().unwrap();
        assert_eq!(told.code, "workspace-too-large");
        assert!(told.message.contains("more than 3 MiB: `3.yaml` and 1 more"), "{}", told.message);
    }
}
