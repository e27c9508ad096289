//! The workspace of the demo: `quotes/` of the repository, compiled in.

use std::fs;
use std::io;
use std::path::Path;

macro_rules! files {
    ($root:literal: $($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../", $root, "/", $path)))),*]
    };
}

/// Every file of the workspace.
pub(super) const FILES: &[(&str, &str)] = files!["quotes":
    "proforma.yaml",
    "catalog/services.yaml",
    "catalog/subscriptions.yaml",
    "quotes/acme.yaml",
    "quotes/cyberdyne.yaml",
    "quotes/globex.yaml",
    "quotes/hooli.yaml",
    "quotes/initech.yaml",
    "quotes/oscorp.yaml",
    "quotes/soylent.yaml",
    "quotes/stark.yaml",
    "quotes/tyrell.yaml",
    "quotes/umbrella.yaml",
    "quotes/wayne.yaml",
    "quotes/wonka.yaml",
];

/// A workspace with all four upstreams.
pub(super) const FOUR: &[(&str, &str)] = files!["examples/four-upstreams":
    "proforma.yaml",
    "catalog/products.yaml",
    "quotes/cpq.yaml",
    "quotes/crm.yaml",
    "quotes/nordic.yaml",
    "quotes/shop.yaml",
];

/// Two quotes that come later in the story.
pub(super) const LATE_QUOTES: &str = "\
quote: hooli-editors-2027
title: \"Hooli: search training for editors\"
expires: 2027-11-30
state: published
customer: { email: buyer@hooli.example }
deal: Hooli SEO 2027
items:
  - { key: training, name: Training day, quantity: 3, price: 1450.00, discount: 5% }
---
quote: wayne-crawl-2027
title: \"Wayne: crawl budget review\"
expires: 2027-11-30
state: draft
currency: GBP
customer: { email: buyer@wayne.example }
deal: Wayne SEO 2027
items:
  - { key: review, name: Crawl budget review, quantity: 1, price: 2750.00 }
  - { key: follow-up, name: Follow-up call, quantity: 2, price: 180.00 }
";

/// Writes a workspace into a folder.
pub(super) fn write(folder: &Path, files: &[(&str, &str)]) -> io::Result<()> {
    for (path, text) in files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_workspace_is_compiled_in() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("quotes");
        let mut found = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    if !path.ends_with(".proforma") {
                        folders.push(path);
                    }
                } else if path.extension().is_some_and(|e| e == "yaml") {
                    let path = path.strip_prefix(&root).unwrap();
                    found.push(path.to_string_lossy().replace('\\', "/"));
                }
            }
        }
        found.sort();
        let mut listed: Vec<String> = FILES.iter().map(|(p, _)| (*p).to_owned()).collect();
        listed.sort();
        assert_eq!(found, listed);
    }
}
