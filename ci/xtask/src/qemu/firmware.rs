//! UEFI firmware, as Debian and Ubuntu install it.

use std::ffi::OsString;

/// Code and variables in one file, which takes the place of the BIOS.
const WHOLE: &str = "/usr/share/ovmf/OVMF.fd";
/// The code alone, of a size that only flash memory can have; variables are then kept in RAM.
const CODE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";
/// Where to look; any one will do.
pub const FILES: [&str; 2] = [WHOLE, CODE];

/// Arguments of the emulator for the firmware that is there.
pub fn arguments(present: &dyn Fn(&str) -> bool) -> [OsString; 2] {
    if !present(WHOLE) && present(CODE) {
        return ["-drive".into(), format!("if=pflash,format=raw,readonly=on,file={CODE}").into()];
    }
    ["-bios".into(), WHOLE.into()]
}

#[cfg(test)]
mod tests {
    use super::{CODE, WHOLE, arguments};

    #[test]
    fn code_alone_goes_into_flash_memory() {
        assert_eq!(arguments(&|_| true), ["-bios", WHOLE]);
        assert_eq!(arguments(&|file| file == WHOLE), ["-bios", WHOLE]);
        let [option, value] = arguments(&|file| file == CODE);
        assert_eq!(option, "-drive");
        assert!(
            value.to_string_lossy().ends_with(",readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd")
        );
    }
}
