//! Tests and their fixtures, by the conventions of languages and frameworks.

use super::{PathParts, interface, source};

/// Whether the path is that of a test or of something that tests read.
pub(super) fn is_test(parts: &PathParts<'_>) -> bool {
    is_below_test_folder(parts) || has_test_name(parts)
}

fn is_below_test_folder(parts: &PathParts<'_>) -> bool {
    let mut parent = "";
    for (folder, written) in parts.folders().zip(parts.folders_as_written()) {
        let is_test = match folder {
            "test" | "tests" | "__tests__" | "__test__" | "testing" | "testdata" | "testutil" | "testutils"
            | "testlib" | "fixtures" | "__fixtures__" | "__mocks__" | "__snapshots__" | "e2e" | "testfixtures"
            | "unittest" | "unittests" | "androidtest" | "cypress" => true,
            // A specification may also be one of an interface, which is no test.
            "spec" | "specs" => !interface::is_schema_parts(parts),
            // Maven's integration tests; elsewhere it is Italian.
            "it" => matches!(parent, "src" | "test" | "tests"),
            // Perl's tests.
            "t" => parts.extension() == "t",
            _ => is_test_word_folder(folder) || is_camel_case_test(written),
        };
        if is_test {
            return true;
        }
        parent = folder;
    }
    false
}

/// `integration-tests`, `test_data`, `Shop.Tests`: the first or the last word of the folder is test or tests.
fn is_test_word_folder(folder: &str) -> bool {
    let is_test_word = |word: &str| matches!(word, "test" | "tests" | "e2e");
    let separators = ['-', '_', '.'];
    folder.contains(separators)
        && (folder.rsplit(separators).next().is_some_and(is_test_word)
            || folder.split(separators).next().is_some_and(is_test_word))
}

/// `ShopTests`, `jvmTest`: ends with the word in camel case.
fn is_camel_case_test(word: &str) -> bool {
    ["Tests", "Test", "TestCase", "TestSuite"].iter().any(|ending| {
        word.strip_suffix(ending)
            .and_then(|rest| rest.bytes().next_back())
            .is_some_and(|before| before.is_ascii_lowercase() || before.is_ascii_digit() || before == b'_')
    })
}

fn has_test_name(parts: &PathParts<'_>) -> bool {
    let extension = parts.extension();
    if matches!(extension, "bats" | "feature" | "snap") {
        return true;
    }
    if !source::is_source_extension(extension) {
        return false;
    }
    let (stem, written) = (parts.stem(), parts.stem_as_written());
    if matches!(parts.name(), "conftest.py" | "test_helper.rb" | "spec_helper.rb" | "rails_helper.rb") {
        return true;
    }
    // Below `src/main` the layout itself says that a file is no test, however it is called.
    if parts.lower().starts_with("src/main/") || parts.lower().contains("/src/main/") {
        return false;
    }
    // `test.js`, `cart.test.ts`, `cart.spec.js`, `cart_test.go`, `tests.rs`; of names with hyphens only those of
    // JavaScript, because commands are called `perf-test.sh`.
    let is_script = matches!(extension, "js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" | "mts" | "cts" | "coffee");
    let last = stem.rsplit(|c| matches!(c, '.' | '_') || is_script && c == '-').next().unwrap_or(stem);
    if matches!(last, "test" | "tests" | "spec" | "specs" | "e2e" | "cy" | "unittest") {
        return stem.len() > last.len() || matches!(last, "test" | "tests");
    }
    if stem.starts_with("test_") && matches!(extension, "py" | "rb" | "c" | "cc" | "cpp" | "jl" | "lua" | "sh") {
        return true;
    }
    match extension {
        "java" | "kt" => {
            is_camel_case_test(written)
                || ["IT", "ITCase"].iter().any(|ending| ends_with_word(written, ending))
                || extension == "kt" && ends_with_word(written, "Spec")
                || written
                    .strip_prefix("Test")
                    .and_then(|rest| rest.bytes().next())
                    .is_some_and(|next| next.is_ascii_uppercase())
        }
        "scala" => {
            is_camel_case_test(written) || ["Spec", "Suite"].iter().any(|ending| ends_with_word(written, ending))
        }
        "groovy" | "swift" | "php" | "hs" => is_camel_case_test(written) || ends_with_word(written, "Spec"),
        "cs" | "vb" | "fs" | "m" | "mm" | "dart" | "pas" | "cpp" | "cc" | "ts" | "js" => is_camel_case_test(written),
        _ => false,
    }
}

/// Whether `name` ends with `word`, after something that ends in lower case or a digit.
fn ends_with_word(name: &str, word: &str) -> bool {
    name.strip_suffix(word)
        .and_then(|rest| rest.bytes().next_back())
        .is_some_and(|before| before.is_ascii_lowercase() || before.is_ascii_digit())
}
