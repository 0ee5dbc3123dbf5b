//! Text for people, formatted to whatever takes bytes.

use core::fmt;

/// Formats to a function that takes bytes and cannot fail.
pub struct Text<F: FnMut(&[u8])>(pub F);

impl<F: FnMut(&[u8])> fmt::Write for Text<F> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (self.0)(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fmt::Write;

    #[test]
    fn what_is_formatted_arrives_in_order() {
        let mut bytes = std::vec::Vec::new();
        writeln!(Text(|text: &[u8]| bytes.extend_from_slice(text)), "{} of {}", 1, 2).unwrap();
        assert_eq!(bytes, b"1 of 2\n");
    }
}
