//! The fields that have no place of their own in a ticket, kept as they are within bounds.

use std::collections::BTreeMap;
use std::io;

use serde_json::Value;

use super::adf;
use super::value::is_empty;

/// The largest value that is kept. Beyond it are change logs and pasted files, which no analysis looks at.
pub(super) const VALUE_CAP: usize = 64 * 1024;

/// All custom values of one ticket together.
const TOTAL_CAP: usize = 1024 * 1024;

/// Links to pictures of people and to the REST resource itself: most of an export's bytes, and no information.
const NOISE: [&str; 2] = ["avatarUrls", "self"];

/// Collects custom fields.
#[derive(Debug, Default)]
pub(super) struct CustomFields {
    values: BTreeMap<String, Value>,
    total: usize,
}

impl CustomFields {
    /// Adds a field that has a value. A name that is taken gives way to `id`.
    pub(super) fn add(&mut self, name: &str, id: &str, mut value: Value) {
        if is_empty(&value) {
            return;
        }
        if adf::is_document(&value) {
            value = Value::String(adf::to_markdown(&value));
        } else {
            strip(&mut value);
        }
        let length = length(&value);
        if length > VALUE_CAP || self.total + length > TOTAL_CAP {
            value = Value::String(format!("(left out: {length} bytes)"));
        } else {
            self.total += length;
        }
        let name = if name.is_empty() || self.values.contains_key(name) { id } else { name };
        self.values.insert(name.to_owned(), value);
    }

    /// What was collected.
    pub(super) fn into_values(self) -> BTreeMap<String, Value> {
        self.values
    }
}

/// Removes noise at every level. The depth of `value` is bounded by the JSON parser.
fn strip(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Object(members) => {
            members.retain(|name, _| !NOISE.contains(&name.as_str()));
            members.values_mut().for_each(strip);
        }
        _ => {}
    }
}

/// The bytes of `value` as JSON, counted without writing them.
fn length(value: &Value) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Neither the sink nor a value can fail to be written.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn empty_values_are_dropped_and_large_ones_noted() {
        let mut fields = CustomFields::default();
        for (name, value) in [
            ("null", json!(null)),
            ("list", json!([])),
            ("blank", json!(" ")),
            ("zero", json!(0)),
            ("false", json!(false)),
            ("large", json!("x".repeat(VALUE_CAP))),
            ("noisy", json!({"self": "https://…", "name": "n", "by": {"avatarUrls": {"16": "…"}, "name": "p"}})),
        ] {
            fields.add(name, name, value);
        }
        let values = fields.into_values();
        assert_eq!(values.keys().collect::<Vec<_>>(), ["false", "large", "noisy", "zero"]);
        assert_eq!(values["large"], json!("(left out: 65538 bytes)"));
        assert_eq!(values["noisy"], json!({"name": "n", "by": {"name": "p"}}));
    }

    #[test]
    fn two_fields_of_one_name_are_both_kept() {
        let mut fields = CustomFields::default();
        fields.add("Team", "customfield_1", json!("a"));
        fields.add("Team", "customfield_2", json!("b"));
        assert_eq!(fields.into_values().len(), 2);
    }
}
