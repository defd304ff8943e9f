//! Looking at a running Qdrant through its REST interface. What this release asks of it is how its collections are.

use std::time::Duration;

use docassist_ops::doctor::{QdrantCollection, QdrantLive};
use docassist_ops::monitor::{CollectionFigures, QdrantFigures};
use serde_json::Value;

use crate::QdrantAddress;

/// One answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// A collection is asked for by itself; more are a list that nobody reads.
const MOST_COLLECTIONS: usize = 100;
/// An answer is a few hundred bytes; a larger one is something else.
const LONGEST: u64 = 1 << 20;

/// What a Qdrant says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QdrantState {
    pub(crate) version: String,
    pub(crate) open_without_key: Option<bool>,
    pub(crate) collections: Vec<(CollectionFigures, Option<String>)>,
}

impl QdrantState {
    pub(crate) fn figures(self) -> QdrantFigures {
        QdrantFigures::new(self.version, self.collections.into_iter().map(|(figures, _)| figures).collect())
    }

    pub(crate) fn live(self) -> QdrantLive {
        let collections = self.collections.into_iter().map(|(figures, optimizer_error)| QdrantCollection {
            name: figures.name,
            status: figures.status,
            optimizer_error,
        });
        QdrantLive {
            version: self.version,
            open_without_key: self.open_without_key,
            collections: collections.collect(),
        }
    }
}

/// Asks it. Blocks.
///
/// # Errors
/// What is wrong, in a few words.
pub(crate) fn look(address: &QdrantAddress) -> Result<QdrantState, String> {
    // Made before, it was the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::blocking::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
    let client = client.build().map_err(|error| error.to_string())?;
    let get = |path: &str, key: Option<&str>| {
        let request = client.get(format!("{}{path}", address.url));
        let request = key.iter().fold(request, |request, key| request.header("api-key", *key));
        request.send().map_err(described)
    };
    let ask = |path: &str| -> Result<Value, String> {
        let response = get(path, address.key.as_deref())?;
        if !response.status().is_success() {
            return Err(format!("{path} is answered with {}", response.status()));
        }
        if response.content_length().is_some_and(|length| length > LONGEST) {
            return Err(format!("{path} is answered with more than {LONGEST} bytes"));
        }
        response.json().map_err(described)
    };
    // Whether it can serve is its own judgement; it is asked first, since it needs no key.
    let ready = get("/readyz", None)?;
    if !ready.status().is_success() {
        return Err(format!("it is not ready: {}", ready.status()));
    }
    let open_without_key = get("/collections", None)?.status().is_success();
    let version = ask("/")?["version"].as_str().unwrap_or_default().to_owned();
    let listed = ask("/collections")?;
    let names = listed["result"]["collections"].as_array().into_iter().flatten();
    let names = names.filter_map(|collection| collection["name"].as_str()).take(MOST_COLLECTIONS);
    let collections = names.map(|name| Ok(collection(name, &ask(&format!("/collections/{}", encoded(name)))?)));
    Ok(QdrantState {
        version,
        open_without_key: Some(open_without_key),
        collections: collections.collect::<Result<_, String>>()?,
    })
}

/// A collection, and what its optimizer complains of.
fn collection(name: &str, answer: &Value) -> (CollectionFigures, Option<String>) {
    let result = &answer["result"];
    let number = |field: &str| result[field].as_u64().unwrap_or_default();
    let figures = CollectionFigures {
        name: name.to_owned(),
        status: result["status"].as_str().unwrap_or("unknown").to_owned(),
        points: number("points_count"),
        indexed_vectors: number("indexed_vectors_count"),
        segments: number("segments_count"),
    };
    // `"ok"`, or an object that says what is wrong.
    (figures, result["optimizer_status"]["error"].as_str().map(str::to_owned))
}

/// A name as a part of a path.
fn encoded(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => text.push(char::from(byte)),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

fn described(error: reqwest::Error) -> String {
    let error = error.without_url();
    match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn collections_are_read() {
        let answer = json!({ "result": { "status": "yellow", "optimizer_status": { "error": "no space" }, "points_count": 7,
            "indexed_vectors_count": 5, "segments_count": 2 }, "status": "ok" });
        let (figures, error) = collection("acme", &answer);
        assert_eq!((figures.status.as_str(), figures.points, figures.segments), ("yellow", 7, 2));
        assert_eq!(error.as_deref(), Some("no space"));
        let (figures, error) =
            collection("acme", &json!({ "result": { "status": "green", "optimizer_status": "ok" } }));
        assert_eq!((figures.status.as_str(), figures.points, error), ("green", 0, None));
        assert_eq!(encoded("a b/ü"), "a%20b%2F%C3%BC");
    }

    #[test]
    fn a_qdrant_that_is_not_there_is_told() {
        let address = QdrantAddress::new("http://127.0.0.1:1", None).unwrap();
        assert!(look(&address).is_err());
    }
}
