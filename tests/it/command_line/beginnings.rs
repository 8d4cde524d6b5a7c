//! Where a user begins: the list of built-in scenarios, and files that are made from one.

use std::fs;
use std::process::{Command, Stdio};

use brownout::scenario::{LESSONS, TEMPLATES, lesson};

use super::{Place, err, exits, out};

#[test]
fn the_list_says_in_a_line_what_each_scenario_teaches() {
    let place = Place::new();
    let output = place.run(&["list"]);
    exits(&output, 0);
    let lines: Vec<String> = out(&output).lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), LESSONS.len());
    for (line, lesson) in lines.iter().zip(LESSONS) {
        assert!(line.starts_with(&format!("{} ", lesson.name)) && line.ends_with(&lesson.about()), "{line}");
    }
    assert!(err(&output).contains("brownout run NAME"), "{}", err(&output));
    assert_eq!(err(&place.run(&["list", "--quiet"])), "");
}

#[test]
fn the_list_for_programs() {
    let place = Place::new();
    let output = place.run(&["list", "--format", "json"]);
    exits(&output, 0);
    assert_eq!(err(&output), "");
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = value.as_array().unwrap();
    assert_eq!(rows.len(), LESSONS.len());
    let storm = rows.iter().find(|row| row["name"] == "retry-storm").unwrap();
    assert_eq!(storm["title"], "Retries in every layer multiply");
    assert_eq!(storm["about"], lesson("retry-storm").unwrap().about());
    assert_eq!(storm["variants"], serde_json::json!(["one-layer", "budget"]));
}

#[test]
fn a_listed_scenario_can_be_copied() {
    let place = Place::new();
    let output = place.run(&["list", "thundering-herd"]);
    exits(&output, 0);
    assert_eq!((out(&output).as_str(), err(&output).as_str()), (lesson("thundering-herd").unwrap().text, ""));
    let misspelt = place.run(&["list", "thundering-hurd"]);
    exits(&misspelt, 2);
    assert!(err(&misspelt).contains("'thundering-herd'"), "{}", err(&misspelt));
}

#[test]
fn every_template_is_written_and_runs() {
    let place = Place::new();
    for template in TEMPLATES {
        let file = format!("my {}.toml", template.name);
        let output = place.run(&["new", &file, "--template", template.name]);
        exits(&output, 0);
        assert_eq!(out(&output), "");
        assert!(err(&output).contains(&format!("brownout run '{file}'")), "what to do next:\n{}", err(&output));
        assert_eq!(fs::read_to_string(place.path(&file)).unwrap(), template.text);
        let run = place.run(&["run", "--quiet", "--no-figures", &file]);
        exits(&run, 0);
        assert_eq!(err(&run), "", "no warnings");
    }
    let help = out(&place.run(&["new", "--help"]));
    for template in TEMPLATES {
        assert!(help.contains(&format!("\n            {}:", template.name)), "{}:\n{help}", template.name);
    }
}

#[test]
fn without_a_word_it_is_the_first_template() {
    let place = Place::new();
    exits(&place.run(&["new", "--quiet", "shop.toml"]), 0);
    assert_eq!(fs::read_to_string(place.path("shop.toml")).unwrap(), TEMPLATES[0].text);
    exits(&place.run(&["new", "--quiet", "copy.toml", "--template", "death-spiral"]), 0);
    assert_eq!(fs::read_to_string(place.path("copy.toml")).unwrap(), lesson("death-spiral").unwrap().text);
}

#[test]
fn a_template_goes_through_a_pipe() {
    let place = Place::new();
    let mut new = place.command(&["new", "-"]);
    let mut new = new.stdout(Stdio::piped()).spawn().unwrap();
    let check = place.command(&["check", "-"]).stdin(new.stdout.take().unwrap()).output().unwrap();
    exits(&check, 0);
    assert!(new.wait().unwrap().success());
}

#[test]
fn no_file_is_replaced_unless_it_is_said() {
    let place = Place::new();
    let before = place.files(".");
    let output = place.run(&["new", "good.toml"]);
    exits(&output, 1);
    assert!(err(&output).contains("exists already") && err(&output).contains("--force"), "{}", err(&output));
    assert_eq!(place.files("."), before);
    exits(&place.run(&["new", "good.toml", "--force"]), 0);
    assert_eq!(fs::read_to_string(place.path("good.toml")).unwrap(), TEMPLATES[0].text);
}

#[test]
fn a_place_that_takes_no_file_is_named() {
    let place = Place::new();
    fs::create_dir(place.path("folder")).unwrap();
    let before = place.files(".");
    for force in [&[][..], &["--force"]] {
        for (file, code, says) in [
            ("absent/shop.toml", 1, "its directory does not exist"),
            ("folder", 1, "it is a directory"),
            ("good.toml/shop.toml", 1, "a part of the path is not a directory"),
            ("retry-storm", 2, "brownout new retry-storm.toml --template retry-storm"),
            ("", 2, "a value is required"),
        ] {
            let output = place.run(&[&["new", file], force].concat());
            exits(&output, code);
            assert!(err(&output).contains(says), "{says}:\n{}", err(&output));
        }
    }
    exits(&place.run(&["new", "shop.toml", "--template", "chian"]), 2);
    assert_eq!(place.files("."), before);
}

#[cfg(unix)]
#[test]
fn a_pipe_takes_bytes_and_stays_a_pipe() {
    use std::io::Read;
    use std::os::unix::fs::FileTypeExt;

    let place = Place::new();
    let path = place.path("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    // Opened for both, so that neither side waits for the other.
    let mut pipe = fs::File::options().read(true).write(true).open(&path).unwrap();
    exits(&place.run(&["new", "--force", "pipe"]), 0);
    assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
    let mut written = vec![0; TEMPLATES[0].text.len()];
    pipe.read_exact(&mut written).unwrap();
    assert_eq!(written, TEMPLATES[0].text.as_bytes());
}
