//! The apps of `examples/` that use storage: each does what its README.md says, on both stores.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::store::{Store, on_both_stores, wait_for};
use common::{App, copy_folder, example};

on_both_stores!(
    a_blob_is_an_input,
    a_message_goes_out_beside_a_response,
    messages_are_received,
    a_timer_ticks,
    an_order_goes_through_the_pipeline,
    decorators_bind_queues_blobs_and_timers,
    decorators_bind_tables,
);

/// A copy of an example, with data of its own.
fn copy(name: &str) -> App {
    let app = App::new();
    copy_folder(&example(name), app.path());
    app
}

fn a_blob_is_an_input(store: Store) {
    let app = copy("blob-input");
    let host = store.start(&app);
    store.put(&app, "samples/tea", b"Earl Grey\n");
    assert_eq!(host.get("/api/items/tea").text(), "Earl Grey\n");
    host.wait_for_line("item tea has 10 bytes");
    let none = host.get("/api/items/milk");
    assert_eq!((none.status, none.text()), (404, "There is no item milk."));
}

fn a_message_goes_out_beside_a_response(store: Store) {
    let app = copy("queue-output");
    let host = store.start(&app);
    assert_eq!(host.get("/api/send?body=hello").text(), "hello");
    assert!(store.peek(&app, "outqueue").contains(&(0, "hello".to_owned())));
}

fn messages_are_received(store: Store) {
    let app = copy("queue-trigger");
    let host = store.start(&app);
    store.tool(&app, &["send", "inqueue", "hello"], b"");
    host.wait_for_line("received hello, attempt 1");
    store.tool(&app, &["send", "inqueue", "bad"], b"");
    host.wait_for_line("it is moved to the queue inqueue-poison");
    assert_eq!(store.peek(&app, "inqueue-poison"), [(0, "bad".to_owned())]);
}

fn a_timer_ticks(store: Store) {
    let app = copy("timer");
    let host = store.start(&app);
    host.wait_for_line("tick");
    assert_eq!(host.post("/admin/functions/tick", "{}").status, 202);
}

fn an_order_goes_through_the_pipeline(store: Store) {
    let app = copy("pipeline");
    let host = store.start(&app);
    let began = std::time::Instant::now();
    assert_eq!(host.post("/api/orders/17", r#"{"item": "tea", "price": 3.5, "amount": 2}"#).status, 202);
    host.wait_for_line("printed the bill of order 17");
    let bill = wait_for("the bill", || Some(host.get("/api/bills/17")).filter(|answer| answer.status == 200));
    assert_eq!(bill.text(), "2 x tea: 7.00 €");
    println!("{store:?}: from order to bill in {:?}", began.elapsed());
}

fn decorators_bind_queues_blobs_and_timers(store: Store) {
    let app = copy("v2-queue-timer");
    let host = store.start(&app);
    host.wait_for_line("tick");
    let taken = host.post("/api/orders", r#"{"id": 7, "item": "tea", "price": 3.5}"#);
    assert_eq!((taken.status, taken.text()), (202, "Taken."), "{}", host.printed());
    host.wait_for_line("wrote the bill of order 7");
    host.wait_for_line("archived v2-bills/7.txt, 13 bytes");
    assert_eq!(host.get("/api/bills/7").text(), "tea: 3.50 €");
    assert_eq!(host.get("/api/bills/8").status, 404);
}

fn decorators_bind_tables(store: Store) {
    let app = copy("v2-table-api");
    let host = store.start(&app);
    for (id, name, price) in [(1, "tea", 3), (2, "cake", 5)] {
        let thing = serde_json::json!({"id": id, "name": name, "price": price}).to_string();
        let created = host.post("/api/things", thing);
        assert_eq!((created.status, created.header("location")), (201, Some(format!("/api/things/{id}").as_str())), "{}", host.printed());
    }
    assert_eq!(host.get("/api/things/1").text(), r#"{"id": "1", "name": "tea", "price": 3}"#);
    assert_eq!(host.get("/api/things?from=4").text(), r#"[{"id": "2", "name": "cake", "price": 5}]"#);
    assert_eq!(host.get("/api/things/3").status, 404);
    assert_eq!(host.post("/api/things", r#"{"id": 1, "name": "tea", "price": 3}"#).status, 500);
}
