//! The house is tidy: floors are kept, files are small and say what they are for, what the README
//! promises exists, every scenario teaches.

use std::fs;
use std::path::{Path, PathBuf};

use brownout::scenario::lesson;

/// Which floor a folder of `src` stands on; it may use only folders on floors below its own.
const FLOORS: [(&str, u8); 12] = [
    ("base", 0),
    ("policy", 1),
    ("model", 2),
    ("mechanism", 3),
    ("scenario", 3),
    ("import", 3),
    ("kernel", 4),
    ("measure", 5),
    ("insight", 6),
    ("experiment", 7),
    ("report", 8),
    ("cli", 9),
];

/// Longer files are more than one idea.
const LINES_MAX: usize = 700;

/// Words that say on whose machine something was written.
const MACHINES: [&str; 5] =
    [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/"), concat!("/tm", "p/")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder`, in order; none when it does not exist.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    // What fuzzing leaves behind is ignored by git, too.
    let is_left_behind = |path: &PathBuf| {
        path.parent().is_some_and(|parent| parent.ends_with("tests/fuzz"))
            && ["target", "corpus", "artifacts"].iter().any(|name| path.ends_with(name))
    };
    paths.retain(|path| !is_left_behind(path));
    paths.sort();
    paths.into_iter().flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

fn rust_files(folder: &str) -> Vec<(String, String)> {
    let files =
        files_below(&root().join(folder)).into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs"));
    files.map(|path| (shown(&path), fs::read_to_string(&path).unwrap())).collect()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

fn floor(folder: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == folder).map(|(_, floor)| *floor)
}

fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// The first names after `prefix` in `code`: `prefix::name` and `prefix::{name, other::{..}}`.
fn names_after(prefix: &str, code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        // `super::super::` is also the end of `super::super::super::`; `a_crate::` is not `crate::`.
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.push(identifier(rest).to_owned());
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (index, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if c.is_whitespace() => {}
                _ if start && depth == 0 => {
                    names.push(identifier(&group[index..]).to_owned());
                    start = false;
                }
                _ => {}
            }
        }
    }
    names
}

/// The folders of `src` that a file uses.
fn used_floors(path: &str, text: &str) -> Vec<String> {
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|l| format!("{l}\n")).collect();
    let mut names = names_after("crate::", &code);
    // From `src/floor/mod.rs` the crate is one step up, from `src/floor/file.rs` two, and so on.
    let steps = path.matches('/').count() - usize::from(path.ends_with("/mod.rs"));
    names.extend(names_after(&"super::".repeat(steps), &code));
    names.retain(|name| floor(name).is_some());
    names
}

#[test]
fn names_are_found_in_every_kind_of_import() {
    let code = "use crate::base::time;\nuse crate::{model::{self, kernel}, policy};\nfn f() { crate::report::x() } my_crate::cli::x";
    assert_eq!(names_after("crate::", code), ["base", "model", "policy", "report"]);
    assert_eq!(used_floors("src/model/mod.rs", "use super::cli::x;\n// use crate::measure;"), ["cli"]);
    assert_eq!(
        used_floors("src/model/a.rs", "use super::cli; use super::super::cli; super::super::super::report;"),
        ["cli"]
    );
}

#[test]
fn every_floor_uses_only_floors_below() {
    let mut wrong = Vec::new();
    for (path, text) in rust_files("src") {
        let mut parts = path.split('/').skip(1);
        let (Some(folder), Some(_)) = (parts.next(), parts.next()) else { continue };
        let Some(own) = floor(folder) else {
            wrong.push(format!("{path}: `{folder}` stands on no floor: add it to the table here and to src/lib.rs"));
            continue;
        };
        for used in used_floors(&path, &text) {
            if used != folder && floor(&used).is_some_and(|other| other >= own) {
                wrong.push(format!("{path}: uses `{used}`, which is not below `{folder}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_map_names_every_floor() {
    let map = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for (name, number) in FLOORS {
        assert!(
            map.contains(&format!("//! | {number} | [`{name}`] |")),
            "src/lib.rs has no row for floor {number}, {name}"
        );
    }
}

#[test]
fn only_the_command_line_does_input_and_output() {
    const SIGNS: [&str; 8] =
        ["std::fs", "std::env", "std::net", "std::process", "println!", "eprint!", "std::io::std", "anstream::"];
    let mut wrong = Vec::new();
    for (path, text) in rust_files("src") {
        if path.starts_with("src/cli/") || path == "src/main.rs" {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (line, text) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            if let Some(sign) = SIGNS.iter().find(|sign| text.contains(**sign)) {
                wrong.push(format!("{path}:{}: `{sign}`", line + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<String> = ["src", "tests", "examples", "benches"]
        .iter()
        .flat_map(|folder| rust_files(folder))
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| path)
        .collect();
    assert!(silent.is_empty(), "these files do not open with `//!`: {silent:?}");
}

#[test]
fn files_are_of_one_idea() {
    let long: Vec<String> = ["src", "tests", "examples", "benches"]
        .iter()
        .flat_map(|folder| rust_files(folder))
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "longer than {LINES_MAX} lines: {long:?}");
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let folders = ["src", "tests", "examples", "benches", "scenarios", ".ci", ".github"];
    let single = ["README.md", "CHANGELOG.md", "Cargo.toml", "clippy.toml", "rustfmt.toml"];
    let files = folders.iter().flat_map(|folder| files_below(&root().join(folder)));
    let mut wrong = Vec::new();
    for path in files.chain(single.iter().map(|name| root().join(name))) {
        let Ok(bytes) = fs::read(&path) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        for (line, text) in text.lines().enumerate() {
            if let Some(word) = MACHINES.iter().find(|word| text.contains(**word)) {
                wrong.push(format!("{}:{}: `{word}`", shown(&path), line + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_scenario_opens_with_a_lesson() {
    let mut wrong = Vec::new();
    // Those of the proof say what they show instead.
    let is_lesson = |path: &PathBuf| {
        path.extension().is_some_and(|e| e == "toml") && path.parent().is_some_and(|it| it.ends_with("scenarios"))
    };
    for path in files_below(&root().join("scenarios")).into_iter().filter(is_lesson) {
        let text = fs::read_to_string(&path).unwrap();
        let lesson: Vec<&str> = text.lines().take_while(|line| line.starts_with('#')).collect();
        let words = lesson.join(" ").to_lowercase();
        for word in ["watch", "change"] {
            if lesson.len() < 3 || !words.contains(word) {
                wrong.push(format!("{}: the comment at its top does not say what to {word}", shown(&path)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The commands of the README's shell blocks.
fn readme_commands() -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn the_commands_of_the_readme_exist() {
    let commands = readme_commands();
    assert!(
        commands.iter().any(|command| command.starts_with("cargo run --release -- run scenarios/")),
        "{commands:?}"
    );
    let mut written = Vec::new();
    for command in &commands {
        let words: Vec<&str> = command.split_whitespace().collect();
        let arguments = match words.as_slice() {
            ["cargo", "test"] | ["cargo", "install", "--path", "."] => continue,
            ["cargo", "run", "--release", "--", rest @ ..] | ["brownout", rest @ ..] => rest,
            _ => panic!("`{command}` is not a command that this test knows"),
        };
        let arguments: Vec<&str> = arguments.iter().copied().take_while(|word| *word != ">").collect();
        let subcommand = match arguments.as_slice() {
            ["list"] | ["validate", ..] => &arguments,
            ["new", file] => {
                written.push(*file);
                &arguments[..1]
            }
            [before @ .., file] => {
                let is_there = written.contains(file) || root().join(file).exists() || lesson(file).is_some();
                assert!(is_there, "`{command}`: there is no `{file}`");
                before
            }
            [] => panic!("`{command}` does nothing"),
        };
        let help = std::process::Command::new(assert_cmd::cargo::cargo_bin("brownout"))
            .args(subcommand.iter().filter(|word| !word.starts_with('-')))
            .arg("--help")
            .output()
            .unwrap();
        assert!(help.status.success(), "`{command}`: {}", String::from_utf8_lossy(&help.stderr));
        let help = String::from_utf8(help.stdout).unwrap();
        for flag in arguments.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(flag), "`{command}`: there is no `{flag}`");
        }
        written.extend(words.iter().skip_while(|word| **word != ">").nth(1).copied());
    }
}

#[test]
fn the_example_of_the_readme_runs() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let example = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(example.lines().count(), 10, "the README promises ten lines");
    let place = tempfile::TempDir::new().unwrap();
    fs::write(place.path().join("ten.toml"), example).unwrap();
    let run = std::process::Command::new(assert_cmd::cargo::cargo_bin("brownout"))
        .args(["run", "--quiet", "ten.toml"])
        .current_dir(place.path())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn the_links_of_the_readme_lead_somewhere() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let links = readme.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    let images = readme.split("src=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    for target in images.chain(links).filter(|target| !target.starts_with("http")) {
        assert!(root().join(target).exists(), "README.md points to `{target}`, which does not exist");
    }
}
