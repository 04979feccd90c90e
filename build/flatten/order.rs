//! Puts the functions that every invocation calls by pointer first among those that can be called so.
//!
//! For each of the 5,000 that can, wasmtime has 32 bytes in an instance (`VMFuncRef`), in the order in which the module mentions them, and fills them in when they are
//! first called. The hundred and some that a usual invocation calls lie in a page then, in place of twenty.

use super::FlattenError;
use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{ElementSection, Elements, Module};
use wasmparser::{CustomSectionReader, ElementSectionReader, KnownCustom, Name, Parser, Payload};

/// The functions, a name a line: what a hello calls, then what one calls that uses JSON, logging, dates and asyncio. One that is missing here costs an instance up to
/// a page, one that is not there any more costs nothing.
const CALLED: &str = include_str!("called.txt");

/// The module with a mention of [`CALLED`] before all others, and without names. It must have half of them at the least.
pub(crate) fn called_first(module: &[u8]) -> Result<Vec<u8>, FlattenError> {
    mentioned_first(module, CALLED.lines(), CALLED.lines().count() / 2)
}

/// The same with a list of its own, of which there must be so many.
pub(crate) fn mentioned_first<'a>(module: &[u8], names: impl Iterator<Item = &'a str>, least: usize) -> Result<Vec<u8>, FlattenError> {
    let known = functions(module)?;
    let first: Vec<_> = names.filter_map(|name| known.get(name).copied()).collect();
    if first.len() < least {
        let problem = format!("of the functions in build/flatten/called.txt it has only {}: are names missing, or others?", first.len());
        return Err(FlattenError::Shape(problem));
    }
    let mut orderer = Orderer { first };
    let mut ordered = Module::new();
    orderer.parse_core_module(&mut ordered, Parser::new(0), module).map_err(|error| FlattenError::Write(error.to_string()))?;
    Ok(ordered.finish())
}

/// The indices of the functions by their names.
fn functions(module: &[u8]) -> Result<HashMap<&str, u32>, FlattenError> {
    let mut functions = HashMap::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::CustomSection(section) = payload?
            && let KnownCustom::Name(parts) = section.as_known()
        {
            for part in parts {
                if let Name::Function(names) = part? {
                    for naming in names {
                        let naming = naming?;
                        functions.insert(naming.name, naming.index);
                    }
                }
            }
        }
    }
    Ok(functions)
}

struct Orderer {
    first: Vec<u32>,
}

impl Reencode for Orderer {
    type Error = Infallible;

    fn parse_element_section(&mut self, elements: &mut ElementSection, section: ElementSectionReader<'_>) -> Result<(), Error<Infallible>> {
        elements.declared(Elements::Functions(Cow::Borrowed(&self.first)));
        utils::parse_element_section(self, elements, section)
    }

    /// One comes before all others.
    fn element_index(&mut self, element: u32) -> Result<u32, Error<Infallible>> {
        Ok(element + 1)
    }

    fn parse_custom_section(&mut self, _: &mut Module, _: CustomSectionReader<'_>) -> Result<(), Error<Infallible>> {
        Ok(())
    }
}
