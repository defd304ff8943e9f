//! Files on which others rely: schemas and public interfaces. A change to one of them weighs more than a change to the
//! code behind it.

use super::PathParts;

/// Whether the file describes the shape of data that programs exchange or keep: Protocol Buffers, Avro, Thrift, GraphQL,
/// XML Schema, database migrations and definitions, OpenAPI and JSON Schema documents, and message definitions below
/// `common/message`.
#[must_use]
pub fn is_schema(path: &str) -> bool {
    is_schema_parts(&PathParts::new(path))
}

pub(super) fn is_schema_parts(parts: &PathParts<'_>) -> bool {
    match parts.extension() {
        "proto" | "avsc" | "avdl" | "avpr" | "thrift" | "graphql" | "graphqls" | "gql" | "xsd" | "wsdl" | "fbs"
        | "capnp" | "prisma" | "raml" | "smithy" | "asn" | "asn1" | "ddl" | "dtd" | "rng" => true,
        "sql" => {
            is_below_migrations(parts) || {
                let stem = parts.stem();
                stem.contains("schema") || stem.contains("structure") || is_flyway_migration(stem)
            }
        }
        "json" | "yaml" | "yml" => {
            is_api_description(parts)
                || parts.stem() == "schema"
                || parts.stem().ends_with(".schema")
                || parts.stem().ends_with("-schema")
                || parts.lower().contains("common/message/")
        }
        // Frameworks write migrations in their own language.
        "rb" | "py" | "php" | "ts" | "js" | "go" | "cs" | "java" | "kt" | "exs" | "xml" => {
            parts.lower().ends_with("db/schema.rb") || (is_below_migrations(parts) && parts.name() != "__init__.py")
        }
        _ => false,
    }
}

/// Whether other programs are compiled or called against the file: an API description, a type declaration, a header in
/// an `include` folder, what stands below an `api` folder, or the module through which a package hands out its parts
/// (`lib.rs`, `__init__.py`, the `index` of a JavaScript package).
#[must_use]
pub fn is_public_interface(path: &str) -> bool {
    let parts = PathParts::new(path);
    if is_api_description(&parts) {
        return true;
    }
    match parts.name() {
        "lib.rs" | "__init__.py" | "module-info.java" | "package-info.java" => return true,
        "index.ts" | "index.tsx" | "index.js" | "index.mjs" | "index.cjs" | "mod.ts" => return is_package_root(&parts),
        _ => {}
    }
    let name = parts.name();
    if [".d.ts", ".d.mts", ".d.cts", ".proto", ".graphql", ".graphqls", ".thrift", ".wsdl", ".idl", ".webidl", ".avdl"]
        .iter()
        .any(|ending| name.ends_with(ending))
    {
        return true;
    }
    let extension = parts.extension();
    let is_header = matches!(extension, "h" | "hh" | "hpp" | "hxx" | "h++");
    (is_header && parts.folders().any(|folder| matches!(folder, "include" | "public" | "public_headers")))
        || (super::source::is_source_extension(extension) && parts.folders().any(|folder| folder == "api"))
}

/// OpenAPI, Swagger and AsyncAPI documents go by their name.
fn is_api_description(parts: &PathParts<'_>) -> bool {
    if !matches!(parts.extension(), "json" | "yaml" | "yml") {
        return false;
    }
    let stem = parts.stem();
    ["openapi", "swagger", "asyncapi"].iter().any(|word| {
        stem.starts_with(word)
            || stem.strip_suffix(word).is_some_and(|rest| rest.ends_with(['-', '_', '.']))
            || parts.folders().next_back() == Some(*word)
    })
}

fn is_below_migrations(parts: &PathParts<'_>) -> bool {
    parts.folders().any(|folder| matches!(folder, "migrations" | "migration" | "migrate" | "changelogs"))
}

/// `V12__add_orders.sql`
fn is_flyway_migration(stem: &str) -> bool {
    stem.strip_prefix(['v', 'u', 'r'])
        .and_then(|rest| rest.split_once("__"))
        .is_some_and(|(version, _)| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'_'))
}

/// At the root, in its `src` or `lib`, or in the same places of a package in a repository of several.
fn is_package_root(parts: &PathParts<'_>) -> bool {
    let folders: Vec<&str> = parts.folders().collect();
    let place = match folders.as_slice() {
        [rest @ .., "src" | "lib"] => rest,
        all => all,
    };
    match place {
        [] => true,
        ["packages" | "libs" | "modules" | "plugins", _] => true,
        ["packages" | "libs" | "modules" | "plugins", scope, _] => scope.starts_with('@'),
        _ => false,
    }
}
