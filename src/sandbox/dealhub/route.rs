//! Which route a call is for, what it is called in the counts, and whether it writes.

use http::Method;

use super::errors::Family;
use crate::sandbox::upstream::Call;

/// A route of the interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Route {
    Generate,
    Simulate,
    Submit(String),
    Publish(String),
    Sign(String),
    /// From the number people see to the id.
    QuoteId(String),
    Quote(String),
    Quotes,
    Document(String),
    DealRoom(String),
    Opportunity,
    Versions,
    ProductsBySku,
    PlaybookExport(String, String),
    PlaybookTemplate(String, String),
    Unknown,
}

/// The route of a call.
pub(super) fn read(call: &Call) -> Route {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let own = |s: &str| s.to_owned();
    match segments.as_slice() {
        ["api", "v1", "quote", "generate"] => Route::Generate,
        ["api", "v1", "quote", "simulate"] => Route::Simulate,
        ["api", "v1", "quote", "id", number] => Route::QuoteId(own(number)),
        ["api", "v1", "quote", id, "submit"] => Route::Submit(own(id)),
        ["api", "v1", "quote", id, "publish"] => Route::Publish(own(id)),
        ["api", "v1", "quote", id, "sign_externally"] => Route::Sign(own(id)),
        ["api", "v1", "quote", id, "document"] => Route::Document(own(id)),
        ["api", "v2", "quote", id] => Route::Quote(own(id)),
        ["api", "v2", "quotes"] => Route::Quotes,
        ["api", "v1", "dealroom", id] => Route::DealRoom(own(id)),
        ["api", "v1", "opportunity"] => Route::Opportunity,
        ["api", "v1", "versions"] => Route::Versions,
        ["api", "v1", "version", "product_by_sku"] => Route::ProductsBySku,
        ["api", "version", version, "playbook", playbook, "export"] => {
            Route::PlaybookExport(own(version), own(playbook))
        }
        ["api", "version", version, "playbook", playbook, "generate-quote-template"] => {
            Route::PlaybookTemplate(own(version), own(playbook))
        }
        _ => Route::Unknown,
    }
}

impl Route {
    /// The path with ids replaced.
    pub(super) fn pattern(&self) -> &'static str {
        match self {
            Self::Generate => "/api/v1/quote/generate",
            Self::Simulate => "/api/v1/quote/simulate",
            Self::Submit(_) => "/api/v1/quote/{id}/submit",
            Self::Publish(_) => "/api/v1/quote/{id}/publish",
            Self::Sign(_) => "/api/v1/quote/{id}/sign_externally",
            Self::QuoteId(_) => "/api/v1/quote/id/{number}",
            Self::Quote(_) => "/api/v2/quote/{id}",
            Self::Quotes => "/api/v2/quotes",
            Self::Document(_) => "/api/v1/quote/{id}/document",
            Self::DealRoom(_) => "/api/v1/dealroom/{id}",
            Self::Opportunity => "/api/v1/opportunity",
            Self::Versions => "/api/v1/versions",
            Self::ProductsBySku => "/api/v1/version/product_by_sku",
            Self::PlaybookExport(..) => "/api/version/{name}/playbook/{name}/export",
            Self::PlaybookTemplate(..) => {
                "/api/version/{name}/playbook/{name}/generate-quote-template"
            }
            Self::Unknown => "/unknown",
        }
    }

    /// Whether the call may change something.
    pub(super) fn writes(&self, method: &Method) -> bool {
        *method != Method::GET && !matches!(self, Self::Simulate | Self::ProductsBySku)
    }

    /// The method that the route takes.
    pub(super) fn method(&self) -> Method {
        match self {
            Self::Generate
            | Self::Simulate
            | Self::Submit(_)
            | Self::Publish(_)
            | Self::Sign(_)
            | Self::Opportunity
            | Self::ProductsBySku => Method::POST,
            _ => Method::GET,
        }
    }

    /// The shape of its errors.
    pub(super) fn family(&self) -> Family {
        match self {
            Self::Generate
            | Self::Simulate
            | Self::Submit(_)
            | Self::Publish(_)
            | Self::Sign(_)
            | Self::QuoteId(_)
            | Self::Versions
            | Self::ProductsBySku
            | Self::Unknown => Family::Headless,
            Self::Quote(_)
            | Self::Quotes
            | Self::Document(_)
            | Self::DealRoom(_)
            | Self::Opportunity => Family::Quote,
            Self::PlaybookExport(..) | Self::PlaybookTemplate(..) => Family::Playbook,
        }
    }

    /// Whether its refusals may hide in a 202.
    pub(super) fn answers_202(&self) -> bool {
        matches!(self, Self::Generate | Self::Submit(_) | Self::Publish(_) | Self::Sign(_))
    }
}
