//! The files of a new workspace.
//!
//! Invariant: for each provider they validate, plan and apply against the sandbox as they are, and
//! `fmt` finds nothing to do in them; tests hold both.

use jiff::civil::Date;

use crate::cli::args::DEFAULT_SANDBOX;
use crate::cli::providers::sheets;
use crate::key::{ConnectionName, WorkspaceName};
use crate::manifest::ProviderName;
use crate::output::schema::{Subject, text};

/// What the user wants.
pub(super) struct Answers {
    /// Which upstream.
    pub(super) provider: ProviderName,
    /// The name in every stamp.
    pub(super) workspace: WorkspaceName,
    /// What to call the account.
    pub(super) connection: ConnectionName,
    /// The last day of the example.
    pub(super) expires: Date,
    /// The sandbox that it is for, if it is for one.
    pub(super) sandbox: Option<String>,
}

/// One file.
pub(super) struct Part {
    /// Its path in the workspace.
    pub(super) path: &'static str,
    /// Its text.
    pub(super) text: String,
    /// What it is, in a few words.
    pub(super) says: &'static str,
    /// Whether a file that is there gets the missing lines instead of being in the way.
    pub(super) joins: bool,
}

/// All files, in the order in which they are written: the workspace file last, so that a run that
/// is cut off leaves no workspace.
pub(super) fn parts(answers: &Answers) -> Vec<Part> {
    let (account, product, quote) = templates(answers.provider);
    let fill = |text: &str| {
        text.replace("@ACCOUNT@", account.trim_end())
            .replace("@HOWTO@", &how_to(answers))
            .replace("@WORKSPACE@", &scalar(answers.workspace.as_str()))
            .replace("@CONNECTION@", &scalar(answers.connection.as_str()))
            .replace("@EXPIRES@", &answers.expires.to_string())
    };
    let own = |path, text: &str, says| Part { path, text: fill(text), says, joins: false };
    let git = |path, text: &str, says| Part { path, text: text.to_owned(), says, joins: true };
    let sheets = sheets();
    let schema = |path, subject: Subject| Part {
        path,
        text: text(subject, &sheets),
        says: "for editors that know YAML schemas",
        joins: false,
    };
    vec![
        git(".gitignore", GITIGNORE, "keeps journals and sandbox runs out of git"),
        git(".gitattributes", GITATTRIBUTES, "branches merge the lockfile by quote"),
        schema(".schema/workspace.json", Subject::Workspace),
        schema(".schema/quote.json", Subject::Quote),
        schema(".schema/product.json", Subject::Product),
        own("catalog/services.yaml", product, "a product"),
        own("quotes/acme-seo-audit.yaml", quote, "a quote that sells it"),
        own(
            crate::manifest::FILE_NAME,
            include_str!("workspace.yaml"),
            "the account, and limits of a run",
        ),
    ]
}

const GITIGNORE: &str = "\
# Journal and lock of a run on this machine, runs against the sandbox, saved plans (they hold prices).
**/.proforma/
proforma.sandbox.lock
*.plan
";

const GITATTRIBUTES: &str = "\
# Needs: git config merge.proforma.driver 'proforma lock merge %O %A %B'
proforma.lock merge=proforma
";

/// Account, product and quote of a provider.
fn templates(provider: ProviderName) -> (&'static str, &'static str, &'static str) {
    match provider {
        ProviderName::Hubspot => (
            include_str!("hubspot.account.yaml"),
            include_str!("hubspot.product.yaml"),
            include_str!("hubspot.quote.yaml"),
        ),
        ProviderName::Quickquote => (
            include_str!("quickquote.account.yaml"),
            include_str!("quickquote.product.yaml"),
            include_str!("quickquote.quote.yaml"),
        ),
        ProviderName::Salesbyte => (
            include_str!("salesbyte.account.yaml"),
            include_str!("salesbyte.product.yaml"),
            include_str!("salesbyte.quote.yaml"),
        ),
        ProviderName::Dealhub => (
            include_str!("dealhub.account.yaml"),
            include_str!("dealhub.product.yaml"),
            include_str!("dealhub.quote.yaml"),
        ),
    }
}

/// What people call the account of such a provider.
pub(super) fn usual_connection(provider: ProviderName) -> &'static str {
    match provider {
        ProviderName::Hubspot => "crm",
        ProviderName::Quickquote => "shop",
        ProviderName::Salesbyte => "nordic",
        ProviderName::Dealhub => "cpq",
    }
}

/// The variables that hold the account's secrets.
pub(super) fn variables(provider: ProviderName) -> impl Iterator<Item = &'static str> {
    let names: &[&str] = match provider {
        ProviderName::Hubspot => &["HUBSPOT_TOKEN"],
        ProviderName::Quickquote => &["QUICKQUOTE_TOKEN"],
        ProviderName::Salesbyte => &["SALESBYTE_UUID", "SALESBYTE_TOKEN"],
        ProviderName::Dealhub => &["DEALHUB_TOKEN"],
    };
    names.iter().copied()
}

/// What the first apply needs besides.
pub(super) fn apply_flags(provider: ProviderName) -> &'static str {
    match provider {
        ProviderName::Dealhub => " --allow bill",
        _ => "",
    }
}

/// The flag that leads to the sandbox.
pub(super) fn sandbox_flag(url: Option<&str>) -> String {
    match url.filter(|url| *url != DEFAULT_SANDBOX) {
        Some(url) => format!("--sandbox {url}"),
        None => "--sandbox".to_owned(),
    }
}

/// The command that starts the sandbox.
pub(super) fn sandbox_command(url: Option<&str>) -> String {
    match url.filter(|url| *url != DEFAULT_SANDBOX).and_then(|url| url.strip_prefix("http://")) {
        Some(address) => format!("proforma sandbox --listen {address}"),
        None => "proforma sandbox".to_owned(),
    }
}

/// The comment at the top that says how to begin.
fn how_to(answers: &Answers) -> String {
    let url = answers.sandbox.as_deref();
    let without = format!(
        "`{}` in another terminal, then `proforma plan {}`",
        sandbox_command(url),
        sandbox_flag(url)
    );
    if url.is_some() {
        return format!("# {without}");
    }
    let variables: Vec<&str> = variables(answers.provider).collect();
    format!(
        "#   with an account     put {} into the environment, then `proforma plan`\n\
         #   without an account  {without}",
        variables.join(" and ")
    )
}

/// A name as a scalar that every YAML reader takes for a text.
fn scalar(name: &str) -> String {
    let word = matches!(name, "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n");
    if word || name.starts_with(|c: char| c.is_ascii_digit()) {
        return format!("\"{name}\"");
    }
    name.to_owned()
}
