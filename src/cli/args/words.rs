//! Words that stand behind flags and commands.

use clap::ValueEnum;

/// The upstreams, as words of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Provider {
    /// HubSpot quotes.
    Hubspot,
    /// Quick Quote for Shopify.
    Quickquote,
    /// SalesByte.
    Salesbyte,
    /// DealHub.
    Dealhub,
}

impl From<Provider> for crate::manifest::ProviderName {
    fn from(provider: Provider) -> Self {
        match provider {
            Provider::Hubspot => Self::Hubspot,
            Provider::Quickquote => Self::Quickquote,
            Provider::Salesbyte => Self::Salesbyte,
            Provider::Dealhub => Self::Dealhub,
        }
    }
}

/// Shells that can be completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Bash.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish.
    Fish,
    /// Elvish.
    Elvish,
    /// PowerShell.
    #[value(name = "powershell")]
    PowerShell,
}

impl Shell {
    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Elvish => "elvish",
            Self::PowerShell => "powershell",
        }
    }
}

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line a message.
    Text,
    /// A JSON object a line.
    Json,
}

/// What there are schemas of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaName {
    /// A `quote:` document.
    Quote,
    /// A `product:` document.
    Product,
    /// `proforma.yaml`.
    Workspace,
    /// The JSON of `plan`.
    Plan,
    /// The JSON of `apply`.
    Apply,
    /// The JSON of `migrate`.
    Migrate,
    /// The JSON of `validate`.
    Validate,
    /// The JSON of `status`.
    Status,
}
