//! Manifests and lock files: what a project needs from others, declared or pinned.

use super::PathParts;

/// Whether the file declares or pins dependencies.
pub(super) fn is_manifest(parts: &PathParts<'_>) -> bool {
    let name = parts.name();
    is_manifest_name(name)
        || matches!(
            parts.extension(),
            "csproj" | "fsproj" | "vbproj" | "gemspec" | "podspec" | "nuspec" | "cabal" | "rockspec"
        )
        || is_requirements(parts)
        || is_gradle_catalogue(parts)
}

fn is_manifest_name(name: &str) -> bool {
    matches!(
        name,
        // JavaScript
        "package.json" | "package-lock.json" | "npm-shrinkwrap.json" | "yarn.lock" | "pnpm-lock.yaml"
        | "pnpm-workspace.yaml" | "bun.lock" | "bun.lockb" | "bower.json" | "deno.lock"
        // Rust, Go
        | "cargo.toml" | "cargo.lock" | "go.mod" | "go.sum" | "go.work" | "go.work.sum" | "gopkg.toml" | "gopkg.lock"
        | "glide.yaml" | "glide.lock"
        // JVM
        | "pom.xml" | "build.gradle" | "build.gradle.kts" | "settings.gradle" | "settings.gradle.kts"
        | "gradle.lockfile" | "buildscript-gradle.lockfile" | "build.sbt" | "plugins.sbt" | "ivy.xml" | "deps.edn"
        | "project.clj"
        // Python
        | "pipfile" | "pipfile.lock" | "poetry.lock" | "pdm.lock" | "uv.lock" | "pyproject.toml" | "setup.py"
        | "environment.yml" | "environment.yaml" | "constraints.txt"
        // Ruby, PHP, Elixir and Erlang, Dart
        | "gemfile" | "gemfile.lock" | "gems.rb" | "gems.locked" | "composer.json" | "composer.lock" | "mix.exs"
        | "mix.lock" | "rebar.config" | "rebar.lock" | "pubspec.yaml" | "pubspec.lock"
        // .NET
        | "packages.config" | "packages.lock.json" | "project.assets.json" | "directory.packages.props"
        | "paket.dependencies" | "paket.lock"
        // Apple
        | "package.swift" | "package.resolved" | "podfile" | "podfile.lock" | "cartfile" | "cartfile.private"
        | "cartfile.resolved"
        // C and C++, Nix, Haskell, Perl, R, Helm, Terraform
        | "conanfile.txt" | "conanfile.py" | "conan.lock" | "vcpkg.json" | "vcpkg-configuration.json" | "flake.nix"
        | "flake.lock" | "stack.yaml" | "stack.yaml.lock" | "cabal.project" | "cabal.project.freeze" | "cpanfile"
        | "cpanfile.snapshot" | "renv.lock" | "chart.lock" | ".terraform.lock.hcl" | "module.bazel"
        | "module.bazel.lock"
    )
}

/// pip's lists go by many names: `requirements.txt`, `requirements-dev.txt`, `dev-requirements.txt`,
/// `requirements/base.txt`, `requirements.in`.
fn is_requirements(parts: &PathParts<'_>) -> bool {
    if !matches!(parts.extension(), "txt" | "in" | "pip") {
        return false;
    }
    let stem = parts.stem();
    let is_requirements_stem = ["requirements", "constraints"].iter().any(|word| {
        stem == *word
            || stem.strip_prefix(word).is_some_and(|rest| rest.starts_with(['-', '_', '.']))
            || stem.strip_suffix(word).is_some_and(|rest| rest.ends_with(['-', '_', '.']))
    });
    is_requirements_stem || parts.folders().next_back() == Some("requirements")
}

/// Gradle keeps versions in a folder of its own: `gradle/libs.versions.toml`, `gradle/dependencies.gradle`.
fn is_gradle_catalogue(parts: &PathParts<'_>) -> bool {
    parts.name().ends_with(".versions.toml")
        || (parts.folders().next_back() == Some("gradle")
            && matches!(
                parts.name(),
                "dependencies.gradle" | "dependencies.gradle.kts" | "verification-metadata.xml" | "versions.gradle"
            ))
        || parts.lower().ends_with("gradle/dependency-locks/gradle.lockfile")
}
