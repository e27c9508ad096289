//! One call, before it goes out.
//!
//! Purpose: method, path, query, body and what repeating it would mean ([`Safety`]), as a value;
//! turned into a [`Request`] in one place.
//!
//! Invariants: a path has no query, no fragment and no `.` or `..` segment, so that the suffix
//! rules for queries and the host pin hold for every transport. Ids from outside go through
//! [`segment`].

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Method, Uri};
use serde::Serialize;

use super::Request;
use super::answer::CallError;
use super::retry::Safety;

/// One call to an upstream.
#[derive(Clone)]
pub struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Option<Bytes>,
    pub(super) safety: Safety,
}

impl std::fmt::Debug for Call {
    /// Without query and body: they hold personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({:?})", self.method, loggable(&self.path), self.safety)
    }
}

impl Call {
    /// A call; `path` stands behind the connection's `base_url` and starts with `/`.
    pub fn new(method: Method, path: impl Into<String>, safety: Safety) -> Self {
        Self { method, path: path.into(), query: Vec::new(), body: None, safety }
    }

    /// A `GET`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path, Safety::Read)
    }

    /// With a query parameter; repeat for more.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// With a JSON body, given as its bytes.
    #[must_use]
    pub fn body(mut self, json: impl Into<Bytes>) -> Self {
        self.body = Some(json.into());
        self
    }

    /// With a JSON body.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<Self, CallError> {
        match serde_json::to_vec(value) {
            Ok(json) => Ok(self.body(json)),
            Err(e) => Err(CallError::unsendable(format!("the body is no JSON: {e}"))),
        }
    }

    /// The request, without credentials.
    pub(super) fn to_request(&self) -> Result<Request, CallError> {
        if !is_plain_path(&self.path) {
            return Err(CallError::unsendable(format!(
                "`{}` is no plain path",
                loggable(&self.path)
            )));
        }
        let target = match encode_query(&self.query) {
            query if query.is_empty() => self.path.clone(),
            query => format!("{}?{query}", self.path),
        };
        let unfit = |_| CallError::unsendable("the path or query cannot stand in a request");
        let uri = Uri::try_from(target).map_err(unfit)?;
        let mut request = Request::new(self.body.clone().unwrap_or_default());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        let json = HeaderValue::from_static("application/json");
        if self.body.is_some() {
            request.headers_mut().insert(CONTENT_TYPE, json.clone());
        }
        request.headers_mut().insert(ACCEPT, json);
        Ok(request)
    }
}

/// A text as one segment of a path: everything but letters, digits, `-`, `_`, `~` and `.` becomes
/// `%XX`. The segments `.` and `..` cannot be written in a URL at all; a call with one is refused.
pub fn segment(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'~' | b'.') {
            out.push(char::from(b));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{b:02X}");
        }
    }
    out
}

/// `a=1&b=x%20y`. A space is `%20`, which every server reads as a space (`+` only some do).
fn encode_query(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", segment(name), segment(value))).collect();
    pairs.join("&")
}

/// Whether a path is absolute and means what it says.
pub(super) fn is_plain_path(path: &str) -> bool {
    let dots = |s: &str| {
        let s = s.to_ascii_lowercase().replace("%2e", ".");
        s == "." || s == ".."
    };
    path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'?' | b'#' | b'\\'))
        && !path.split('/').any(dots)
}

/// A path as it may stand in a log: segments that look like an e-mail address are masked.
pub(super) fn loggable(path: &str) -> String {
    let mask = |s: &str| {
        let address = s.contains('@') || s.to_ascii_lowercase().contains("%40");
        let shown = if address { "..." } else { s };
        shown.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>()
    };
    path.split('/').map(mask).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_the_target_with_everything_encoded() {
        let call = Call::get(format!("/crm/v3/{}", segment("a/b?c#d é")))
            .query("email", "jo+x@acme.example")
            .query("q", "two words&more");
        let request = call.to_request().unwrap();
        assert_eq!(
            request.uri().to_string(),
            "/crm/v3/a%2Fb%3Fc%23d%20%C3%A9?email=jo%2Bx%40acme.example&q=two%20words%26more"
        );
        assert!(request.headers().get(CONTENT_TYPE).is_none());
    }

    #[test]
    fn refuses_paths_that_mean_something_else() {
        for bad in [
            "",
            "x",
            "//evil.example",
            "/a/../b",
            "/a/%2E%2e",
            "/a?b",
            "/a#b",
            "/a b",
            "/a\\b",
            "/é",
            "/a\n",
        ] {
            let got = Call::get(bad).to_request();
            assert!(matches!(got, Err(CallError::NotSent { .. })), "{bad:?}");
        }
        assert!(Call::get(format!("/quotes/{}", segment(".."))).to_request().is_err());
    }

    #[test]
    fn shows_no_personal_data() {
        let call = Call::get("/contacts/jo@acme.example").query("email", "jo@acme.example");
        assert_eq!(format!("{call:?}"), "GET /contacts/... (Read)");
        assert_eq!(loggable("/contacts/jo%40acme.example/x"), "/contacts/.../x");
    }

    #[test]
    fn a_json_body_has_its_type() {
        let call = Call::new(Method::POST, "/x", Safety::Once).json(&["a"]).unwrap();
        let request = call.to_request().unwrap();
        assert_eq!(request.body(), &Bytes::from_static(b"[\"a\"]"));
        assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
    }
}
