//! Credentials: the names of secrets, and keeping literal ones out of sight.
//!
//! Invariants: a secret that somebody wrote into the workspace is an error, and every stretch that
//! may be one is given to the sink, which has it masked wherever the file is shown.

use std::path::PathBuf;

use super::read::{Field, Map, Sink, nearest};
use crate::yaml::{Kind, Node, Problem};

/// Where a secret is found. Never the secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Credential {
    /// In an environment variable.
    Env(String),
    /// In a file; a relative path is meant from the workspace.
    File(PathBuf),
}

/// `token:` or `uuid:` of a connection.
pub(super) fn read_credential(field: Field<'_>, sink: &mut Sink) -> Option<Credential> {
    const HELP: &str = "name an environment variable, `{ env: NAME }`, or a file, `{ file: /path }`; if this secret was ever shared, revoke it";
    let Kind::Mapping(_) = &field.node.kind else {
        sink.secret(field.node.span);
        hide_scalars(field.node, sink);
        let message = format!("`{}` is written out, a workspace never holds a secret", field.name);
        sink.push(field.problem("literal-secret", message).help(HELP));
        return None;
    };
    let map = field.map(sink)?;
    let (env, file) = (map.get("env"), map.get("file"));
    let before = sink.count();
    for other in map.all().iter().filter(|f| !matches!(f.name, "env" | "file")) {
        sink.secret(other.key_span);
        hide_scalars(other.node, sink);
        // Without its text: somebody may have put the secret in the place of a key.
        let message = format!("`{}` has a key that is not known", field.name);
        let problem = Problem::new("unknown-key", other.key_span, message);
        sink.push(problem.help("known keys: `env`, `file`"));
    }
    let credential = match (env, file) {
        (Some(env), None) => {
            let name = env.raw().filter(|raw| is_variable(raw));
            if name.is_none() {
                hide_scalars(env.node, sink);
                let message =
                    format!("`{}.env` is not the name of an environment variable", field.name);
                sink.push(env.problem("literal-secret", message).help(HELP));
            }
            name.map(|name| Credential::Env(name.to_owned()))
        }
        (None, Some(file)) => {
            let path = file.text(sink).filter(|t| !t.trim().is_empty() && !t.contains('\n'));
            if path.is_none() {
                sink.push(file.problem("bad-path", format!("`{}.file` is not a path", field.name)));
            }
            path.map(|p| Credential::File(PathBuf::from(p)))
        }
        _ => {
            let message = format!("`{}` needs exactly one of `env` and `file`", field.name);
            sink.push(field.problem("bad-credential", message).help(HELP));
            None
        }
    };
    credential.filter(|_| sink.count() == before)
}

fn is_variable(raw: &str) -> bool {
    let head = raw.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    head && raw.len() <= 128 && raw.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Keeps every scalar below a node from being shown.
fn hide_scalars(node: &Node<'_>, sink: &mut Sink) {
    match &node.kind {
        Kind::Plain(_) | Kind::Quoted(_) => sink.secret(node.span),
        Kind::Sequence(items) => items.iter().for_each(|n| hide_scalars(n, sink)),
        Kind::Mapping(entries) => entries.iter().for_each(|e| hide_scalars(&e.value, sink)),
        Kind::Broken => {}
    }
}

/// Unknown keys that look like a secret keep their value hidden.
pub(super) fn hide_secret_keys(map: &Map<'_>, sink: &mut Sink) {
    const SECRET: [&str; 6] = ["token", "secret", "password", "uuid", "api_key", "key"];
    for field in map.all() {
        let lower = field.name.to_ascii_lowercase();
        let telling = SECRET.iter().any(|w| lower.contains(w))
            || nearest(&lower, SECRET.into_iter()).is_some();
        let known =
            matches!(field.name, "token" | "uuid" | "defaults" | "stamp_property" | "stamp_field");
        if telling && !known {
            hide_scalars(field.node, sink);
        }
    }
}
