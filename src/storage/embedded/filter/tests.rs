//! Filters, from the outside: texts are read and held against entities.

use super::value::Value;
use super::*;
use crate::storage::{Entity, StorageError};
use proptest::prelude::*;
use serde_json::json;

fn entity() -> Entity {
    let entity = json!({
        "PartitionKey": "p", "RowKey": "r'1", "Timestamp": "2026-01-02T03:04:05.1234567Z",
        "Name": "Ada", "Age": 36, "Height": 1.7, "Whole": 2.0, "Active": true, "Blocked": false,
        "Big": "9007199254740993", "Big@odata.type": "Edm.Int64",
        "When": "2020-05-06T07:08:09Z", "When@odata.type": "Edm.DateTime",
        "Id": "0F8FAD5B-D9CB-469F-A165-70867728950E", "Id@odata.type": "Edm.Guid",
        "Raw": "CgsM", "Raw@odata.type": "Edm.Binary",
        "Odd": "NaN", "Odd@odata.type": "Edm.Double",
        "Said": "2020-05-06T07:08:09Z",
    });
    entity.as_object().unwrap().clone()
}

#[test]
fn filters_let_through_what_fulfils_them() {
    for filter in [
        "PartitionKey eq 'p'",
        "RowKey eq 'r''1'",
        "  Name  eq\t'Ada' ",
        "Name ne 'Bob' and Name gt 'Aa' and Name lt 'B'",
        "Age eq 36 and Age ge 36 and Age le 36 and Age gt 35.5 and Age lt 37L",
        "36 eq Age and not (Age ne 36)",
        "Age eq 1 or Age eq 2 or Age eq 36",
        "Age eq 36 or Age eq 1 and Age eq 2",
        "not Age eq 1 and Age eq 36",
        "not (Age eq 36 and Blocked)",
        "Height gt 1 and Height lt 1.75e0 and Height gt -2",
        "Whole eq 2 and Whole eq 2.0 and Whole eq 2L",
        "Active and not Blocked and Active eq true and Blocked ne true and true",
        "Big eq 9007199254740993L and Big gt 9007199254740992L",
        "When eq datetime'2020-05-06T07:08:09Z' and When lt datetime'2020-05-06T07:08:09.001' and When gt datetime'2020-05-06'",
        "Timestamp gt datetime'2026-01-01T00:00:00Z'",
        "Id eq guid'0f8fad5b-d9cb-469f-a165-70867728950e'",
        "Raw eq X'0a0b0c' and Raw eq binary'0A0B0C'",
        "not (Missing eq 1) and not Missing",
    ] {
        assert!(Filter::parse(filter).unwrap().lets_through(&entity()), "{filter}");
    }
    for filter in [
        "Name eq 'ada'",
        "Missing eq 'x'",
        "Missing ne 'x'",
        "Age eq '36'",
        "Said eq datetime'2020-05-06T07:08:09Z'",
        "Odd eq Odd",
        "Name",
        "(Age eq 36 or Age eq 1) and Age eq 2",
        "false",
    ] {
        assert!(!Filter::parse(filter).unwrap().lets_through(&entity()), "{filter}");
    }
}

#[test]
fn errors_say_where() {
    for (filter, wanted_at, wanted) in [
        ("", 1, "a property or a value"),
        ("Äge eq", 7, "a property or a value"),
        ("Äge eq 'ä", 8, "a quote isn't closed"),
        ("Age eq 1 Age", 10, "and, or, or the end"),
        ("(Age eq 1", 10, "closing parenthesis"),
        ("Age eq 1)", 9, "none opened"),
        ("Age = 1", 5, "no meaning"),
        ("Age eq 1x", 8, "no number"),
        ("Age eq 99999999999999999999L", 8, "no number"),
        ("Age eq 1e999", 8, "no number"),
        ("When eq datetime'yesterday'", 9, "datetime'…'"),
        ("When eq time'x'", 9, "datetime'…'"),
        ("Id eq guid'12'", 7, "guid'…'"),
        ("Raw eq X'123'", 8, "X'…'"),
        ("and", 1, "a property or a value"),
        ("Age eq 1 and", 13, "a property or a value"),
    ] {
        match Filter::parse(filter) {
            Err(StorageError::Filter { at, reason, .. }) if at == wanted_at && reason.contains(wanted) => {}
            other => panic!("{filter}: {other:?}"),
        }
    }
    let said = Filter::parse("Age eq").unwrap_err().to_string();
    assert_eq!(said, "the filter \"Age eq\" can't be read at character 7: it takes a property or a value here");
}

#[test]
fn long_and_deep_filters_are_no_danger() {
    let long = vec!["A eq 1"; 20_000].join(" or ");
    assert!(Filter::parse(&long).is_ok());
    for deep in ["(".repeat(100_000), "not ".repeat(100_000)] {
        assert!(Filter::parse(&deep).unwrap_err().to_string().ends_with("parentheses go too deep"));
    }
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        ".{0,8}".prop_map(Value::Text),
        any::<i64>().prop_map(Value::Integer),
        any::<i32>().prop_map(|number| Value::Integer(number.into())),
        any::<f64>().prop_filter("literals are finite", |number| number.is_finite()).prop_map(Value::Double),
        any::<bool>().prop_map(Value::Boolean),
        (-60_000_000_000_i64..250_000_000_000, 0..1_000_000_000)
            .prop_map(|(second, nanosecond)| { Value::Time(jiff::Timestamp::new(second, nanosecond).unwrap()) }),
        any::<u128>().prop_map(|bits| Value::Guid(uuid::Uuid::from_u128(bits))),
        any::<Vec<u8>>().prop_map(Value::Bytes),
    ]
}

fn operand() -> impl Strategy<Value = Operand> {
    // No keyword begins with an underscore.
    prop_oneof!["(Name|Age|When|_[A-Za-z0-9_]{0,6})".prop_map(Operand::Property), value().prop_map(Operand::Value)]
}

fn filter() -> impl Strategy<Value = Filter> {
    let operator = proptest::sample::select(Operator::ALL.map(|(_, operator)| operator).to_vec());
    let compare = (operand(), operator, operand()).prop_map(|(left, operator, right)| Filter::Compare(left, operator, right));
    prop_oneof![compare, operand().prop_map(Filter::Holds)].prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_as_the_same(filter in filter()) {
        let printed = filter.to_string();
        prop_assert_eq!(Filter::parse(&printed).unwrap(), filter, "{}", printed);
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        if let Ok(filter) = Filter::parse(&text) {
            filter.lets_through(&entity());
        }
    }

    #[test]
    fn no_mixture_of_its_words_makes_it_panic(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "(", ")", "and", "or", "not", "eq", "ge", "lt", "Age", "Name", "Odd", "'", "''", "'x'", "10", "10L", "-1.5", "1e", "X'0", "guid'", "datetime'",
                "datetime'2020-01-01'", "true", "ä", " ", "-", ".", "L",
            ]),
            0..20,
        ),
        space in any::<bool>(),
    ) {
        if let Ok(filter) = Filter::parse(&words.join(if space { " " } else { "" })) {
            filter.lets_through(&entity());
        }
    }

    #[test]
    fn not_turns_and_order_is_total(filter in filter(), left in any::<i32>(), right in any::<f64>()) {
        let entity = entity();
        prop_assert_ne!(filter.lets_through(&entity), Filter::Not(Box::new(filter)).lets_through(&entity));
        let holds = |word: &str| Filter::parse(&format!("{left} {word} {right:?}")).map(|filter| filter.lets_through(&entity)).unwrap_or_default();
        if right.is_finite() {
            prop_assert_eq!(["lt", "eq", "gt"].iter().filter(|word| holds(word)).count(), 1);
        }
    }
}
