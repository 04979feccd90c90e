//! Invocations of the guest's own function, before the memory is kept: what every invocation uses is then in each copy, as it is after its first use.

use super::api::{Beginning, Configuration, Datum, HttpRequest, Invocation, JoinedPairs, TraceContext};

/// More rounds change nothing: CPython specialises code after a few calls, and its free lists have filled up.
const ROUNDS: usize = 20;

/// The invocations, with and without a body, as browsers and programs send them, each as if it were the first of an instance. The configuration is the one that
/// the instance has.
pub(super) fn warm_up(configuration: &Configuration) -> Vec<Invocation> {
    (0..ROUNDS).map(|round| invocation(round.is_multiple_of(4), configuration)).collect()
}

fn invocation(with_body: bool, configuration: &Configuration) -> Invocation {
    let pairs = |pairs: &[(&str, &str)]| {
        JoinedPairs::from(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>())
    };
    let headers = [
        ("host", "localhost:7071"),
        ("user-agent", "snapfunc"),
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("accept-encoding", "gzip, deflate, br"),
        ("accept-language", "en-US,en;q=0.5"),
        ("cache-control", "no-cache"),
        ("connection", "keep-alive"),
        ("content-type", "application/json"),
        ("cookie", "session=1"),
        ("referer", "http://localhost:7071/"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("x-forwarded-for", "127.0.0.1"),
    ];
    let request = HttpRequest {
        method: if with_body { "POST" } else { "GET" }.to_owned(),
        url: "http://localhost:7071/api/warm-up?name=value".to_owned(),
        headers: pairs(&headers),
        query: pairs(&[("name", "value"), if with_body { ("echo", "1") } else { ("more", "2") }]),
        route_params: pairs(&[("id", "7")]),
        body: if with_body { br#"{"name": "value"}"#.to_vec() } else { Vec::new() },
    };
    Invocation {
        id: "00000000-0000-0000-0000-000000000000".to_owned(),
        function_name: String::new(),
        beginning: Some(Beginning { entropy: vec![0; 32], configuration: Some(configuration.clone()) }),
        trace: TraceContext { traceparent: String::new(), tracestate: String::new() },
        retry: None,
        trigger_metadata: Vec::new(),
        inputs: vec![("request".to_owned(), Datum::HttpRequest(request))],
    }
}
