//! What leases must do.

use super::fresh;
use crate::storage::{LeaseId, Storage, StorageError};
use std::time::Duration;

const SHORTEST: Duration = Duration::from_secs(15);
const LONGEST: Duration = Duration::from_secs(60);

pub(in crate::storage) async fn one_holds_a_lease(storage: &Storage) {
    let name = fresh("contract/host");
    let tries = futures_util::future::join_all((0..8).map(|_| storage.leases.acquire(&name, LONGEST))).await;
    let held: Vec<LeaseId> = tries.into_iter().filter_map(|lease| lease.unwrap()).collect();
    let [lease] = held.as_slice() else { panic!("{held:?}") };
    storage.leases.renew(&name, lease).await.unwrap();
    assert_eq!(storage.leases.acquire(&name, SHORTEST).await.unwrap(), None);
    let stranger = LeaseId(uuid::Uuid::new_v4().to_string());
    assert!(matches!(storage.leases.renew(&name, &stranger).await, Err(StorageError::Conflict(_))));
    // A stranger's giving back changes nothing.
    storage.leases.release(&name, &stranger).await.unwrap();
    assert_eq!(storage.leases.acquire(&name, SHORTEST).await.unwrap(), None);
    assert!(storage.leases.acquire(&fresh("contract/host"), SHORTEST).await.unwrap().is_some(), "another name is free");
    storage.leases.release(&name, lease).await.unwrap();
}

pub(in crate::storage) async fn a_lease_is_given_back(storage: &Storage) {
    let name = fresh("contract");
    let first = storage.leases.acquire(&name, SHORTEST).await.unwrap().unwrap();
    storage.leases.release(&name, &first).await.unwrap();
    let second = storage.leases.acquire(&name, SHORTEST).await.unwrap().unwrap();
    assert_ne!(first, second);
    assert!(matches!(storage.leases.renew(&name, &first).await, Err(StorageError::Conflict(_))));
    storage.leases.release(&name, &first).await.unwrap();
    storage.leases.renew(&name, &second).await.unwrap();
    storage.leases.release(&name, &second).await.unwrap();
}

pub(in crate::storage) async fn leases_have_limits(storage: &Storage) {
    for wrong in [Duration::ZERO, Duration::from_secs(14), Duration::from_secs(61)] {
        assert!(storage.leases.acquire(&fresh("contract"), wrong).await.is_err(), "{wrong:?}");
    }
}
