//! The table input and output, on both stores.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::store::{Store, on_both_stores, unique};
use common::{App, Host};
use serde_json::{Value, json};

on_both_stores!(entities_are_added_and_read);

fn app(table: &str) -> App {
    let trigger = |route: &str| json!({"type": "httpTrigger", "name": "req", "authLevel": "anonymous", "route": route});
    let http = json!({"type": "http", "name": "$return"});
    let input = |extra: Value| {
        let mut input = json!({"type": "table", "direction": "in", "name": "rows", "tableName": table});
        input.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        input
    };
    let output = json!({"type": "table", "direction": "out", "name": "row", "tableName": table, "partitionKey": "p"});
    let read = "import azure.functions as func\n\ndef main(req: func.HttpRequest, rows: str) -> str:\n    return rows\n";
    let write = "import azure.functions as func\n\ndef main(req: func.HttpRequest, row: func.Out[str]) -> str:\n    row.set(req.get_body().decode())\n    return 'added'\n";
    App::new()
        .function("add", &json!([trigger("add"), http, output]).to_string(), write)
        .function("one", &json!([trigger("one/{id}"), http, input(json!({"partitionKey": "p", "rowKey": "{id}"}))]).to_string(), read)
        .function(
            "some",
            &json!([trigger("some/{least}"), http, input(json!({"partitionKey": "p", "filter": "N ge {least}", "take": 2}))]).to_string(),
            read,
        )
        .function("all", &json!([trigger("all"), http, input(json!({}))]).to_string(), read)
}

fn rows(host: &Host, path: &str) -> Value {
    let answer = host.get(path);
    assert_eq!(answer.status, 200, "{}", host.printed());
    serde_json::from_str(answer.text()).unwrap()
}

fn entities_are_added_and_read(store: Store) {
    let host = store.start(&app(&unique("table")));
    assert_eq!(rows(&host, "/api/all"), json!([]), "a table that is not there");
    assert_eq!(
        host.post("/api/add", r#"{"RowKey": "1", "N": 1, "Text": "ü", "Yes": true, "X": 1.5, "Long": 1099511627776}"#).status,
        200,
        "{}",
        host.printed()
    );
    assert_eq!(host.post("/api/add", r#"[{"RowKey": "2", "N": 2}, {"PartitionKey": "q", "RowKey": "3", "N": 3}]"#).status, 200);
    assert_eq!(
        rows(&host, "/api/one/1"),
        json!([{"PartitionKey": "p", "RowKey": "1", "N": 1, "Text": "ü", "Yes": true, "X": 1.5, "Long": 1099511627776_i64}])
    );
    assert_eq!(rows(&host, "/api/one/none"), json!([]));
    assert_eq!(rows(&host, "/api/some/2"), json!([{"PartitionKey": "p", "RowKey": "2", "N": 2}]));
    assert_eq!(rows(&host, "/api/all").as_array().unwrap().len(), 3);
    assert_eq!(host.post("/api/add", r#"{"RowKey": "1"}"#).status, 500, "it is there already");
    host.wait_for_line("Exception: BindingError: row:");
    // One after the other: what comes before it is added.
    assert_eq!(host.post("/api/add", r#"[{"RowKey": "4"}, {"RowKey": "1"}, {"RowKey": "5"}]"#).status, 500);
    assert_eq!((rows(&host, "/api/one/4").as_array().unwrap().len(), rows(&host, "/api/one/5")), (1, json!([])));
    assert_eq!(host.post("/api/add", "no JSON").status, 500);
    let told = "Exception: BindingError: row: the table output takes the text of a JSON object, or of an array of them, but this text is no JSON (line 1, column 2): \
                json.dumps makes it of a dict";
    assert_eq!(host.wait_for_line("the table output takes the text"), told);
}
