//! Copying organisations from one database to another, whichever engines they are of.

use std::path::{Path, PathBuf};
use std::time::Duration;

use docassist_graph::{Graph, GraphBuilder};
use docassist_model::{ErrorCode, OrgSlug, Progress, TenantScope};
use docassist_store::{Copied, Reading, Store, StoreError, copy};
use serde::Serialize;

use crate::{AppError, DEFAULT_WAIT, Database};

/// Why no scope is checked.
const REASON: &str = "whoever copies has both databases";

/// What a copy does not have.
pub const NOT_COPIED: &str = "accounts, keys, jobs and settings of sources are not copied, nor clones of repositories";

/// A database that is copied from or to.
#[derive(Debug, Clone)]
pub struct Place {
    database: Database,
    data: PathBuf,
}

impl Place {
    /// What people write: `postgres://…`, or a data directory. `password` is a file with the password of an address that has
    /// none.
    ///
    /// # Errors
    /// When an address cannot be understood or the file cannot be read.
    pub fn parse(text: &str, password: Option<&Path>) -> Result<Self, AppError> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Ok(Self { database: Database::Files, data: PathBuf::from(text) });
        }
        let has_password = matches!(Database::at(text, None)?, Database::Postgres(config) if config.has_password());
        let database = Database::at(text, password.filter(|_| !has_password))?;
        // Records alone are copied and replaced: no folder beside them is touched.
        Ok(Self { database, data: PathBuf::new() })
    }

    fn location(&self) -> String {
        self.database.location(&self.data)
    }
}

/// What is copied, and where to.
#[derive(Debug, Clone)]
pub struct CopyRequest {
    /// From here.
    pub from: Place,
    /// To there.
    pub to: Place,
    /// One organisation; all of them if `None`.
    pub org: Option<OrgSlug>,
    /// Whether records that are there may be removed first.
    pub replace: bool,
    /// How long to wait for a sync of the target; [`DEFAULT_WAIT`] if `None`.
    pub wait: Option<Duration>,
}

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopyReport {
    /// Where it was read.
    pub from: String,
    /// Where it was written.
    pub to: String,
    /// By organisation.
    pub organisations: Vec<CopiedOrganisation>,
    /// Whether every copy's graph is the original's.
    pub same: bool,
    /// What a copy does not have.
    pub notes: Vec<String>,
}

/// The copy of one organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "numbers of what their names say")]
pub struct CopiedOrganisation {
    pub org: OrgSlug,
    pub sources: u64,
    pub commits: u64,
    pub files: u64,
    pub tickets: u64,
    pub pages: u64,
    pub decisions: u64,
    /// Sources whose first sync never ended: they are there, without records.
    pub unfinished: u64,
    /// Whether an earlier copy was interrupted, whose remains were removed.
    pub resumed: bool,
    /// The digest of the original's graph, in the state that was copied.
    pub digest_from: String,
    /// The digest of the copy's graph.
    pub digest_to: String,
    /// Whether they are equal.
    pub same: bool,
}

/// Copies organisations, and computes from what was read and from what was written whether they are the same.
///
/// # Errors
/// When one of the databases cannot be used, a target has records and may not be replaced, or `progress` says to stop; what
/// was copied before stays.
pub fn copy_organisations(request: &CopyRequest, progress: &dyn Progress) -> Result<CopyReport, AppError> {
    let (from, to) = (request.from.location(), request.to.location());
    if from == to {
        return Err(AppError::new(ErrorCode::InvalidInput, format!("{from} cannot be copied to itself")));
    }
    let source = request.from.database.records(&request.from.data)?;
    let known = source.organisations()?;
    let chosen = match &request.org {
        None => known,
        Some(org) if known.contains(org) => vec![org.clone()],
        Some(org) => {
            let names = known.iter().map(ToString::to_string).collect();
            let error = AppError::new(ErrorCode::NotFound, format!("{from} has no organisation `{org}`"));
            return Err(error.hint("Name one with --org, or copy --all-orgs.").candidates(names));
        }
    };
    if matches!(request.to.database, Database::Files) {
        crate::prepare_folder(&request.to.data);
    }
    let target = request.to.database.records(&request.to.data)?;
    let mut organisations = Vec::new();
    for org in chosen {
        let scope = TenantScope::unchecked(org, REASON);
        // One that was removed meanwhile is none.
        organisations.extend(copy_one(source.as_ref(), target.as_ref(), &scope, request, progress)?);
    }
    let same = organisations.iter().all(|copied| copied.same);
    Ok(CopyReport { from, to, organisations, same, notes: vec![NOT_COPIED.to_owned()] })
}

fn copy_one(
    from: &dyn Store,
    to: &dyn Store,
    scope: &TenantScope,
    request: &CopyRequest,
    progress: &dyn Progress,
) -> Result<Option<CopiedOrganisation>, AppError> {
    let wait = request.wait.unwrap_or(DEFAULT_WAIT);
    let mut read = None;
    from.read_whole(scope, &mut |reading| {
        let copied = copy(reading, to, scope, request.replace, wait, progress)?;
        progress.phase("computing the digest of the original", None);
        read = Some((copied, digest_of(reading, scope.org())?));
        Ok(())
    })
    .map_err(|error| match error {
        StoreError::Cancelled => {
            AppError::new(ErrorCode::Cancelled, format!("the copy of {} was stopped", scope.org()))
                .hint("What is there is marked as unfinished: run the same command again.")
        }
        error => error.into(),
    })?;
    let Some((copied, digest_from)) = read else { return Ok(None) };
    progress.phase("computing the digest of the copy", None);
    let digest_to = digest(to, scope)?.1;
    let Copied { sources, unfinished, records, resumed } = copied;
    Ok(Some(CopiedOrganisation {
        org: scope.org().clone(),
        sources,
        commits: records.commits,
        files: records.files,
        tickets: records.tickets,
        pages: records.pages,
        decisions: records.decisions,
        unfinished,
        resumed,
        same: digest_from == digest_to,
        digest_from,
        digest_to,
    }))
}

/// The digest of the graph of a state.
pub(crate) fn digest_of(reading: &mut dyn Reading, org: &OrgSlug) -> Result<String, StoreError> {
    let mut builder = GraphBuilder::default();
    let sequence = reading.project(&mut builder)?;
    Ok(graph_digest(builder, org, sequence))
}

/// The sequence of an organisation's records and the digest of their graph.
pub(crate) fn digest(store: &dyn Store, scope: &TenantScope) -> Result<(u64, String), StoreError> {
    let mut builder = GraphBuilder::default();
    let sequence = store.project(scope, &mut builder)?;
    Ok((sequence, graph_digest(builder, scope.org(), sequence)))
}

fn graph_digest(builder: GraphBuilder, org: &OrgSlug, sequence: u64) -> String {
    let graph: Graph = builder.build(org.as_str(), sequence);
    graph.digest()
}
