//! Makes a component of the flattened module: the guest's own world without what only its build needs, and with the reset.

use super::FlattenError;
use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding, embed_component_metadata};
use wit_parser::{Function, FunctionKind, Resolve, WorldId, WorldItem, WorldKey};

/// The export that the world does not have and gets: a function without parameters and result.
const RESET: &str = "reset-preopens";
/// componentize-py's own interface.
const OF_THE_BUILD: &str = "exports";

/// A component of one core module, with the world of another component.
pub(super) fn component_of(mut module: Vec<u8>, original: &[u8]) -> Result<Vec<u8>, FlattenError> {
    let (mut resolve, world) = match wit_component::decode(original).map_err(FlattenError::Component)? {
        DecodedWasm::Component(resolve, world) => (resolve, world),
        DecodedWasm::WitPackage(..) => return Err(FlattenError::Shape("it is a package of interfaces, no component".into())),
    };
    adapt(&mut resolve, world);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).map_err(FlattenError::Component)?;
    let encode = || ComponentEncoder::default().module(&module)?.validate(true).encode();
    encode().map_err(FlattenError::Component)
}

fn adapt(resolve: &mut Resolve, world: WorldId) {
    let exports = &mut resolve.worlds[world].exports;
    exports.retain(|key, _| !matches!(key, WorldKey::Name(name) if name == OF_THE_BUILD));
    let reset = Function {
        name: RESET.to_owned(),
        kind: FunctionKind::Freestanding,
        params: Vec::new(),
        result: None,
        external_id: None,
        docs: Default::default(),
        stability: Default::default(),
        span: Default::default(),
    };
    exports.insert(WorldKey::Name(RESET.to_owned()), WorldItem::Function(reset));
}
