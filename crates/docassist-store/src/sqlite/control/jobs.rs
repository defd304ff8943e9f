//! The queue of syncs.
//!
//! That of one source at most one job waits, and of one organisation at most one runs (its records have one writer), is
//! the database's own rule (its partial indexes). Every statement here keeps it, and none relies on being the only one that does.

use docassist_model::{Job, JobId, JobProgress, JobState, OrgSlug, Timestamp};
use rusqlite::{Connection, Row, Transaction};

use super::rows;
use crate::sqlite::columns;
use crate::sqlite::fault::{Fault, Inner};
use crate::{Beat, ClaimedJob, JobEnd, NewJob, Window};

fn read(row: &Row<'_>) -> Inner<Job> {
    let state = columns::text(row, 4)?;
    let result = columns::optional_text(row, 15)?;
    Ok(Job {
        id: JobId(columns::number(row, 0)?),
        org: columns::org(row, 1)?,
        kind: columns::kind(row, 2)?,
        source: columns::text(row, 3)?.to_owned(),
        state: JobState::from_name(state).ok_or_else(|| Fault::Malformed(format!("job in state `{state}`")))?,
        request: serde_json::from_str(columns::text(row, 5)?)?,
        requested_by: columns::text(row, 6)?.to_owned(),
        created: columns::time(row, 7)?,
        started: columns::optional_time(row, 8)?,
        finished: columns::optional_time(row, 9)?,
        attempts: columns::number(row, 10)?,
        cancel_requested: columns::flag(row, 11)?,
        progress: JobProgress {
            phase: columns::text(row, 12)?.to_owned(),
            done: columns::number(row, 13)?,
            total: columns::optional_number(row, 14)?,
        },
        result: result.map(serde_json::from_str).transpose()?,
        error: columns::optional_text(row, 16)?.map(str::to_owned),
    })
}

/// The columns that [`read`] reads, in its order; then the secret.
macro_rules! columns {
    () => {
        "id, org, kind, source, state, request, requested_by, created, started, finished, attempts, cancel_requested, \
         phase, done, total, result, error, secret"
    };
}

/// Queues a job, or gives the one that is queued for the source the new request. That one keeps its place in the queue.
pub(super) fn enqueue(transaction: &Transaction<'_>, org: &OrgSlug, job: &NewJob<'_>) -> Inner<(Job, bool)> {
    const WAITING: &str = "SELECT id FROM jobs WHERE org = ?1 AND source = ?2 AND state = 'queued' AND NOT alone";
    const UPDATE: &str = concat!(
        "UPDATE jobs SET kind = ?2, request = ?3, secret = ?4, requested_by = ?5 WHERE id = ?1 RETURNING ",
        columns!()
    );
    const INSERT: &str = concat!(
        "INSERT INTO jobs (org, source, state, kind, request, secret, requested_by, created, alone) \
         VALUES (?1, ?2, 'queued', ?3, ?4, ?5, ?6, ?7, ?8) RETURNING ",
        columns!()
    );
    let (kind, request) = (job.kind.as_str(), serde_json::to_string(job.request)?);
    let waiting = match job.alone {
        true => None,
        false => rows::first(transaction, WAITING, (org.as_str(), job.source), |row| columns::integer(row, 0))?,
    };
    let Some(id) = waiting else {
        let created = job.created.unix();
        let parameters = (org.as_str(), job.source, kind, request, job.secret, job.requested_by, created, job.alone);
        return Ok((rows::one(transaction, INSERT, parameters, read)?, true));
    };
    let parameters = (id, kind, request, job.secret, job.requested_by);
    Ok((rows::one(transaction, UPDATE, parameters, read)?, false))
}

/// A job of an organisation.
pub(super) fn of_org(connection: &Connection, org: &OrgSlug, id: JobId) -> Inner<Option<Job>> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM jobs WHERE id = ?1 AND org = ?2");
    rows::first(connection, SQL, (rows::job(id), org.as_str()), read)
}

/// Jobs of an organisation, or of one source of it, newest first.
pub(super) fn list(connection: &Connection, org: &OrgSlug, source: Option<&str>, window: Window) -> Inner<Vec<Job>> {
    const OF_ORG: &str =
        concat!("SELECT ", columns!(), " FROM jobs WHERE org = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3");
    const OF_SOURCE: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM jobs WHERE org = ?1 AND id < ?2 AND source = ?4 ORDER BY id DESC LIMIT ?3"
    );
    let (before, limit) = rows::window(window);
    match source {
        None => rows::all(connection, OF_ORG, (org.as_str(), before, limit), read),
        Some(source) => rows::all(connection, OF_SOURCE, (org.as_str(), before, limit, source), read),
    }
}

/// How many jobs an organisation, or one source of it, has.
pub(super) fn count(connection: &Connection, org: &OrgSlug, source: Option<&str>) -> Inner<u64> {
    const OF_ORG: &str = "SELECT count(*) FROM jobs WHERE org = ?1";
    const OF_SOURCE: &str = "SELECT count(*) FROM jobs WHERE org = ?1 AND source = ?2";
    match source {
        None => rows::count(connection, OF_ORG, [org.as_str()]),
        Some(source) => rows::count(connection, OF_SOURCE, [org.as_str(), source]),
    }
}

/// How many jobs wait and how many run.
pub(super) fn load(connection: &Connection) -> Inner<(u64, u64)> {
    const SQL: &str = "SELECT (SELECT count(*) FROM jobs WHERE state = 'queued'), \
         (SELECT count(*) FROM jobs WHERE state = 'running')";
    rows::one(connection, SQL, [], |row| Ok((columns::number(row, 0)?, columns::number(row, 1)?)))
}

/// The oldest job that can run. One of an organisation of which another one runs cannot, even where that one's lease has
/// ended: then that one can.
const CAN_RUN: &str = "SELECT min(id) FROM (\
     SELECT min(id) AS id FROM jobs WHERE state = 'running' AND lease_until <= ?1 \
     UNION ALL \
     SELECT * FROM (SELECT id FROM jobs AS waiting WHERE state = 'queued' AND NOT EXISTS (\
     SELECT 1 FROM jobs WHERE state = 'running' AND org = waiting.org) \
     ORDER BY id LIMIT 1))";

fn can_run(connection: &Connection, now: Timestamp) -> Inner<Option<i64>> {
    rows::one(connection, CAN_RUN, [now.unix()], |row| columns::optional_number(row, 0))
}

/// Whether a job can run.
pub(super) fn any_can_run(connection: &Connection, now: Timestamp) -> Inner<bool> {
    Ok(can_run(connection, now)?.is_some())
}

/// Takes the oldest job that can run. One whose end was asked for and whose runner died is ended on the way.
pub(super) fn claim(
    transaction: &Transaction<'_>,
    owner: &str,
    now: Timestamp,
    lease_until: Timestamp,
) -> Inner<Option<ClaimedJob>> {
    const CANCEL: &str = "UPDATE jobs SET state = 'cancelled', finished = ?2, secret = NULL, owner = NULL, \
         lease_until = NULL WHERE id = ?1 AND cancel_requested";
    const CLAIM: &str = concat!(
        "UPDATE jobs SET state = 'running', owner = ?2, started = ?3, lease_until = ?4, attempts = attempts + 1 \
         WHERE id = ?1 RETURNING ",
        columns!()
    );
    while let Some(id) = can_run(transaction, now)? {
        if rows::changes(transaction, CANCEL, (id, now.unix()))? {
            continue;
        }
        return rows::one(transaction, CLAIM, (id, owner, now.unix(), lease_until.unix()), |row| {
            let secret = columns::optional_blob(row, 17)?.map(<[u8]>::to_vec);
            Ok(Some(ClaimedJob { job: read(row)?, secret }))
        });
    }
    Ok(None)
}

/// Notes how far a job is and renews its lease.
pub(super) fn beat(
    transaction: &Transaction<'_>,
    id: JobId,
    owner: &str,
    progress: &JobProgress,
    lease_until: Timestamp,
) -> Inner<Beat> {
    const SQL: &str = "UPDATE jobs SET phase = ?3, done = ?4, total = ?5, lease_until = ?6 \
         WHERE id = ?1 AND owner = ?2 AND state = 'running' RETURNING cancel_requested";
    let (done, total) = (rows::number(progress.done), progress.total.map(rows::number));
    let parameters = (rows::job(id), owner, &progress.phase, done, total, lease_until.unix());
    let cancel = rows::first(transaction, SQL, parameters, |row| columns::flag(row, 0))?;
    Ok(match cancel {
        Some(true) => Beat::Cancel,
        Some(false) => Beat::GoOn,
        None => Beat::Lost,
    })
}

/// Ends a job that `owner` holds, or puts it back into the queue.
pub(super) fn end(transaction: &Transaction<'_>, id: JobId, owner: &str, end: &JobEnd, now: Timestamp) -> Inner<bool> {
    const SQL: &str = "UPDATE jobs SET state = ?3, result = ?4, error = ?5, finished = ?6, secret = NULL, owner = NULL, \
         lease_until = NULL WHERE id = ?1 AND owner = ?2 AND state = 'running'";
    let (state, result, error) = match end {
        JobEnd::Done(result) => (JobState::Done, Some(serde_json::to_string(result)?), None),
        JobEnd::Failed(error) => (JobState::Failed, None, Some(error.clone())),
        JobEnd::Cancelled => (JobState::Cancelled, None, None),
        JobEnd::Released => match release(transaction, id, owner)? {
            Release::Queued => return Ok(true),
            Release::Cancelled => (JobState::Cancelled, None, None),
            Release::Merged(into) => {
                let error = format!("its process ended; job {into}, which waits for the same source, goes on with it");
                (JobState::Cancelled, None, Some(error))
            }
            Release::Lost => return Ok(false),
        },
    };
    let parameters = (rows::job(id), owner, state.as_str(), result, error, now.unix());
    rows::changes(transaction, SQL, parameters)
}

/// What becomes of a job that its runner lets go of.
enum Release {
    /// It waits again, in its old place.
    Queued,
    /// Its end was asked for: it does not wait again.
    Cancelled,
    /// This one waits for the same source already.
    Merged(i64),
    /// It was not the runner's any more.
    Lost,
}

fn release(transaction: &Transaction<'_>, id: JobId, owner: &str) -> Inner<Release> {
    const FIND: &str = "SELECT cancel_requested, (SELECT waiting.id FROM jobs AS waiting \
         WHERE waiting.org = jobs.org AND waiting.source = jobs.source AND waiting.state = 'queued' \
         AND NOT waiting.alone AND NOT jobs.alone) \
         FROM jobs WHERE id = ?1 AND owner = ?2 AND state = 'running'";
    const QUEUE: &str = "UPDATE jobs SET state = 'queued', owner = NULL, lease_until = NULL WHERE id = ?1";
    let found = rows::first(transaction, FIND, (rows::job(id), owner), |row| {
        Ok((columns::flag(row, 0)?, columns::optional_number(row, 1)?))
    })?;
    Ok(match found {
        None => Release::Lost,
        Some((true, _)) => Release::Cancelled,
        Some((false, Some(waiting))) => Release::Merged(waiting),
        Some((false, None)) => {
            rows::execute(transaction, QUEUE, [rows::job(id)])?;
            Release::Queued
        }
    })
}

/// Ends a job that waits, or asks the runner of one that runs to.
pub(super) fn cancel(transaction: &Transaction<'_>, org: &OrgSlug, id: JobId, now: Timestamp) -> Inner<Option<Job>> {
    const WAITING: &str = "UPDATE jobs SET state = 'cancelled', cancel_requested = 1, finished = ?3, secret = NULL \
         WHERE id = ?1 AND org = ?2 AND state = 'queued'";
    const RUNNING: &str = "UPDATE jobs SET cancel_requested = 1 WHERE id = ?1 AND org = ?2 AND state = 'running'";
    let (job, slug) = (rows::job(id), org.as_str());
    if !rows::changes(transaction, WAITING, (job, slug, now.unix()))? {
        rows::execute(transaction, RUNNING, (job, slug))?;
    }
    of_org(transaction, org, id)
}

/// Forgets jobs that ended.
pub(super) fn purge(transaction: &Transaction<'_>, before: Timestamp) -> Inner<u64> {
    rows::execute(transaction, "DELETE FROM jobs WHERE finished < ?1", [before.unix()])
}
