//! Files in the `safetensors` format: eight bytes for the header's length, the header as JSON, the numbers.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{EmbedError, Result};

/// A file in memory, and where its tensors are.
pub(crate) struct Tensors<'a> {
    path: PathBuf,
    bytes: &'a [u8],
    entries: HashMap<String, Entry>,
}

struct Entry {
    kind: String,
    shape: Vec<usize>,
    range: Range<usize>,
}

#[derive(Deserialize)]
struct RawEntry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

impl<'a> Tensors<'a> {
    /// Reads a file's header and says where its tensors are.
    pub(crate) fn parse(path: &Path, bytes: &'a [u8]) -> Result<Self> {
        let damaged = |reason: String| EmbedError::damaged(path, reason);
        let cut = || damaged(format!("it ends within its header, after {} bytes", bytes.len()));
        let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(cut)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let header = rest.get(..length).ok_or_else(cut)?;
        let header: HashMap<String, serde_json::Value> =
            serde_json::from_slice(header).map_err(|error| damaged(format!("its header is not JSON: {error}")))?;
        let mut entries = HashMap::new();
        for (name, value) in header {
            if name == "__metadata__" {
                continue;
            }
            let entry: RawEntry = serde_json::from_value(value)
                .map_err(|error| damaged(format!("its header describes {name} wrongly: {error}")))?;
            let [start, end] = entry.data_offsets;
            let data = rest.len() - length;
            if start > end || end > data {
                return Err(damaged(format!(
                    "{name} lies outside of it: bytes {start} to {end} of {data}; is it cut off?"
                )));
            }
            let range = 8 + length + start..8 + length + end;
            let size = entry.shape.iter().try_fold(width(&entry.dtype), |size, length| size.checked_mul(*length));
            if size.is_some_and(|size| size != range.len() && width(&entry.dtype) != 0) || size.is_none() {
                return Err(damaged(format!("{name} has {} bytes, which is not its shape's size", range.len())));
            }
            entries.insert(name, Entry { kind: entry.dtype, shape: entry.shape, range });
        }
        Ok(Self { path: path.to_owned(), bytes, entries })
    }

    /// A tensor's shape, if there is such a one.
    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.entries.get(name).map(|entry| entry.shape.as_slice())
    }

    /// A tensor's numbers, which must be of this shape.
    pub(crate) fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let entry = self.entry(name, shape)?;
        let bytes = &self.bytes[entry.range.clone()];
        match entry.kind.as_str() {
            "F32" => Ok(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()),
            "F64" => Ok(bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32).collect()),
            "F16" => Ok(bytes.as_chunks().0.iter().map(|bytes| half(u16::from_le_bytes(*bytes))).collect()),
            "BF16" => Ok(bytes
                .as_chunks()
                .0
                .iter()
                .map(|bytes| f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16))
                .collect()),
            // Cosine does not see a common factor, and none is stored with the format.
            "I8" => Ok(bytes.iter().map(|byte| f32::from(*byte as i8)).collect()),
            kind => Err(EmbedError::damaged(&self.path, format!("{name} is of type {kind}, which is not read"))),
        }
    }

    /// A tensor of integers.
    pub(crate) fn integers(&self, name: &str, shape: &[usize]) -> Result<Vec<i64>> {
        let entry = self.entry(name, shape)?;
        let bytes = &self.bytes[entry.range.clone()];
        match entry.kind.as_str() {
            "I64" => Ok(bytes.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect()),
            "I32" => Ok(bytes.as_chunks().0.iter().map(|bytes| i64::from(i32::from_le_bytes(*bytes))).collect()),
            kind => Err(EmbedError::damaged(&self.path, format!("{name} is of type {kind}, which is not read"))),
        }
    }

    fn entry(&self, name: &str, shape: &[usize]) -> Result<&Entry> {
        let damaged = |reason: String| EmbedError::damaged(&self.path, reason);
        let entry = self.entries.get(name).ok_or_else(|| damaged(format!("it has no {name}")))?;
        if entry.shape != shape {
            return Err(damaged(format!("{name} is of shape {:?}, not {shape:?}", entry.shape)));
        }
        Ok(entry)
    }
}

/// Bytes of a number; 0 for types that are not read.
fn width(kind: &str) -> usize {
    match kind {
        "F64" | "I64" => 8,
        "F32" | "I32" => 4,
        "F16" | "BF16" => 2,
        "I8" => 1,
        _ => 0,
    }
}

/// IEEE half precision.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f32::from(bits & 0x3ff);
    match (bits >> 10) & 0x1f {
        0 => sign * fraction * 2.0_f32.powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        exponent => sign * (1.0 + fraction / 1024.0) * 2.0_f32.powi(i32::from(exponent) - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(data);
        bytes
    }

    fn parse(bytes: &[u8]) -> Result<Tensors<'_>> {
        Tensors::parse(Path::new("m.safetensors"), bytes)
    }

    #[test]
    fn numbers_of_every_type_are_read() {
        let header = r#"{"__metadata__":{"a":"b"},"f":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},
            "h":{"dtype":"F16","shape":[3],"data_offsets":[8,14]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[14,16]},
            "d":{"dtype":"F64","shape":[1],"data_offsets":[16,24]},"i":{"dtype":"I64","shape":[1],"data_offsets":[24,32]},
            "c":{"dtype":"I8","shape":[2],"data_offsets":[32,34]}}"#;
        let mut data = Vec::new();
        data.extend(1.5_f32.to_le_bytes());
        data.extend((-2.0_f32).to_le_bytes());
        data.extend([0x3c00_u16, 0xc100, 0x0001].iter().flat_map(|bits| bits.to_le_bytes()));
        data.extend(0x3fc0_u16.to_le_bytes());
        data.extend(0.25_f64.to_le_bytes());
        data.extend((-7_i64).to_le_bytes());
        data.extend([1, 0xff]);
        let bytes = file(header, &data);
        let tensors = parse(&bytes).unwrap();
        assert_eq!(tensors.shape("f"), Some(&[1, 2][..]));
        assert_eq!(tensors.floats("f", &[1, 2]).unwrap(), [1.5, -2.0]);
        assert_eq!(tensors.floats("h", &[3]).unwrap(), [1.0, -2.5, 2.0_f32.powi(-24)]);
        assert_eq!(tensors.floats("b", &[1]).unwrap(), [1.5]);
        assert_eq!(tensors.floats("d", &[1]).unwrap(), [0.25]);
        assert_eq!(tensors.floats("c", &[2]).unwrap(), [1.0, -1.0]);
        assert_eq!(tensors.integers("i", &[1]).unwrap(), [-7]);
    }

    #[test]
    fn damage_is_named() {
        let one = r#"{"f":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
        for (bytes, expected) in [
            (vec![], "ends within its header, after 0 bytes"),
            (vec![1, 2, 3], "ends within its header, after 3 bytes"),
            (u64::MAX.to_le_bytes().to_vec(), "ends within its header"),
            (file("{", b""), "not JSON"),
            (file("[]", b""), "not JSON"),
            (file(r#"{"f":{"dtype":"F32"}}"#, b""), "describes f wrongly"),
            (file(one, b"1234567"), "f lies outside of it: bytes 0 to 8 of 7; is it cut off?"),
            (file(&one.replace("[0,8]", "[8,0]"), &[0; 8]), "f lies outside"),
            (file(&one.replace("[2]", "[3]"), &[0; 8]), "f has 8 bytes, which is not its shape's size"),
            (file(&one.replace("[2]", &format!("[{},{}]", usize::MAX, 3)), &[0; 8]), "not its shape's size"),
        ] {
            let error = parse(&bytes).err().unwrap().to_string();
            assert!(error.starts_with("m.safetensors cannot be used") && error.contains(expected), "{error}");
        }
        let bytes = file(one, &[0; 8]);
        let tensors = parse(&bytes).unwrap();
        assert!(tensors.floats("g", &[2]).unwrap_err().to_string().contains("it has no g"));
        assert!(tensors.floats("f", &[1]).unwrap_err().to_string().contains("f is of shape [2], not [1]"));
        assert!(tensors.integers("f", &[2]).unwrap_err().to_string().contains("type F32, which is not read"));
    }
}
