//! local.settings.json: app settings and how to serve, for a developer's machine.
//!
//! Fields after Azure Functions Core Tools. Its values are secrets: no error shows one.

use crate::app::fields::{Node, Source};
use crate::app::json::Document;
use crate::app::origin::{ConfigError, FieldError};

/// The file's name.
/// The file of settings beside an app, which is for one machine.
pub const FILE: &str = "local.settings.json";

/// The object `Host` in local.settings.json: what the command line may override.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LocalHost {
    /// `LocalHttpPort`: the TCP port to listen on, 1 to 65535, if one is named.
    pub port: Option<u16>,
    /// `CORS`: the origins that browsers may call from, a comma between two; `*` is all. None by default.
    pub cors: Vec<String>,
    /// `CORSCredentials`: whether they may send cookies. Default false.
    pub cors_credentials: bool,
}

/// What the file says; empty if there is none.
#[derive(Default)]
pub(in crate::app) struct LocalSettings {
    /// `Values`, in the order of the file, and then `ConnectionStrings`, with that before their names.
    pub(in crate::app) values: Vec<(String, String)>,
    /// `Host`.
    pub(in crate::app) host: LocalHost,
}

// === impl LocalSettings ===

impl LocalSettings {
    /// Interprets the file.
    pub(in crate::app) fn read(document: Option<Document>) -> Result<LocalSettings, ConfigError> {
        let Some(document) = document else { return Ok(LocalSettings::default()) };
        let source = Source::of(document).secret();
        let root = source.root()?;
        if let Some(encrypted) = root.get("IsEncrypted")
            && encrypted.flag()?
        {
            let remedy = "is true, but encrypted settings can only be read where they were encrypted: run `func settings decrypt` there";
            return Err(encrypted.error(remedy).into());
        }
        let mut settings = LocalSettings::default();
        if let Some(values) = root.section("Values")? {
            let written = values.written();
            for (name, value) in values.members().into_iter().filter(|(_, value)| !value.value().is_null()) {
                settings.values.push((name.to_owned(), text(name, &value, written.get(name).copied())?));
            }
        }
        if let Some(strings) = root.section("ConnectionStrings")? {
            for (name, value) in strings.members().into_iter().filter(|(_, value)| !value.value().is_null()) {
                // Of those with a provider the text is inside.
                let inner = value.get("ConnectionString");
                settings.values.push((format!("ConnectionStrings:{name}"), text(name, inner.as_ref().unwrap_or(&value), None)?));
            }
        }
        if let Some(host) = root.section("Host")? {
            settings.host = LocalHost::read(&host)?;
        }
        Ok(settings)
    }
}

// === impl LocalHost ===

impl LocalHost {
    fn read(node: &Node<'_>) -> Result<LocalHost, FieldError> {
        let port = match node.get("LocalHttpPort") {
            Some(port) => u16::try_from(port.integer(1, i64::from(u16::MAX))?).ok(),
            None => None,
        };
        let cors = node.get("CORS").map_or_else(|| Ok(String::new()), |cors| cors.text())?;
        let cors = cors.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(str::to_owned).collect();
        let cors_credentials = node.get("CORSCredentials").map_or(Ok(false), |flag| flag.flag())?;
        Ok(LocalHost { port, cors, cors_credentials })
    }
}

/// A setting's text. Core Tools take numbers and booleans for their text, as written.
fn text(name: &str, value: &Node<'_>, written: Option<&str>) -> Result<String, FieldError> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(value.error("can't be an environment variable: give it a name, and one without `=`"));
    }
    // Of fractions only the text in the file is exact: `1.50`.
    let text = written.filter(|_| value.value().is_f64()).map_or_else(|| value.text(), |written| Ok(written.to_owned()))?;
    if text.contains('\0') {
        return Err(value.error("can't be an environment variable: it holds a NUL character"));
    }
    Ok(text)
}
