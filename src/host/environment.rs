//! What an app finds around it in the sandbox: environment variables, and where its packages are.

use crate::app::App;
use crate::sandbox::api::paths;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

/// In which of its environments the platform is, in the names that Azure has for them.
const ENVIRONMENT: &str = "AZURE_FUNCTIONS_ENVIRONMENT";
/// What the platform says of itself, the same to every app and wherever it is.
const PLATFORM: [(&str, &str); 5] = [
    ("AzureWebJobsScriptRoot", paths::APP),
    ("FUNCTIONS_EXTENSION_VERSION", "~4"),
    ("FUNCTIONS_WORKER_RUNTIME", "python"),
    ("HOME", "/home"),
    // For `getpass.getuser`: the sandbox has no users to ask for.
    ("USER", "app"),
];

/// `os.environ`: what the platform says of itself, and over it the app's settings. Only the app's root is always the sandbox's.
pub(super) fn variables(app: &App, address: SocketAddr, production: bool) -> Vec<(String, String)> {
    let hostname = if address.ip().is_loopback() { format!("localhost:{}", address.port()) } else { address.to_string() };
    let mut variables = of_platform(production);
    variables.insert("WEBSITE_HOSTNAME", &hostname);
    variables.extend(app.settings.iter());
    variables.insert("AzureWebJobsScriptRoot", paths::APP);
    owned(variables)
}

/// The part of it that every app has.
pub(super) fn platform(production: bool) -> Vec<(String, String)> {
    owned(of_platform(production))
}

fn of_platform(production: bool) -> BTreeMap<&'static str, &'static str> {
    let environment = if production { "Production" } else { "Development" };
    BTreeMap::from_iter(PLATFORM.into_iter().chain([(ENVIRONMENT, environment)]))
}

fn owned<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Where an app's third-party packages are.
pub(super) struct Packages {
    /// In the sandbox.
    pub(super) guest_path: Option<String>,
    /// On this machine, if they are outside the app's folder and need a mount of their own.
    pub(super) mount: Option<PathBuf>,
}

// === impl Packages ===

impl Packages {
    pub(super) fn of(app: &App) -> Self {
        let Some(folder) = &app.packages else { return Packages { guest_path: None, mount: None } };
        match folder.strip_prefix(&app.root).ok().and_then(|inside| inside.to_str()) {
            Some(inside) => {
                let inside = inside.replace(std::path::MAIN_SEPARATOR, "/");
                Packages { guest_path: Some(format!("{}/{inside}", paths::APP)), mount: None }
            }
            None => Packages { guest_path: Some(paths::PACKAGES.to_owned()), mount: Some(folder.clone()) },
        }
    }
}
