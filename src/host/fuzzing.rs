//! What must hold of routes, and of what is logged.

use super::console::printable;
use super::route::{Route, RouteTable};
use crate::fuzzing::{parts, sentence, text};
use http::Method;
use std::collections::HashSet;

/// Methods that two routes at one place may have in common.
const METHODS: [Method; 4] = [Method::GET, Method::POST, Method::PUT, Method::DELETE];

/// A prefix, a path, and templates, each of which may have methods behind it.
pub(crate) fn route(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let parts = parts(&text);
    let [prefix, path, templates @ ..] = parts.as_slice() else { return };
    let (templates, methods): (Vec<&str>, Vec<_>) = templates.iter().take(6).map(|template| with_methods(template)).unzip();
    let name = |index: usize| format!("f{index}");
    let route_of = |(index, (template, methods)): (usize, (&&str, &Option<Vec<Method>>))| Route {
        function: name(index),
        template: (*template).to_owned(),
        methods: methods.clone(),
        target: index,
    };
    let routes = || templates.iter().zip(&methods).enumerate().map(route_of).collect();
    let (table, errors) = RouteTable::build(prefix, routes());
    assert_eq!(RouteTable::build(prefix, routes()).1, errors, "other errors the second time");
    for error in &errors {
        sentence(&error.to_string());
        assert!(!error.functions().is_empty());
    }
    for index in 0..templates.len() {
        let refused = errors.iter().any(|error| error.functions().contains(&name(index).as_str()));
        assert_ne!(table.path_of(&name(index)).is_some(), refused, "{} is neither served nor refused, or both", name(index));
    }
    let answers =
        |index: usize, method: &Method| methods[index].as_ref().is_none_or(|methods| methods.is_empty() || methods.contains(method));
    // One without a template is at its function's name.
    let named = |(index, template): &(usize, &&str)| table.path_of(&name(*index)).is_some() && !template.trim().is_empty();
    for (index, template) in templates.iter().enumerate().filter(named) {
        let twin = (0..index).find(|other| templates[*other] == *template && table.path_of(&name(*other)).is_some());
        let shared = twin.is_some_and(|twin| METHODS.iter().any(|method| answers(twin, method) && answers(index, method)));
        assert!(!shared, "{template:?} is served twice");
    }
    let found = table.find(&Method::GET, path);
    assert!(found.as_ref().is_none_or(|found| answers(*found.target, &Method::GET)), "a method that it does not answer");
    // What takes all the rest takes the slash too, and its constraints count it.
    if path.starts_with('/') && !path.ends_with('/') && !prefix.contains('*') && !templates.iter().any(|template| template.contains('*')) {
        let with_slash = table.find(&Method::GET, &format!("{path}/"));
        assert_eq!(found.as_ref().map(|found| found.target), with_slash.map(|found| found.target), "a slash at the end makes a difference");
    }
    let Some(found) = found else { return };
    let template = templates.get(*found.target).copied().unwrap_or_default();
    let values: Vec<(String, String)> = found.values.into();
    let names: HashSet<&str> = values.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), values.len(), "a value comes twice: {values:?}");
    for (name, value) in &values {
        assert!(template.contains(name.as_str()) || prefix.contains(name.as_str()), "{name} is in no template");
        // Only the rest of a path has several segments, and only a default is none of it.
        if !template.contains(['*', '=']) && !prefix.contains(['*', '=']) {
            assert!(!value.is_empty() && !value.contains('/'), "{name} is {value:?}");
        }
    }
}

/// What stands behind a template is its methods, with spaces between them.
fn with_methods(template: &str) -> (&str, Option<Vec<Method>>) {
    let methods = |text: &str| text.split(' ').filter_map(|method| method.parse().ok()).collect();
    template.split_once('\u{1f}').map_or((template, None), |(template, text)| (template, Some(methods(text))))
}

pub(crate) fn log_text(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let shown = printable(&text);
    let controls = |letter: char| letter.is_control() && letter != '\n' && letter != '\t';
    assert!(!shown.contains(controls), "{shown:?}");
    assert_eq!(printable(&shown), shown, "it changes each time");
    // At most a control character of one byte becomes the four of `\x1b`, one of three the eight of `\u{202e}`.
    assert!(shown.len() <= 4 * text.len());
    assert_eq!(shown.matches('\n').count(), text.matches('\n').count(), "lines come or go");
}
