//! Takes the data out of a module: what it would write into its memory at the start becomes an image of the memory.

use super::FlattenError;
use std::convert::Infallible;
use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{DataSection, Module};
use wasmparser::{ConstExpr, Data, DataKind, DataSectionReader, Operator, Parser, Payload};

/// Bytes of a page of WebAssembly.
const PAGE: u64 = 65_536;

/// The module without data, and its memory's content at the start.
pub(crate) fn data(module: &[u8]) -> Result<(Vec<u8>, Vec<u8>), FlattenError> {
    Ok((without_data(module)?, image(module)?))
}

fn image(module: &[u8]) -> Result<Vec<u8>, FlattenError> {
    let mut image = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::MemorySection(section) => {
                for memory in section {
                    image.resize(
                        usize::try_from(memory?.initial * PAGE).map_err(|_| FlattenError::Shape("the memory is too large".into()))?,
                        0,
                    );
                }
            }
            Payload::DataSection(section) => {
                for segment in section {
                    write(&mut image, &segment?)?;
                }
            }
            _ => {}
        }
    }
    Ok(image)
}

fn write(image: &mut [u8], segment: &Data<'_>) -> Result<(), FlattenError> {
    let DataKind::Active { offset_expr, .. } = &segment.kind else {
        return Err(FlattenError::Invariant("a data segment is passive: code would copy it into memory later".into()));
    };
    let start = constant(offset_expr, "the place of a data segment")? as usize;
    let place = start.checked_add(segment.data.len()).and_then(|end| image.get_mut(start..end));
    place.ok_or_else(|| FlattenError::Shape("a data segment lies outside of the memory".into()))?.copy_from_slice(segment.data);
    Ok(())
}

/// The value of an expression, which must be a number; `what` says what it is of.
pub(super) fn constant(expression: &ConstExpr<'_>, what: &str) -> Result<u32, FlattenError> {
    match expression.get_operators_reader().read()? {
        Operator::I32Const { value } => Ok(value.cast_unsigned()),
        other => Err(FlattenError::Invariant(format!(
            "{what} is no constant but {other:?}: it would be known only when the module is instantiated"
        ))),
    }
}

fn without_data(module: &[u8]) -> Result<Vec<u8>, FlattenError> {
    struct Stripper;

    impl Reencode for Stripper {
        type Error = Infallible;

        fn parse_data_section(&mut self, _: &mut DataSection, _: DataSectionReader<'_>) -> Result<(), Error<Infallible>> {
            Ok(())
        }

        fn data_count(&mut self, _: u32) -> Result<u32, Error<Infallible>> {
            Ok(0)
        }
    }

    let mut stripped = Module::new();
    Stripper.parse_core_module(&mut stripped, Parser::new(0), module).map_err(|error| FlattenError::Write(error.to_string()))?;
    Ok(stripped.finish())
}
