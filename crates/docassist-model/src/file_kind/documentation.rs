//! Texts for readers: by extension, by name, by folder.

use super::{PathParts, settings, source};

/// Whether the file, which is known to be text, is documentation.
pub(super) fn is_documentation(parts: &PathParts<'_>) -> bool {
    matches!(
        parts.extension(),
        "md" | "markdown" | "mdx" | "rst" | "adoc" | "asciidoc" | "org" | "textile"
    )
        // Whatever is text there is part of the documentation, its examples and its settings included.
        || parts.folders().any(|folder| matches!(folder, "docs" | "doc" | "documentation"))
        || has_documentation_name(parts)
}

/// Whether the name is one that projects give to a document, such as `README`, `LICENSE-MIT` or `CHANGES.txt`.
fn has_documentation_name(parts: &PathParts<'_>) -> bool {
    let extension = parts.extension();
    if source::is_source_extension(extension) && !matches!(extension, "html" | "htm")
        || settings::is_settings_extension(extension)
        || matches!(extension, "csv" | "tsv" | "svg" | "in" | "tmpl" | "tpl" | "lock" | "log")
    {
        return false;
    }
    let name = parts.name();
    let first = name.split('.').next().unwrap_or(name);
    // These come with a suffix: LICENSE-MIT, COPYING_LGPL, README-windows, NOTICE-binary.
    let word = first.split(['-', '_']).next().unwrap_or(first);
    if matches!(word, "readme" | "license" | "licence" | "licenses" | "copying" | "notice" | "changelog") {
        return true;
    }
    // `licenses/argparse-MIT`, `MIT-LICENSE`
    if (extension.is_empty() || extension == "txt")
        && (parts.folders().next_back().is_some_and(|folder| matches!(folder, "licenses" | "licences"))
            || first.ends_with("-license"))
    {
        return true;
    }
    match first {
        "contributing"
        | "authors"
        | "contributors"
        | "code_of_conduct"
        | "code-of-conduct"
        | "copyright"
        | "unlicense"
        | "release_notes"
        | "release-notes"
        | "releasenotes"
        | "third_party_notices"
        | "thirdpartynotices"
        | "third-party-notices"
        | "upgrading" => true,
        // Lower case, these are as often the names of programs: `install`, `support`, `history`.
        "changes" | "history" | "news" | "security" | "maintainers" | "credits" | "thanks" | "todo" | "install"
        | "hacking" | "faq" | "bugs" | "patents" | "governance" | "support" | "roadmap" | "releasing" | "upgrade"
        | "acknowledgements" | "acknowledgments" | "disclaimer" => {
            matches!(extension, "txt" | "text")
                || !parts.name_as_written()[..first.len()].bytes().any(|b| b.is_ascii_lowercase())
        }
        _ => false,
    }
}
