//! What the sandbox relies on when it copies instances: between two calls the linear memory is all the state that an instance has.

use super::FlattenError;
use super::strip::constant;
use wasmparser::{DataKind, ElementKind, FunctionBody, GlobalSectionReader, MemoryType, Operator, Parser, Payload, TableInit, TypeRef};

/// Checks a core module.
pub(crate) fn check(module: &[u8]) -> Result<(), FlattenError> {
    let (mut memories, mut tables, mut globals) = (0, 0, 0);
    let mut exports = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    if !matches!(import.ty, TypeRef::Func(_)) {
                        return broken(format!(
                            "{} {} is imported and is no function: it would have to be shared or copied",
                            import.module, import.name
                        ));
                    }
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    ordinary(memory?)?;
                    memories += 1;
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    if matches!(table?.init, TableInit::Expr(_)) {
                        return broken("a table has an initial value: only its element segments may say what it holds");
                    }
                    tables += 1;
                }
            }
            Payload::GlobalSection(section) => globals += mutable_globals(section)?,
            Payload::StartSection { .. } => {
                return broken("it has a start function: each instance would run it, and change the image's memory");
            }
            Payload::ElementSection(section) => {
                for element in section {
                    match element?.kind {
                        ElementKind::Active { offset_expr, .. } => drop(constant(&offset_expr, "the place of an element segment")?),
                        ElementKind::Declared => {}
                        ElementKind::Passive => return broken("an element segment is passive: code would copy it into a table later"),
                    }
                }
            }
            Payload::DataSection(section) => {
                for segment in section {
                    if matches!(segment?.kind, DataKind::Passive) {
                        return broken("a data segment is passive: code would copy it into memory later");
                    }
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    exports.push(export?.name.to_owned());
                }
            }
            Payload::CodeSectionEntry(body) => code(&body)?,
            _ => {}
        }
    }
    exactly(memories, 1, "memories", "the image is of one")?;
    exactly(tables, 1, "tables", "all modules share one")?;
    exactly(
        globals,
        1,
        "mutable globals",
        "a copy of the memory has none of them; only the stack pointer may be one: its value between calls is the one that it begins with",
    )?;
    for name in ["memory", "cabi_realloc", "reset-preopens"] {
        if !exports.iter().any(|export| export == name) {
            return broken(format!("it does not export {name}: without it a copy can't be made, or uses handles that it does not have"));
        }
    }
    Ok(())
}

/// Refuses memories that are no plain range of bytes of one instance.
fn ordinary(memory: MemoryType) -> Result<(), FlattenError> {
    if memory.shared || memory.memory64 || memory.page_size_log2.is_some() {
        return broken("its memory is shared, 64-bit, or has pages of an unusual size: the sandbox's slots are made for none of these");
    }
    Ok(())
}

fn mutable_globals(section: GlobalSectionReader<'_>) -> Result<u32, FlattenError> {
    let mut count = 0;
    for global in section {
        let global = global?;
        if global.ty.mutable {
            constant(&global.init_expr, "what a mutable global begins with")?;
            count += 1;
        }
    }
    Ok(count)
}

/// Refuses instructions that change a table: a copy of the memory would not have the change.
fn code(body: &FunctionBody<'_>) -> Result<(), FlattenError> {
    for operator in body.get_operators_reader()? {
        let changes = match operator? {
            Operator::TableSet { .. } => "table.set",
            Operator::TableGrow { .. } => "table.grow",
            Operator::TableFill { .. } => "table.fill",
            Operator::TableCopy { .. } => "table.copy",
            Operator::TableInit { .. } => "table.init",
            Operator::ElemDrop { .. } => "elem.drop",
            Operator::MemoryInit { .. } => "memory.init",
            Operator::DataDrop { .. } => "data.drop",
            _ => continue,
        };
        return broken(format!("its code has {changes}: a copy of the memory would not have what that changes"));
    }
    Ok(())
}

fn exactly(found: u32, wanted: u32, what: &str, why: &str) -> Result<(), FlattenError> {
    if found == wanted { Ok(()) } else { broken(format!("it has {found} {what} where {wanted} is expected: {why}")) }
}

fn broken<T>(what: impl Into<String>) -> Result<T, FlattenError> {
    Err(FlattenError::Invariant(what.into()))
}
