//! A workspace file: any bytes, beside a sound manifest.

use proforma::cli::connect::dialect;
use proforma::http::BaseUrl;
use proforma::manifest::{Credential, LoadOptions, load_bytes};

use super::shown;

const QUOTE: &str = "quote: a\nconnection: crm\ntitle: T\nitems: [{ name: N, price: 1.50 }]\n";

/// Whether credentials may go to a host when nothing else is allowed. Written anew, on purpose.
fn is_own(host: &str) -> bool {
    ["api.hubapi.com", "api-eu1.hubapi.com", "requestquote.w3apps.co", "app.salesbyte.se"]
        .contains(&host)
        || host.ends_with(".dealhub.io")
}

/// No text of a workspace leads a token to a host that is neither the provider's nor loopback,
/// nor into plain http, nor holds a secret itself.
pub fn check(data: &[u8]) {
    let loaded = load_bytes(data, &[("quotes/q.yaml", QUOTE.as_bytes())], &LoadOptions::default());
    shown::diagnostics(&loaded.diagnostics);
    let Some(workspace) = &loaded.workspace else { return };
    for (name, connection) in &workspace.connections {
        let base = BaseUrl::parse(&connection.base_url).expect("a checked address");
        let own = is_own(base.host());
        assert!(own || base.is_loopback(), "a token would go to {}", base.as_str());
        assert!(base.is_loopback() || !base.is_plain());
        if let Some(Credential::Env(variable)) = &connection.token {
            assert!(variable.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
        }
        dialect(name, connection).unwrap();
    }
}
