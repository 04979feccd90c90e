//! An app's functions as the host sees them: which can run, which can't and why, and at which routes they answer.

use super::route::{Route, RouteError, RouteTable};
use super::router::Target;
use crate::app::{App, Binding, DataType, Direction, FieldError, Function};
use crate::bindings::http::{self as http_binding, HttpTrigger};
use crate::sandbox::api::{self, Failure, FunctionSource, LoadedFunction, paths};
use http::Method;

/// All functions of an app.
#[derive(Debug)]
pub struct Functions {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    trigger: String,
    /// What function.json says, where it could be read.
    function: Option<Function>,
    http: Option<HttpTrigger>,
    /// Where it answers, below the address.
    path: Option<String>,
    state: State,
}

#[derive(Debug)]
enum State {
    Ready,
    Disabled,
    Broken(Failure),
}

/// A function as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its trigger's type; empty where it is not known.
    pub trigger: String,
    methods: Option<Vec<Method>>,
    path: Option<String>,
    status: &'static str,
}

// === impl Functions ===

impl Functions {
    /// What can be said before the code is loaded.
    #[must_use]
    pub fn of(app: &App) -> Self {
        let readable = app.functions.iter().map(|function| Entry::of(function.clone()));
        let unreadable = app.broken.iter().map(|broken| Entry {
            name: broken.name.clone(),
            trigger: String::new(),
            function: None,
            http: None,
            path: None,
            state: State::Broken(load_error(broken.error.to_string())),
        });
        let mut entries: Vec<_> = readable.chain(unreadable).collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Functions { entries }
    }

    /// What the sandbox is to load: all that can run so far.
    pub(super) fn sources(&self) -> Vec<FunctionSource> {
        let ready = self.entries.iter().filter(|entry| matches!(entry.state, State::Ready));
        ready.filter_map(|entry| entry.function.as_ref()).map(source).collect()
    }

    /// What loading the code came to.
    pub(super) fn note_loaded(&mut self, loaded: Vec<LoadedFunction>) {
        for answer in loaded {
            let Some(failure) = answer.error else { continue };
            let concerned = |entry: &&mut Entry| entry.name == answer.name && !matches!(entry.state, State::Disabled);
            for entry in self.entries.iter_mut().filter(concerned) {
                entry.state = State::Broken(failure.clone());
            }
        }
    }

    /// Functions whose route can't be used.
    pub(super) fn refuse(&mut self, error: RouteError) {
        let message = error.to_string();
        for entry in self.entries.iter_mut().filter(|entry| error.functions().contains(&entry.name.as_str())) {
            entry.path = None;
            entry.state = State::Broken(load_error(message.clone()));
        }
    }

    /// The routes of all HTTP-triggered functions that are not disabled, the broken ones too: they answer 500.
    pub(super) fn routes(&mut self, prefix: &str) -> (RouteTable<Target>, Vec<RouteError>) {
        let routes = self.entries.iter().filter(|entry| !matches!(entry.state, State::Disabled)).filter_map(Entry::route).collect();
        let (table, errors) = RouteTable::build(prefix, routes);
        for entry in &mut self.entries {
            entry.path = table.path_of(&entry.name).map(str::to_owned);
        }
        (table, errors)
    }

    /// Those that can't run, with the reason.
    pub(super) fn broken(&self) -> impl Iterator<Item = (&str, &Failure)> {
        self.entries.iter().filter_map(|entry| match &entry.state {
            State::Broken(failure) => Some((entry.name.as_str(), failure)),
            State::Ready | State::Disabled => None,
        })
    }

    /// The list.
    #[must_use]
    pub fn into_listed(self) -> Vec<Listed> {
        self.entries.into_iter().map(Listed::from).collect()
    }
}

// === impl Entry ===

impl Entry {
    fn of(function: Function) -> Self {
        let trigger = function.trigger();
        let http = trigger.is(http_binding::TRIGGER).then(|| HttpTrigger::from_binding(trigger)).transpose();
        let state = match (&http, first_unsupported(&function)) {
            _ if function.disabled => State::Disabled,
            (Err(error), _) => State::Broken(load_error(error.to_string())),
            (Ok(_), Some(binding)) => State::Broken(load_error(unsupported(binding).to_string())),
            (Ok(_), None) => State::Ready,
        };
        Entry {
            name: function.name.clone(),
            trigger: trigger.kind.clone(),
            http: http.ok().flatten(),
            path: None,
            state,
            function: Some(function),
        }
    }

    fn route(&self) -> Option<Route<Target>> {
        let (function, http) = (self.function.as_ref()?, self.http.as_ref()?);
        let outputs = function.bindings.iter().filter(|binding| binding.is(http_binding::OUTPUT)).map(|binding| binding.name.clone());
        Some(Route {
            function: self.name.clone(),
            template: http.route.clone().unwrap_or_else(|| self.name.clone()),
            methods: http.methods.clone(),
            target: Target { function: self.name.clone(), trigger: function.trigger().name.clone(), outputs: outputs.collect() },
        })
    }
}

// === impl Listed ===

impl Listed {
    /// Whether it can be invoked.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status == "ready"
    }

    /// Whether it should run and can't.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.status == "broken"
    }

    /// `ready`, `disabled` or `broken`.
    #[must_use]
    pub fn status(&self) -> &'static str {
        self.status
    }

    /// The methods that it answers, with a comma between two; empty where it has none.
    #[must_use]
    pub fn methods(&self) -> String {
        match (&self.methods, &self.path) {
            (Some(methods), _) => methods.iter().map(Method::as_str).collect::<Vec<_>>().join(","),
            (None, Some(_)) => "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS".to_owned(),
            (None, None) => String::new(),
        }
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self, base: &str) -> Option<String> {
        self.path.as_ref().map(|path| format!("{base}{path}"))
    }
}

impl From<Entry> for Listed {
    fn from(entry: Entry) -> Self {
        let status = match entry.state {
            State::Ready => "ready",
            State::Disabled => "disabled",
            State::Broken(_) => "broken",
        };
        let methods = entry.http.and_then(|http| http.methods);
        Listed { name: entry.name, trigger: entry.trigger, methods, path: entry.path, status }
    }
}

/// A failure without code that failed: the sentence is all.
fn load_error(message: String) -> Failure {
    Failure { kind: "FunctionLoadError".into(), stack: message.clone(), message }
}

/// The first binding of a type that this host has no module for.
fn first_unsupported(function: &Function) -> Option<&Binding> {
    function.bindings.iter().find(|binding| !binding.is(http_binding::TRIGGER) && !binding.is(http_binding::OUTPUT))
}

fn unsupported(binding: &Binding) -> FieldError {
    binding.error("type", format!("is {}, which this version of snapfunc can't serve: it knows httpTrigger and http", binding.kind))
}

fn source(function: &Function) -> FunctionSource {
    FunctionSource {
        name: function.name.clone(),
        directory: format!("{}/{}", paths::APP, function.name),
        script_file: format!("{}/{}", paths::APP, function.script_file),
        entry_point: function.entry_point.clone(),
        bindings: function.bindings.iter().map(binding).collect(),
    }
}

fn binding(binding: &Binding) -> api::Binding {
    api::Binding {
        name: binding.name.clone(),
        kind: canonical_kind(&binding.kind),
        direction: match binding.direction {
            Direction::In => api::Direction::In,
            Direction::Out => api::Direction::Out,
            Direction::InOut => api::Direction::Inout,
        },
        data_type: match binding.data_type {
            DataType::Undefined => api::DataType::Undefined,
            DataType::Text => api::DataType::Text,
            DataType::Binary => api::DataType::Binary,
            DataType::Stream => api::DataType::Stream,
        },
    }
}

/// Types ignore case for the host, but the SDK's converters are found by the exact name.
fn canonical_kind(kind: &str) -> String {
    let known = [http_binding::TRIGGER, http_binding::OUTPUT].into_iter().find(|known| known.eq_ignore_ascii_case(kind));
    known.unwrap_or(kind).to_owned()
}
