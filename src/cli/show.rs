//! The command `show`: one quote, from its manifest and what the lockfile records. Offline.

use super::args::Global;
use super::{Ending, connect, open};
use crate::failure::{Failure, Kind, Severity};
use crate::output::printer::{Format, Printer};
use crate::output::quote_sheet::QuoteSheet;
use crate::output::text::safe;
use crate::output::{quote_html, quote_human, quote_json};
use crate::plan::offline::known;

/// Shows the quote of this name.
pub fn run(global: &Global, name: &str, printer: &Printer) -> Ending {
    let opened = open::open(global)?;
    let quotes = &opened.loaded.quotes;
    let Some(quote) = quotes.iter().find(|q| q.name.as_str() == name) else {
        return Err(missing(name, &opened));
    };
    let Some(connection) = opened.workspace.connections.get(&quote.connection) else {
        let what = format!("there is no connection `{}`", quote.connection);
        return Err(Failure::new(Kind::Invalid, what));
    };
    let dialect = connect::dialect(&quote.connection, connection)?;
    let found: Vec<_> = dialect.check(quote).into_iter().map(|d| d.about(&quote.name)).collect();
    if found.iter().any(|d| d.severity == Severity::Error) {
        let what = format!("`{}` asks for what its provider cannot do", quote.name);
        return Err(Failure::new(Kind::Invalid, what).with(found));
    }
    let entry = opened.lockfile.entries.get(&quote.name).or_else(|| {
        // A rename that was not applied yet.
        quote.was.as_ref().and_then(|was| opened.lockfile.entries.get(was))
    });
    let known = known(&*dialect, quote, entry).map_err(|found| {
        let found = found.into_iter().map(|d| d.about(&quote.name)).collect();
        Failure::new(Kind::Invalid, format!("the facts of `{}` cannot be told", quote.name))
            .with(found)
    })?;
    let sums = dialect.sums(&known.facts);
    let sheet = QuoteSheet { quote, provider: dialect.name(), entry, sums };
    printer.data(&match printer.format() {
        Format::Json => quote_json::quote_json(&sheet),
        Format::Html => quote_html::quote_html(&sheet),
        Format::Human | Format::Markdown | Format::Sarif | Format::Github => {
            quote_human::quote_human(&sheet, printer.look())
        }
    });
    Ok(None)
}

/// There is no manifest of that name: the nearest one, or what the lockfile knows.
fn missing(name: &str, opened: &open::Opened) -> Failure {
    let failure = Failure::new(Kind::Invalid, format!("there is no quote `{}`", safe(name)));
    if opened.lockfile.entries.keys().any(|known| known.as_str() == name) {
        return failure.help(
            "it is recorded, but its manifest is gone: `proforma lock list` shows what is known of it",
        );
    }
    let names = opened.loaded.quotes.iter().map(|q| q.name.as_str());
    let nearest = names
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .filter(|(distance, known)| *distance <= 1 + known.len() / 4)
        .min();
    match nearest {
        Some((_, near)) => failure.help(format!("did you mean `{near}`?")),
        None => failure.help("`proforma validate` and the files below `quotes` show what there is"),
    }
}
