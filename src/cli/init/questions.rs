//! The questions of `init`, one line each.
//!
//! Invariants: without a terminal nothing is asked and each question has its default answer; an
//! answer that cannot be is asked for again; the end of the input ends the run.

use std::io::{self, BufRead, Write};

use crate::key::NAME_RULE;
use crate::manifest::ProviderName;
use crate::output::text::safe_line;

/// Where somebody answers, or nobody.
pub(super) struct Desk<'d> {
    input: &'d mut dyn BufRead,
    output: &'d mut dyn Write,
    asks: bool,
}

impl<'d> Desk<'d> {
    /// `asks` = somebody is there.
    pub(super) fn new(input: &'d mut dyn BufRead, output: &'d mut dyn Write, asks: bool) -> Self {
        Self { input, output, asks }
    }

    /// Which upstream; HubSpot where nobody answers.
    pub(super) fn provider(&mut self) -> io::Result<ProviderName> {
        let words: Vec<&str> = ProviderName::ALL.iter().map(|p| p.word()).collect();
        self.until(
            &format!("Which upstream: {}", words.join(", ")),
            ProviderName::Hubspot.word(),
            &format!("one of {}", words.join(", ")),
            |word| ProviderName::parse(&word.to_lowercase()),
        )
    }

    /// A name; the proposed one where nobody answers.
    pub(super) fn name<T>(
        &mut self,
        question: &str,
        proposed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> io::Result<T> {
        self.until(question, proposed, NAME_RULE, parse)
    }

    fn until<T>(
        &mut self,
        question: &str,
        proposed: &str,
        rule: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> io::Result<T> {
        let unfit = || io::Error::other("there is no answer that would do");
        if !self.asks {
            return parse(proposed).ok_or_else(unfit);
        }
        loop {
            write!(self.output, "{question} [{proposed}] ")?;
            self.output.flush()?;
            let mut line = String::new();
            if self.input.read_line(&mut line)? == 0 {
                writeln!(self.output)?;
                return Err(io::Error::other("the questions were not answered"));
            }
            let answer = line.trim();
            let answer = if answer.is_empty() { proposed } else { answer };
            match parse(answer) {
                Some(found) => return Ok(found),
                None => writeln!(self.output, "  `{}` will not do: {rule}", safe_line(answer))?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::WorkspaceName;

    fn asked(input: &str, asks: bool) -> (io::Result<(ProviderName, WorkspaceName)>, String) {
        let mut output = Vec::new();
        let mut input = input.as_bytes();
        let mut desk = Desk::new(&mut input, &mut output, asks);
        let answers = desk.provider().and_then(|provider| {
            Ok((provider, desk.name("Name of the workspace", "acme", WorkspaceName::parse)?))
        });
        (answers, String::from_utf8(output).unwrap())
    }

    #[test]
    fn answers_are_asked_for_until_they_fit() {
        let (answers, shown) = asked("salesforce\nDealhub\nBad Name\nsales\n", true);
        let (provider, name) = answers.unwrap();
        assert_eq!((provider, name.as_str()), (ProviderName::Dealhub, "sales"));
        assert!(shown.contains("`salesforce` will not do: one of hubspot,"), "{shown}");
    }

    #[test]
    fn enter_takes_what_is_proposed_and_the_end_of_input_ends_it() {
        let (answers, _) = asked("\n\n", true);
        assert_eq!(answers.unwrap().1.as_str(), "acme");
        let (answers, shown) = asked("", true);
        assert!(answers.is_err());
        assert!(shown.contains("[hubspot]"), "{shown}");
    }

    #[test]
    fn nobody_is_asked_where_nobody_answers() {
        let (answers, shown) = asked("dealhub\n", false);
        assert_eq!(answers.unwrap().0, ProviderName::Hubspot);
        assert_eq!(shown, "");
    }
}
