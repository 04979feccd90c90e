//! Routes, from the outside: tables are built and asked.

mod constraints;
mod matching;
mod properties;
mod templates;

use super::*;

/// Functions with their templates, all methods.
fn table(prefix: &str, routes: &[(&str, &str)]) -> (RouteTable<String>, Vec<RouteError>) {
    table_of(prefix, &routes.iter().map(|(function, template)| (*function, *template, "")).collect::<Vec<_>>())
}

/// Functions with their templates and methods, the latter with a space between two.
fn table_of(prefix: &str, routes: &[(&str, &str, &str)]) -> (RouteTable<String>, Vec<RouteError>) {
    let routes = routes.iter().map(|(function, template, methods)| Route {
        function: (*function).to_owned(),
        template: (*template).to_owned(),
        methods: (!methods.is_empty()).then(|| methods.split(' ').map(|method| method.parse().unwrap()).collect()),
        target: (*function).to_owned(),
    });
    RouteTable::build(prefix, routes.collect())
}

/// The only error of a single function without a prefix.
fn error(template: &str) -> RouteError {
    let (table, mut errors) = table("", &[("f", template)]);
    assert_eq!((errors.len(), table.path_of("f")), (1, None), "{template}: {errors:?}");
    let error = errors.remove(0);
    assert_eq!(error.functions(), ["f"]);
    error
}

/// What a single template without a prefix takes from a path, as `a=1 b=2`.
fn values(template: &str, path: &str) -> Option<String> {
    let (table, errors) = table("", &[("f", template)]);
    assert!(errors.is_empty(), "{template}: {errors:?}");
    let values: Vec<(String, String)> = table.find(&Method::GET, path)?.values.into();
    Some(values.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "))
}

fn target<'t>(table: &'t RouteTable<String>, method: &str, path: &str) -> Option<&'t str> {
    table.find(&method.parse().unwrap(), path).map(|found| found.target.as_str())
}

#[test]
fn prefix_and_template_make_the_path() {
    for (prefix, template, path) in [
        ("api", "products/{category:alpha}/{id:int?}", "/api/products/{category:alpha}/{id:int?}"),
        ("api", "/{*route}", "/api/{*route}"),
        ("", "/{*route}", "/{*route}"),
        ("", "/", "/"),
        ("api", "/", "/api"),
        ("", "items/", "/items"),
        ("/v1/Data/", "items", "/v1/Data/items"),
        ("api", "", "/api/f"),
        ("", "  ", "/f"),
        ("{tenant}/api", "x", "/{tenant}/api/x"),
    ] {
        let (table, errors) = table(prefix, &[("f", template)]);
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(table.path_of("f"), Some(path));
        assert_eq!(table.path_of("g"), None);
    }
}

#[test]
fn a_prefix_is_matched_in_any_case_and_may_have_parameters() {
    let (table, errors) = table("v1/{tenant:alpha}", &[("f", "items/{id}")]);
    assert!(errors.is_empty());
    let found = table.find(&Method::GET, "/V1/Acme/ITEMS/7/").unwrap();
    let values: Vec<(String, String)> = found.values.into();
    assert_eq!(values, [("tenant".to_owned(), "Acme".to_owned()), ("id".to_owned(), "7".to_owned())]);
    for path in ["/items/7", "/v1/items/7", "/v1/4/items/7", "/"] {
        assert!(table.find(&Method::GET, path).is_none(), "{path}");
    }
}

#[test]
fn the_more_literal_template_wins() {
    let templates = [
        ("catch", "{*a}"),
        ("catch-int", "{*a:int}"),
        ("any", "{a}"),
        ("complex", "{a}.{b}"),
        ("int", "{a:int}"),
        ("complex-int", "{a:int}.{b}"),
        ("literal", "1.5"),
        ("deep", "{a}/x"),
        ("deep-literal", "y/{b}"),
        ("deeper", "y/{b}/{c?}"),
    ];
    let (table, errors) = table("", &templates);
    assert!(errors.is_empty(), "{errors:?}");
    for (path, wanted) in [
        ("/1.5", "literal"),
        ("/1.6", "complex-int"),
        ("/a.6", "complex"),
        ("/16", "int"),
        ("/a", "any"),
        ("/", "catch"),
        ("/a/b", "catch"),
        ("/y/x", "deep-literal"),
        ("/z/x", "deep"),
        ("/y/x/w", "deeper"),
    ] {
        assert_eq!(target(&table, "GET", path), Some(wanted), "{path}");
    }
    let without_any: Vec<_> = templates.into_iter().filter(|(name, _)| !["any", "int"].contains(name)).collect();
    assert_eq!(target(&super::tests::table("", &without_any).0, "GET", "/16"), Some("catch-int"));
}

#[test]
fn the_first_given_wins_among_equals() {
    let (table, errors) = table("", &[("b", "{x:int}"), ("a", "{x:long}"), ("d", "{x}/{y?}"), ("c", "{x}/{y}")]);
    assert!(errors.is_empty());
    assert_eq!(target(&table, "GET", "/1"), Some("b"));
    assert_eq!(target(&table, "GET", "/99999999999"), Some("a"));
    assert_eq!(target(&table, "GET", "/1/2"), Some("d"));
}

#[test]
fn the_method_decides_too() {
    let routes = [("get", "x/{id}", "GET HEAD"), ("post", "x/{name}", "POST"), ("literal", "x/y", "PUT"), ("rest", "{*all}", "GET PATCH")];
    let (table, errors) = table_of("", &routes);
    assert!(errors.is_empty(), "{errors:?}");
    for (method, path, wanted) in [
        ("GET", "/x/1", Some("get")),
        ("HEAD", "/x/1", Some("get")),
        ("POST", "/x/1", Some("post")),
        ("PUT", "/x/y", Some("literal")),
        ("POST", "/x/y", Some("post")),
        ("PATCH", "/x/y", Some("rest")),
        ("DELETE", "/x/y", None),
        ("HEAD", "/z", None),
    ] {
        assert_eq!(target(&table, method, path), wanted, "{method} {path}");
    }
    let (any, _) = table_of("", &[("f", "x", "")]);
    assert_eq!(target(&any, "PROPFIND", "/x"), Some("f"));
    let route = Route { function: "f".to_owned(), template: "x".to_owned(), methods: Some(vec![]), target: () };
    assert!(RouteTable::build("", vec![route]).0.find(&Method::TRACE, "/x").is_some());
}

#[test]
fn functions_at_one_place_are_all_refused() {
    let routes = [
        ("a", "X/{id}", "GET POST"),
        ("b", "x/{Name}/", "POST"),
        ("c", "x/{id}", "DELETE"),
        ("d", "x/{id:int}", ""),
        ("e", "x/{key:INT}", "PUT"),
        ("f", "x/{id?}", "GET"),
        ("g", "y/{a=1}", ""),
        ("h", "y/{b?}", ""),
        ("i", "y/{*b}", ""),
        ("j", "y/{**c}", ""),
        ("k", "{{}}", ""),
        ("l", "{x}", ""),
    ];
    let (table, errors) = table_of("api", &routes);
    let functions: Vec<_> = errors.iter().map(|error| error.functions().concat()).collect();
    assert_eq!(functions, ["ab", "de", "gh", "ij"]);
    assert_eq!(
        errors[0].to_string(),
        "functions `a` and `b` all have the route `X/{id}` with methods in common: give each a route or methods of its own"
    );
    assert_eq!(target(&table, "DELETE", "/api/x/1"), Some("c"));
    assert_eq!(target(&table, "GET", "/api/x/1"), Some("f"));
    assert_eq!(target(&table, "POST", "/api/x/1"), None);
    assert_eq!(table.path_of("a"), None);
}

#[test]
fn a_third_function_can_join_two() {
    let (_, errors) = table_of("", &[("a", "x", "GET"), ("b", "x", "POST"), ("c", "x", "GET POST"), ("d", "x", "PUT")]);
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].functions(), ["a", "b", "c"]);
    assert!(errors[0].to_string().starts_with("functions `a`, `b` and `c` all have"), "{}", errors[0]);
}

#[test]
fn of_many_functions_the_first_are_named() {
    let routes: Vec<_> = (10..1_010).map(|index| (format!("f{index}"), format!("M{} M{}", index, index + 1))).collect();
    let routes: Vec<_> = routes.iter().map(|(name, methods)| (name.as_str(), "x", methods.as_str())).collect();
    let (_, errors) = table_of("", &routes);
    assert_eq!(errors.iter().map(|error| error.functions().len()).collect::<Vec<_>>(), [1_000]);
    let told = errors[0].to_string();
    assert!(told.starts_with("functions `f10`, `f11`, ") && told.contains("`f29` and 980 others all have the route `x`"), "{told}");
}

#[test]
fn the_hosts_own_paths_are_refused() {
    for (prefix, template, refused) in [
        ("", "admin", true),
        ("", "/Admin/users", true),
        ("", "RUNTIME/{*x}", true),
        ("admin", "x", true),
        ("runtime/x", "{y}", true),
        ("api", "admin/users", true),
        ("api", "/Admin", true),
        ("", "administration", true),
        ("", "{admin}", false),
        ("", "x/admin", false),
        ("", "{*path}", false),
    ] {
        let (table, errors) = table(prefix, &[("f", template)]);
        assert_eq!(matches!(errors.as_slice(), [RouteError::Reserved { .. }]), refused, "{prefix} {template} {errors:?}");
        assert_eq!(table.path_of("f").is_none(), refused);
    }
    let message = error("/Admin/users").to_string();
    assert!(message.starts_with("function `f`: its route `/Admin/users` is at `/Admin/users`, but what begins"), "{message}");
}

#[test]
fn a_wrong_prefix_is_one_error_for_all() {
    let (table, errors) = table("a//b", &[("f", "x"), ("g", "y")]);
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].functions(), ["f", "g"]);
    assert_eq!(
        errors[0].to_string(),
        "functions `f` and `g`: `extensions.http.routePrefix` in host.json, `a//b`, has two slashes in a row: remove one"
    );
    assert_eq!(table.path_of("f"), None);
    assert!(table_of("{", &[]).1.is_empty());
    let (_, errors) = super::tests::table(&"x/".repeat(600), &[("f", "y")]);
    let told = "functions `f`: `extensions.http.routePrefix` in host.json, `x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/…`, is longer than 1024 bytes: shorten it";
    assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), [told]);
}

#[test]
fn one_wrong_template_leaves_the_others() {
    let (table, errors) = table("api/{id}", &[("f", "x/{ID}"), ("g", "y"), ("h", "{")]);
    let functions: Vec<_> = errors.iter().flat_map(RouteError::functions).collect();
    assert_eq!(functions, ["f", "h"]);
    assert_eq!(target(&table, "GET", "/api/1/y"), Some("g"));
}
