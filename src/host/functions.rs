//! An app's functions as the host sees them: which can run, which can't and why, and at which routes they answer.

use super::admin::Described;
use super::by_hand::{ByHand, Start};
use super::dispatch::Runnable;
use super::route::{Route, RouteError, RouteTable};
use super::router::Target;
use crate::app::{App, Binding, DataType, Direction, FieldError, Function};
use crate::bindings::account::Accounts;
use crate::bindings::http::{self as http_binding, HttpTrigger};
use crate::bindings::{self, Making, Part, Trigger, canonical_kind};
use crate::sandbox::api::{self, Failure, FunctionSource, LoadedFunction, paths};
use http::Method;
use std::collections::HashMap;
use std::sync::Arc;

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
    /// Its bindings, where they could be made.
    parts: Vec<(String, Part)>,
    /// Where it answers, below the address.
    path: Option<String>,
    state: State,
}

#[derive(Debug)]
enum State {
    Ready,
    /// Nothing but a request of the admin API starts it; with what would break it then.
    Disabled(Option<Failure>),
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
    /// What can be said before the code is loaded. `accounts` and `host_id` are what bindings are made with.
    #[must_use]
    pub fn of(app: &App, accounts: &Accounts, host_id: &str) -> Self {
        let making = Making { function: "", settings: &app.settings, host: &app.host, accounts, host_id };
        let mut functions = Functions::with(app, |function| Entry::of(function, &making));
        for entry in functions.entries.iter_mut().filter(|entry| !entry.has_no_retry()) {
            if let Some(function) = &mut entry.function {
                function.retry = function.retry.or(app.host.retry);
            }
        }
        functions
    }

    /// The same without bindings: to load the code where the settings are not known that bindings need.
    #[must_use]
    pub fn unbound(app: &App) -> Self {
        Functions::with(app, Entry::unbound)
    }

    fn with(app: &App, entry: impl Fn(Function) -> Entry) -> Self {
        let readable = app.functions.iter().cloned().map(entry);
        let unreadable = app.broken.iter().map(|broken| Entry {
            name: broken.name.clone(),
            trigger: String::new(),
            function: None,
            http: None,
            parts: Vec::new(),
            path: None,
            state: State::Broken(load_error(broken.error.to_string())),
        });
        let mut entries: Vec<_> = readable.chain(unreadable).collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Functions { entries }
    }

    /// What the sandbox is to load: all that can run so far. Those that are disabled come last, so that they hold up none (`SendFunctionLoadRequests` in the
    /// Functions host).
    pub(super) fn sources(&self) -> Vec<FunctionSource> {
        let of = |state: fn(&State) -> bool| {
            self.entries.iter().filter(move |entry| state(&entry.state)).filter_map(|entry| entry.function.as_ref())
        };
        of(|state| matches!(state, State::Ready)).chain(of(|state| matches!(state, State::Disabled(None)))).map(source).collect()
    }

    /// What loading the code came to.
    pub(super) fn note_loaded(&mut self, loaded: Vec<LoadedFunction>) {
        let failures: HashMap<_, _> = loaded.into_iter().filter_map(|answer| Some((answer.name, answer.error?))).collect();
        for entry in &mut self.entries {
            if let Some(failure) = failures.get(&entry.name) {
                entry.fail(failure.clone());
            }
        }
    }

    /// Functions whose route can't be used.
    pub(super) fn refuse(&mut self, errors: &[RouteError]) {
        let messages: Vec<_> = errors.iter().map(|error| (error.functions(), error.to_string())).collect();
        let of_functions = messages.iter().flat_map(|(functions, message)| functions.iter().map(move |function| (*function, message)));
        let messages: HashMap<&str, &String> = of_functions.collect();
        for entry in &mut self.entries {
            if let Some(message) = messages.get(entry.name.as_str()) {
                entry.path = None;
                entry.state = State::Broken(load_error((*message).clone()));
            }
        }
    }

    /// The routes of all HTTP-triggered functions that are not disabled, the broken ones too: they answer 500.
    pub(super) fn routes(&mut self, prefix: &str) -> (RouteTable<Target>, Vec<RouteError>) {
        let routes = self.entries.iter().filter(|entry| !matches!(entry.state, State::Disabled(_))).filter_map(Entry::route).collect();
        let (table, errors) = RouteTable::build(prefix, routes);
        let paths = table.paths();
        for entry in &mut self.entries {
            entry.path = paths.get(entry.name.as_str()).map(|path| (*path).to_owned());
        }
        (table, errors)
    }

    /// Those that can't run, with the reason.
    pub(super) fn broken(&self) -> impl Iterator<Item = (&str, &Failure)> {
        self.entries.iter().filter_map(|entry| match &entry.state {
            State::Broken(failure) => Some((entry.name.as_str(), failure)),
            State::Ready | State::Disabled(_) => None,
        })
    }

    /// Those that something other than HTTP starts, and that can run.
    pub(super) fn triggers(&self) -> Vec<(String, Arc<dyn Trigger>)> {
        self.entries.iter().filter(|entry| matches!(entry.state, State::Ready)).filter_map(Entry::trigger).collect()
    }

    /// How each of them is started by hand; those that are disabled too.
    pub(super) fn by_hand(&self) -> ByHand {
        ByHand::new(self.entries.iter().filter_map(|entry| Some((entry.name.clone(), entry.start()?))))
    }

    /// What the admin API tells of them.
    pub(super) fn described(&self) -> Vec<Described> {
        self.entries.iter().map(Entry::describe).collect()
    }

    /// The function that warms the app up, if it has one that can run.
    pub(super) fn warmup(&self) -> Option<(String, Arc<dyn Trigger>)> {
        let ready = |entry: &&Entry| matches!(entry.state, State::Ready) && entry.trigger.eq_ignore_ascii_case("warmupTrigger");
        self.entries.iter().find(ready).and_then(Entry::trigger)
    }

    /// Functions as they are run.
    pub(super) fn runnables(&self) -> HashMap<String, Runnable> {
        self.entries.iter().map(|entry| (entry.name.clone(), entry.runnable())).collect()
    }

    /// Sentences about what functions ask for in vain.
    pub(super) fn notices(&self) -> Vec<String> {
        let ignored = self.entries.iter().filter(|entry| entry.ignores_retry());
        ignored
            .map(|entry| format!("the function {} has a retry policy, which triggers of type {} don't have", entry.name, entry.trigger))
            .collect()
    }

    /// The list.
    #[must_use]
    pub fn into_listed(self) -> Vec<Listed> {
        self.entries.into_iter().map(Listed::from).collect()
    }
}

// === impl Entry ===

impl Entry {
    fn of(function: Function, making: &Making<'_>) -> Self {
        let trigger = function.trigger();
        let making = Making { function: &function.name, ..*making };
        let http = trigger.is(http_binding::TRIGGER).then(|| HttpTrigger::from_binding(trigger)).transpose();
        let make = |binding: &Binding| Ok((binding.name.clone(), bindings::make(binding, &making)?));
        let parts: Result<Vec<_>, FieldError> = function.bindings.iter().map(make).collect();
        let error = http.as_ref().err().or(parts.as_ref().err()).map(ToString::to_string);
        let mut entry = Entry { http: http.ok().flatten(), parts: parts.unwrap_or_default(), ..Entry::unbound(function) };
        if let Some(error) = error {
            entry.fail(load_error(error));
        }
        entry
    }

    /// Notes why it can't run. What is disabled stays so, and tells nobody before it is run by hand.
    fn fail(&mut self, failure: Failure) {
        self.state = match self.state {
            State::Disabled(_) => State::Disabled(Some(failure)),
            State::Ready | State::Broken(_) => State::Broken(failure),
        };
    }

    fn unbound(function: Function) -> Self {
        Entry {
            name: function.name.clone(),
            trigger: function.trigger().kind.clone(),
            http: None,
            parts: Vec::new(),
            path: None,
            state: if function.disabled { State::Disabled(None) } else { State::Ready },
            function: Some(function),
        }
    }

    fn trigger(&self) -> Option<(String, Arc<dyn Trigger>)> {
        self.parts.iter().find_map(|(_, part)| match part {
            Part::Trigger(trigger) => Some((self.name.clone(), trigger.clone())),
            Part::Input(_) | Part::Output(_) | Part::Http => None,
        })
    }

    fn describe(&self) -> Described {
        Described {
            name: self.name.clone(),
            config: self.function.as_ref().map(|function| function.config.clone()).unwrap_or_default(),
            path: self.path.clone(),
            disabled: matches!(self.state, State::Disabled(_)),
            error: match &self.state {
                State::Broken(failure) => Some(format!("{}: {}", failure.kind, failure.message)),
                State::Ready | State::Disabled(_) => None,
            },
        }
    }

    fn start(&self) -> Option<Start> {
        self.trigger().map(|(_, trigger)| Start::Trigger(trigger)).or_else(|| self.start_with_request())
    }

    fn start_with_request(&self) -> Option<Start> {
        self.http.as_ref()?;
        let path = match &self.state {
            // It has no route, so its URL is the one that starts it.
            State::Disabled(_) => format!("/admin/functions/{}", self.name),
            State::Ready | State::Broken(_) => self.path.clone()?,
        };
        Some(Start::Http { trigger: self.function.as_ref()?.trigger().name.clone(), path })
    }

    fn runnable(&self) -> Runnable {
        let mut runnable = Runnable::default();
        for (name, part) in &self.parts {
            match part {
                Part::Input(input) => runnable.inputs.push((name.clone(), input.clone())),
                Part::Output(output) => runnable.outputs.push((name.clone(), output.clone())),
                Part::Trigger(_) | Part::Http => {}
            }
        }
        if let State::Broken(failure) | State::Disabled(Some(failure)) = &self.state {
            runnable.broken = Some(failure.clone());
        }
        runnable.retry = self.function.as_ref().and_then(|function| function.retry).filter(|_| !self.ignores_retry());
        runnable
    }

    /// Whether it has a retry policy that has no effect.
    fn ignores_retry(&self) -> bool {
        self.has_no_retry() && self.function.as_ref().is_some_and(|function| function.retry.is_some())
    }

    /// Queues and blobs have ways of their own to try again, and nobody waits for HTTP ("Azure Functions error handling and retries": triggers with
    /// retry policies).
    fn has_no_retry(&self) -> bool {
        [http_binding::TRIGGER, "queueTrigger", "blobTrigger"].iter().any(|kind| kind.eq_ignore_ascii_case(&self.trigger))
    }

    fn route(&self) -> Option<Route<Target>> {
        let (function, http) = (self.function.as_ref()?, self.http.as_ref()?);
        let outputs = function.bindings.iter().filter(|binding| binding.is(http_binding::OUTPUT)).map(|binding| binding.name.clone());
        Some(Route {
            function: self.name.clone(),
            template: http.route.clone().unwrap_or_else(|| self.name.clone()),
            methods: http.methods.clone(),
            target: Target {
                function: self.name.clone(),
                trigger: function.trigger().name.clone(),
                outputs: outputs.collect(),
                level: http.auth_level,
            },
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
            State::Disabled(_) => "disabled",
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
        kind: canonical_kind(&binding.kind).to_owned(),
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
