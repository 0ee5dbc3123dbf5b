//! The high precision event timer's table (IA-PC HPET specification 1.0a, section 3.2.4).

use super::{u8_at, u64_at};

/// Physical address of the timer's registers, if they are in memory.
pub fn address(table: &[u8]) -> Option<u64> {
    let in_memory = u8_at(table, 40)? == 0;
    u64_at(table, 44).filter(|address| in_memory && *address != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acpi::tests::table;

    #[test]
    fn only_registers_in_memory_count() {
        let mut body = [0; 20];
        body[8..16].copy_from_slice(&0xfed0_0000u64.to_le_bytes());
        assert_eq!(address(&table(b"HPET", &body)), Some(0xfed0_0000));
        body[4] = 1;
        assert_eq!(address(&table(b"HPET", &body)), None);
        assert_eq!(address(&table(b"HPET", &body[..10])), None);
    }
}
