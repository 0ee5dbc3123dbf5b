//! What the figures count, and what is to be said of them.

use super::row::Row;
use anyhow::{Result, ensure};
use cedo_abi::info::CounterUnit;

/// What a column of figures is called.
pub fn heading(unit: CounterUnit) -> &'static str {
    match unit {
        CounterUnit::Instructions => "Executed instructions",
        CounterUnit::Ticks => "Ticks of an emulated clock",
        CounterUnit::Cycles => "Cycles of the processor's counter",
        CounterUnit::ClockTicks => "Ticks of the machine's clock",
    }
}

/// What must stand below figures that are no measure.
pub fn caution(unit: CounterUnit) -> Option<&'static str> {
    let text = "These figures are no measure: the emulator's clock runs with the host and its load. \
                Executed instructions repeat exactly: `cargo xtask bench`.";
    (unit == CounterUnit::Ticks).then_some(text)
}

/// An error unless the kernel called every figure what it is.
pub fn check(rows: &[Row], unit: CounterUnit) -> Result<()> {
    for row in rows {
        ensure!(
            row.unit == unit.name(),
            "`{}` was measured in {}, but the emulator's clock counts {}: the kernel did not heed \
             its command line (`counter=instructions`) or did not see the emulator",
            row.op,
            row.unit,
            unit.name()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{caution, check};
    use crate::bench::row::{Row, parse};
    use cedo_abi::info::CounterUnit::{ClockTicks, Cycles, Instructions, Ticks};

    fn rows(unit: &str) -> Vec<Row> {
        let line = format!("[bench] op=x unit={unit} min=1 median=2 p99=3 max=4 samples=5");
        parse(&line, "pc").unwrap()
    }

    #[test]
    fn every_figure_must_be_called_what_it_is() {
        assert!(check(&rows("instructions"), Instructions).is_ok());
        assert!(check(&rows("ticks"), Ticks).is_ok());
        for wrong in ["cycles", "instructions"] {
            let error = check(&rows(wrong), Ticks).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`x` was measured in {wrong}, but")), "{error}");
        }
    }

    #[test]
    fn only_emulated_ticks_are_no_measure() {
        assert!(caution(Ticks).unwrap().starts_with("These figures are no measure"));
        assert_eq!([Instructions, Cycles, ClockTicks].map(caution), [None; 3]);
    }
}
