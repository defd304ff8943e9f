//! Qdrant.

use crate::findings::{Area, Finding, Verdict};

/// The oldest minor version that our client speaks to.
const LEAST_VERSION: (u32, u32) = (1, 15);

/// A collection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QdrantCollection {
    /// Its name.
    pub name: String,
    /// `green`, `yellow`, `grey` or `red`.
    pub status: String,
    /// Whether its optimizer is well; otherwise what it says.
    pub optimizer_error: Option<String>,
}

/// What a running Qdrant says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QdrantLive {
    /// `1.17.1`.
    pub version: String,
    /// Whether it answers without a key; none where that was not tried.
    pub open_without_key: Option<bool>,
    /// Its collections.
    pub collections: Vec<QdrantCollection>,
}

/// Judges a running Qdrant: its version, whether it asks for a key, and each collection.
#[must_use]
pub fn check_qdrant(live: &QdrantLive) -> Vec<Finding> {
    let finding = |name: &str, verdict| Finding::new(Area::Qdrant, name, verdict);
    let mut findings = vec![version(live)];
    if let Some(open) = live.open_without_key {
        findings.push(
            finding("key", if open { Verdict::Warning } else { Verdict::Ok })
                .expected("asked for")
                .actual(if open { "not asked for" } else { "asked for" })
                .unless_ok("Whoever reaches its port reads every organisation's texts: set QDRANT__SERVICE__API_KEY."),
        );
    }
    for collection in &live.collections {
        let verdict = match (collection.status.as_str(), &collection.optimizer_error) {
            ("red", _) => Verdict::Drift,
            ("green" | "yellow" | "grey", None) => Verdict::Ok,
            _ => Verdict::Warning,
        };
        let actual = match &collection.optimizer_error {
            Some(error) => format!("{}, {error}", collection.status),
            None => collection.status.clone(),
        };
        findings.push(
            finding(&format!("collection {}", collection.name), verdict)
                .expected("green, or yellow while it indexes")
                .actual(actual)
                .unless_ok("Its log names the failure; build the organisation's index again."),
        );
    }
    findings
}

fn version(live: &QdrantLive) -> Finding {
    let mut parts = live.version.split('.').map(|part| part.parse::<u32>().ok());
    let base = |verdict| {
        Finding::new(Area::Qdrant, "version", verdict)
            .expected(format!("{}.{} or newer", LEAST_VERSION.0, LEAST_VERSION.1))
    };
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(major), Some(minor)) if (major, minor) >= LEAST_VERSION => base(Verdict::Ok).actual(&live.version),
        (Some(_), Some(_)) => base(Verdict::Drift)
            .actual(&live.version)
            .advice("Upgrade Qdrant one minor version after the other, as it asks for."),
        _ => base(Verdict::Unknown).actual("not shown").advice("Its first page, GET /, tells the version."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(live: &QdrantLive) -> Vec<Verdict> {
        check_qdrant(live).iter().map(|finding| finding.verdict).collect()
    }

    #[test]
    fn versions_keys_and_collections_are_judged() {
        let collection = |status: &str, error: Option<&str>| QdrantCollection {
            name: "acme".into(),
            status: status.into(),
            optimizer_error: error.map(str::to_owned),
        };
        let live = |version: &str, collections| QdrantLive {
            version: version.into(),
            open_without_key: Some(false),
            collections,
        };
        use Verdict::{Drift, Ok, Unknown, Warning};
        assert_eq!(verdicts(&live("1.17.1", vec![collection("green", None)])), [Ok, Ok, Ok]);
        assert_eq!(verdicts(&live("1.9.0", vec![collection("yellow", Some("no space"))])), [Drift, Ok, Warning]);
        assert_eq!(verdicts(&live("", vec![collection("red", None)])), [Unknown, Ok, Drift]);
        assert_eq!(verdicts(&QdrantLive { open_without_key: Some(true), ..live("2.0.0", vec![]) }), [Ok, Warning]);
    }
}
