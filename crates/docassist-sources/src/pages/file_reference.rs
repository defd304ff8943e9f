//! Which texts have the shape of a path to a file.
//!
//! What passes here is compared with the files that exist and that existed, and a page that speaks of one that is gone is
//! reported. So a doubtful shape is left out: what is missed costs less than a false report.

mod vocabulary;

use vocabulary::{
    is_code_extension, is_extensionless_file, is_file_extension_of_a_folder, is_host, is_media_type, is_product,
};

/// A longer text is no path.
const MAX_PATH: usize = 400;

/// The file that a link leads to: its path from the root. `page` is the path of the page that holds the link.
///
/// Links into the web views of forges count as links to the file that they show.
pub(crate) fn of_link(page: &str, target: &str) -> Option<String> {
    let target = target.trim();
    if target.starts_with("//") || target.len() > 4 * MAX_PATH {
        return None;
    }
    if let Some(rest) = target.strip_prefix("https://").or_else(|| target.strip_prefix("http://")) {
        let path = percent_decoded(without_suffixes(forge_path(rest)?))?;
        return is_file_path(&path).then(|| resolve("", &path))?;
    }
    let path = percent_decoded(without_suffixes(target))?;
    if has_scheme(&path) || !is_file_path(&path) {
        return None;
    }
    resolve(folder_of(page), &path)
}

/// The file that a text marked as code names: a path as written, or a file name with the extension of code.
pub(crate) fn of_code(page: &str, text: &str) -> Option<String> {
    let path = without_line_number(text.trim());
    if path.contains('/') { of_written_path(page, path) } else { is_file_name(path).then(|| path.to_owned()) }
}

/// The file that a word of running text names: only with a slash and an extension.
pub(crate) fn of_prose(page: &str, token: &str) -> Option<String> {
    if !token.contains('/') {
        return None;
    }
    let is_around = |c: char| {
        matches!(
            c,
            '(' | ')'
                | '['
                | ']'
                | '"'
                | '\''
                | '`'
                | ','
                | ';'
                | ':'
                | '!'
                | '?'
                | '“'
                | '”'
                | '‘'
                | '’'
                | '*'
                | '_'
                | '…'
        )
    };
    let inner = token.trim_start_matches(is_around).trim_end_matches(|c| is_around(c) || c == '.');
    let path = without_line_number(inner);
    extension(path).filter(|extension| is_code_extension(extension))?;
    of_written_path(page, path)
}

/// A path as people write it outside of links.
fn of_written_path(page: &str, path: &str) -> Option<String> {
    // From the root of a machine or of a site, from someone's home, or a package's scope: no path of this repository.
    if path.starts_with(['/', '~', '@', '-', '+']) || path.contains([' ', ',', '(', ')', '=']) || !is_file_path(path) {
        return None;
    }
    let mut folders = path.split('/').rev();
    let last = folders.next()?;
    let is_known = match extension(last) {
        Some(extension) => is_code_extension(extension),
        None => {
            is_extensionless_file(last)
                || (path
                    .split('/')
                    .rev()
                    .nth(1)
                    .is_some_and(|f| matches!(f, "bin" | "sbin" | "scripts" | "script" | "libexec"))
                    && last.bytes().any(|byte| byte.is_ascii_alphabetic()))
        }
    };
    // `package.json/yarn.lock` is an enumeration, and `example.org/index.html` begins with a host.
    let is_enumeration = folders.clone().any(|folder| extension(folder).is_some_and(is_file_extension_of_a_folder));
    let first = path.split('/').next()?;
    if !is_known || is_enumeration || is_host(first) || is_media_type(path) || last.contains('@') {
        return None;
    }
    // Without a link, `./` is meant from the root; only `../` needs the page's place.
    if path.starts_with("..") { resolve(folder_of(page), path) } else { resolve("", path) }
}

/// Whether each component is one of a file's path, none of them a placeholder, and the last one names a file.
fn is_file_path(path: &str) -> bool {
    let is_allowed = |c: char| {
        c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@' | ' ' | ',' | '(' | ')' | '=' | '~')
    };
    if path.is_empty() || path.len() > MAX_PATH || !path.chars().all(is_allowed) || path.contains("path/to") {
        return false;
    }
    let last = path.rsplit('/').next().unwrap_or(path);
    let is_named =
        extension(last).is_some() || is_extensionless_file(last) || path.contains("bin/") || path.contains("scripts/");
    !last.is_empty() && last != "." && last != ".." && is_named && !path.split('/').any(is_placeholder)
}

/// Whether `name`, without a folder, is certain enough to be a file.
fn is_file_name(name: &str) -> bool {
    let Some(extension) = extension(name) else { return false };
    let is_allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
    let stem = &name[..name.len() - extension.len() - 1];
    name.len() <= MAX_PATH
        && name.chars().all(is_allowed)
        && !stem.is_empty()
        && !stem.starts_with(['-', '+'])
        // `.trivial.rst` is the end of a name; settings of tools do begin with a dot.
        && (!stem.starts_with('.') || matches!(extension, "yml" | "yaml" | "json" | "js" | "cjs" | "toml"))
        && !is_placeholder(name)
        && is_code_extension(extension)
        && !is_product(name)
        // A method of a response, not a file.
        && !(extension == "json" && matches!(stem, "res" | "response" | "req" | "request" | "r"))
        && !(extension.len() == 1 && stem.len() == 1)
}

/// Components that stand for something else: metasyntactic words, ellipses, patterns of dates and numbers.
fn is_placeholder(component: &str) -> bool {
    let stem = component.split('.').next().unwrap_or(component);
    if component.starts_with("...") || component == "…" {
        return true;
    }
    if ["foo", "bar", "baz", "qux", "foobar", "xyz", "abc"].iter().any(|word| stem.eq_ignore_ascii_case(word)) {
        return true;
    }
    let lower = component.to_ascii_lowercase();
    if ["my-", "my_", "your-", "your_"].iter().any(|word| lower.starts_with(word)) {
        return true;
    }
    let repeats = |wanted: u8| {
        let mut run = 0;
        component.bytes().any(|byte| {
            run = if byte.eq_ignore_ascii_case(&wanted) { run + 1 } else { 0 };
            run >= 3
        })
    };
    repeats(b'x') || repeats(b'n') || lower.contains("yyy")
}

/// The extension of a file's name: letters and digits with at least one letter, after a dot that is not the first
/// character.
fn extension(name: &str) -> Option<&str> {
    let name = name.rsplit('/').next().unwrap_or(name);
    let (stem, extension) = name.rsplit_once('.')?;
    let is_plausible = (1..=12).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && extension.bytes().any(|byte| byte.is_ascii_alphabetic());
    let is_dotfile_without_folder = stem.is_empty();
    (is_plausible && !is_dotfile_without_folder).then_some(extension)
}

/// The path behind a forge's address of a file: `github.com/o/r/blob/BRANCH/path`. Of branches whose name has a slash,
/// which the address does not tell apart, the rest counts as path.
fn forge_path(address: &str) -> Option<&str> {
    let (host, path) = address.split_once('/')?;
    if host == "raw.githubusercontent.com" {
        return path.splitn(4, '/').nth(3);
    }
    for view in ["/-/blob/", "/-/raw/", "/-/blame/", "/src/branch/", "/src/commit/", "/src/tag/"] {
        if let Some((_, rest)) = path.split_once(view) {
            return rest.split_once('/').map(|(_, file)| file);
        }
    }
    let mut parts = path.splitn(5, '/');
    let view = parts.nth(2)?;
    let is_view = match view {
        "blob" | "blame" | "edit" | "raw" => true,
        "src" => host.starts_with("bitbucket."),
        _ => false,
    };
    parts.next()?;
    parts.next().filter(|_| is_view)
}

/// Whether the target begins with a scheme such as `mailto:`; a drive letter is none of a repository's paths either.
fn has_scheme(target: &str) -> bool {
    target.find([':', '/']).is_some_and(|at| target.as_bytes()[at] == b':')
}

/// A target without its anchor, its query and its line number.
fn without_suffixes(target: &str) -> &str {
    let end = target.find(['#', '?']).unwrap_or(target.len());
    without_line_number(&target[..end])
}

/// `src/a.rs:12`, `src/a.rs:12:3`, `src/a.rs:12-20`, `src/a.rs#L12`: the path alone.
fn without_line_number(text: &str) -> &str {
    let text = match text.rsplit_once("#L") {
        Some((path, lines)) if is_line_numbers(lines) => path,
        _ => text,
    };
    let mut path = text;
    // A line, and a column.
    for _ in 0..2 {
        match path.rsplit_once(':') {
            Some((before, lines)) if is_line_numbers(lines) => path = before,
            _ => break,
        }
    }
    path
}

fn is_line_numbers(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'L'))
}

/// `text` with `%20` and the like decoded; `None` where that is not text.
fn percent_decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit = |offset: usize| bytes.get(at + offset).and_then(|byte| char::from(*byte).to_digit(16));
        match (bytes[at], digit(1), digit(2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).ok()?);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

/// The folder of a page, without a slash at its end.
pub(crate) fn folder_of(page: &str) -> &str {
    page.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// `path` as seen from `folder`, from the root; a path that begins with a slash is from the root already. `None` where
/// it leads out of the root, or to the root itself.
pub(crate) fn resolve(folder: &str, path: &str) -> Option<String> {
    let (folder, path) = match path.strip_prefix('/') {
        Some(from_root) => ("", from_root),
        None => (folder, path),
    };
    let mut components: Vec<&str> = Vec::new();
    for component in folder.split('/').chain(path.split('/')) {
        match component {
            "" | "." => {}
            ".." => {
                components.pop()?;
            }
            name => components.push(name),
        }
    }
    (!components.is_empty()).then(|| components.join("/"))
}
