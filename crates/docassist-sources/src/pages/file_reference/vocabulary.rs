//! The words that tell paths from other texts with dots and slashes: extensions, names, hosts, products.

/// Extensions that people use for files and hardly for anything else. Narrower than what decides a file's kind, because
/// here the file may not exist: `app.service` and `list.do` are more often members than files.
pub(super) fn is_code_extension(extension: &str) -> bool {
    // Extensions are ASCII, and none of these is longer.
    let mut buffer = [0_u8; 12];
    let Some(lower) = buffer.get_mut(..extension.len()) else { return false };
    lower.copy_from_slice(extension.as_bytes());
    lower.make_ascii_lowercase();
    matches!(
        std::str::from_utf8(lower).unwrap_or_default(),
        "adoc"
            | "asciidoc"
            | "asm"
            | "avsc"
            | "awk"
            | "bash"
            | "bat"
            | "bazel"
            | "bzl"
            | "c"
            | "cc"
            | "cfg"
            | "cjs"
            | "clj"
            | "cljs"
            | "cmake"
            | "cmd"
            | "coffee"
            | "conf"
            | "cpp"
            | "cs"
            | "csproj"
            | "css"
            | "csv"
            | "cts"
            | "cu"
            | "cxx"
            | "dart"
            | "ejs"
            | "el"
            | "elm"
            | "erb"
            | "erl"
            | "ex"
            | "exs"
            | "f90"
            | "feature"
            | "fs"
            | "gemspec"
            | "gif"
            | "go"
            | "gradle"
            | "graphql"
            | "groovy"
            | "h"
            | "haml"
            | "hbs"
            | "hh"
            | "hpp"
            | "hrl"
            | "hs"
            | "htm"
            | "html"
            | "hxx"
            | "ini"
            | "ipynb"
            | "jade"
            | "java"
            | "jinja"
            | "jinja2"
            | "jl"
            | "jpeg"
            | "jpg"
            | "js"
            | "json"
            | "json5"
            | "jsonc"
            | "jsp"
            | "jsx"
            | "kt"
            | "kts"
            | "less"
            | "lock"
            | "lua"
            | "md"
            | "mdx"
            | "mjs"
            | "mk"
            | "ml"
            | "mli"
            | "mm"
            | "mts"
            | "nim"
            | "nix"
            | "patch"
            | "pdf"
            | "php"
            | "pl"
            | "plist"
            | "pm"
            | "png"
            | "properties"
            | "proto"
            | "ps1"
            | "pug"
            | "puml"
            | "py"
            | "pyi"
            | "pyx"
            | "rb"
            | "rs"
            | "rst"
            | "sass"
            | "scala"
            | "scss"
            | "sh"
            | "sql"
            | "styl"
            | "svelte"
            | "svg"
            | "swift"
            | "tf"
            | "thrift"
            | "toml"
            | "ts"
            | "tss"
            | "tsx"
            | "txt"
            | "vue"
            | "wsdl"
            | "xhtml"
            | "xml"
            | "xsd"
            | "xsl"
            | "yaml"
            | "yml"
            | "zig"
            | "zsh"
    )
}

/// Whether a component that is not the last one ends like a file, so that the slashes separate alternatives.
pub(super) fn is_file_extension_of_a_folder(extension: &str) -> bool {
    is_code_extension(extension)
        && !matches!(extension, "go" | "cs" | "c" | "h" | "ex" | "feature" | "conf" | "css" | "html")
}

/// Files that go without an extension.
pub(super) fn is_extensionless_file(name: &str) -> bool {
    const NAMES: [&str; 27] = [
        "AUTHORS",
        "BUILD",
        "CHANGELOG",
        "CHANGES",
        "CODEOWNERS",
        "CONTRIBUTING",
        "COPYING",
        "Cartfile",
        "Containerfile",
        "Dockerfile",
        "Gemfile",
        "Jakefile",
        "Jenkinsfile",
        "Justfile",
        "LICENSE",
        "Makefile",
        "NOTICE",
        "Pipfile",
        "Podfile",
        "Procfile",
        "README",
        "Rakefile",
        "Vagrantfile",
        "WORKSPACE",
        "gradlew",
        "justfile",
        "mvnw",
    ];
    NAMES.binary_search(&name).is_ok()
        // `.gitignore`, `.eslintrc`: not `.` and not `..`
        || name.strip_prefix('.').is_some_and(|rest| rest.len() > 2 && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'))
}

/// Names of software that look like files.
pub(super) fn is_product(name: &str) -> bool {
    const PRODUCTS: [&str; 34] = [
        "alpine.js",
        "angular.js",
        "backbone.js",
        "bun.sh",
        "chart.js",
        "d3.js",
        "discord.js",
        "draw.io",
        "electron.js",
        "ember.js",
        "express.js",
        "gatsby.js",
        "handlebars.js",
        "highlight.js",
        "impress.js",
        "jquery.js",
        "knockout.js",
        "lodash.js",
        "moment.js",
        "mustache.js",
        "nest.js",
        "next.js",
        "node.js",
        "nodejs.js",
        "nuxt.js",
        "p5.js",
        "react.js",
        "require.js",
        "reveal.js",
        "solid.js",
        "svelte.js",
        "three.js",
        "underscore.js",
        "vue.js",
    ];
    PRODUCTS.iter().any(|product| name.eq_ignore_ascii_case(product))
}

/// Whether the first component of a path is the name of a host.
pub(super) fn is_host(component: &str) -> bool {
    const ENDINGS: [&str; 24] = [
        "com", "org", "net", "io", "dev", "edu", "gov", "app", "co", "uk", "de", "fr", "eu", "in", "ai", "me", "info",
        "cloud", "local", "test", "example", "invalid", "tech", "us",
    ];
    component.starts_with("www.")
        || component == "localhost"
        || component.rsplit_once('.').is_some_and(|(rest, ending)| {
            !rest.is_empty() && ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
        })
}

/// `application/vnd.api+json`, `text/x.header`
pub(super) fn is_media_type(path: &str) -> bool {
    let Some((kind, rest)) = path.split_once('/') else { return false };
    matches!(kind, "application" | "audio" | "font" | "image" | "message" | "model" | "multipart" | "text" | "video")
        && !rest.contains('/')
        && (rest.contains('+') || rest.starts_with("vnd.") || rest.starts_with("x."))
}
