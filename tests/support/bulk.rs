//! A large workspace: published quotes of two items, each on a deal and for a buyer of its own.
//! Shared by the tests of budgets and the benches.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Quotes in one file.
const A_FILE: usize = 100;

/// Writes a workspace of `count` quotes for the sandbox's `bulk_deals`; `connection` is put into
/// the connection's block.
pub fn write(dir: &Path, count: usize, connection: &str) -> std::io::Result<()> {
    fs::create_dir_all(dir.join("quotes"))?;
    let workspace = format!(
        "proforma: 1\nworkspace: bulk\nconnections:\n  crm:\n    provider: hubspot\n    \
         token: {{ env: HUBSPOT_TOKEN }}\n    \
         defaults: {{ template: Default Modern, currency: USD }}\n{connection}"
    );
    fs::write(dir.join("proforma.yaml"), workspace)?;
    let numbers: Vec<usize> = (1..=count).collect();
    for (file, part) in numbers.chunks(A_FILE).enumerate() {
        let mut text = String::new();
        for n in part {
            let _ = write!(
                text,
                "---\nquote: bulk-{n:04}\ntitle: Bulk {n}\nexpires: 2027-12-01\nstate: published\n\
                 customer: {{ email: bulk-{n:04}@bulk.example }}\ndeal: Bulk deal {n:04}\nitems:\n  \
                 - {{ key: a, name: Audit, quantity: 2, price: {n}.50 }}\n  \
                 - {{ key: b, name: Bundle, price: 50.50, discount: 10% }}\n"
            );
        }
        fs::write(dir.join(format!("quotes/part-{file:04}.yaml")), text)?;
    }
    Ok(())
}
