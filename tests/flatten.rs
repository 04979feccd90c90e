//! What copies of the guest's memory rest on is checked when the guest is built: here each promise is broken once.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use proptest::prelude::*;
use std::collections::HashSet;
use wasmparser::{ElementItems, ElementKind, Operator, Parser, Payload};

#[allow(dead_code)]
#[path = "../build/flatten/mod.rs"]
mod flatten;

/// What every module below has, unless it is replaced.
const MEMORY: &str = r#"(memory (export "memory") 1)"#;
const TABLE: &str = r"(table 4 funcref) (elem (i32.const 1) $nothing $realloc)";
const STACK_POINTER: &str = "(global $sp (mut i32) (i32.const 1024))";
const FUNCTIONS: &str = r#"
    (func $nothing (export "reset-preopens"))
    (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (global.set $sp (i32.const 1024)) (i32.const 0))
"#;

fn module(fields: &[&str]) -> Vec<u8> {
    wat::parse_str(format!("(module {})", fields.join("\n"))).unwrap()
}

/// The message about a module that has `more` beside what it should have.
fn with(more: &str) -> String {
    refused(&[more, MEMORY, TABLE, STACK_POINTER, FUNCTIONS])
}

fn refused(fields: &[&str]) -> String {
    flatten::invariants::check(&module(fields)).unwrap_err().to_string()
}

#[track_caller]
fn assert_says(message: &str, part: &str) {
    assert!(message.starts_with("the flattened guest can't be cloned: ") && message.contains(part), "{message}");
}

#[test]
fn a_module_whose_state_is_its_memory_is_accepted() {
    let more = [r#"(import "wasi" "exit" (func))"#, r#"(data (i32.const 8) "text")"#];
    flatten::invariants::check(&module(&[more[0], MEMORY, TABLE, STACK_POINTER, FUNCTIONS, more[1]])).unwrap();
}

#[test]
fn there_is_one_memory_and_it_is_the_modules_own() {
    assert_says(&with("(memory 1)"), "it has 2 memories where 1 is expected");
    assert_says(
        &refused(&[r#"(import "env" "memory" (memory 1))"#, TABLE, STACK_POINTER, FUNCTIONS]),
        "env memory is imported and is no function",
    );
}

#[test]
fn the_memory_is_a_plain_one() {
    for memory in ["(memory (export \"memory\") 1 1 shared)", "(memory (export \"memory\") i64 1)"] {
        assert_says(&refused(&[memory, TABLE, STACK_POINTER, FUNCTIONS]), "the sandbox's slots are made for none of these");
    }
}

#[test]
fn there_is_one_table_and_it_is_the_modules_own() {
    assert_says(&with("(table 1 funcref)"), "it has 2 tables where 1 is expected");
    let imported = r#"(import "env" "table" (table 4 funcref))"#;
    assert_says(&refused(&[imported, MEMORY, STACK_POINTER, FUNCTIONS]), "env table is imported and is no function");
}

#[test]
fn what_the_table_holds_is_known() {
    let imported = r#"(import "env" "base" (global $base i32))"#;
    let at_base = "(table 4 funcref) (elem (global.get $base) $nothing)";
    assert_says(&refused(&[imported, MEMORY, at_base, STACK_POINTER, FUNCTIONS]), "env base is imported and is no function");
    let own = "(global $base i32 (i32.const 1))";
    assert_says(&refused(&[MEMORY, own, at_base, STACK_POINTER, FUNCTIONS]), "the place of an element segment is no constant");
    assert_says(&with("(elem func $nothing)"), "an element segment is passive");
    assert_says(&refused(&[MEMORY, "(table 4 funcref (ref.func $nothing))", STACK_POINTER, FUNCTIONS]), "a table has an initial value");
}

#[test]
fn no_code_changes_the_table_or_copies_segments() {
    for (code, name) in [
        ("(table.set (i32.const 0) (ref.null func))", "table.set"),
        ("(drop (table.grow (ref.null func) (i32.const 1)))", "table.grow"),
        ("(table.fill (i32.const 0) (ref.null func) (i32.const 1))", "table.fill"),
        ("(table.copy (i32.const 0) (i32.const 1) (i32.const 1))", "table.copy"),
        ("(table.init 0 (i32.const 0) (i32.const 0) (i32.const 1))", "table.init"),
        ("(elem.drop 0)", "elem.drop"),
    ] {
        assert_says(&with(&format!("(func {code})")), &format!("its code has {name}"));
    }
    for (code, name) in [("(memory.init 0 (i32.const 0) (i32.const 0) (i32.const 1))", "memory.init"), ("(data.drop 0)", "data.drop")] {
        assert_says(&with(&format!(r#"(data (i32.const 0) "x") (func {code})"#)), &format!("its code has {name}"));
    }
}

#[test]
fn no_data_is_left_for_later() {
    assert_says(&with(r#"(data "later")"#), "a data segment is passive");
}

#[test]
fn the_stack_pointer_is_the_only_mutable_global() {
    assert_says(&with("(global (mut i32) (i32.const 2))"), "it has 2 mutable globals where 1 is expected");
    assert_says(&with(r#"(import "env" "state" (global (mut i32)))"#), "env state is imported and is no function");
    let relative = "(global $start i32 (i32.const 8)) (global $sp (mut i32) (global.get $start))";
    assert_says(&refused(&[MEMORY, TABLE, relative, FUNCTIONS]), "what a mutable global begins with is no constant");
}

#[test]
fn no_code_runs_when_an_instance_is_made() {
    assert_says(&with("(start $nothing)"), "it has a start function");
}

#[test]
fn the_reset_of_open_folders_is_kept() {
    let without = FUNCTIONS.replace(r#" (export "reset-preopens")"#, "");
    assert_says(&refused(&[MEMORY, TABLE, STACK_POINTER, &without]), "it does not export reset-preopens");
}

#[test]
fn data_moves_from_the_module_into_the_image() {
    let data = r#"(data (i32.const 3) "abc") (data (i32.const 65534) "yz") (data (i32.const 4) "X")"#;
    let (stripped, image) = flatten::strip::data(&module(&[MEMORY, TABLE, STACK_POINTER, FUNCTIONS, data])).unwrap();
    let mut expected = vec![0; 65_536];
    expected[3..6].copy_from_slice(b"aXc");
    expected[65_534..].copy_from_slice(b"yz");
    assert!(image == expected);
    flatten::invariants::check(&stripped).unwrap();
    // What is left has nothing to write any more, and the same memory.
    assert!(flatten::strip::data(&stripped).unwrap().1 == vec![0; 65_536]);
}

#[test]
fn data_beyond_the_memory_is_refused() {
    let module = module(&[MEMORY, TABLE, STACK_POINTER, FUNCTIONS, r#"(data (i32.const 65535) "yz")"#]);
    let message = flatten::strip::data(&module).unwrap_err().to_string();
    assert!(message.contains("a data segment lies outside of the memory"), "{message}");
}

#[test]
fn what_is_called_often_is_mentioned_first() {
    let names = ["$realloc", "$gone", "$nothing"].map(|name| name.trim_start_matches('$'));
    let ordered = flatten::order::mentioned_first(&module(&[MEMORY, TABLE, STACK_POINTER, FUNCTIONS]), names.into_iter(), 2).unwrap();
    let too_few = flatten::order::mentioned_first(&ordered, names.into_iter(), 1).unwrap_err().to_string();
    assert!(too_few.contains("it has only 0"), "{too_few}");
    let mut mentioned = Vec::new();
    for payload in Parser::new(0).parse_all(&ordered) {
        match payload.unwrap() {
            Payload::ElementSection(section) => {
                for element in section {
                    let element = element.unwrap();
                    let ElementItems::Functions(functions) = element.items else { panic!("no list of functions") };
                    mentioned.push((
                        matches!(element.kind, ElementKind::Declared),
                        functions.into_iter().map(Result::unwrap).collect::<Vec<_>>(),
                    ));
                }
            }
            Payload::CustomSection(section) => panic!("{} is still there", section.name()),
            _ => {}
        }
    }
    assert_eq!(mentioned, [(true, vec![1, 0]), (false, vec![0, 1])]);
    wasmparser::validate(&ordered).unwrap();
}

#[test]
fn what_is_no_component_is_refused() {
    let nowhere = std::path::Path::new("nowhere");
    for bytes in [b"no WebAssembly".as_slice(), &module(&[MEMORY])] {
        assert!(flatten::run(bytes, nowhere, nowhere).is_err());
    }
}

/// The code of each function, as its operators.
fn code(module: &[u8]) -> Vec<Vec<Operator<'_>>> {
    let bodies = Parser::new(0).parse_all(module).filter_map(|payload| match payload.unwrap() {
        Payload::CodeSectionEntry(body) => Some(body),
        _ => None,
    });
    bodies.map(|body| body.get_operators_reader().unwrap().into_iter().map(Result::unwrap).collect()).collect()
}

/// How often operators look at the sign, and where after.
fn looks<'a>(code: &[Operator<'a>]) -> Vec<Option<Operator<'a>>> {
    let at = |place: usize| code.get(place).cloned();
    let found =
        (0..code.len()).filter(|&place| matches!(&code[place], Operator::I32Load { memarg } if memarg.memory == flatten::turns::SIGN));
    let check = |place: usize| {
        assert!(matches!(at(place - 1), Some(Operator::I32Const { value: 0 })));
        assert!(matches!(at(place + 1), Some(Operator::If { .. })) && matches!(at(place + 2), Some(Operator::Call { .. })));
        assert!(matches!(at(place + 3), Some(Operator::End)));
        place.checked_sub(2).and_then(at)
    };
    found.map(check).collect()
}

#[test]
fn each_loop_and_each_circle_of_calls_looks_for_its_turn() {
    let more = r#"
        (type $plain (func))
        (import "wasi" "exit" (func $exit))
        (func $loops (loop $a (loop $b (br_if $b (i32.const 1))) (br_if $a (i32.const 0))))
        (func $calls_itself (call $calls_itself) (call $calls_itself))
        (func $ping (call $pong))
        (func $pong (call $ping) (call $exit))
        (func $by_table (call_indirect (type $plain) (i32.const 1)))
        (func $leaf (call $exit))
    "#;
    let table = r"(table 8 funcref) (elem (i32.const 1) $leaf $by_table)";
    let module = module(&[more, MEMORY, table, STACK_POINTER, FUNCTIONS]);
    let interruptible = flatten::turns::insert(&module).unwrap();
    let code = code(&interruptible);
    let looks: Vec<_> = code.iter().map(|code| looks(code)).collect();
    assert!(matches!(looks[0][..], [Some(Operator::Loop { .. }), Some(Operator::Loop { .. })]), "{looks:?}");
    assert!(matches!(looks[1][..], [None]) && matches!(looks[4][..], [None]), "{looks:?}");
    assert_eq!(looks[2].len() + looks[3].len(), 1, "one of two that call each other is enough");
    assert!(looks[5..].iter().all(Vec::is_empty), "{looks:?}");
    // It gives way by a growth that is refused, and nothing else touches the sign.
    let of_the_sign = |operator: &&Operator<'_>| matches!(operator, Operator::MemoryGrow { mem } | Operator::MemorySize { mem } if *mem == flatten::turns::SIGN);
    assert_eq!(code.iter().map(|code| code.iter().filter(of_the_sign).count()).collect::<Vec<_>>(), [0, 0, 0, 0, 0, 0, 0, 0, 1]);
    let mut config = wasmtime::Config::new();
    config.wasm_custom_page_sizes(true).wasm_branch_hinting(true);
    wasmtime::Module::new(&wasmtime::Engine::new(&config).unwrap(), &interruptible).unwrap();
}

#[test]
fn the_interpreter_sees_the_sign_where_it_looks_for_pending_work() {
    let look = "(if (i32.load8_u (i32.add (local.get 0) (i32.const 12))) (then (drop (call $pending (local.get 0)))))";
    let other = "(drop (i32.load8_u (i32.add (local.get 0) (i32.const 11))))";
    let body = format!("(loop $again {look} {look} {other} {look} {look} (br $again))");
    let interpreter = |body: &str| {
        let pending = r#"(func $pending (export "_Py_HandlePending") (param i32) (result i32) (i32.const 0))"#;
        let more = format!("{pending} (func $interpreter (param i32) {body})");
        flatten::turns::insert(&module(&[&more, MEMORY, TABLE, STACK_POINTER, FUNCTIONS]))
    };
    let result = interpreter(&body).unwrap();
    let code = code(&result);
    assert!(matches!(looks(&code[0])[..], [None]), "what handles pending work gives way first");
    let of_the_sign: Vec<_> = (0..code[1].len())
        .filter(|&place| matches!(&code[1][place], Operator::I32Load { memarg } if memarg.memory == flatten::turns::SIGN))
        .map(|place| (code[1][place - 2].clone(), code[1][place + 1].clone(), code[1][place + 2].clone()))
        .collect();
    assert!(matches!(of_the_sign[0], (Operator::Loop { .. }, Operator::If { .. }, Operator::Unreachable)), "{of_the_sign:?}");
    let seen = |look: &_| matches!(look, (Operator::I32Load8U { memarg }, Operator::I32Or, Operator::If { .. }) if memarg.memory == 0);
    assert!(of_the_sign.len() == 5 && of_the_sign[1..].iter().all(seen), "{of_the_sign:?}");
    let exported = Parser::new(0).parse_all(&result).any(|payload| match payload.unwrap() {
        Payload::ExportSection(section) => section.into_iter().any(|export| export.unwrap().name.contains("Pending")),
        _ => false,
    });
    assert!(!exported);
    let unknown = interpreter(&body.replacen("12", "16", 1)).unwrap_err().to_string();
    assert!(unknown.contains("calls _Py_HandlePending 4 times, but where it looks whether to was not found"), "{unknown}");
}

#[test]
fn branch_hints_are_of_the_looks() {
    let more = "(func $f (local i64 f32) (loop $a (br_if $a (i32.const 1))) (loop $b (br_if $b (i32.const 1)))) (func $g (call $g))";
    let interruptible = flatten::turns::insert(&module(&[more, MEMORY, TABLE, STACK_POINTER, FUNCTIONS])).unwrap();
    let (mut hinted, mut bodies) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(&interruptible) {
        match payload.unwrap() {
            Payload::CustomSection(section) => {
                if let wasmparser::KnownCustom::BranchHints(hints) = section.as_known() {
                    hinted = hints.into_iter().map(Result::unwrap).collect();
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body),
            _ => {}
        }
    }
    assert_eq!(hinted.iter().map(|hints| hints.func).collect::<Vec<_>>(), [0, 1]);
    for (hints, count) in hinted.iter().zip([2, 1]) {
        let body = &bodies[hints.func as usize];
        let places = body.get_operators_reader().unwrap().into_iter_with_offsets().map(Result::unwrap);
        let ifs: Vec<_> =
            places.filter(|(operator, _)| matches!(operator, Operator::If { .. })).map(|(_, at)| at - body.range().start).collect();
        let hints: Vec<_> = hints.hints.clone().into_iter().map(Result::unwrap).collect();
        assert_eq!(ifs.len(), count);
        assert_eq!(hints.iter().map(|hint| hint.func_offset as usize).collect::<Vec<_>>(), ifs);
        assert!(hints.iter().all(|hint| !hint.taken));
    }
}

/// Whether no chain of calls comes back to where it began: all nodes can be taken away, one after the other, each when none that is left leads to it.
fn has_an_end(next: &[Vec<u32>], without: &HashSet<u32>) -> bool {
    let mut left: HashSet<u32> = (0..u32::try_from(next.len()).unwrap()).filter(|node| !without.contains(node)).collect();
    loop {
        let reached: HashSet<u32> = left.iter().flat_map(|&node| next[node as usize].iter().copied()).collect();
        let before = left.len();
        left.retain(|node| reached.contains(node));
        match left.len() {
            0 => return true,
            after if after == before => return false,
            _ => {}
        }
    }
}

/// Calls among some functions, directly and over points, which lead to functions only.
fn calls() -> impl Strategy<Value = flatten::cycles::Calls> {
    (1..40_u32, 1..5_u32).prop_flat_map(|(functions, points)| {
        let of_functions = prop::collection::vec(prop::collection::vec(0..functions + points, 0..5), functions as usize);
        let of_points = prop::collection::vec(prop::collection::vec(0..functions, 0..10), points as usize);
        (of_functions, of_points).prop_map(move |(next, of_points)| flatten::cycles::Calls {
            functions: functions as usize,
            next: next.into_iter().chain(of_points).collect(),
        })
    })
}

proptest! {
    #[test]
    fn all_circles_of_calls_are_cut(calls in calls()) {
        let cut = flatten::cycles::cut(&calls);
        prop_assert!(has_an_end(&calls.next, &cut));
        prop_assert!(cut.iter().all(|node| (*node as usize) < calls.functions));
        if has_an_end(&calls.next, &HashSet::new()) {
            prop_assert!(cut.is_empty());
        }
    }
}
