//! Holds entities against a filter.

use super::value::Value;
use super::{Filter, Operand, Operator};
use crate::storage::Entity;
use std::borrow::Cow;
use std::cmp::Ordering;

// === impl Filter ===

impl Filter {
    /// Whether an entity fulfils it.
    pub(in crate::storage::embedded) fn lets_through(&self, entity: &Entity) -> bool {
        match self {
            Filter::And(parts) => parts.iter().all(|part| part.lets_through(entity)),
            Filter::Or(parts) => parts.iter().any(|part| part.lets_through(entity)),
            Filter::Not(inner) => !inner.lets_through(entity),
            Filter::Holds(operand) => operand.of(entity).as_deref() == Some(&Value::Boolean(true)),
            Filter::Compare(left, operator, right) => match (left.of(entity), right.of(entity)) {
                (Some(left), Some(right)) => left.compare(&right).is_some_and(|order| operator.fits(order)),
                _ => false,
            },
        }
    }
}

// === impl Operand ===

impl Operand {
    fn of(&self, entity: &Entity) -> Option<Cow<'_, Value>> {
        match self {
            Operand::Property(name) => Value::of_property(entity, name).map(Cow::Owned),
            Operand::Value(value) => Some(Cow::Borrowed(value)),
        }
    }
}

// === impl Operator ===

impl Operator {
    fn fits(self, order: Ordering) -> bool {
        match self {
            Operator::Equal => order.is_eq(),
            Operator::NotEqual => order.is_ne(),
            Operator::Greater => order.is_gt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual => order.is_le(),
        }
    }
}
