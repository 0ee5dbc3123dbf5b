//! Port input and output.

use x86_64::instructions::port::{Port, PortRead, PortWrite};

/// Reads a port. Reading a device of the kernel's, or one a Ports capability names.
pub fn read<T: PortRead>(port: u16) -> T {
    // SAFETY: port input cannot reach memory; a device that masters the bus is its driver's
    // responsibility (there is no IOMMU; the documentation says so).
    unsafe { Port::new(port).read() }
}

/// Writes a port.
pub fn write<T: PortWrite>(port: u16, value: T) {
    // SAFETY: as for `read`.
    unsafe { Port::new(port).write(value) };
}
