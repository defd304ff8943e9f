//! The files word for word: a change of a value or a reason is seen in review.

use docassist_ops::{Profile, explain, render};

#[test]
fn the_defended_files() {
    for file in render(&crate::of(Profile::Defended)) {
        insta::assert_snapshot!(format!("defended-{}", file.path.replace('/', "-")), file.text);
    }
}

#[test]
fn the_seeds_files_where_they_differ() {
    let defended = render(&crate::of(Profile::Defended));
    for (file, other) in render(&crate::of(Profile::Seed)).into_iter().zip(defended) {
        // The first lines name the command; what follows is compared.
        let body =
            |text: &str| text.lines().filter(|line| !line.contains("docassist tune")).collect::<Vec<_>>().join("\n");
        if body(&file.text) != body(&other.text) {
            insta::assert_snapshot!(format!("seed-{}", file.path.replace('/', "-")), file.text);
        }
    }
}

#[test]
fn the_explanations() {
    for profile in [Profile::Defended, Profile::Seed] {
        insta::assert_snapshot!(format!("explain-{profile}"), explain(&crate::of(profile)));
    }
}

#[test]
fn files_have_the_modes_of_what_they_are() {
    for file in render(&crate::of(Profile::Defended)) {
        assert_eq!(file.mode, if file.text.starts_with("#!") { 0o755 } else { 0o644 }, "{}", file.path);
    }
}
