//! `--only` and `--except`: which quotes a command looks at.

use crate::desired::Quote;
use crate::failure::{Failure, Kind};
use crate::key::{ConnectionName, QuoteName};

/// One selector.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Selector {
    Name(String),
    Connection(String),
    Provider(String),
    Tag(String),
}

impl Selector {
    fn parse(text: &str) -> Result<Self, Failure> {
        let selector = match text.split_once('=') {
            Some(("connection", value)) => Self::Connection(value.to_owned()),
            Some(("provider", value)) => Self::Provider(value.to_owned()),
            Some(("tag", value)) => Self::Tag(value.to_owned()),
            Some((key, _)) => {
                return Err(Failure::new(
                    Kind::Invalid,
                    format!(
                        "`{}` is not a selector: there is no key `{}`",
                        crate::output::text::safe(text),
                        crate::output::text::safe(key)
                    ),
                )
                .help("use a quote name or glob, `connection=C`, `provider=P` or `tag=T`"));
            }
            None => Self::Name(text.to_owned()),
        };
        Ok(selector)
    }
}

/// A parsed selection. Nothing selected means everything.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Selected {
    only: Vec<Selector>,
    except: Vec<Selector>,
}

impl Selected {
    /// Parses the flags.
    pub fn parse(only: &[String], except: &[String]) -> Result<Self, Failure> {
        let parse = |texts: &[String]| {
            texts.iter().map(|t| Selector::parse(t)).collect::<Result<Vec<_>, Failure>>()
        };
        Ok(Self { only: parse(only)?, except: parse(except)? })
    }

    /// Whether everything is selected.
    pub fn is_all(&self) -> bool {
        self.only.is_empty() && self.except.is_empty()
    }

    /// Whether a quote is selected. A quote without a manifest has no tags.
    pub fn holds(
        &self,
        name: &QuoteName,
        connection: &ConnectionName,
        provider: &str,
        desired: Option<&Quote>,
    ) -> bool {
        let hit = |selector: &Selector| match selector {
            Selector::Name(glob) => matches_glob(glob, name.as_str()),
            Selector::Connection(c) => c == connection.as_str(),
            Selector::Provider(p) => p == provider,
            Selector::Tag(tag) => {
                desired.and_then(|d| d.tags.set()).is_some_and(|tags| tags.contains(tag))
            }
        };
        (self.only.is_empty() || self.only.iter().any(hit)) && !self.except.iter().any(hit)
    }
}

/// A glob of `*` (any text) and `?` (one character), over the whole name. Linear in practice, and
/// never worse than pattern times text.
fn matches_glob(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    let (mut g, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match glob.get(g) {
            Some('*') => {
                star = Some((g, t));
                g += 1;
            }
            Some(c) if *c == '?' || text.get(t) == Some(c) => {
                g += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    g = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    glob.iter().skip(g).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (glob, text, want) in [
            ("acme-*", "acme-seo", true),
            ("acme-*", "globex", false),
            ("*", "", true),
            ("a?c", "abc", true),
            ("*seo*2027", "acme-seo-x-2027", true),
            ("*seo*2027", "acme-seo-x-2028", false),
            ("acme", "acme-seo", false),
        ] {
            assert_eq!(matches_glob(glob, text), want, "{glob} {text}");
        }
    }

    #[test]
    fn only_and_except_combine() {
        let selected =
            Selected::parse(&["acme-*".to_owned()], &["connection=old".to_owned()]).unwrap();
        let name = QuoteName::parse("acme-seo").unwrap();
        let crm = ConnectionName::parse("crm").unwrap();
        let old = ConnectionName::parse("old").unwrap();
        assert!(selected.holds(&name, &crm, "hubspot", None));
        assert!(!selected.holds(&name, &old, "hubspot", None));
        assert!(Selected::parse(&["colour=red".to_owned()], &[]).is_err());
    }
}
