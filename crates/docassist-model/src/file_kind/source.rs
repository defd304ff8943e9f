//! Extensions of code, and of what is no text at all.

use super::PathParts;

/// Whether the file is code by its name.
pub(super) fn is_source(parts: &PathParts<'_>) -> bool {
    let extension = parts.extension();
    if extension.is_empty() {
        let name = parts.name();
        return matches!(name, "jakefile" | "gradlew" | "mvnw" | "configure" | "autogen" | "bootstrap")
            // Commands and scripts that people call without an extension.
            || !name.starts_with('.')
                && parts.folders().next_back().is_some_and(|folder| matches!(folder, "bin" | "sbin" | "scripts"));
    }
    is_source_extension(extension) || extension == "xml"
}

/// Extensions of programming, query, markup and interface languages.
pub(super) fn is_source_extension(extension: &str) -> bool {
    matches!(
        extension,
        // Systems
        "rs" | "c" | "h" | "cc" | "cpp" | "cxx" | "c++" | "hh" | "hpp" | "hxx" | "h++" | "inl" | "ipp" | "tcc" | "ixx"
        | "cppm" | "m" | "mm" | "go" | "zig" | "d" | "di" | "nim" | "nims" | "odin" | "v" | "vh" | "sv" | "svh" | "vhd"
        | "vhdl" | "s" | "asm" | "nasm" | "f" | "for" | "f77" | "f90" | "f95" | "f03" | "f08" | "ada" | "adb" | "ads"
        | "pas" | "pp" | "dpr" | "cu" | "cuh" | "cl" | "hip" | "ispc" | "wat" | "wit" | "ll" | "td" | "mojo" | "carbon"
        // JVM and .NET
        | "java" | "kt" | "kts" | "scala" | "sc" | "groovy" | "gvy" | "gsh" | "clj" | "cljs" | "cljc" | "bb" | "cs"
        | "csx" | "fs" | "fsi" | "fsx" | "vb" | "cshtml" | "razor" | "vbhtml" | "xaml" | "axaml" | "fxml" | "aj"
        // Web
        | "js" | "jsx" | "mjs" | "cjs" | "es6" | "ts" | "tsx" | "mts" | "cts" | "vue" | "svelte" | "astro" | "marko"
        | "coffee" | "litcoffee" | "jake" | "jmk" | "ls" | "elm" | "res" | "resi" | "re" | "rei" | "purs" | "html" | "htm" | "xhtml"
        | "css" | "scss" | "sass" | "less" | "styl" | "stylus" | "pcss" | "postcss" | "tss" | "pug" | "jade" | "haml"
        | "slim" | "ejs" | "hbs" | "handlebars" | "mustache" | "njk" | "nunjucks" | "liquid" | "twig" | "jinja"
        | "jinja2" | "j2" | "erb" | "eex" | "leex" | "heex" | "ftl" | "ftlh" | "vm" | "jsp" | "jspx" | "jspf" | "tag"
        | "tld" | "asp" | "aspx" | "ascx" | "ashx" | "asmx" | "master" | "gohtml" | "tmpl" | "tpl" | "qml" | "dot"
        | "xsl" | "xslt" | "xquery" | "xq" | "xql" | "hx" | "as" | "mxml" | "wxml" | "wxss" | "axml" | "acss" | "phtml"
        // Scripting
        | "py" | "pyi" | "pyx" | "pxd" | "pxi" | "pyw" | "ipynb" | "rb" | "rake" | "ru" | "rbi" | "rbs" | "php" | "php3"
        | "php4" | "php5" | "phps" | "inc" | "pl" | "pm" | "pod" | "raku" | "rakumod" | "lua" | "luau" | "moon" | "tcl"
        | "tk" | "exp" | "cr" | "jl" | "r" | "rmd" | "qmd" | "sh" | "bash" | "zsh" | "fish" | "ksh" | "csh" | "tcsh"
        | "nu" | "command" | "ps1" | "psm1" | "psd1" | "bat" | "cmd" | "awk" | "sed" | "vim" | "el" | "applescript"
        | "ahk" | "vbs" | "gd" | "gdshader" | "pde" | "ino"
        // Functional and logic
        | "hs" | "lhs" | "hsc" | "ml" | "mli" | "mll" | "mly" | "erl" | "hrl" | "ex" | "exs" | "gleam" | "lisp" | "lsp"
        | "scm" | "ss" | "rkt" | "sml" | "sig" | "fun" | "agda" | "idr" | "lean" | "coq" | "thy" | "prolog"
        | "dfy" | "tla" | "als" | "nix" | "fnl" | "janet" | "hy" | "unison"
        // Apps, other
        | "swift" | "dart" | "sol" | "vy" | "move" | "cairo" | "cob" | "cbl" | "cpy" | "abap" | "apex" | "cls" | "trigger"
        | "page" | "component" | "bas" | "frm" | "st" | "wl" | "nb" | "mat" | "sas" | "do" | "ado" | "p4" | "q" | "qs"
        | "storyboard" | "xib" | "metal" | "glsl" | "vert" | "frag" | "geom" | "comp" | "hlsl" | "fx" | "wgsl" | "cg"
        | "shader" | "ld" | "lds" | "rc" | "def" | "y" | "yy" | "l" | "lex" | "lalrpop" | "pest" | "g4" | "g" | "jj"
        | "jjt" | "bnf" | "ebnf" | "ne" | "pegjs" | "peg" | "scad" | "mo" | "robot"
        // Data definition, queries, interfaces, infrastructure
        | "sql" | "psql" | "plsql" | "pls" | "pks" | "pkb" | "ddl" | "hql" | "cql" | "prisma" | "proto" | "thrift"
        | "avdl" | "avsc" | "avpr" | "fbs" | "capnp" | "graphql" | "graphqls" | "gql" | "idl" | "webidl" | "midl" | "smithy"
        | "raml" | "wsdl" | "xsd" | "dtd" | "rng" | "rnc" | "asn" | "asn1" | "tsp" | "sparql" | "rq" | "cypher" | "rego"
        | "cedar" | "tf" | "bicep" | "pkl" | "star" | "sls" | "hurl"
    )
}

/// Extensions of files that are no text, whatever their content looks like: a file in large file storage is a short text
/// in its place.
pub(super) fn is_binary_extension(extension: &str) -> bool {
    matches!(
        extension,
        // Pictures, sound, film, fonts, models
        "png" | "jpg" | "jpeg" | "jpe" | "gif" | "bmp" | "ico" | "icns" | "cur" | "tif" | "tiff" | "webp" | "avif"
        | "heic" | "heif" | "jxl" | "jp2" | "psd" | "psb" | "xcf" | "sketch" | "fig" | "tga" | "dds" | "ktx" | "exr" | "hdr"
        | "mp3" | "mp4" | "m4a" | "m4v" | "wav" | "ogg" | "oga" | "ogv" | "opus" | "flac" | "aac" | "wma" | "aif" | "aiff"
        | "caf" | "mid" | "midi" | "avi" | "mov" | "mkv" | "webm" | "wmv" | "flv" | "mpg" | "mpeg" | "swf" | "ttf" | "otf"
        | "ttc" | "woff" | "woff2" | "eot" | "glb" | "fbx" | "blend" | "3ds" | "max" | "uasset" | "umap"
        // Archives and packages
        | "zip" | "gz" | "tgz" | "bz2" | "tbz" | "tbz2" | "xz" | "txz" | "zst" | "lz" | "lz4" | "lzma" | "br" | "7z" | "rar"
        | "tar" | "jar" | "war" | "ear" | "aar" | "apk" | "aab" | "ipa" | "deb" | "rpm" | "dmg" | "pkg" | "msi" | "iso"
        | "img" | "cab" | "whl" | "egg" | "gem" | "nupkg" | "snupkg" | "vsix" | "xpi" | "crx" | "crate" | "appimage"
        // Compiled
        | "exe" | "dll" | "so" | "dylib" | "a" | "o" | "obj" | "lib" | "ko" | "class" | "dex" | "pyc" | "pyo" | "pyd" | "elc"
        | "beam" | "wasm" | "node" | "pdb" | "ilk" | "pch" | "gch" | "rlib" | "rmeta" | "swiftmodule" | "nib"
        // Documents
        | "pdf" | "doc" | "docx" | "docm" | "xls" | "xlsx" | "xlsm" | "xlsb" | "ppt" | "pptx" | "pptm" | "odt" | "ods"
        | "odp" | "odg" | "epub" | "mobi" | "vsd" | "vsdx" | "pages" | "numbers" | "chm" | "djvu" | "xps"
        // Data
        | "db" | "db3" | "sqlite" | "sqlite3" | "mdb" | "accdb" | "dbf" | "parquet" | "orc" | "avro" | "arrow" | "feather"
        | "h5" | "hdf5" | "npy" | "npz" | "pickle" | "joblib" | "pt" | "pth" | "onnx" | "safetensors" | "gguf"
        | "tflite" | "rds" | "rdata" | "pcap" | "pcapng" | "shp" | "mmdb" | "jks" | "keystore" | "p12" | "pfx" | "bcfks"
        | "der" | "bin" | "hprof"
    )
}
