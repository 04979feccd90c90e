//! All routes of an app: built once, then asked for each request.

use super::constraint::Room;
use super::error::{RouteError, TemplateError};
use super::matching::{Captures, Path, decode};
use super::template::{Segment, Template};
use super::{Found, Route, RouteValues, parse};
use http::Method;
use std::collections::{HashMap, HashSet};

/// What no route may begin with, in any case of letters: these paths are the host's own.
const RESERVED: [&str; 2] = ["admin", "runtime"];
/// Bytes of the longest prefix: each route holds it.
const LONGEST_PREFIX: usize = 1024;

/// The routes that can be used, those to try first before the others.
#[derive(Debug)]
pub struct RouteTable<T> {
    entries: Vec<Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    function: String,
    /// As the user wrote it.
    written: String,
    /// With the prefix, as the user wrote it.
    path: String,
    template: Template,
    /// Nothing: all.
    methods: Option<Vec<Method>>,
    target: T,
}

// === impl RouteTable ===

impl<T> RouteTable<T> {
    /// Reads the templates of all routes. What is wrong with some does not touch the others.
    #[must_use]
    pub fn build(prefix: &str, routes: Vec<Route<T>>) -> (RouteTable<T>, Vec<RouteError>) {
        let prefix = prefix.trim_matches('/');
        if prefix.len() > LONGEST_PREFIX {
            let shown: String = prefix.chars().take(32).chain(['…']).collect();
            return (RouteTable { entries: Vec::new() }, prefix_error(routes, &shown, TemplateError::LongPrefix(LONGEST_PREFIX)));
        }
        let mut room = Room::default();
        let prefix_segments = match parse_prefix(prefix, &mut room) {
            Ok(segments) => segments,
            Err(problem) => return (RouteTable { entries: Vec::new() }, prefix_error(routes, prefix, problem)),
        };
        let mut entries = Vec::with_capacity(routes.len());
        let mut errors = Vec::new();
        for route in routes {
            match Entry::of(route, prefix, &prefix_segments, &mut room) {
                Ok(entry) => entries.push(entry),
                Err(error) => errors.push(error),
            }
        }
        errors.extend(remove_conflicts(&mut entries));
        // Stable: the order given decides where ranks are the same.
        entries.sort_by_cached_key(|entry| entry.template.rank());
        (RouteTable { entries }, errors)
    }

    /// What answers a request for a path, still percent-encoded and without its query. A slash more or less at its end makes no difference,
    /// but to a catch-all, which takes it too.
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Option<Found<'_, T>> {
        let decoded = decode(path);
        let path = Path::of(&decoded)?;
        let mut captures = Captures::new();
        let entry = self.entries.iter().find(|entry| entry.answers(method) && entry.template.matches(&path, &mut captures))?;
        let values = captures.iter().map(|(parameter, value)| (parameter.name.clone(), (*value).to_owned())).collect();
        Some(Found { target: &entry.target, values: RouteValues(values) })
    }

    /// Where each function answers, by its name: see [`RouteTable::path_of`].
    pub(in crate::host) fn paths(&self) -> HashMap<&str, &str> {
        self.entries.iter().map(|entry| (entry.function.as_str(), entry.path.as_str())).collect()
    }

    /// Where a function answers: the prefix and the template as the user wrote it, such as `/api/products/{category:alpha}/{id:int?}`. Nothing for a
    /// function whose route can't be used.
    #[must_use]
    pub fn path_of(&self, function: &str) -> Option<&str> {
        self.entries.iter().find(|entry| entry.function == function).map(|entry| entry.path.as_str())
    }
}

fn parse_prefix(prefix: &str, room: &mut Room) -> Result<Vec<Segment>, TemplateError> {
    Ok(Template::join(&[], parse::segments(prefix, room)?)?.segments)
}

fn prefix_error<T>(routes: Vec<Route<T>>, prefix: &str, problem: TemplateError) -> Vec<RouteError> {
    let functions: Vec<_> = routes.into_iter().map(|route| route.function).collect();
    if functions.is_empty() { Vec::new() } else { vec![RouteError::Prefix { functions, prefix: prefix.to_owned(), problem }] }
}

// === impl Entry ===

impl<T> Entry<T> {
    fn of(route: Route<T>, prefix: &str, prefix_segments: &[Segment], room: &mut Room) -> Result<Entry<T>, RouteError> {
        let Route { function, template: written, methods, target } = route;
        let own = if written.trim().is_empty() { &function } else { &written };
        let path = printed(prefix, own);
        match parse::segments(own, room).and_then(|segments| Template::join(prefix_segments, segments)) {
            Ok(template) if is_reserved(own) || RESERVED.iter().any(|word| template.begins_with(word)) => {
                Err(RouteError::Reserved { template: own.clone(), function, path })
            }
            Ok(template) => {
                let methods = methods.filter(|methods| !methods.is_empty());
                Ok(Entry { written: own.clone(), function, path, template, methods, target })
            }
            Err(problem) => Err(RouteError::Template { template: own.clone(), function, problem }),
        }
    }

    fn answers(&self, method: &Method) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.contains(method))
    }
}

fn printed(prefix: &str, template: &str) -> String {
    let parts = [prefix, template.trim_matches('/')];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("/{}", parts.join("/"))
}

/// Takes out routes that differ in nothing a request could show.
fn remove_conflicts<T>(entries: &mut Vec<Entry<T>>) -> Vec<RouteError> {
    let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, entry) in entries.iter().enumerate() {
        groups.entry(entry.template.shape()).or_default().push(index);
    }
    let mut clashes: Vec<_> = groups.into_values().flat_map(|group| clashes(entries, group)).collect();
    clashes.sort_unstable();
    let errors = clashes.iter().filter_map(|clash| conflict(entries, clash)).collect();
    let refused: HashSet<usize> = clashes.into_iter().flatten().collect();
    let mut index = 0..;
    entries.retain(|_| index.next().is_none_or(|index| !refused.contains(&index)));
    errors
}

/// Of routes with one shape: those that share methods, with each other or by way of a third.
fn clashes<T>(entries: &[Entry<T>], group: Vec<usize>) -> Vec<Vec<usize>> {
    let methods = |index: usize| entries.get(index).and_then(|entry| entry.methods.as_deref());
    if group.iter().any(|index| methods(*index).is_none()) {
        // One that answers all methods shares some with each of the others.
        return if group.len() > 1 { vec![group] } else { Vec::new() };
    }
    let mut sharing: HashMap<&Method, Vec<usize>> = HashMap::new();
    for index in &group {
        methods(*index).unwrap_or_default().iter().for_each(|method| sharing.entry(method).or_default().push(*index));
    }
    let mut seen = HashSet::new();
    let mut clashes = Vec::new();
    for first in group {
        let mut clash = Vec::new();
        let mut waiting = vec![first];
        while let Some(member) = waiting.pop() {
            if seen.insert(member) {
                clash.push(member);
                waiting.extend(methods(member).unwrap_or_default().iter().filter_map(|method| sharing.remove(method)).flatten());
            }
        }
        if clash.len() > 1 {
            clash.sort_unstable();
            clashes.push(clash);
        }
    }
    clashes
}

fn conflict<T>(entries: &[Entry<T>], clash: &[usize]) -> Option<RouteError> {
    let template = entries.get(*clash.first()?)?.written.clone();
    let functions = clash.iter().filter_map(|index| entries.get(*index)).map(|entry| entry.function.clone()).collect();
    Some(RouteError::Conflict { functions, template })
}

/// Whether the Functions host would refuse a route: it looks at its first letters only, and not at the prefix.
fn is_reserved(route: &str) -> bool {
    let route = route.trim_start_matches('/').to_ascii_lowercase();
    RESERVED.iter().any(|word| route.starts_with(word))
}
