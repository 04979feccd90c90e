//! What every implementation must do: one function a behaviour. Each makes names of its own, so that they may run at the same time on an account that
//! holds other things.
//!
//! [`every_behaviour`](crate::storage::contract::every_behaviour) makes a test of each for one implementation.

pub(in crate::storage) mod blobs;
pub(in crate::storage) mod leases;
pub(in crate::storage) mod queues;
pub(in crate::storage) mod tables;

/// Makes a test of each behaviour. `$open` is an async function that gives a `Storage` and something to keep as long as it is used; it may give nothing
/// where the account isn't at hand. With `but lenient` the account may let pass what Azure refuses: emulators don't check all limits.
macro_rules! every_behaviour {
    ($open:path) => {
        $crate::storage::contract::every_behaviour!(@all $open: wrong_filters_are_refused, large_entities_are_refused);
    };
    ($open:path, but lenient) => {
        $crate::storage::contract::every_behaviour!(@all $open:);
    };
    (@all $open:path: $($strict:ident),*) => {
        $crate::storage::contract::every_behaviour!(@blobs $open:
            containers_come_and_go, blobs_come_and_go, what_was_written_is_read, parts_are_read, streams_are_stored, a_body_that_breaks_off_leaves_nothing,
            conditions_hold, etags_change, a_reader_keeps_its_version, lists_are_in_order, blobs_need_a_container, blob_names_are_checked
        );
        $crate::storage::contract::every_behaviour!(@queues $open:
            queues_come_and_go, messages_come_and_go, messages_come_in_order, received_messages_are_hidden, receipts_are_for_once, delays_hide,
            messages_expire, peeking_changes_nothing, clearing_drops_all, messages_have_a_limit, queues_need_to_be_there, queue_names_are_checked
        );
        $crate::storage::contract::every_behaviour!(@tables $open:
            tables_come_and_go, entities_come_and_go, types_are_kept, keys_are_unique, entities_are_in_order, filters_choose, entities_have_limits,
            tables_need_to_be_there, table_names_are_checked $(, $strict)*
        );
        $crate::storage::contract::every_behaviour!(@leases $open: one_holds_a_lease, a_lease_is_given_back, leases_have_limits);
    };
    (@$module:ident $open:path: $($behaviour:ident),*) => {
        mod $module {
            use super::*;
            $(
                #[tokio::test]
                async fn $behaviour() {
                    if let Some((storage, _kept)) = $open().await {
                        $crate::storage::contract::$module::$behaviour(&storage).await;
                    }
                }
            )*
        }
    };
}

pub(in crate::storage) use every_behaviour;

/// A name that nothing has yet: a label of containers and queues.
fn fresh(what: &str) -> String {
    format!("{what}-{}", uuid::Uuid::new_v4().simple())
}
