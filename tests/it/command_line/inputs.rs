//! What can be read: files, standard input, built-in scenarios by their names; and what is said of the rest.

use std::fs;

use super::{Place, err, exits, out};

#[test]
fn a_built_in_scenario_runs_by_its_name_wherever_one_is() {
    let place = Place::new();
    exits(&place.run(&["run", "--quiet", "--no-figures", "thundering-herd"]), 99);
    exits(&place.run(&["run", "--quiet", "--no-figures", "--variant", "jitter", "thundering-herd"]), 0);
    for folder in ["output/thundering-herd", "output/thundering-herd-jitter"] {
        assert!(place.files(folder).contains_key("summary.json"), "{folder}");
    }
    let check = place.run(&["check", "retry-storm"]);
    exits(&check, 0);
    assert!(out(&check).starts_with("retry-storm: fine"), "{}", out(&check));
    assert!(err(&check).contains("--> retry-storm:"), "diagnostics name it:\n{}", err(&check));
    // Those of the proof, too.
    exits(&place.run(&["run", "--quiet", "--no-figures", "herd"]), 0);
    assert!(place.files("output/herd").contains_key("summary.json"));
    let listed = place.run(&["list", "herd"]);
    exits(&listed, 0);
    assert!(out(&listed).contains("# Shown: "), "{}", out(&listed));
}

#[test]
fn a_file_wins_over_a_built_in_scenario_of_its_name() {
    let place = Place::new();
    exits(&place.run(&["check", "./retry-storm"]), 1);
    fs::create_dir(place.path("retry-storm")).unwrap();
    exits(&place.run(&["check", "retry-storm"]), 0);
    fs::remove_dir(place.path("retry-storm")).unwrap();
    place.write("retry-storm", "duratoin = \"4s\"\n");
    for name in ["retry-storm", "./retry-storm"] {
        let output = place.run(&["check", name]);
        exits(&output, 104);
        assert!(err(&output).contains("duratoin"), "{}", err(&output));
    }
}

#[test]
fn what_cannot_be_read_is_named_with_a_way_out() {
    let place = Place::new();
    for (name, says) in [
        (
            "retry-strom",
            &["no built-in scenario", "did you mean the built-in scenario `retry-storm`", "brownout list"][..],
        ),
        ("zzz", &["no built-in scenario", "brownout list"]),
        ("a/retry-storm.toml", &["there is no such file", "did you mean the built-in scenario `retry-storm`"]),
        ("absent.toml", &["there is no such file", "`-` reads standard input"]),
        ("good.toml/below", &["a part of the path is not a directory"]),
        (".", &["it is a directory", "name a file in it"]),
    ] {
        for command in ["run", "check"] {
            let output = place.run(&[command, name]);
            exits(&output, 1);
            assert_eq!(out(&output), "");
            assert!(err(&output).starts_with(&format!("error: cannot read `{name}`: ")), "{}", err(&output));
            for words in says {
                assert!(err(&output).contains(words), "{words}:\n{}", err(&output));
            }
        }
    }
}

#[test]
fn files_that_are_no_scenario_are_refused_whatever_they_hold() {
    let place = Place::new();
    fs::File::create(place.path("huge.toml")).unwrap().set_len(100 << 20).unwrap();
    fs::write(place.path("latin.toml"), b"title = \"Gr\xf6\xdfe\"\n").unwrap();
    fs::write(place.path("picture.toml"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").unwrap();
    fs::write(place.path("zeros.toml"), [0; 4096]).unwrap();
    fs::write(place.path("empty.toml"), "").unwrap();
    for (name, says) in [
        ("huge.toml", "error[E003]: the file has more than 8 MiB"),
        ("latin.toml", "error[E002]: the file is not UTF-8 text"),
        ("picture.toml", "error[E002]: the file is not UTF-8 text"),
        ("zeros.toml", "error[E001]: "),
        ("empty.toml", "error[E004]: the scenario is empty"),
    ] {
        for command in ["run", "check"] {
            let output = place.run(&[command, name]);
            exits(&output, 104);
            assert_eq!(out(&output), "", "{name}");
            assert!(err(&output).starts_with(says), "{name}:\n{}", err(&output));
            assert!(err(&output).len() < 2000 && err(&output).contains(name), "{name}:\n{}", err(&output));
        }
    }
}

#[cfg(unix)]
#[test]
fn a_path_that_is_no_text_is_refused() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let place = Place::new();
    let name = OsStr::from_bytes(b"caf\xe9.toml");
    fs::copy(place.path("good.toml"), place.folder.path().join(name)).unwrap();
    for arguments in [&["run"][..], &["check"], &["import", "isotope"]] {
        let output = place.command(arguments).arg(name).output().unwrap();
        exits(&output, 1);
        assert!(err(&output).contains("the path is not UTF-8 text"), "{}", err(&output));
    }
}

/// Were they read to their ends, this test would have none.
#[cfg(unix)]
#[test]
fn inputs_without_an_end_are_refused() {
    let place = Place::new();
    for (arguments, says) in [
        (&["check"][..], "error[E003]: the file has more than 8 MiB"),
        (&["run"], "error[E003]: the file has more than 8 MiB"),
        (&["import", "isotope"], "it has more than 16 MiB"),
    ] {
        for file in ["/dev/zero", "-"] {
            let mut command = place.command(arguments);
            let output = command.arg(file).stdin(fs::File::open("/dev/zero").unwrap()).output().unwrap();
            exits(&output, 104);
            assert!(err(&output).contains(says), "{}", err(&output));
        }
    }
}
