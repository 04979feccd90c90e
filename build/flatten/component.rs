//! Takes a component apart: its core modules, how they are instantiated, and which of them provides what to whom.

use super::FlattenError;
use std::collections::HashMap;
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind, ExternalKind, Instance, Parser, Payload, Validator,
    WasmFeatures,
};

/// The core of a component.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    modules: Vec<&'a [u8]>,
    instances: Vec<CoreInstance<'a>>,
    functions: Vec<Item<'a>>,
    tables: Vec<Item<'a>>,
    memories: Vec<Item<'a>>,
    globals: Vec<Item<'a>>,
    lifts: Vec<(u32, Box<[CanonicalOption]>)>,
}

#[derive(Debug)]
enum CoreInstance<'a> {
    Module { module: usize, arguments: HashMap<&'a str, usize> },
    Exports(HashMap<&'a str, (ExternalKind, u32)>),
}

/// An entry of a component's core index spaces.
#[derive(Debug, Clone, Copy)]
enum Item<'a> {
    /// An instance's export.
    Alias(usize, &'a str),
    /// Made by the canonical ABI: an import of the component, seen by the core.
    Canonical,
}

/// An export of an instance of a module.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Provider {
    /// Which instance.
    pub(super) instance: usize,
    /// The export's name.
    pub(super) name: String,
}

/// What the component takes from its core to make its exports.
#[derive(Debug)]
pub(super) struct Used {
    /// Functions that are lifted, and those that clean up after them.
    pub(super) functions: Vec<Provider>,
    /// The allocator that arguments are put into.
    pub(super) realloc: Provider,
    /// The memory.
    pub(super) memory: Provider,
}

// === impl Parts ===

impl<'a> Parts<'a> {
    /// Reads a component. What lies in nested components does not concern its core.
    pub(super) fn read(component: &'a [u8]) -> Result<Self, FlattenError> {
        Validator::new_with_features(WasmFeatures::all()).validate_all(component)?;
        let mut parts = Parts::default();
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::ComponentSection { .. } => depth += 1,
                Payload::ModuleSection { unchecked_range, .. } => {
                    if depth == 0 {
                        parts.modules.push(&component[unchecked_range]);
                    }
                    depth += 1;
                }
                Payload::End(_) => depth = depth.saturating_sub(1),
                other if depth == 0 => parts.take(other)?,
                _ => {}
            }
        }
        Ok(parts)
    }

    fn take(&mut self, payload: Payload<'a>) -> Result<(), FlattenError> {
        match payload {
            Payload::InstanceSection(section) => {
                for instance in section {
                    self.instances.push(CoreInstance::of(instance?));
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    match alias? {
                        ComponentAlias::CoreInstanceExport { kind, instance_index, name } => {
                            let item = Item::Alias(instance_index as usize, name);
                            self.space_mut(kind)?.push(item);
                        }
                        ComponentAlias::InstanceExport { kind: ComponentExternalKind::Module, name, .. } => {
                            return Err(FlattenError::Shape(format!(
                                "its core module {name} comes from elsewhere: its code is not at hand"
                            )));
                        }
                        _ => {}
                    }
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    match function? {
                        CanonicalFunction::Lift { core_func_index, options, .. } => self.lifts.push((core_func_index, options)),
                        _ => self.functions.push(Item::Canonical),
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn space(&self, kind: ExternalKind) -> Result<&Vec<Item<'a>>, FlattenError> {
        match kind {
            ExternalKind::Func => Ok(&self.functions),
            ExternalKind::Table => Ok(&self.tables),
            ExternalKind::Memory => Ok(&self.memories),
            ExternalKind::Global => Ok(&self.globals),
            other => Err(FlattenError::Shape(format!(
                "the component's core has an export of kind {other:?}, which the linker of Python's modules never made"
            ))),
        }
    }

    fn space_mut(&mut self, kind: ExternalKind) -> Result<&mut Vec<Item<'a>>, FlattenError> {
        match kind {
            ExternalKind::Func => Ok(&mut self.functions),
            ExternalKind::Table => Ok(&mut self.tables),
            ExternalKind::Memory => Ok(&mut self.memories),
            ExternalKind::Global => Ok(&mut self.globals),
            other => Err(FlattenError::Shape(format!(
                "the component's core has an alias of kind {other:?}, which the linker of Python's modules never made"
            ))),
        }
    }

    /// The instances of modules that hold code: those of the linker's own shim, which only stand for what is not there yet, are left out.
    pub(super) fn instances(&self) -> impl Iterator<Item = (usize, &'a [u8])> {
        let shims = self.shims();
        self.instances.iter().enumerate().filter_map(move |(number, instance)| match instance {
            CoreInstance::Module { module, .. } if !shims.contains(&Some(number)) => Some((number, self.modules[*module])),
            _ => None,
        })
    }

    /// The shim, whose functions call through a table that it exports, and the instance that fills the table.
    fn shims(&self) -> [Option<usize>; 2] {
        let find = |is_it: fn(&[u8]) -> bool| {
            self.instances
                .iter()
                .position(|instance| matches!(instance, CoreInstance::Module { module, .. } if is_it(self.modules[*module])))
        };
        [find(exports_table), find(fills_table)]
    }

    /// Who provides an import of an instance; nothing where it is the component's own import.
    pub(super) fn provider(&self, instance: usize, module: &str, field: &str) -> Result<Option<Provider>, FlattenError> {
        let missing = || FlattenError::Shape(format!("nothing provides the import {module} {field} of core instance {instance}"));
        match &self.instances[instance] {
            CoreInstance::Module { arguments, .. } => self.export(*arguments.get(module).ok_or_else(missing)?, field),
            CoreInstance::Exports(_) => Err(missing()),
        }
    }

    /// Who provides an export of an instance.
    fn export(&self, instance: usize, name: &str) -> Result<Option<Provider>, FlattenError> {
        let missing = || FlattenError::Shape(format!("core instance {instance} has no export {name}"));
        let [shim, fixups] = self.shims();
        if Some(instance) == shim && name != TABLE {
            // The shim's functions are those that the fixups put into its table, under the same names.
            let CoreInstance::Module { arguments, .. } = &self.instances[fixups.ok_or_else(missing)?] else { return Err(missing()) };
            return self.export(*arguments.get("").ok_or_else(missing)?, name);
        }
        match &self.instances[instance] {
            CoreInstance::Module { .. } => Ok(Some(Provider { instance, name: name.to_owned() })),
            CoreInstance::Exports(exports) => {
                let (kind, index) = exports.get(name).ok_or_else(missing)?;
                self.item(*kind, *index)
            }
        }
    }

    fn item(&self, kind: ExternalKind, index: u32) -> Result<Option<Provider>, FlattenError> {
        match self.space(kind)?.get(index as usize) {
            Some(Item::Alias(instance, name)) => self.export(*instance, name),
            Some(Item::Canonical) => Ok(None),
            None => Err(FlattenError::Shape(format!("the component refers to core {kind:?} {index}, which it does not have"))),
        }
    }

    /// The instance that exports a function of this name: the one, as the C library is linked once.
    pub(super) fn exporter(&self, function: &str) -> Result<Provider, FlattenError> {
        let exports = |module: &[u8]| {
            Parser::new(0).parse_all(module).any(|payload| match payload {
                Ok(Payload::ExportSection(section)) => section.into_iter().flatten().any(|export| export.name == function),
                _ => false,
            })
        };
        let mut found = self.instances().filter(|(_, module)| exports(module)).map(|(instance, _)| instance);
        match (found.next(), found.next()) {
            (Some(instance), None) => Ok(Provider { instance, name: function.to_owned() }),
            (None, _) => Err(FlattenError::Shape(format!("no module exports {function}: open folders would be lost in copies"))),
            (Some(_), Some(_)) => Err(FlattenError::Shape(format!("several modules export {function}"))),
        }
    }

    /// What the component's exports are made of.
    pub(super) fn used(&self) -> Result<Used, FlattenError> {
        let own = |kind, index| {
            self.item(kind, index)?
                .ok_or_else(|| FlattenError::Shape(format!("core {kind:?} {index} is exported but comes from an import")))
        };
        let (mut functions, mut realloc, mut memory) = (Vec::new(), None, None);
        for (function, options) in &self.lifts {
            functions.push(own(ExternalKind::Func, *function)?);
            for option in options {
                match option {
                    CanonicalOption::PostReturn(index) => functions.push(own(ExternalKind::Func, *index)?),
                    CanonicalOption::Realloc(index) => realloc = Some(own(ExternalKind::Func, *index)?),
                    CanonicalOption::Memory(index) => memory = Some(own(ExternalKind::Memory, *index)?),
                    _ => {}
                }
            }
        }
        functions.sort();
        functions.dedup();
        let missing = |what: &str| FlattenError::Shape(format!("no export of the component names its {what}"));
        Ok(Used { functions, realloc: realloc.ok_or_else(|| missing("allocator"))?, memory: memory.ok_or_else(|| missing("memory"))? })
    }
}

impl<'a> CoreInstance<'a> {
    fn of(instance: Instance<'a>) -> Self {
        match instance {
            Instance::Instantiate { module_index, args } => CoreInstance::Module {
                module: module_index as usize,
                arguments: args.iter().map(|argument| (argument.name, argument.index as usize)).collect(),
            },
            Instance::FromExports(exports) => {
                CoreInstance::Exports(exports.iter().map(|export| (export.name, (export.kind, export.index))).collect())
            }
        }
    }
}

/// The table of functions that are not there yet when the modules are linked, as the component's linker names it.
const TABLE: &str = "$imports";

fn exports_table(module: &[u8]) -> bool {
    Parser::new(0).parse_all(module).any(|payload| match payload {
        Ok(Payload::ExportSection(section)) => section.into_iter().flatten().any(|export| export.name == TABLE),
        _ => false,
    })
}

fn fills_table(module: &[u8]) -> bool {
    Parser::new(0).parse_all(module).any(|payload| match payload {
        Ok(Payload::ImportSection(section)) => {
            section.into_imports().flatten().any(|import| import.module.is_empty() && import.name == TABLE)
        }
        _ => false,
    })
}
