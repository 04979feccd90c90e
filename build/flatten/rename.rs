//! Names of imports and exports: first such that Binaryen merges the right things, then such that the canonical ABI finds them.

use super::FlattenError;
use super::component::{Parts, Provider};
use std::collections::HashMap;
use std::convert::Infallible;
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{ExportSection, ImportSection, Module};
use wasmparser::{CustomSectionReader, Export, Import, ImportSectionReader, KnownCustom, Parser};

/// The libc's function that forgets the folders it was granted, and the name under which the world exports it.
const RESET: (&str, &str) = ("__wasilibc_reset_preopens", "reset-preopens");
/// CPython's function for what its interpreter finds pending. Its export is gone from the component: see `turns`.
pub(super) const PENDING: &str = "_Py_HandlePending";
/// The exports of componentize-py's own interface, which only the build of the guest needs.
const OF_THE_BUILD: [&str; 2] = ["exports#", "cabi_post_exports#"];

/// The name under which an instance's module is merged.
pub(super) fn module_name(instance: usize) -> String {
    format!("instance-{instance}")
}

/// The name of an export while modules are merged: no two are the same.
fn merged_name(instance: usize, name: &str) -> String {
    format!("{instance} {name}")
}

/// An instance's module, with each import named after whoever provides it and each export by a name that nothing else has.
pub(super) fn for_merging(parts: &Parts<'_>, instance: usize, module: &[u8]) -> Result<Vec<u8>, FlattenError> {
    rewrite(module, |import| parts.provider(instance, import.module, import.name), |name| Some(merged_name(instance, name)))
}

/// The merged module with the exports that the component is made of, under the canonical ABI's names, the reset, and what is pending. Others are dropped.
pub(super) fn for_the_component(parts: &Parts<'_>, merged: &[u8]) -> Result<Vec<u8>, FlattenError> {
    let used = parts.used()?;
    let mut names: HashMap<String, String> = HashMap::new();
    let mut name = |provider: &Provider, name: &str| names.insert(merged_name(provider.instance, &provider.name), name.to_owned());
    for function in used.functions.iter().filter(|function| !OF_THE_BUILD.iter().any(|start| function.name.starts_with(start))) {
        name(function, &function.name);
    }
    name(&used.realloc, "cabi_realloc");
    name(&used.memory, "memory");
    name(&parts.exporter(RESET.0)?, RESET.1);
    name(&parts.exporter(PENDING)?, PENDING);
    let wanted = names.len();
    let mut found = 0;
    let module = rewrite(merged, |_| Ok(None), |name| names.get(name).cloned().inspect(|_| found += 1))?;
    if found == wanted { Ok(module) } else { Err(FlattenError::Shape(format!("of {wanted} exports only {found} are left after merging"))) }
}

/// A module with other names: `provider` names who provides an import (nothing: it stays as it is), `export` names an export (nothing: it is dropped).
fn rewrite(
    module: &[u8],
    provider: impl FnMut(&Import<'_>) -> Result<Option<Provider>, FlattenError>,
    export: impl FnMut(&str) -> Option<String>,
) -> Result<Vec<u8>, FlattenError> {
    let mut renamer = Renamer { provider, export, problem: None };
    let mut rewritten = Module::new();
    renamer.parse_core_module(&mut rewritten, Parser::new(0), module).map_err(|error| FlattenError::Write(error.to_string()))?;
    match renamer.problem {
        Some(problem) => Err(problem),
        None => Ok(rewritten.finish()),
    }
}

struct Renamer<P, E> {
    provider: P,
    export: E,
    problem: Option<FlattenError>,
}

impl<P, E> Reencode for Renamer<P, E>
where
    P: FnMut(&Import<'_>) -> Result<Option<Provider>, FlattenError>,
    E: FnMut(&str) -> Option<String>,
{
    type Error = Infallible;

    fn parse_import_section(&mut self, imports: &mut ImportSection, section: ImportSectionReader<'_>) -> Result<(), Error<Infallible>> {
        for import in section.into_imports() {
            let import = import?;
            let kind = self.entity_type(import.ty)?;
            match (self.provider)(&import) {
                Ok(Some(provider)) => {
                    imports.import(&module_name(provider.instance), &merged_name(provider.instance, &provider.name), kind);
                }
                Ok(None) => {
                    imports.import(import.module, import.name, kind);
                }
                Err(problem) => self.problem = Some(problem),
            }
        }
        Ok(())
    }

    fn parse_export(&mut self, exports: &mut ExportSection, export: Export<'_>) -> Result<(), Error<Infallible>> {
        if let Some(name) = (self.export)(export.name) {
            exports.export(&name, self.export_kind(export.kind)?, self.external_index(export.kind, export.index)?);
        }
        Ok(())
    }

    /// Linking is over: what the linker knew of a module is of no use any more, and wrong after merging. The functions' names are of use (`order`).
    fn parse_custom_section(&mut self, module: &mut Module, section: CustomSectionReader<'_>) -> Result<(), Error<Infallible>> {
        if let KnownCustom::Name(_) = section.as_known() {
            utils::parse_custom_section(self, module, section)?;
        }
        Ok(())
    }
}
