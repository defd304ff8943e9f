//! The queue of syncs.
//!
//! That of one source at most one job waits, and of one organisation at most one runs (its records have one writer), is
//! the database's own rule (its partial indexes). Any number of processes ask at once: whoever comes second sees what the
//! first one did, because each change is one statement or begins by locking the job's row; where two rows are in question
//! the index refuses the second one, and its transaction is run again ([`is_race`]).

use docassist_model::{Job, JobId, JobProgress, JobState, OrgSlug, Timestamp};
use postgres::error::SqlState;
use postgres::{Client, Row, Transaction};

use super::rows::{self, parameters};
use crate::postgres::fault::{Fault, Inner};
use crate::postgres::text::stored;
use crate::{Beat, ClaimedJob, JobEnd, NewJob, Window};

fn read(row: &Row) -> Inner<Job> {
    let state = rows::plain(row, 4)?;
    let result: Option<&str> = row.try_get(15)?;
    Ok(Job {
        id: JobId(rows::read_number(row, 0)?),
        org: rows::org(row, 1)?,
        kind: rows::kind(row, 2)?,
        source: rows::string(row, 3)?,
        state: JobState::from_name(state).ok_or_else(|| Fault::Malformed(format!("job in state `{state}`")))?,
        request: serde_json::from_str(rows::plain(row, 5)?)?,
        requested_by: rows::string(row, 6)?,
        created: rows::time(row, 7)?,
        started: rows::optional_time(row, 8)?,
        finished: rows::optional_time(row, 9)?,
        attempts: rows::read_number(row, 10)?,
        cancel_requested: rows::flag(row, 11)?,
        progress: JobProgress {
            phase: rows::string(row, 12)?,
            done: rows::read_number(row, 13)?,
            total: rows::optional_number(row, 14)?,
        },
        result: result.map(serde_json::from_str).transpose()?,
        error: rows::optional_string(row, 16)?,
    })
}

/// The columns that [`read`] reads, in its order; then the secret.
macro_rules! columns {
    () => {
        "id, org, kind, source, state, request, requested_by, created, started, finished, attempts, cancel_requested, \
         phase, done, total, result, error, secret"
    };
}

/// Whether another transaction came first in a way that shows only afterwards.
pub(super) fn is_race(error: &postgres::Error) -> bool {
    let constraint = || error.as_db_error().and_then(postgres::error::DbError::constraint);
    error.code() == Some(&SqlState::UNIQUE_VIOLATION)
        && matches!(constraint(), Some("one_job_runs_per_org" | "one_job_waits_per_source"))
}

/// Queues a job, or gives the one that is queued for the source the new request. That one keeps its place in the queue.
pub(super) fn enqueue(transaction: &mut Transaction<'_>, org: &OrgSlug, job: &NewJob<'_>) -> Inner<(Job, bool)> {
    // One that is not in the index (`alone`) conflicts with none. A row that nobody locked yet (`xmax`) is new.
    const SQL: &str = concat!(
        "INSERT INTO jobs (org, source, state, kind, request, secret, requested_by, created, alone, place) \
         VALUES ($1, $2, 'queued', $3, $4, $5, $6, $7, $8, $9) \
         ON CONFLICT (org, source) WHERE state = 'queued' AND NOT alone DO UPDATE SET kind = excluded.kind, \
         request = excluded.request, secret = excluded.secret, requested_by = excluded.requested_by RETURNING ",
        columns!(),
        ", xmax = 0"
    );
    let parameters = parameters![
        org.as_str() => TEXT,
        stored(job.source) => TEXT,
        job.kind.as_str() => TEXT,
        serde_json::to_string(job.request)? => TEXT,
        job.secret => BYTEA,
        stored(job.requested_by) => TEXT,
        job.created.unix() => INT8,
        job.alone || job.place.is_some() => BOOL,
        job.place => TEXT,
    ];
    rows::one(transaction, SQL, parameters, |row| Ok((read(row)?, rows::flag(row, 18)?)))
}

/// A job of an organisation.
pub(super) fn of_org(client: &mut impl postgres::GenericClient, org: &OrgSlug, id: JobId) -> Inner<Option<Job>> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM jobs WHERE id = $1 AND org = $2");
    rows::first(client, SQL, parameters![rows::job(id) => INT8, org.as_str() => TEXT], read)
}

/// Jobs of an organisation, or of one source of it, newest first.
pub(super) fn list(client: &mut Client, org: &OrgSlug, source: Option<&str>, window: Window) -> Inner<Vec<Job>> {
    const OF_ORG: &str =
        concat!("SELECT ", columns!(), " FROM jobs WHERE org = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    const OF_SOURCE: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM jobs WHERE org = $1 AND id < $2 AND source = $4 ORDER BY id DESC LIMIT $3"
    );
    let (before, limit) = rows::window(window);
    let org = org.as_str();
    match source {
        None => rows::all(client, OF_ORG, parameters![org => TEXT, before => INT8, limit => INT8], read),
        Some(source) => {
            let parameters = parameters![org => TEXT, before => INT8, limit => INT8, stored(source) => TEXT];
            rows::all(client, OF_SOURCE, parameters, read)
        }
    }
}

/// How many jobs an organisation, or one source of it, has.
pub(super) fn count(client: &mut Client, org: &OrgSlug, source: Option<&str>) -> Inner<u64> {
    const OF_ORG: &str = "SELECT count(*) FROM jobs WHERE org = $1";
    const OF_SOURCE: &str = "SELECT count(*) FROM jobs WHERE org = $1 AND source = $2";
    match source {
        None => rows::count(client, OF_ORG, parameters![org.as_str() => TEXT]),
        Some(source) => rows::count(client, OF_SOURCE, parameters![org.as_str() => TEXT, stored(source) => TEXT]),
    }
}

/// How many jobs wait and how many run.
pub(super) fn load(client: &mut Client) -> Inner<(u64, u64)> {
    // Together, so that the index of those that have not ended is enough for both.
    const SQL: &str = "SELECT count(*) FILTER (WHERE state = 'queued'), count(*) FILTER (WHERE state = 'running') \
         FROM jobs WHERE state IN ('queued', 'running')";
    rows::one(client, SQL, &[], |row| Ok((rows::read_number(row, 0)?, rows::read_number(row, 1)?)))
}

/// Jobs that can run at the place $2: those that run with a lease that has ended, and of every organisation of which none
/// runs the first one that waits. One of an organisation of which another one runs cannot, even where that one's lease has
/// ended: then that one can. Those of other places hold up only who comes after them from the same source, and who is held up
/// so holds up nobody else.
macro_rules! can_run {
    () => {
        "FROM jobs AS candidate WHERE state IN ('queued', 'running') AND coalesce(place, $2) = $2 \
         AND (state = 'running' AND lease_until <= $1 OR state = 'queued' AND NOT EXISTS (\
         SELECT FROM jobs AS other WHERE other.org = candidate.org AND other.state IN ('queued', 'running') \
         AND (other.state = 'running' OR other.id < candidate.id AND (other.source = candidate.source \
         OR coalesce(other.place, $2) = $2 AND NOT EXISTS (SELECT FROM jobs AS elsewhere \
         WHERE elsewhere.org = other.org AND elsewhere.state = 'queued' AND elsewhere.source = other.source \
         AND elsewhere.id < other.id AND elsewhere.place <> $2)))))"
    };
}

/// Jobs of other places than $2 whose lease has ended: who ran them is gone, and nobody here can go on with them.
macro_rules! lost_elsewhere {
    () => {
        "state = 'running' AND lease_until <= $1 AND place <> $2"
    };
}

/// Whether a job can run at a place, and whether one of another place can be put back.
pub(super) fn any_can_run(client: &mut Client, place: &str, now: Timestamp) -> Inner<(bool, bool)> {
    const SQL: &str =
        concat!("SELECT EXISTS (SELECT ", can_run!(), "), EXISTS (SELECT FROM jobs WHERE ", lost_elsewhere!(), ")");
    let parameters = parameters![now.unix() => INT8, stored(place) => TEXT];
    rows::one(client, SQL, parameters, |row| Ok((rows::flag(row, 0)?, rows::flag(row, 1)?)))
}

/// Puts jobs back into the queue whose runner at another place is gone, or ends them where that was asked for.
pub(super) fn put_back(transaction: &mut Transaction<'_>, place: &str, now: Timestamp) -> Inner<()> {
    const SQL: &str = concat!(
        "UPDATE jobs SET state = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'queued' END, \
         finished = CASE WHEN cancel_requested THEN $1 END, \
         secret = CASE WHEN NOT cancel_requested THEN secret END, owner = NULL, lease_until = NULL WHERE ",
        lost_elsewhere!()
    );
    rows::execute(transaction, SQL, parameters![now.unix() => INT8, stored(place) => TEXT]).map(drop)
}

/// Ends jobs of other places that wait since before `before`.
pub(super) fn fail_elsewhere(
    transaction: &mut Transaction<'_>,
    place: &str,
    before: Timestamp,
    error: &str,
    now: Timestamp,
) -> Inner<u64> {
    const SQL: &str = "UPDATE jobs SET state = 'failed', error = $4, finished = $3, secret = NULL \
         WHERE state = 'queued' AND created < $1 AND place <> $2";
    let parameters =
        parameters![before.unix() => INT8, stored(place) => TEXT, now.unix() => INT8, stored(error) => TEXT];
    rows::execute(transaction, SQL, parameters)
}

/// Takes the oldest job that can run and that nobody else is just taking. One whose end was asked for and whose runner
/// died is ended on the way.
pub(super) fn claim(
    transaction: &mut Transaction<'_>,
    place: &str,
    owner: &str,
    now: Timestamp,
    lease_until: Timestamp,
) -> Inner<Option<ClaimedJob>> {
    // A row that another transaction has locked is passed over; one that has changed since it was found is looked at again,
    // as it is now, before it is taken. Whether its end was asked for is then decided on that same row.
    const SQL: &str = concat!(
        "WITH next AS MATERIALIZED (SELECT id AS job ",
        can_run!(),
        " ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) UPDATE jobs SET \
         state = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'running' END, \
         owner = CASE WHEN NOT cancel_requested THEN $3 END, \
         lease_until = CASE WHEN NOT cancel_requested THEN $4 END, \
         started = CASE WHEN cancel_requested THEN started ELSE $1 END, \
         finished = CASE WHEN cancel_requested THEN $1 END, \
         secret = CASE WHEN NOT cancel_requested THEN secret END, \
         attempts = attempts + CASE WHEN cancel_requested THEN 0 ELSE 1 END \
         FROM next WHERE id = job RETURNING ",
        columns!()
    );
    let parameters = parameters![
        now.unix() => INT8,
        stored(place) => TEXT,
        stored(owner) => TEXT,
        lease_until.unix() => INT8,
    ];
    loop {
        let found = rows::first(transaction, SQL, parameters, |row| {
            Ok(ClaimedJob { job: read(row)?, secret: rows::optional_bytes(row, 17)? })
        })?;
        match found {
            Some(ended) if ended.job.state != JobState::Running => {}
            found => return Ok(found),
        }
    }
}

/// Notes how far a job is and renews its lease.
pub(super) fn beat(
    transaction: &mut Transaction<'_>,
    id: JobId,
    owner: &str,
    progress: &JobProgress,
    lease_until: Timestamp,
) -> Inner<Beat> {
    const SQL: &str = "UPDATE jobs SET phase = $3, done = $4, total = $5, lease_until = $6 \
         WHERE id = $1 AND owner = $2 AND state = 'running' RETURNING cancel_requested";
    let parameters = parameters![
        rows::job(id) => INT8,
        stored(owner) => TEXT,
        stored(&progress.phase) => TEXT,
        rows::number(progress.done) => INT8,
        progress.total.map(rows::number) => INT8,
        lease_until.unix() => INT8,
    ];
    Ok(match rows::first(transaction, SQL, parameters, |row| rows::flag(row, 0))? {
        Some(true) => Beat::Cancel,
        Some(false) => Beat::GoOn,
        None => Beat::Lost,
    })
}

/// Ends a job that `owner` holds, or puts it back into the queue.
pub(super) fn end(
    transaction: &mut Transaction<'_>,
    id: JobId,
    owner: &str,
    end: &JobEnd,
    now: Timestamp,
) -> Inner<bool> {
    const SQL: &str = "UPDATE jobs SET state = $3, result = $4, error = $5, finished = $6, secret = NULL, owner = NULL, \
         lease_until = NULL WHERE id = $1 AND owner = $2 AND state = 'running'";
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
    let parameters = parameters![
        rows::job(id) => INT8,
        stored(owner) => TEXT,
        state.as_str() => TEXT,
        result => TEXT,
        error.as_deref().map(stored) => TEXT,
        now.unix() => INT8,
    ];
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

fn release(transaction: &mut Transaction<'_>, id: JobId, owner: &str) -> Inner<Release> {
    const LOCK: &str =
        "SELECT cancel_requested FROM jobs WHERE id = $1 AND owner = $2 AND state = 'running' FOR UPDATE";
    // After the lock was taken. One that is queued between this and the next statement is a race: the index says so.
    const WAITING: &str = "SELECT waiting.id FROM jobs JOIN jobs AS waiting ON waiting.org = jobs.org \
         AND waiting.source = jobs.source AND waiting.state = 'queued' AND NOT waiting.alone AND NOT jobs.alone \
         WHERE jobs.id = $1";
    const QUEUE: &str = "UPDATE jobs SET state = 'queued', owner = NULL, lease_until = NULL WHERE id = $1";
    let job = parameters![rows::job(id) => INT8];
    let locked = parameters![rows::job(id) => INT8, stored(owner) => TEXT];
    match rows::first(transaction, LOCK, locked, |row| rows::flag(row, 0))? {
        None => return Ok(Release::Lost),
        Some(true) => return Ok(Release::Cancelled),
        Some(false) => {}
    }
    if let Some(waiting) = rows::first(transaction, WAITING, job, |row| rows::integer(row, 0))? {
        return Ok(Release::Merged(waiting));
    }
    rows::execute(transaction, QUEUE, job)?;
    Ok(Release::Queued)
}

/// Ends a job that waits, or asks the runner of one that runs to.
pub(super) fn cancel(
    transaction: &mut Transaction<'_>,
    org: &OrgSlug,
    id: JobId,
    now: Timestamp,
) -> Inner<Option<Job>> {
    // One statement: a job that is claimed or released at this moment is either of the two.
    const SQL: &str = concat!(
        "UPDATE jobs SET cancel_requested = true, \
         finished = CASE WHEN state = 'queued' THEN $3 END, \
         secret = CASE WHEN state <> 'queued' THEN secret END, \
         state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END \
         WHERE id = $1 AND org = $2 AND state IN ('queued', 'running') RETURNING ",
        columns!()
    );
    let parameters = parameters![rows::job(id) => INT8, org.as_str() => TEXT, now.unix() => INT8];
    match rows::first(transaction, SQL, parameters, read)? {
        Some(job) => Ok(Some(job)),
        // Ended, or none.
        None => of_org(transaction, org, id),
    }
}

/// Forgets jobs that ended.
pub(super) fn purge(transaction: &mut Transaction<'_>, before: Timestamp) -> Inner<u64> {
    rows::execute(transaction, "DELETE FROM jobs WHERE finished < $1", parameters![before.unix() => INT8])
}
