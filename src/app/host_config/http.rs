//! host.json's `extensions.http`.

use std::time::Duration;

use crate::app::fields::Node;
use crate::app::origin::FieldError;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How the HTTP server behaves for this app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpOptions {
    /// The first part of every route, without slashes at its ends; may be empty. Default `api`.
    pub route_prefix: String,
    /// How many requests may run or wait before more are answered 429. `None` (-1): no limit, the default outside Azure's consumption plan.
    pub max_outstanding_requests: Option<u32>,
    /// How many requests may run at once; the others wait. `None` (-1): no limit, the default.
    pub max_concurrent_requests: Option<u32>,
    /// Whether requests are refused while the machine is overloaded. Default false.
    pub dynamic_throttles_enabled: bool,
    /// What the Strict-Transport-Security header says; `None`: there is none, the default.
    pub hsts: Option<Hsts>,
    /// Headers that every response gets, in the order of the file.
    pub custom_headers: Vec<(String, String)>,
}

/// Strict-Transport-Security, with the defaults of ASP.NET Core's `HstsOptions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hsts {
    /// How long browsers remember. Default 30 days.
    pub max_age: Duration,
    /// Whether it holds for subdomains. Default false.
    pub include_sub_domains: bool,
    /// Whether the `preload` directive is sent. Default false.
    pub preload: bool,
    /// Host names whose responses don't get the header: this machine's, and those that are configured.
    pub excluded_hosts: Vec<String>,
}

// === impl HttpOptions ===

impl Default for HttpOptions {
    fn default() -> Self {
        HttpOptions {
            route_prefix: "api".to_owned(),
            max_outstanding_requests: None,
            max_concurrent_requests: None,
            dynamic_throttles_enabled: false,
            hsts: None,
            custom_headers: Vec::new(),
        }
    }
}

impl HttpOptions {
    /// Reads the `http` object.
    pub(super) fn read(node: &Node<'_>) -> Result<HttpOptions, FieldError> {
        let mut options = HttpOptions::default();
        if let Some(prefix) = node.get("routePrefix") {
            options.route_prefix = prefix.text()?.trim_matches('/').to_owned();
        }
        options.max_outstanding_requests = limit(node.get("maxOutstandingRequests"))?;
        options.max_concurrent_requests = limit(node.get("maxConcurrentRequests"))?;
        options.dynamic_throttles_enabled = flag(node, "dynamicThrottlesEnabled")?;
        if let Some(hsts) = node.section("hsts")?
            && flag(&hsts, "isEnabled")?
        {
            options.hsts = Some(Hsts::read(&hsts)?);
        }
        for (name, value) in node.section("customHeaders")?.map_or_else(Vec::new, |headers| headers.members()) {
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)) {
                return Err(value.error("is not a header name: use letters, digits and `-`"));
            }
            let text = value.text()?;
            if text.chars().any(char::is_control) {
                return Err(value.error("must have no line breaks or other control characters"));
            }
            options.custom_headers.push((name.to_owned(), text));
        }
        Ok(options)
    }
}

// === impl Hsts ===

impl Hsts {
    fn read(node: &Node<'_>) -> Result<Hsts, FieldError> {
        let max_age = match node.get("maxAge") {
            // A lone number is days: Microsoft's own example has `"maxAge": "10"`.
            Some(age) => match age.integer(0, 36_500).ok().and_then(|days| u32::try_from(days).ok()) {
                Some(days) => DAY * days,
                None => age.duration()?,
            },
            None => DAY * 30,
        };
        let mut excluded_hosts: Vec<String> = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).into();
        if let Some(hosts) = node.get("excludedHosts") {
            excluded_hosts.extend(hosts.texts()?);
        }
        let (include_sub_domains, preload) = (flag(node, "includeSubDomains")?, flag(node, "preload")?);
        Ok(Hsts { max_age, include_sub_domains, preload, excluded_hosts })
    }
}

fn flag(node: &Node<'_>, name: &str) -> Result<bool, FieldError> {
    node.get(name).map_or(Ok(false), |node| node.flag())
}

/// -1 is no limit; 0 would let no request in and is refused.
fn limit(node: Option<Node<'_>>) -> Result<Option<u32>, FieldError> {
    let Some(node) = node else { return Ok(None) };
    let wrong = || node.expected("a whole number above 0, or -1 for no limit");
    match node.integer(-1, i64::from(u32::MAX)).map_err(|_| wrong())? {
        0 => Err(wrong()),
        number => Ok(u32::try_from(number).ok()),
    }
}
