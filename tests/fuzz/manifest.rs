//! A manifest file: any bytes, beside a sound workspace with all four providers.

use proforma::cli::connect::dialect;
use proforma::manifest::{LoadOptions, Loaded, load_bytes};

use super::shown;

const WORKSPACE: &str = "\
proforma: 1
workspace: fuzz
default_connection: crm
connections:
  crm:
    provider: hubspot
    token: { env: T }
    defaults: { template: Default Modern, notes: { terms: Net 30 }, hubspot: { hs_language: en } }
  shop: { provider: quickquote, token: { env: T }, currency: USD }
  nordic:
    provider: salesbyte
    uuid: { env: U }
    token: { env: T }
    quote_profile_id: 115
    stamp_field: { name: proforma, label: Proforma }
    currency: SEK
  cpq: { provider: dealhub, token: { env: T }, defaults: { currency: USD } }
";

const CATALOG: &str = "\
product: seo
name: Annual SEO audit
sku: SEO-A
price: 12000.00
currency: USD
hubspot: { hs_product_id: 1 }
quickquote: { variant_id: 2 }
salesbyte: { sku: \"3\" }
dealhub: { sku: S }
";

fn load(data: &[u8]) -> Loaded {
    let files = [("catalog/c.yaml", CATALOG.as_bytes()), ("quotes/q.yaml", data)];
    load_bytes(WORKSPACE.as_bytes(), &files, &LoadOptions::default())
}

/// Names are unique; problems have their place; the same text gives the same values; what
/// is sound is judged by its provider without a crash, with places of its own.
pub fn check(data: &[u8]) {
    let loaded = load(data);
    shown::diagnostics(&loaded.diagnostics);
    let workspace = loaded.workspace.as_ref().expect("the workspace is sound");
    assert!(loaded.quotes.windows(2).all(|w| w[0].name < w[1].name), "names are unique and sorted");
    for quote in &loaded.quotes {
        let connection = &workspace.connections[&quote.connection];
        let dialect = dialect(&quote.connection, connection).unwrap();
        shown::diagnostics(&dialect.check(quote));
    }
    if !loaded.quotes.is_empty() {
        let again = load(data);
        let prints = |l: &Loaded| l.quotes.iter().map(|q| q.fingerprint).collect::<Vec<_>>();
        assert_eq!(prints(&loaded), prints(&again));
        // Line ends are no content, and neither is a comment at the end.
        if let Some(text) = std::str::from_utf8(data).ok().filter(|t| t.ends_with('\n')) {
            let commented = format!("{text}# the end\n");
            let quoted = text.lines().any(|l| l.trim_end().ends_with(['|', '>', '+', '-']));
            if !quoted && loaded.diagnostics.is_empty() && !text.contains(['\'', '"']) {
                assert_eq!(prints(&loaded), prints(&load(commented.as_bytes())), "{text}");
            }
        }
    }
}
