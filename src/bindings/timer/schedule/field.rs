//! One field of an expression: which values it may have, and which of them it has.

use std::fmt;

/// What a field counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// 0 to 59.
    Second,
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// Of the month: 1 to 31.
    Day,
    /// 1 to 12.
    Month,
    /// 0 (Sunday) to 6.
    Weekday,
}

/// The values of a field: at least one, none beyond its unit's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Values {
    unit: Unit,
    /// Bit `n` stands for the value `n`.
    bits: u64,
}

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

// === impl Unit ===

impl Unit {
    /// All of them, in the order of an expression's fields.
    pub(super) const ALL: [Unit; 6] = [Unit::Second, Unit::Minute, Unit::Hour, Unit::Day, Unit::Month, Unit::Weekday];

    pub(super) const fn least(self) -> u32 {
        match self {
            Unit::Second | Unit::Minute | Unit::Hour | Unit::Weekday => 0,
            Unit::Day | Unit::Month => 1,
        }
    }

    pub(super) const fn most(self) -> u32 {
        match self {
            Unit::Second | Unit::Minute => 59,
            Unit::Hour => 23,
            Unit::Day => 31,
            Unit::Month => 12,
            Unit::Weekday => 6,
        }
    }

    /// The value that a name, or its beginning, stands for; the first one where several begin so.
    pub(super) fn named(self, text: &str) -> Option<u32> {
        let names: &[&str] = match self {
            Unit::Month => &MONTHS,
            Unit::Weekday => &WEEKDAYS,
            _ => return None,
        };
        let begins = |name: &&str| !text.is_empty() && name.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
        (self.least()..).zip(names).find(|(_, name)| begins(name)).map(|(value, _)| value)
    }

    /// Which values it has, for people.
    pub(super) const fn range(self) -> &'static str {
        match self {
            Unit::Second => "seconds are 0 to 59",
            Unit::Minute => "minutes are 0 to 59",
            Unit::Hour => "hours are 0 to 23",
            Unit::Day => "days are 1 to 31",
            Unit::Month => "months are 1 to 12, or names like Jan",
            Unit::Weekday => "weekdays are 0 (Sunday) to 6, or names like Mon",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unit::Second => "second",
            Unit::Minute => "minute",
            Unit::Hour => "hour",
            Unit::Day => "day",
            Unit::Month => "month",
            Unit::Weekday => "weekday",
        })
    }
}

// === impl Values ===

impl Values {
    /// `first`, and each `step`th after it up to `last`. The caller has seen to it that these are values of the unit, in this order.
    pub(super) fn stepped(unit: Unit, first: u32, last: u32, step: usize) -> Values {
        let bits = (first..=last).step_by(step.max(1)).fold(0, |bits, value| bits | bit(value));
        Values { unit, bits }
    }

    /// Those of both.
    pub(super) fn or(self, other: Values) -> Values {
        Values { bits: self.bits | other.bits, ..self }
    }

    pub(super) fn contains(self, value: u32) -> bool {
        self.bits & bit(value) != 0
    }

    /// The first one that is not below `value`.
    pub(super) fn from(self, value: u32) -> Option<u32> {
        let bits = self.bits & u64::MAX.checked_shl(value)?;
        (bits != 0).then(|| bits.trailing_zeros())
    }

    pub(super) fn first(self) -> u32 {
        self.bits.trailing_zeros()
    }

    pub(super) fn is_all(self) -> bool {
        self == Values::stepped(self.unit, self.unit.least(), self.unit.most(), 1)
    }
}

impl fmt::Display for Values {
    /// `*`, or numbers and ranges.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() {
            return f.write_str("*");
        }
        let mut next = self.from(0);
        let mut comma = "";
        while let Some(first) = next {
            let last = (first..).take_while(|value| self.contains(*value)).last().unwrap_or(first);
            write!(f, "{comma}{first}")?;
            if last > first {
                write!(f, "-{last}")?;
            }
            comma = ",";
            next = self.from(last + 1);
        }
        Ok(())
    }
}

fn bit(value: u32) -> u64 {
    1_u64.checked_shl(value).unwrap_or(0)
}
