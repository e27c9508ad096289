//! What stands at the end of each command's help: lines that can be typed.
//!
//! Invariant: each line that begins with `proforma` is one that the program takes; a test parses
//! them.

/// Of the program.
pub const ROOT: &str = "\
First steps:
  proforma demo                       the whole story, without an account
  proforma init acme-quotes           a workspace of your own
  proforma plan                       what would change upstream
  proforma explain 6                  what an exit code means";
/// Of `init`.
pub const INIT: &str = "\
Examples:
  proforma init acme-quotes --provider hubspot
  proforma init acme-quotes --provider dealhub --name acme-sales --connection cpq
  proforma init --sandbox             says how to go on without an account";
/// Of `validate`.
pub const VALIDATE: &str = "\
Examples:
  proforma validate
  proforma validate quotes/acme.yaml
  proforma validate --format json";
/// Of `fmt`.
pub const FMT: &str = "\
Examples:
  proforma fmt
  proforma fmt --check -v             what would change, line by line
  proforma fmt - < quotes/acme.yaml";
/// Of `plan`.
pub const PLAN: &str = "\
Examples:
  proforma plan
  proforma plan --only 'acme-*' --except tag=on-hold
  proforma plan --detailed-exitcode -o change.plan";
/// Of `status`.
pub const STATUS: &str = "\
Examples:
  proforma status
  proforma status --only connection=crm -v
  proforma status --format json";
/// Of `apply`.
pub const APPLY: &str = "\
Examples:
  proforma apply                      shows the plan and asks
  proforma apply change.plan --auto-approve --allow publish
  proforma apply --prune --allow delete";
/// Of `recover`.
pub const RECOVER: &str = "\
Examples:
  proforma recover
  proforma recover acme-seo-2027 --adopt 31400000001
  proforma recover acme-seo-2027 --absent";
/// Of `lock list`.
pub const LIST: &str = "\
Examples:
  proforma lock list
  proforma lock list --format json";
/// Of `lock forget`.
pub const FORGET: &str = "\
Example:
  proforma lock forget acme-seo-2027";
/// Of `lock rebuild`.
pub const REBUILD: &str = "\
Examples:
  proforma lock rebuild
  proforma lock rebuild --overwrite";
/// Of `lock mv`.
pub const MV: &str = "\
Example:
  proforma lock mv acme-seo acme-seo-2027";
/// Of `lock merge`.
pub const MERGE: &str = "\
Example:
  proforma lock merge base.lock ours.lock theirs.lock";
/// Of `providers`.
pub const PROVIDERS: &str = "\
Examples:
  proforma providers
  proforma providers hubspot";
/// Of `schema`.
pub const SCHEMA: &str = "\
Examples:
  proforma schema quote > .schema/quote.json
  proforma schema plan";
/// Of `explain`.
pub const EXPLAIN: &str = "\
Examples:
  proforma explain unknown-field
  proforma explain 6";
/// Of `completions`.
pub const COMPLETIONS: &str = "\
Examples:
  proforma completions bash > ~/.local/share/bash-completion/completions/proforma
  proforma completions zsh > ~/.zfunc/_proforma
  proforma completions fish > ~/.config/fish/completions/proforma.fish";
/// Of `man`.
pub const MAN: &str = "\
Examples:
  proforma man ~/.local/share/man/man1
  proforma man | man -l -";
/// Of `sandbox`.
pub const SANDBOX: &str = "\
Examples:
  proforma sandbox
  proforma sandbox --listen 127.0.0.1:0 --latency 20ms --lose 1% --seed 7";
/// Of `demo`.
pub const DEMO: &str = "\
Example:
  proforma demo --no-pause";
/// Of `show`.
pub const SHOW: &str = "\
Examples:
  proforma show acme-seo-2027
  proforma show acme-seo-2027 --format html > quote.html";
/// Of `import`.
pub const IMPORT: &str = "\
Examples:
  proforma import --connection crm --all
  proforma import --connection crm --id 31400000001 --out quotes/old";
