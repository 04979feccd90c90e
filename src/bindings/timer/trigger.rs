//! Waits for the schedule's times and runs the function, as the WebJobs SDK's `TimerListener` does.
//!
//! Of several hosts on one storage account one runs the timer: it holds a lease, and the others try to get it. A timer whose runs are at least a minute apart
//! remembers when it should run next, so that a run that was missed is made up for at the next start. Where the storage can't be reached, the timer runs all
//! the same and says so: it needs the storage only for these two.

use super::schedule::Schedule;
use super::status::Status;
use crate::app::LogLevel;
use crate::bindings::Trigger;
use crate::bindings::account::{Account, AccountError};
use crate::bindings::event::{Event, NotRun, Runner, Value};
use crate::sandbox::api::Datum;
use crate::storage::{LeaseId, StorageError};
use async_trait::async_trait;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long the lease is taken for: when a host dies, another one goes on after so long.
const LEASE: Duration = Duration::from_secs(15);
/// Timers that run more often are not monitored (`TimerTriggerBinding` in the SDK).
const LEAST_MONITORED: SignedDuration = SignedDuration::from_mins(1);
/// The clock is looked at after so long at the latest, as it may be set.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// The trigger.
#[derive(Debug, Clone)]
pub(super) struct TimerTrigger {
    pub(super) name: String,
    pub(super) function: String,
    pub(super) schedule: Schedule,
    pub(super) zone: TimeZone,
    pub(super) run_on_startup: bool,
    pub(super) use_monitor: bool,
    pub(super) account: Account,
    pub(super) host_id: String,
}

#[async_trait]
impl Trigger for TimerTrigger {
    async fn listen(&self, runner: Arc<dyn Runner>, stop: CancellationToken) {
        while let Some(lease) = self.take_lease(runner.as_ref(), &stop).await {
            let turn = stop.child_token();
            let mut running = std::pin::pin!(self.run(runner.as_ref(), &turn));
            tokio::select! {
                () = &mut running => {}
                () = self.lose_lease(lease.as_ref(), runner.as_ref()) => {
                    turn.cancel();
                    running.await;
                    continue;
                }
            }
            if let (Some(lease), Ok(storage)) = (lease, self.account.storage().await) {
                // Else it ends by itself.
                let _ = storage.leases.release(&self.lease_name(), &lease).await;
            }
            return;
        }
    }

    async fn event(&self, _: &str) -> Result<Event, String> {
        let monitored = self.next_after(Timestamp::now()).is_some_and(|next| self.is_monitored(next));
        // Nothing depends on it, so an error is no reason not to run.
        let status = if monitored { self.stored_status().await.ok().flatten() } else { None };
        Ok(self.event_of(status.as_ref(), false))
    }
}

// === impl TimerTrigger ===

impl TimerTrigger {
    /// Waits for the schedule and runs, until it is told to stop. Never runs twice at a time.
    async fn run(&self, runner: &dyn Runner, stop: &CancellationToken) {
        let Some(next) = self.next_after(Timestamp::now()) else {
            return runner.tell(LogLevel::Warning, &format!("the timer {} never runs: its schedule has no time to come", self.function));
        };
        let monitored = self.is_monitored(next);
        let mut status = if monitored { self.read_status(runner).await } else { None };
        let past_due = status.as_ref().and_then(Status::next).is_some_and(|next| next < Timestamp::now());
        let mut last = None;
        let mut noted = false;
        if monitored && status.is_none() {
            // Before the first run, so that the next is made up for where the host ends meanwhile (`CheckPastDueAsync` in the SDK).
            let first = Status::new(None, next, Timestamp::now());
            self.write_status(&first, runner).await;
            status = Some(first);
            noted = true;
        }
        if past_due || self.run_on_startup {
            noted = false;
            last = Some(self.invoke(status.as_ref(), past_due, runner, stop).await);
        }
        while let Some(next) = self.next_after(Timestamp::now()) {
            if monitored && !std::mem::take(&mut noted) {
                let updated = Status::new(last, next, Timestamp::now());
                self.write_status(&updated, runner).await;
                status = Some(updated);
            }
            tokio::select! {
                () = sleep_until(next) => {}
                () = stop.cancelled() => return,
            }
            last = Some(self.invoke(status.as_ref(), false, runner, stop).await);
            if stop.is_cancelled() {
                break;
            }
        }
        if monitored && let (Some(last), Some(next)) = (last, self.next_after(Timestamp::now())) {
            self.write_status(&Status::new(Some(last), next, Timestamp::now()), runner).await;
        }
        if !stop.is_cancelled() {
            runner.tell(LogLevel::Warning, &format!("the timer {} has no more times to come", self.function));
        }
    }

    fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        self.schedule.next_after(&time.to_zoned_datetime(self.zone.clone())).map(|next| next.timestamp())
    }

    /// Whether missed runs are made up for.
    fn is_monitored(&self, next: Timestamp) -> bool {
        let following = self.next_after(next);
        self.use_monitor && following.is_none_or(|following| following.duration_since(next) >= LEAST_MONITORED)
    }

    /// Runs the function once; an error doesn't stop the schedule. Gives the time when it began.
    async fn invoke(&self, status: Option<&Status>, past_due: bool, runner: &dyn Runner, stop: &CancellationToken) -> Timestamp {
        let began = Timestamp::now();
        while let Err(NotRun::Unavailable) = runner.run(self.event_of(status, past_due)).await {
            if stop.is_cancelled() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        began
    }

    fn event_of(&self, status: Option<&Status>, past_due: bool) -> Event {
        let info = json!({"Schedule": {"AdjustForDST": true}, "ScheduleStatus": status, "IsPastDue": past_due});
        Event::of(&self.name, Value::Datum(Datum::Json(info.to_string())))
    }

    async fn read_status(&self, runner: &dyn Runner) -> Option<Status> {
        self.stored_status().await.unwrap_or_else(|error| {
            runner.tell(LogLevel::Warning, &format!("timer {}: it is not known whether a run was missed: {error}", self.function));
            None
        })
    }

    async fn stored_status(&self) -> Result<Option<Status>, AccountError> {
        let blobs = &self.account.storage().await?.blobs;
        Status::read(blobs.as_ref(), &self.host_id, &self.function).await.map_err(|error| self.account.error(error))
    }

    async fn write_status(&self, status: &Status, runner: &dyn Runner) {
        let writing = async {
            let blobs = &self.account.storage().await?.blobs;
            status.write(blobs.as_ref(), &self.host_id, &self.function).await.map_err(|error| self.account.error(error))
        };
        if let Err(error) = writing.await {
            runner.tell(LogLevel::Warning, &format!("timer {}: the next run can't be noted: {error}", self.function));
        }
    }

    fn lease_name(&self) -> String {
        format!("{}/Host.Functions.{}.Listener", self.host_id, self.function)
    }

    /// The lease; the inner nothing where the storage can't be reached, and the outer where it was told to stop before.
    async fn take_lease(&self, runner: &dyn Runner, stop: &CancellationToken) -> Option<Option<LeaseId>> {
        loop {
            match self.try_lease().await {
                Ok(Some(lease)) => return Some(Some(lease)),
                Ok(None) => {}
                Err(error) => {
                    let text = format!("timer {}: {error}; it runs without making sure that no other host runs it too", self.function);
                    runner.tell(LogLevel::Warning, &text);
                    return Some(None);
                }
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                () = stop.cancelled() => return None,
            }
        }
    }

    async fn try_lease(&self) -> Result<Option<LeaseId>, AccountError> {
        let leases = &self.account.storage().await?.leases;
        leases.acquire(&self.lease_name(), LEASE).await.map_err(|error| self.account.error(error))
    }

    /// Renews the lease until another host has it.
    async fn lose_lease(&self, lease: Option<&LeaseId>, runner: &dyn Runner) {
        let Some(lease) = lease else { return std::future::pending().await };
        let mut told = false;
        loop {
            tokio::time::sleep(LEASE / 3).await;
            let renewing = async {
                let leases = &self.account.storage().await?.leases;
                leases.renew(&self.lease_name(), lease).await.map_err(|error| self.account.error(error))
            };
            match renewing.await {
                Ok(()) => told = false,
                Err(error) => {
                    let lost = matches!(error.storage(), StorageError::Conflict(_));
                    if !told || lost {
                        runner.tell(LogLevel::Warning, &format!("timer {}: its lease can't be renewed: {error}", self.function));
                    }
                    told = true;
                    if lost {
                        return;
                    }
                }
            }
        }
    }
}

/// Sleeps until a time of the real clock.
async fn sleep_until(time: Timestamp) {
    loop {
        let left = time.duration_since(Timestamp::now());
        match Duration::try_from(left) {
            Ok(left) if !left.is_zero() => tokio::time::sleep(left.min(LONGEST_SLEEP)).await,
            _ => return,
        }
    }
}
