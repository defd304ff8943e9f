use super::*;
use FileKind::{Binary, Configuration, Dependency, Documentation, Generated, Other, Source, Test};

fn check(expected: FileKind, paths: &[&str]) {
    for path in paths {
        assert_eq!(classify_path(path), expected, "{path}");
    }
}

fn with_content(path: &str, content: &str) -> FileKind {
    classify(path, Attributes::default(), Some(content.as_bytes()))
}

#[test]
fn code_is_source() {
    check(
        Source,
        &[
            "src/main.rs",
            "lib/latest/contest.go",
            "Alloy/commands/compile/parsers/Alloy.Abstract.Require.js",
            "SRC/MAIN.C",
            "db/query.sql",
            "web/index.html",
            "web/site.css",
            "api/orders.proto",
            "infra/main.tf",
            "deploy.sh",
            "bin/alloy",
            "gradlew",
            "app/views/index.xml",
            "src/app/app.config.ts",
            "analysis.ipynb",
            "src/main/java/shop/vendor/Vendor.java",
            "src/security.rs",
            "tools/license.py",
            "readme.js",
            "src/main/java/org/x/Latest.java",
            "clients/src/main/java/org/x/TestRecord.java",
            "src/org/x/OffsetSpec.java",
            "bin/producer-perf-test.sh",
            "core/AbstractContest.scala",
            "i18n/it/messages.js",
        ],
    );
}

#[test]
fn tests_are_known_by_folder_and_by_name() {
    check(
        Test,
        &[
            "test/specs/compile.js",
            "src/test/java/org/x/Helper.java",
            "src/test/resources/log4j.properties",
            "src/it/simple/invoker.properties",
            "pkg/cart/cart_test.go",
            "src/cart.test.ts",
            "src/cart.spec.js",
            "src/cart-test.js",
            "tests.rs",
            "src/model/tests.rs",
            "test_cart.py",
            "cart_test.py",
            "app/conftest.py",
            "src/CartTest.java",
            "src/CartTests.cs",
            "src/CartSpec.scala",
            "src/CartIT.java",
            "core/TestCart.java",
            "spec/models/cart_spec.rb",
            "spec/dummy/config/database.yml",
            "__tests__/cart.js",
            "e2e/login.ts",
            "integration-tests/run.sh",
            "test_data/in.csv",
            "Shop.Tests/CartFacts.cs",
            "ShopTests/Cart.swift",
            "app/src/androidTest/Main.kt",
            "features/login.feature",
            "t/basic.t",
            "internal/testdata/golden.txt",
        ],
    );
}

#[test]
fn documentation_is_known_by_extension_name_and_folder() {
    check(
        Documentation,
        &[
            "guide.md",
            "src/design.rst",
            "manual.adoc",
            "notes.org",
            "page.textile",
            "page.mdx",
            "README",
            "readme.txt",
            "README.ja",
            "LICENSE",
            "LICENSE-APACHE",
            "LICENSE.MIT",
            "NOTICE-binary",
            "COPYING.LESSER",
            "CHANGELOG.txt",
            "licenses/argparse-MIT",
            "assets/MIT-LICENSE",
            "CHANGES.txt",
            "AUTHORS",
            "CODE_OF_CONDUCT",
            "SECURITY",
            "docs/conf.py",
            "Docs/example.js",
            "src/doc/Overview.java",
            "documentation/package.json",
            "docs/diagram.puml",
            "doc/alloy.1",
            "test/README.md",
            ".github/CONTRIBUTING.md",
        ],
    );
}

#[test]
fn manifests_and_lock_files_are_dependencies() {
    check(
        Dependency,
        &[
            "package.json",
            "web/package-lock.json",
            "yarn.lock",
            "pnpm-lock.yaml",
            "bun.lockb",
            "Cargo.toml",
            "Cargo.lock",
            "pom.xml",
            "build.gradle",
            "build.gradle.kts",
            "settings.gradle",
            "gradle/dependencies.gradle",
            "gradle/libs.versions.toml",
            "go.mod",
            "go.sum",
            "requirements.txt",
            "requirements-dev.txt",
            "dev-requirements.txt",
            "requirements/base.txt",
            "Pipfile",
            "Pipfile.lock",
            "poetry.lock",
            "pyproject.toml",
            "setup.py",
            "uv.lock",
            "Gemfile",
            "Gemfile.lock",
            "shop.gemspec",
            "composer.json",
            "mix.exs",
            "src/Shop/Shop.csproj",
            "packages.config",
            "pubspec.yaml",
            "Package.swift",
            "Podfile.lock",
            "Cartfile",
            "conanfile.txt",
            "vcpkg.json",
            "flake.nix",
            "build.sbt",
            "deps.edn",
            "project.clj",
            "rebar.config",
            "environment.yml",
            "test/app/package.json",
        ],
    );
}

#[test]
fn settings_are_configuration() {
    check(
        Configuration,
        &[
            ".gitignore",
            ".editorconfig",
            ".eslintrc.js",
            ".env.example",
            ".github/workflows/ci.yml",
            ".github/CODEOWNERS",
            ".circleci/config.yml",
            ".gitlab-ci.yml",
            "Jenkinsfile",
            "Dockerfile",
            "Dockerfile.dev",
            "docker-compose.yaml",
            "Makefile",
            "CMakeLists.txt",
            "config/log4j.properties",
            "checkstyle/suppressions.xml",
            "tox.ini",
            "rustfmt.toml",
            "tsconfig.json",
            "webpack.config.js",
            "Gruntfile.js",
            "gradle/spotless.gradle",
            "cmake/FindZlib.cmake",
            "setup.cfg",
        ],
    );
}

#[test]
fn what_is_no_text_is_binary() {
    check(Binary, &["logo.png", "docs/logo.PNG", "gradle/wrapper/gradle-wrapper.jar", "manual.pdf", "test/font.woff2"]);
    assert_eq!(with_content("src/data.c", "int\0x"), Binary);
    assert_eq!(with_content("docs/model", "\0"), Binary);
    let late = format!("{}\0", "x".repeat(8000));
    assert_eq!(with_content("src/data.c", &late), Source, "git looks no further either");
    // A pointer of large file storage is text, and stands for a picture.
    assert_eq!(with_content("logo.png", "version https://git-lfs.github.com/spec/v1\n"), Binary);
}

#[test]
fn well_known_names_are_generated() {
    check(
        Generated,
        &[
            "js/jquery.min.js",
            "css/site.min.css",
            "js/app.js.map",
            "api/orders.pb.go",
            "api/orders_pb2.py",
            "api/orders.pb.cc",
            "lib/model.g.dart",
            "Form1.Designer.cs",
            "src/__snapshots__/cart.test.js.snap",
            "js/app.bundle.js",
            "node_modules/x/index.js",
            "vendor/github.com/x/y/README.md",
            "cmd/tool/vendor/x.go",
            "src/__generated__/types.ts",
            ".yarn/releases/yarn-3.cjs",
        ],
    );
    check(Source, &["dist/index.js", "build/main.go", "map.js", "src/min.js"]);
}

#[test]
fn a_marker_in_the_header_makes_a_file_generated() {
    for (path, content) in [
        ("wire.go", "// Code generated by protoc-gen-go. DO NOT EDIT.\npackage wire\n"),
        ("wire.rs", "// @generated\n"),
        ("wire.rs", "// This file is @generated by prost-build.\n"),
        ("Wire.java", "/*\n * Licence\n */\n\n// THIS CODE IS AUTOMATICALLY GENERATED.  DO NOT EDIT.\n"),
        ("Wire.cs", "//------\n// <auto-generated>\n"),
        ("wire.py", "# -*- coding: utf-8 -*-\n# Generated by the protocol buffer compiler.\n"),
        ("wire.py", "\"\"\"\nGenerated from model.xml.\n\nDo not edit.\n\"\"\"\n"),
        ("Wire.java", "package x;\n@javax.annotation.Generated(\n    value = \"by gRPC\")\nclass Wire {}\n"),
        ("docs/cli.md", "<!-- This file is generated from the help texts.\nDo not edit it. -->\n# Command line\n"),
        ("api.html", "<!DOCTYPE html>\n<html>\n<!-- Generated by javadoc (21) -->\n"),
        ("wire.js", "/* eslint-disable */\r\n/* autogenerated by the bundler */\r\n"),
        ("wire.sql", "-- Do not modify: generated by dump\n"),
        ("data.json", "{\n  \"_comment\": \"Generated by the exporter. DO NOT EDIT\",\n"),
    ] {
        assert_eq!(with_content(path, content), Generated, "{path}: {content}");
    }
}

#[test]
fn talking_about_generated_files_does_not_make_one() {
    for (path, content, kind) in [
        ("README.md", "# Marker\n\nFiles with `@generated` or DO NOT EDIT are generated.\n", Documentation),
        ("src/scan.rs", "const MARKER: &str = \"@generated\";\n", Source),
        ("src/scan.go", "var header = \"Code generated by x. DO NOT EDIT.\"\n", Source),
        ("src/mail.py", "# Ask someone@generated.example\n", Source),
        ("src/ids.js", "// Ids are generated by the server.\n", Source),
        ("build.gradle", "/*\n * This file was generated by the Gradle 'init' task.\n */\n", Dependency),
        (
            "Cargo.lock",
            "# This file is automatically @generated by Cargo.\n# It is not intended for manual editing.\n",
            Dependency,
        ),
        ("src/late.rs", &format!("{}// @generated\n", "//\n".repeat(40)), Source),
    ] {
        assert_eq!(with_content(path, content), kind, "{path}: {content}");
    }
}

#[test]
fn the_attribute_has_the_last_word_on_generated() {
    let with = |value| Attributes { linguist_generated: Some(value) };
    assert_eq!(classify("src/main.rs", with(true), None), Generated);
    assert_eq!(classify("Cargo.lock", with(true), None), Generated);
    assert_eq!(classify("js/app.min.js", with(false), None), Source);
    assert_eq!(classify("src/wire.rs", with(false), Some(b"// @generated")), Source);
}

#[test]
fn a_shebang_makes_a_file_without_extension_source() {
    assert_eq!(with_content("run", "#!/usr/bin/env python3\n"), Source);
    assert_eq!(with_content("docs/run", "#!/bin/sh\n"), Documentation);
    assert_eq!(with_content("run", "notes"), Other);
}

#[test]
fn the_rest_is_other() {
    check(Other, &["", "/", "data.csv", "notes.txt", "picture.svg", "VERSION", "a\\xFFb", "security"]);
}

#[test]
fn schemas_are_known() {
    for path in [
        "api/orders.proto",
        "clients/src/main/resources/common/message/FetchRequest.json",
        "schema.graphql",
        "db/migrations/0001_init.sql",
        "src/main/resources/db/V12__add_orders.sql",
        "db/schema.rb",
        "openapi.yaml",
        "spec/openapi/orders.yml",
        "config/order.schema.json",
        "app/migrations/0001_initial.py",
    ] {
        assert!(is_schema(path), "{path}");
    }
    for path in ["src/main.rs", "config/app.json", "queries/top.sql", "app/migrations/__init__.py"] {
        assert!(!is_schema(path), "{path}");
    }
    assert_eq!(classify_path("spec/openapi.yaml"), Configuration, "the specification of an interface is no test");
}

#[test]
fn public_interfaces_are_known() {
    for path in [
        "src/lib.rs",
        "crates/x/src/lib.rs",
        "index.js",
        "src/index.ts",
        "packages/cart/src/index.ts",
        "packages/@shop/cart/index.js",
        "types/cart.d.ts",
        "include/cart/cart.hpp",
        "src/main/java/org/x/api/Cart.java",
        "cart/__init__.py",
        "docs/swagger.json",
    ] {
        assert!(is_public_interface(path), "{path}");
    }
    for path in ["src/main.rs", "src/cart/index.ts", "src/cart.h", "src/capital/Cart.java", "api/notes.txt"] {
        assert!(!is_public_interface(path), "{path}");
    }
}

proptest::proptest! {
    #[test]
    fn any_path_and_content_has_a_kind(
        path in ".{0,80}",
        content in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        set in proptest::option::of(proptest::prelude::any::<bool>()),
    ) {
        let kind = classify(&path, Attributes { linguist_generated: set }, Some(&content));
        if set == Some(true) {
            proptest::prop_assert_eq!(kind, Generated);
        } else if set == Some(false) {
            proptest::prop_assert_ne!(kind, Generated);
        }
        let _ = (is_schema(&path), is_public_interface(&path));
    }
}
