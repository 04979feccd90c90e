//! What copies of the guest's memory rest on is checked when the guest is built: here each promise is broken once.

#![allow(clippy::unwrap_used)] // a test fails by panicking

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
fn what_is_no_component_is_refused() {
    let nowhere = std::path::Path::new("nowhere");
    for bytes in [b"no WebAssembly".as_slice(), &module(&[MEMORY])] {
        assert!(flatten::run(bytes, nowhere, nowhere).is_err());
    }
}
