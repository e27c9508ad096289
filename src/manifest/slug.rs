//! Slugs: identities made from labels.
//!
//! Invariants: the same label always gives the same slug, whatever stands beside it; two labels
//! without any Latin letter or digit still give two slugs.

/// The longest key of an item or adjustment.
const MAX: usize = 63;

/// Lower-case letters, digits and single dashes; never empty.
pub(crate) fn slug(label: &str) -> String {
    let mut out = String::new();
    for c in label.chars().flat_map(char::to_lowercase) {
        let part = fold(c);
        if part.is_empty() {
            if !out.is_empty() && !out.ends_with('-') {
                out.push('-');
            }
        } else {
            out.push_str(part.as_str());
        }
        if out.len() >= MAX {
            break;
        }
    }
    out.truncate(MAX);
    let trimmed = out.trim_end_matches('-');
    if trimmed.is_empty() {
        let hash = blake3::hash(label.as_bytes()).to_hex();
        return format!("x{}", hash.as_str().chars().take(8).collect::<String>());
    }
    trimmed.to_owned()
}

/// A letter or digit as ASCII; empty for all else.
fn fold(c: char) -> String {
    let plain = match c {
        'a'..='z' | '0'..='9' => return c.to_string(),
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ą' => "a",
        'ä' | 'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => "e",
        'ì' | 'í' | 'î' | 'ï' | 'ī' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' => "o",
        'ö' | 'œ' => "oe",
        'ř' => "r",
        'ś' | 'š' => "s",
        'ß' => "ss",
        'ť' => "t",
        'ù' | 'ú' | 'û' | 'ū' | 'ů' => "u",
        'ü' => "ue",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => "",
    };
    plain.to_owned()
}

/// Whether a text may be a key inside a quote: letters, digits, `.`, `_`, `-`, at most 63.
pub(crate) fn is_key(text: &str) -> bool {
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=MAX).contains(&text.len()) && text.bytes().all(fine)
}

/// The rule of [`is_key`], for messages.
pub(crate) const KEY_RULE: &str = "letters, digits, `.`, `_` and `-`, at most 63 characters";

/// The slugs of labels, each made unique by `-2`, `-3`, ...
pub(crate) fn unique_slugs<'l>(labels: impl Iterator<Item = &'l str>) -> Vec<String> {
    let mut taken = std::collections::HashSet::new();
    let mut next = std::collections::HashMap::<String, usize>::new();
    let mut keys = Vec::new();
    for label in labels {
        let base = slug(label);
        let mut key = base.clone();
        let n = next.entry(base.clone()).or_insert(1);
        while !taken.insert(key.clone()) {
            *n += 1;
            key = format!("{base}-{n}");
        }
        keys.push(key);
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain_and_never_empty() {
        assert_eq!(slug("Annual SEO audit"), "annual-seo-audit");
        assert_eq!(slug("  Årlig översyn (2027)! "), "arlig-oeversyn-2027");
        assert!(slug("年").starts_with('x') && slug("年") != slug("月"));
        assert_eq!(slug(&"a".repeat(100)).len(), 63);
        assert!(is_key(&slug("...")));
    }

    #[test]
    fn equal_labels_get_numbers() {
        let keys = unique_slugs(["VAT", "vat", "VAT 2", "Vat"].into_iter());
        assert_eq!(keys, ["vat", "vat-2", "vat-2-2", "vat-3"]);
    }
}
