//! `quote:` documents: from a tree, the connection's defaults and the catalog to a desired quote.
//!
//! Invariants: the manifest's own value wins over the connection's default; `notes`, `delivery`,
//! `lifecycle`, `fields` and native blocks merge key by key, all else is replaced whole. A quote
//! with any error is not given, so nothing half read can reach a plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::canon::fingerprint_of;
use super::catalog::read_native_blocks;
use super::connection::Connection;
use super::item::{Products, read_items};
use super::order;
use super::parts::{
    cleared_person, read_adjustments, read_alternatives, read_contacts, read_delivery,
    read_lifecycle, read_native, read_notes, read_person, read_reference, read_shipping, read_tags,
};
use super::read::{Field, Map, Sink, fixed, shown, wish};
use super::slug::slug;
use super::workspace::unknown_connection;
use crate::desired::{Lifecycle, Notes, Origin, Quote, WantedState, Wish};
use crate::failure::SourceFile;
use crate::key::{ConnectionName, Fingerprint, NAME_RULE, QuoteName};
use crate::money::Currency;
use crate::yaml::{Node, Problem};

/// What a quote is read against.
#[derive(Clone, Debug)]
pub(super) struct Context<'n> {
    /// Sound connections.
    pub(super) connections: BTreeMap<ConnectionName, Connection>,
    /// All connections, with their `defaults:`.
    pub(super) declared: BTreeMap<&'n str, Option<&'n Node<'n>>>,
    /// For quotes that name none.
    pub(super) default_connection: Option<ConnectionName>,
    /// Whether the workspace file was read; without it connections cannot be checked.
    pub(super) has_workspace: bool,
    /// The workspace file, for the places of defaults.
    pub(super) defaults: BTreeMap<&'n str, Arc<(Arc<SourceFile>, String)>>,
    /// The catalog.
    pub(super) products: Products<'n>,
}

/// The keys that can be set at creation and then be ignored: all that are about the quote upstream.
fn ignorable() -> Vec<&'static str> {
    let ours = ["quote", "connection", "lifecycle", "was"];
    order::QUOTE.into_iter().filter(|key| !ours.contains(key)).collect()
}

/// Reads a quote document. Gives its name, if that is sound, and the quote, if all of it is.
pub(super) fn read_quote<'n>(
    root: &'n Node<'n>,
    origin: Origin,
    context: &Context<'n>,
    sink: &mut Sink,
) -> (Option<QuoteName>, Option<Quote>) {
    let before = sink.count();
    let Some(own) = Map::of(root, root.span) else { return (None, None) };
    let name = own.get("quote").and_then(|f| read_name(f, sink));
    let connection = read_connection_name(&own, context, sink);
    let raw = own.get("connection").and_then(|f| f.raw());
    let raw = raw.or(context.default_connection.as_ref().map(ConnectionName::as_str));
    let (declared, node) = raw.and_then(|raw| context.declared.get_key_value(raw)).unzip();
    let map = own.over(node.copied().flatten());
    let of_connection =
        connection.as_ref().and_then(|c| context.connections.get(c)).and_then(|c| c.currency);
    let mut origin = origin;
    origin.defaults = declared.and_then(|d| context.defaults.get(d)).cloned();
    let (Some(stand_in), Some(nowhere)) = (QuoteName::parse("x"), ConnectionName::parse("x"))
    else {
        return (name, None);
    };
    let mut quote =
        blank(name.clone().unwrap_or(stand_in), connection.clone().unwrap_or(nowhere), origin);
    fill(&mut quote, &map, of_connection, sink);
    quote.items =
        wish(map.get("items"), sink, |f, s| read_items(f, &context.products, quote.currency, s));
    quote.was = fixed(map.get("was"), sink, |f, s| {
        let was = read_name(f, s)?;
        if Some(&was) == name.as_ref() {
            s.push(f.problem("bad-was", "`was` is the quote's own name").help("take it out"));
            return None;
        }
        Some(was)
    });
    map.finish("a quote", sink);
    if name.is_none() || connection.is_none() || sink.count() > before {
        return (name, None);
    }
    quote.fingerprint = fingerprint_of(&quote);
    (name, Some(quote))
}

/// Checks a connection's `defaults:` by themselves, whether or not a quote uses them.
pub(super) fn check_defaults(field: Field<'_>, currency: Option<Currency>, sink: &mut Sink) {
    let Some(map) = Map::of(field.node, field.span()) else { return };
    for key in ["quote", "connection", "items", "was"] {
        if let Some(field) = map.get(key) {
            let message = format!("`{key}` belongs to a quote, it cannot be a default");
            sink.push(Problem::new("bad-default", field.key_span, message).help("take it out"));
        }
    }
    let (Some(name), Some(connection)) = (QuoteName::parse("x"), ConnectionName::parse("x")) else {
        return;
    };
    let source = Arc::new(SourceFile { path: String::new(), text: String::new() });
    fill(&mut blank(name, connection, Origin::new(source, 0)), &map, currency, sink);
    map.finish("`defaults`", sink);
}

fn read_name(field: Field<'_>, sink: &mut Sink) -> Option<QuoteName> {
    let name = field.raw().and_then(QuoteName::parse);
    if name.is_none() {
        let raw = field.raw().unwrap_or_default();
        let message = format!("`{}` cannot be `{}`", field.name, shown(raw));
        let problem = field.problem("bad-name", message);
        sink.push(if raw.is_empty() {
            problem.help(NAME_RULE)
        } else {
            problem.help(format!("{NAME_RULE}; such as `{}`", slug(raw)))
        });
    }
    name
}

fn read_connection_name(
    map: &Map<'_>,
    context: &Context<'_>,
    sink: &mut Sink,
) -> Option<ConnectionName> {
    let Some(field) = map.get("connection") else {
        if context.default_connection.is_none() && context.has_workspace {
            let problem = Problem::new("missing-key", map.span, "a quote needs `connection`");
            sink.push(problem.help("or set `default_connection` in the workspace file"));
        }
        return context.default_connection.clone();
    };
    let Some(raw) = field.raw().filter(|raw| !raw.is_empty()) else {
        field.wrong_type("the name of a connection", sink);
        return None;
    };
    if context.has_workspace && !context.declared.contains_key(raw) {
        sink.push(unknown_connection(field, raw, context.declared.keys().copied()));
        return None;
    }
    ConnectionName::parse(raw)
}

/// A quote that says nothing yet, of no file.
pub(crate) fn blank_quote(name: QuoteName, connection: ConnectionName) -> Quote {
    let source = Arc::new(SourceFile { path: String::new(), text: String::new() });
    blank(name, connection, Origin::new(source, 0))
}

/// A quote that says nothing yet.
fn blank(name: QuoteName, connection: ConnectionName, origin: Origin) -> Quote {
    Quote {
        name,
        connection,
        title: Wish::Unowned,
        expires: Wish::Unowned,
        currency: None,
        state: None,
        customer: None,
        contacts: Wish::Unowned,
        owner: Wish::Unowned,
        company: Wish::Unowned,
        deal: Wish::Unowned,
        template: Wish::Unowned,
        items: Wish::Unowned,
        discounts: Wish::Unowned,
        fees: Wish::Unowned,
        taxes: Wish::Unowned,
        shipping: Wish::Unowned,
        notes: Notes::default(),
        tags: Wish::Unowned,
        fields: BTreeMap::new(),
        delivery: crate::desired::Delivery::default(),
        alternatives: Wish::Unowned,
        lifecycle: Lifecycle::default(),
        was: None,
        native: BTreeMap::new(),
        origin,
        fingerprint: Fingerprint::of_parts("proforma 2026 manifest 1", &[]),
    }
}

/// Reads all that a quote and a connection's defaults have in common.
fn fill(quote: &mut Quote, map: &Map<'_>, of_connection: Option<Currency>, sink: &mut Sink) {
    let written = map.get("currency");
    quote.currency = fixed(written, sink, |f, s| f.currency(s));
    if written.is_none() {
        quote.currency = of_connection;
    }
    let currency = quote.currency;
    quote.title = wish(map.get("title"), sink, |f, s| f.text(s));
    quote.expires = wish(map.get("expires"), sink, |f, s| f.date(s));
    quote.state = fixed(map.get("state"), sink, read_state);
    quote.customer = match map.get("customer") {
        Some(f) if f.is_cleared() => Some(cleared_person()),
        Some(f) => read_person(f, sink),
        None => None,
    };
    quote.contacts = wish(map.get("contacts"), sink, read_contacts);
    quote.owner = wish(map.get("owner"), sink, |f, s| read_reference(f, true, s));
    quote.company = wish(map.get("company"), sink, |f, s| read_reference(f, false, s));
    quote.deal = wish(map.get("deal"), sink, |f, s| read_reference(f, false, s));
    quote.template = wish(map.get("template"), sink, |f, s| read_reference(f, false, s));
    quote.discounts = wish(map.get("discounts"), sink, |f, s| read_adjustments(f, currency, s));
    quote.fees = wish(map.get("fees"), sink, |f, s| read_adjustments(f, currency, s));
    quote.taxes = wish(map.get("taxes"), sink, |f, s| read_adjustments(f, currency, s));
    quote.shipping = wish(map.get("shipping"), sink, |f, s| read_shipping(f, currency, s));
    quote.notes = read_notes(map, sink);
    quote.tags = wish(map.get("tags"), sink, read_tags);
    if let Some(fields) = map.merged("fields", sink) {
        quote.fields = read_native(&fields, sink);
    }
    quote.delivery = read_delivery(map, sink);
    quote.alternatives = wish(map.get("alternatives"), sink, read_alternatives);
    quote.lifecycle = read_lifecycle(map, &ignorable(), sink);
    quote.native = read_native_blocks(map, sink);
}

fn read_state(field: Field<'_>, sink: &mut Sink) -> Option<WantedState> {
    if let Some(raw) = field.raw().filter(|raw| matches!(*raw, "viewed" | "expired" | "unknown")) {
        let problem = field.problem("unknown-word", format!("`state` cannot be `{raw}`"));
        sink.push(
            problem
                .help("only a customer or time brings a quote there; it is shown, never asked for"),
        );
        return None;
    }
    let words: Vec<(&'static str, WantedState)> =
        WantedState::ALL.iter().map(|s| (s.word(), *s)).collect();
    field.word(&words, sink)
}
