//! Which function answers a path, over the wire. The rules themselves are tested in `src/host/route`.

mod common;

use common::App;

/// Functions that answer with their name and the route's values.
fn app(routes: &[(&str, &str, &str)]) -> App {
    let code = |name: &str| format!("import json\ndef main(req):\n    return json.dumps(['{name}', dict(req.route_params)])\n");
    routes.iter().fold(App::new(), |app, (name, route, methods)| {
        let bindings = format!(
            r#"[{{"type": "httpTrigger", "name": "req", "route": {route:?}, "methods": {methods}}}, {{"type": "http", "direction": "out", "name": "$return"}}]"#
        );
        app.function(name, &bindings, &code(name))
    })
}

#[test]
fn the_template_that_says_most_wins() {
    let host = app(&[
        ("all", "items/{*rest}", "[]"),
        ("number", "items/{id:int}", "[\"get\"]"),
        ("text", "items/{id}", "[\"get\"]"),
        ("special", "items/special", "[\"get\"]"),
        ("post", "items/special", "[\"post\"]"),
        ("optional", "optional/{a:alpha}/{b:int?}", "[\"get\"]"),
    ])
    .start();
    for (method, path, expected) in [
        ("GET", "/api/items/special", r#"["special", {}]"#),
        ("POST", "/api/items/special", r#"["post", {}]"#),
        ("PUT", "/api/items/special", r#"["all", {"rest": "special"}]"#),
        ("GET", "/api/items/42", r#"["number", {"id": "42"}]"#),
        ("GET", "/api/items/x%20y%2Fz", r#"["text", {"id": "x y%2Fz"}]"#),
        ("GET", "/API/Items/Ada/", r#"["text", {"id": "Ada"}]"#),
        ("GET", "/api/items/a/b/c", r#"["all", {"rest": "a/b/c"}]"#),
        ("GET", "/api/items", r#"["all", {}]"#),
        ("GET", "/api/optional/abc", r#"["optional", {"a": "abc"}]"#),
        ("GET", "/api/optional/abc/7?b=8", r#"["optional", {"a": "abc", "b": "7"}]"#),
    ] {
        let answer = host.request(method, path, &[], b"");
        assert_eq!((answer.status, answer.text()), (200, expected), "{method} {path}");
    }
    for (method, path) in
        [("GET", "/api/optional/123"), ("GET", "/api/optional/abc/x"), ("POST", "/api/optional/abc"), ("GET", "/items/1"), ("GET", "/api")]
    {
        assert_eq!(host.request(method, path, &[], b"").status, 404, "{method} {path}");
    }
}

#[test]
fn head_and_options_are_methods_like_others() {
    let host = app(&[("get", "get", "[\"get\"]"), ("all", "all", "[]"), ("head", "head", "[\"head\", \"options\"]")]).start();
    let status = |method: &str, path: &str| host.request(method, path, &[], b"").status;
    assert_eq!((status("HEAD", "/api/get"), status("OPTIONS", "/api/get")), (404, 404));
    assert_eq!((status("HEAD", "/api/all"), status("OPTIONS", "/api/all")), (200, 200));
    assert_eq!((status("HEAD", "/api/head"), status("GET", "/api/head")), (200, 404));
    assert_eq!(host.request("HEAD", "/api/all", &[], b"").body, b"");
}

#[test]
fn the_prefix_can_be_changed_or_left_out() {
    let routes = [("f", "f/{x}", "[]")];
    let host = app(&routes).host_json(r#""extensions": {"http": {"routePrefix": "v1/things"}}"#).start();
    assert_eq!((host.get("/v1/things/f/1").status, host.get("/api/f/1").status), (200, 404));
    host.wait_for_line(&format!("http://localhost:{}/v1/things/f/{{x}}", host.port));
    let bare = app(&routes).start_with(&[], &[("AzureFunctionsJobHost__extensions__http__routePrefix", "")]);
    assert_eq!((bare.get("/f/1").status, bare.get("/api/f/1").status), (200, 404));
}

#[test]
fn a_function_may_own_all_paths_but_the_hosts() {
    let host = app(&[("all", "{*route}", "[]")]).host_json(r#""extensions": {"http": {"routePrefix": ""}}"#).start();
    assert_eq!(host.get("/").text(), r#"["all", {}]"#);
    assert_eq!(host.get("/a/b").text(), r#"["all", {"route": "a/b"}]"#);
    assert_eq!((host.get("/admin/host/ping").status, host.get("/admin/host/ping").text()), (200, ""));
}

#[test]
fn routes_that_can_not_be_are_refused_and_the_others_run() {
    let host = app(&[
        ("twin1", "same/{a}", "[\"get\"]"),
        ("twin2", "Same/{b}", "[\"get\", \"post\"]"),
        ("reserved", "admin/users", "[]"),
        ("broken", "x/{id:nonsense}", "[]"),
        ("open", "x/{id", "[]"),
        ("good", "good", "[]"),
    ])
    .start();
    let printed = host.printed();
    for name in ["twin1", "twin2", "reserved", "broken", "open"] {
        assert!(printed.contains(&format!("snapfunc: the function {name} could not be loaded")), "{name}: {printed}");
    }
    for sentence in ["functions `twin1` and `twin2`", "`admin`", "nonsense", "`x/{id`"] {
        assert!(printed.contains(sentence), "{sentence}: {printed}");
    }
    assert_eq!(host.get("/api/good").status, 200);
    assert_eq!((host.get("/api/same/1").status, host.get("/api/admin/users").status), (404, 404));
}

#[test]
fn the_home_page_can_be_switched_off() {
    let app = app(&[("f", "f", "[]")]);
    let host = app.start();
    let home = host.get("/");
    assert_eq!((home.status, home.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert_eq!((host.post("/", "ping").status, host.request("OPTIONS", "/", &[], b"").status), (200, 200));
    let without = app.start_with(&[], &[("AzureWebJobsDisableHomepage", "true")]);
    assert_eq!((without.get("/").status, without.get("/").text()), (204, ""));
}
