//! Text inside XML.

/// `text` so that it is well-formed between tags and in attributes. What XML 1.0 (section 2.2) cannot
/// hold, not even escaped, is written as `\x..`.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // In attributes a line's end would become a space.
            '\n' => escaped.push_str("&#10;"),
            '\t' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => {
                escaped.push(letter);
            }
            other => escaped.push_str(&format!("\\x{:02x}", u32::from(other))),
        }
    }
    escaped
}
