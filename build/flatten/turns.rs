//! Lets the sandbox interrupt the guest: puts looks at a sign into its code, wherever code can go round in a circle.
//!
//! The sign is a second memory of two numbers, which only the host writes. While the first is zero, the code goes on; else it calls a function that asks the host for
//! more of that memory, and the host gives the turn to others (or never comes back), takes the sign down, and refuses. This is what wasmtime's epochs are
//! for. By `memory.grow`, because a call of an imported function is not always allowed in a component, as in `cabi_realloc`.
//!
//! A look is at the head of each loop, and at the beginning of functions through which all circles of calls lead (`cycles`). It costs next to nothing but where
//! registers are short, which a call needs all of: in CPython's interpreter, whose loop runs once for each bytecode, it took a seventh of all
//! time. There the looks are others:
//!
//! - Where the interpreter looks for pending work of its own (as it does before it jumps back, and when a function begins), it sees the sign too, and calls
//!   what handles such work, which begins with a look.
//! - Its loops look at the second number only, and trap where that is not zero. The host sets it where the first one had no effect for long, as it
//!   would be with bytecode that no compiler makes.

use super::FlattenError;
use super::cycles::{self, Calls};
use super::rename::PENDING;
use std::collections::{HashMap, HashSet};
use wasm_encoder::reencode::{Error, Reencode, RoundtripReencoder};
use wasm_encoder::{
    BlockType, BranchHint, BranchHints, CodeSection, Encode, ExportSection, Function, FunctionSection, Instruction, MemArg, MemorySection,
    MemoryType, Module, RawSection, TypeSection,
};
use wasmparser::{ElementItems, FuncType, FunctionBody, Operator, Parser, Payload, TypeRef};

/// The index of the sign's memory.
pub(crate) const SIGN: u32 = 1;
/// Bytes of the sign; its memory has pages of one byte.
const SIGN_BYTES: u64 = 8;
/// Where the sign says that others want a turn.
const TURN: u64 = 0;
/// Where it says that all is over.
const STOP: u64 = 4;
/// A function that calls for pending work so often is the interpreter.
const INTERPRETS: usize = 4;

/// What a module's code calls, and how much of everything there is before something is added.
#[derive(Default)]
struct Outline {
    types: Vec<FuncType>,
    /// For each function, imported ones first, its type.
    functions: Vec<u32>,
    imported: u32,
    memories: u32,
    /// The functions that a table holds.
    in_tables: HashSet<u32>,
    calls: Calls,
    /// CPython's function for pending work, if it is told.
    pending: Option<u32>,
}

/// How a function gets its looks.
enum Looks {
    /// At loops' heads, and where this is true at the beginning.
    Usual(bool),
    /// As the interpreter, which looks for pending work by such loads.
    Interpreter(Flag),
}

/// The byte that says whether work is pending: where a parameter points, and so far behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Flag {
    parameter: u32,
    offset: u64,
}

/// The module with looks at the sign. It must have one memory and no data: what a section counts in bytes does not stay right otherwise.
pub(crate) fn insert(module: &[u8]) -> Result<Vec<u8>, FlattenError> {
    let outline = Outline::of(module)?;
    if outline.memories != SIGN {
        return Err(FlattenError::Shape(format!("it has {} memories where the sign was to be the second", outline.memories)));
    }
    let mut cut = cycles::cut(&outline.calls);
    cut.extend(outline.pending);
    let count = |length: usize| u32::try_from(length).map_err(|_| FlattenError::Shape("it has too many functions".into()));
    let (new_type, give_way) = (count(outline.types.len())?, count(outline.functions.len())?);
    let (mut code, mut hints, mut defined) = (CodeSection::new(), BranchHints::new(), outline.imported);
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::CodeSectionEntry(body) = payload? {
            let looks = match interpreter(&body, outline.pending)? {
                Some(flag) => Looks::Interpreter(flag),
                None => Looks::Usual(cut.contains(&defined)),
            };
            let (body, of_body) = with_looks(&body, module, &looks, give_way)?;
            code.raw(&body);
            if !of_body.is_empty() {
                hints.function_hints(defined, of_body);
            }
            defined += 1;
        }
    }
    code.function(&giving_way());
    let mut result = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        match payload {
            Payload::TypeSection(section) => {
                let mut types = TypeSection::new();
                RoundtripReencoder.parse_type_section(&mut types, section).map_err(write)?;
                types.ty().function([], []);
                result.section(&types);
            }
            Payload::FunctionSection(section) => {
                let mut functions = FunctionSection::new();
                RoundtripReencoder.parse_function_section(&mut functions, section).map_err(write)?;
                functions.function(new_type);
                result.section(&functions);
            }
            Payload::MemorySection(section) => {
                let mut memories = MemorySection::new();
                RoundtripReencoder.parse_memory_section(&mut memories, section).map_err(write)?;
                // It never grows, but asks to: the maximum must be above what it has.
                let maximum = Some(2 * SIGN_BYTES);
                memories.memory(MemoryType { minimum: SIGN_BYTES, maximum, memory64: false, shared: false, page_size_log2: Some(0) });
                result.section(&memories);
            }
            Payload::ExportSection(section) => {
                let mut exports = ExportSection::new();
                for export in section {
                    let export = export?;
                    if export.name != PENDING {
                        RoundtripReencoder.parse_export(&mut exports, export).map_err(write)?;
                    }
                }
                result.section(&exports);
            }
            Payload::CodeSectionStart { .. } => {
                result.section(&hints);
                result.section(&code);
            }
            _ => {
                if let Some((id, range)) = payload.as_section() {
                    result.section(&RawSection { id, data: &module[range] });
                }
            }
        }
    }
    Ok(result.finish())
}

fn write(error: Error) -> FlattenError {
    FlattenError::Write(error.to_string())
}

/// A function's body with looks.
fn with_looks(body: &FunctionBody<'_>, module: &[u8], looks: &Looks, give_way: u32) -> Result<(Vec<u8>, Vec<BranchHint>), FlattenError> {
    let range = body.range();
    let mut operators = body.get_operators_reader()?;
    let mut done = operators.original_position();
    let mut result = Looking { body: module[range.start..done].to_vec(), hints: Vec::new() };
    if let Looks::Usual(true) = looks {
        result.look(TURN, &Instruction::Call(give_way))?;
    }
    let mut last = Last::default();
    while !operators.eof() {
        let operator = operators.read()?;
        let flag = last.then(&operator);
        let is_loop = matches!(operator, Operator::Loop { .. });
        let of_interest = is_loop || matches!(looks, Looks::Interpreter(wanted) if flag == Some(*wanted));
        if !of_interest {
            continue;
        }
        let end = operators.original_position();
        result.body.extend_from_slice(&module[done..end]);
        done = end;
        match looks {
            Looks::Usual(_) => result.look(TURN, &Instruction::Call(give_way))?,
            Looks::Interpreter(_) if is_loop => result.look(STOP, &Instruction::Unreachable)?,
            Looks::Interpreter(_) => result.add_to_flag(),
        }
    }
    result.body.extend_from_slice(&module[done..range.end]);
    Ok((result.body, result.hints))
}

/// Whether a function is the interpreter, and how it looks for pending work then: before each call of what handles it, by a load of one and the same byte.
fn interpreter(body: &FunctionBody<'_>, pending: Option<u32>) -> Result<Option<Flag>, FlattenError> {
    let Some(pending) = pending else { return Ok(None) };
    let (mut calls, mut loads, mut last) = (0, HashMap::<Flag, usize>::new(), Last::default());
    for operator in body.get_operators_reader()? {
        let operator = operator?;
        if let Some(flag) = last.then(&operator) {
            *loads.entry(flag).or_default() += 1;
        }
        calls += usize::from(matches!(operator, Operator::Call { function_index } if function_index == pending));
    }
    if calls < INTERPRETS {
        return Ok(None);
    }
    let mut flags = loads.into_iter().filter(|(_, count)| *count == calls);
    match (flags.next(), flags.next()) {
        (Some((flag, _)), None) => Ok(Some(flag)),
        _ => Err(FlattenError::Shape(format!(
            "CPython's interpreter calls {PENDING} {calls} times, but where it looks whether to was not found"
        ))),
    }
}

/// A function's code that gets looks.
struct Looking {
    body: Vec<u8>,
    hints: Vec<BranchHint>,
}

/// The last operators, as far as they may lead to a load of a flag.
#[derive(Default)]
enum Last {
    #[default]
    Other,
    Parameter(u32),
    Constant(u32, u64),
    Sum(Flag),
}

// === impl Looking ===

impl Looking {
    /// `(if (i32.load $sign offset=… (i32.const 0)) (then …))`, and the hint that it is not taken.
    fn look(&mut self, at: u64, then: &Instruction<'_>) -> Result<(), FlattenError> {
        Instruction::I32Const(0).encode(&mut self.body);
        Instruction::I32Load(MemArg { offset: at, align: 2, memory_index: SIGN }).encode(&mut self.body);
        let place = u32::try_from(self.body.len()).map_err(|_| FlattenError::Shape("a function is too long".into()))?;
        self.hints.push(BranchHint { branch_func_offset: place, branch_hint_value: 0 });
        Instruction::If(BlockType::Empty).encode(&mut self.body);
        then.encode(&mut self.body);
        Instruction::End.encode(&mut self.body);
        Ok(())
    }

    /// `(i32.or … (i32.load $sign (i32.const 0)))`.
    fn add_to_flag(&mut self) {
        Instruction::I32Const(0).encode(&mut self.body);
        Instruction::I32Load(MemArg { offset: TURN, align: 2, memory_index: SIGN }).encode(&mut self.body);
        Instruction::I32Or.encode(&mut self.body);
    }
}

// === impl Last ===

impl Last {
    /// Takes the next operator. If it loads a byte from where a parameter points, and so far behind, says so.
    fn then(&mut self, operator: &Operator<'_>) -> Option<Flag> {
        let (next, flag) = match (&*self, operator) {
            (_, Operator::LocalGet { local_index }) => (Last::Parameter(*local_index), None),
            (Last::Parameter(parameter), Operator::I32Const { value }) => match u64::try_from(*value) {
                Ok(offset) => (Last::Constant(*parameter, offset), None),
                Err(_) => (Last::Other, None),
            },
            (Last::Constant(parameter, offset), Operator::I32Add) => (Last::Sum(Flag { parameter: *parameter, offset: *offset }), None),
            (Last::Sum(flag), Operator::I32Load8U { memarg }) => (Last::Other, Some(Flag { offset: flag.offset + memarg.offset, ..*flag })),
            (Last::Parameter(parameter), Operator::I32Load8U { memarg }) => {
                (Last::Other, Some(Flag { parameter: *parameter, offset: memarg.offset }))
            }
            _ => (Last::Other, None),
        };
        *self = next;
        flag
    }
}

/// Asks for more of the sign's memory, which is the host's turn.
fn giving_way() -> Function {
    let mut function = Function::new([]);
    function.instructions().i32_const(1).memory_grow(SIGN).drop().end();
    function
}

// === impl Outline ===

impl Outline {
    fn of(module: &[u8]) -> Result<Outline, FlattenError> {
        let mut outline = Outline::default();
        let mut bodies = Vec::new();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(section) => outline.types = section.into_iter_err_on_gc_types().collect::<Result<_, _>>()?,
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        if let TypeRef::Func(of_type) = import?.ty {
                            outline.functions.push(of_type);
                            outline.imported += 1;
                        }
                    }
                }
                Payload::FunctionSection(section) => {
                    for of_type in section {
                        outline.functions.push(of_type?);
                    }
                }
                Payload::MemorySection(section) => outline.memories = section.count(),
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        if export.name == PENDING {
                            outline.pending = Some(export.index);
                        }
                    }
                }
                Payload::ElementSection(section) => {
                    for element in section {
                        match element?.items {
                            ElementItems::Functions(functions) => {
                                for function in functions {
                                    outline.in_tables.insert(function?);
                                }
                            }
                            ElementItems::Expressions(_, expressions) => {
                                for expression in expressions {
                                    for operator in expression?.get_operators_reader() {
                                        if let Operator::RefFunc { function_index } = operator? {
                                            outline.in_tables.insert(function_index);
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => bodies.push(body),
                _ => {}
            }
        }
        outline.calls = outline.calls(&bodies)?;
        Ok(outline)
    }

    fn calls(&self, bodies: &[FunctionBody<'_>]) -> Result<Calls, FlattenError> {
        let functions = self.functions.len();
        // A call through a table may come to each function of its type that a table holds: over one point for all types that are the same.
        let point = |of_type: u32| {
            let wanted = &self.types[of_type as usize];
            self.types.iter().position(|known| known == wanted).map_or(functions, |first| functions + first)
        };
        let points: Vec<_> = (0..).take(self.types.len()).map(point).collect();
        // What an imported function does ends: it is the host's. That it may call the guest's allocator is no circle.
        let mut next: Vec<Vec<u32>> = vec![Vec::new(); functions + self.types.len()];
        for (of, body) in (self.imported as usize..).zip(bodies) {
            let mut called = HashSet::new();
            for operator in body.get_operators_reader()? {
                match operator? {
                    Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                        called.insert(function_index as usize);
                    }
                    Operator::CallIndirect { type_index, .. } | Operator::ReturnCallIndirect { type_index, .. } => {
                        called.insert(points[type_index as usize]);
                    }
                    Operator::CallRef { .. } | Operator::ReturnCallRef { .. } => {
                        return Err(FlattenError::Shape("it calls by reference: nobody knows which function".into()));
                    }
                    _ => {}
                }
            }
            next[of] = called.into_iter().filter_map(|node| u32::try_from(node).ok()).collect();
            next[of].sort_unstable();
        }
        for &function in &self.in_tables {
            next[points[self.functions[function as usize] as usize]].push(function);
        }
        next.iter_mut().for_each(|ends| ends.sort_unstable());
        Ok(Calls { functions, next })
    }
}
