#![allow(clippy::unwrap_used)] // a test fails by panicking

use super::*;
use proptest::prelude::*;
use std::fs;

fn read(files: &[(&str, &str)]) -> Result<Requirements, PackagesError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    Ok(Requirements::read(&Folder::open(folder.path()).unwrap())?.unwrap())
}

fn named(text: &str) -> Vec<(String, String)> {
    read(&[("requirements.txt", text)]).unwrap().named.into_iter().map(|named| (named.name, named.versions)).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, versions)| ((*name).to_owned(), (*versions).to_owned())).collect()
}

#[test]
fn names_and_versions_are_read() {
    let text = "\u{feff}# a comment\nFlask==3.1.3 # pinned\n\nzope.interface >= 5, < 9\nuvicorn[standard]~=0.30; sys_platform != 'win32'\n\
                Py_YAML\r\nurllib3 (>=1)\nmine @ https://example.org/mine.zip#egg=x\nhashed==1 \\\n  --hash=sha256:00 \\\n  --hash=sha256:11\n";
    let expected = [
        ("flask", "==3.1.3"),
        ("zope-interface", ">=5,<9"),
        ("uvicorn", "~=0.30"),
        ("py-yaml", ""),
        ("urllib3", ">=1"),
        ("mine", ""),
        ("hashed", "==1"),
    ];
    assert_eq!(named(text), pairs(&expected));
    assert!(read(&[("requirements.txt", text)]).unwrap().hashed);
    assert!(!read(&[("requirements.txt", "a==1")]).unwrap().hashed);
}

#[test]
fn nothing_is_wanted_beside_the_sdk() {
    for text in [
        "",
        "# azure\n",
        "azure-functions\n",
        "azure-functions-worker\n",
        "Azure_Functions>=1.20 # SDK\n--extra-index-url https://example.org/simple\n",
    ] {
        assert!(read(&[("requirements.txt", text)]).unwrap().wants_nothing(), "{text}");
    }
    for text in ["azure-functions\nflask", "./mine", "https://example.org/mine-1.0.tar.gz", "-e .", "mine-1.0-py3-none-any.whl"] {
        assert!(!read(&[("requirements.txt", text)]).unwrap().wants_nothing(), "{text}");
    }
}

#[test]
fn files_are_included_from_where_they_are_named() {
    let files = [
        ("requirements.txt", "-r more/web.txt\n--constraint=limits.txt\nrequests\n"),
        ("more/web.txt", "flask\n-rdeeper.txt\n"),
        ("more/deeper.txt", "jinja2\n-r ../requirements.txt\n"),
        ("limits.txt", "werkzeug<3\n"),
    ];
    let requirements = read(&files).unwrap();
    let names: Vec<_> = requirements.named.iter().map(|named| named.name.as_str()).collect();
    assert_eq!(names, ["flask", "jinja2", "requests"]);
    let files: Vec<_> = requirements.contents.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(files[0], "requirements.txt");
    for file in ["more/web.txt", "more/deeper.txt", "limits.txt"] {
        assert!(files.contains(&file), "{files:?}");
    }
}

#[test]
fn a_file_that_is_missing_is_told_with_its_line() {
    let error = read(&[("requirements.txt", "flask\n\n-r other.txt\n")]).unwrap_err();
    assert_eq!(error.to_string(), "requirements.txt, line 3: there is no other.txt");
}

#[test]
fn files_outside_of_the_app_are_not_read() {
    for line in ["-r /etc/passwd", "-c../other.txt", "--requirement=/etc/passwd", "--req ../../etc/passwd", "--constr more/../../x"] {
        let error = read(&[("requirements.txt", &format!("flask\n{line}\n")), ("more/x.txt", "")]).unwrap_err().to_string();
        assert!(error.starts_with("requirements.txt, line 2: ") && error.contains("leads out of the app's folder"), "{line}: {error}");
    }
    let error = read(&[("requirements.txt", "-r more\n"), ("more/x.txt", "")]).unwrap_err();
    assert_eq!(error.to_string(), "more: is not a regular file");
}

#[cfg(unix)]
#[test]
fn links_out_of_the_app_and_pipes_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let of = |text: &str| {
        fs::write(folder.path().join("requirements.txt"), text).unwrap();
        Requirements::read(&Folder::open(folder.path()).unwrap()).unwrap_err().to_string()
    };
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link.txt")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(folder.path().join("pipe.txt")).status().unwrap().success());
    assert!(of("-r link.txt").contains("line 1: link.txt leads out of the app's folder"), "{}", of("-r link.txt"));
    assert_eq!(of("-r pipe.txt"), "pipe.txt: is not a regular file");
    let many: String = (0..=MOST_FILES).map(|number| format!("-r {number}.txt\n")).collect();
    (0..=MOST_FILES).for_each(|number| fs::write(folder.path().join(format!("{number}.txt")), "").unwrap());
    assert_eq!(of(&many), "requirements.txt, line 101: it includes more than 100 files");
    fs::remove_file(folder.path().join("requirements.txt")).unwrap();
    assert!(Requirements::read(&Folder::open(folder.path()).unwrap()).unwrap().is_none());
}

#[test]
fn sources_are_kept() {
    let text = "--index-url=https://example.org/simple\n-f wheels\n--pre\n--no-deps\n";
    assert_eq!(
        read(&[("requirements.txt", text)]).unwrap().sources,
        ["--index-url", "https://example.org/simple", "-f", "wheels", "--pre"]
    );
}

proptest! {
    #[test]
    fn any_text_can_be_read(text in "[a-zA-Z0-9 \\-_.=<>~!@#;:'\"\\[\\]()\\\\\n\r\t/é]*") {
        // Lines that include files are errors where there are none.
        let _ = read(&[("requirements.txt", &text)]);
    }

    #[test]
    fn a_name_that_was_normalised_stays_as_it_is(name in "[A-Za-z0-9][A-Za-z0-9._-]{0,20}") {
        let once = normalised(&name);
        prop_assert_eq!(normalised(&once), once);
    }
}
