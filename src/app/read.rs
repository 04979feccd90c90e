//! Reads an app: the order of things is in [`super::settings`].

use std::ffi::OsString;
use std::path::Path;

use super::declare::in_words;
use super::folder::{Folder, Kind};
use super::function::{discover, why_none};
use super::host_config::{self, HostConfig};
use super::json::Document;
use super::settings::{self, LocalSettings, Settings};
use super::{App, ProgrammingModel, ReadError, ReadOptions, packages};

/// Where the proxies of Functions 1 to 3 are.
const PROXIES: &str = "proxies.json";

impl App {
    /// Reads the app in `root`, which may be relative. Blocks on the file system.
    ///
    /// A function that is wrong on its own is among [`App::broken`], and an app without functions is one with a sentence among
    /// [`App::notices`].
    ///
    /// # Errors
    /// What keeps the whole app from running: no such folder, a wrong host.json or local.settings.json, another language than Python,
    /// [`ReadOptions::only_functions`] that a v1 app doesn't have.
    pub fn read(root: &Path, options: &ReadOptions) -> Result<App, ReadError> {
        let folder = Folder::open(root)?;
        let local = LocalSettings::read(Document::read(&folder, settings::FILE)?)?;

        let always_seen = Settings::collect(&local.values, &options.environment, &[]);
        let host_config::Read { config: host, mut notices } =
            HostConfig::read(Document::read(&folder, host_config::FILE)?, always_seen.iter())?;
        let pass: Vec<&str> = host.snapfunc.pass_env.iter().chain(&options.pass_env).map(String::as_str).collect();
        let settings = Settings::collect(&local.values, &options.environment, &pass);
        settings.check_runtime()?;

        let asked = Some(options.only_functions.clone()).filter(|names| !names.is_empty());
        let selected = asked.or_else(|| host.functions.clone());
        let (packages, left_out) = packages::find(&folder, &options.environment);
        notices.extend(left_out);
        notices.extend(debugger(&local.values, &options.environment));
        notices.extend(settings.standing_over(&local.values));
        notices.extend(settings.unresolved());
        if folder.kind(PROXIES)? != Kind::Absent {
            notices.push(format!("{PROXIES} is passed over: there are no proxies, as in the Functions host since 4.0"));
        }

        let entry_file = settings.get("PYTHON_SCRIPT_FILE_NAME").filter(|name| !name.is_empty()).unwrap_or("function_app.py").to_owned();
        let unusable = !can_be_entry_file(&entry_file);
        if unusable {
            let sentence = "must be the name of a Python file in the app's folder, like `function_app.py`: no functions until it is";
            notices.push(format!("setting PYTHON_SCRIPT_FILE_NAME {sentence}"));
        }
        let is_v2 = unusable || folder.kind(&entry_file)? == Kind::File;
        // Of a v2 app the folders are only listed.
        let found = discover(&folder, &settings, |name| !is_v2 && selects(selected.as_deref(), name))?;
        notices.extend(found.notices);
        let mut app = App {
            root: folder.root().to_owned(),
            host,
            settings,
            local: local.host,
            model: ProgrammingModel::V1,
            functions: found.functions,
            broken: found.broken,
            selected,
            unusable,
            packages,
            notices,
        };
        if is_v2 {
            if !found.names.is_empty() && !unusable {
                let names = in_words(&found.names.iter().map(String::as_str).collect::<Vec<_>>());
                app.notices
                    .push(format!("{entry_file} makes this an app of programming model v2, so function.json is not read in {names}"));
            }
            app.model = ProgrammingModel::V2 { entry_file };
            return Ok(app);
        }
        if found.names.is_empty() {
            app.notices.push(why_none(&folder, &entry_file));
        } else {
            app.check_selection(options, &found.names)?;
        }
        Ok(app)
    }

    /// Names that were selected and are not there: asked for by the user they are an error, in host.json's list a notice.
    fn check_selection(&mut self, options: &ReadOptions, known: &[String]) -> Result<(), ReadError> {
        let is_known = |name: &&String| known.iter().any(|known| known.eq_ignore_ascii_case(name));
        let unknown: Vec<String> = self.selected.iter().flatten().filter(|name| !is_known(name)).cloned().collect();
        if !unknown.is_empty() && !options.only_functions.is_empty() {
            return Err(ReadError::UnknownFunctions { names: unknown, known: known.to_vec() });
        }
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        self.notices.extend(self.unknown_names(&known));
        if self.functions.is_empty() && self.broken.is_empty() {
            self.notices.push(format!("no functions: of the app's {} none is to run", in_words(&known)));
        }
        Ok(())
    }
}

/// Whether a list of names, where there is one, has this name.
pub(super) fn selects(selected: Option<&[String]>, name: &str) -> bool {
    selected.is_none_or(|names| names.iter().any(|selected| selected.eq_ignore_ascii_case(name)))
}

/// Editors ask for a debugger so, and wait for it in vain.
fn debugger(values: &[(String, String)], environment: &[(OsString, OsString)]) -> Option<String> {
    let variables = environment.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)));
    let mut all = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(variables);
    let is_asked_for =
        |name: &str, value: &str| name.replace("__", ":").eq_ignore_ascii_case("languageWorkers:python:arguments") && !value.is_empty();
    let (name, _) = all.find(|(name, value)| is_asked_for(name, value))?;
    Some(format!("{name} is passed over: Python runs in the sandbox, where no debugger can wait for an editor"))
}

/// Whether it can make an app one of model v2. The rule is that of the Python worker.
fn can_be_entry_file(name: &str) -> bool {
    let stem = name.strip_suffix(".py").unwrap_or_default();
    stem.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
        && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}
