//! Settings of tools, builds and deployments.

use super::{PathParts, source};

/// Whether the file is configuration.
pub(super) fn is_configuration(parts: &PathParts<'_>) -> bool {
    let name = parts.name();
    if is_settings_extension(parts.extension()) || is_settings_name(name) || is_script_of_a_tool(parts) {
        return true;
    }
    if source::is_source_extension(parts.extension()) {
        // Dotfiles may be written in a language: `.eslintrc.js`.
        return name.starts_with('.');
    }
    if parts.extension() == "xml" {
        // Views and layouts in XML are what the program shows, so they are written like code.
        return !parts.folders().any(|folder| {
            matches!(folder, "views" | "widgets" | "templates") || folder == "layout" || folder.starts_with("layout-")
        });
    }
    name.starts_with('.')
        || ["dockerfile", "containerfile", "makefile", "jenkinsfile"]
            .iter()
            .any(|base| name.strip_prefix(base).is_some_and(|rest| rest.starts_with(['.', '-', '_'])))
        || parts.extension() == "dockerfile"
        || name.starts_with(".env.")
        || parts.folders().any(is_tool_folder)
}

/// Extensions of files that hold settings whatever their name.
pub(super) fn is_settings_extension(extension: &str) -> bool {
    matches!(
        extension,
        "yaml"
            | "yml"
            | "toml"
            | "ini"
            | "cfg"
            | "cnf"
            | "conf"
            | "config"
            | "properties"
            | "json"
            | "json5"
            | "jsonc"
            | "env"
            | "editorconfig"
            | "gradle"
            | "cmake"
            | "mk"
            | "mak"
            | "ac"
            | "am"
            | "m4"
            | "bazel"
            | "bzl"
            | "bazelrc"
            | "sbt"
            | "props"
            | "targets"
            | "sln"
            | "vcxproj"
            | "xcconfig"
            | "xcscheme"
            | "xcworkspacedata"
            | "plist"
            | "entitlements"
            | "tfvars"
            | "hcl"
            | "service"
            | "desktop"
            | "rules"
            | "prefs"
            | "ruleset"
            | "runsettings"
            | "iml"
            | "ninja"
            | "gn"
            | "gni"
            | "gyp"
            | "gypi"
            | "pro"
            | "pri"
            | "jelly"
            | "options"
            | "reg"
            | "edn"
            | "dhall"
            | "cue"
            | "jsonnet"
            | "libsonnet"
            | "nomad"
            | "list"
            | "manifest"
            | "policy"
            | "kdl"
            | "ron"
    )
}

fn is_settings_name(name: &str) -> bool {
    matches!(
        name,
        "dockerfile"
            | "containerfile"
            | "makefile"
            | "gnumakefile"
            | "jenkinsfile"
            | "vagrantfile"
            | "procfile"
            | "cmakelists.txt"
            | "rakefile"
            | "guardfile"
            | "capfile"
            | "fastfile"
            | "appfile"
            | "brewfile"
            | "dangerfile"
            | "berksfile"
            | "thorfile"
            | "steepfile"
            | "tiltfile"
            | "earthfile"
            | "justfile"
            | "caddyfile"
            | "codeowners"
            | "owners"
            | "owners_aliases"
            | "build"
            | "workspace"
            | "sconstruct"
            | "sconscript"
            | "meson.build"
            | "meson_options.txt"
            | "wscript"
            | "configure.ac"
            | "configure.in"
            | "config.ru"
            | "manifest.in"
            | "snakefile"
            | "nginx.conf"
            | "crontab"
            | "doxyfile"
            | "build.zig.zon"
            | "go.env"
            | "robots.txt"
            | "runtime.txt"
            | "cname"
            | "browserslist"
            | "artisan.env"
            | "lefthook"
            | "module-info"
    )
}

/// Build scripts and settings that are written in a programming language but configure a tool: `webpack.config.js`.
fn is_script_of_a_tool(parts: &PathParts<'_>) -> bool {
    if !matches!(parts.extension(), "js" | "cjs" | "mjs" | "ts" | "cts" | "mts" | "coffee" | "kts" | "cake") {
        return false;
    }
    let stem = parts.stem();
    matches!(stem, "gruntfile" | "gulpfile" | "jakefile" | "karma.conf" | "protractor.conf" | "wdio.conf")
        || stem.ends_with(".gradle")
        // Below `src`, `app.config.ts` is part of the program.
        || (stem.ends_with(".config") && !parts.folders().any(|folder| folder == "src" || folder == "app"))
}

/// Folders that belong to a tool: what is in them and is no code configures it.
fn is_tool_folder(folder: &str) -> bool {
    matches!(
        folder,
        ".github"
            | ".circleci"
            | ".gitlab"
            | ".buildkite"
            | ".azure-pipelines"
            | ".azuredevops"
            | ".woodpecker"
            | ".teamcity"
            | ".jenkins"
            | ".vscode"
            | ".idea"
            | ".devcontainer"
            | ".husky"
            | ".cargo"
            | ".config"
            | ".mvn"
            | ".changeset"
            | ".settings"
            | ".storybook"
            | ".semaphore"
            | ".drone"
            | ".tekton"
            | ".forgejo"
            | ".gitea"
            | "meta-inf"
    )
}
