//! What explains the command line: help texts, manual pages and completions, which forget no subcommand.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use super::{Place, err, exits, out};

/// The arguments that lead to every subcommand, the program itself first: as the help texts list them.
fn subcommands(place: &Place) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut next = 0;
    while let Some(path) = all.get(next).cloned() {
        for name in listed(&help(place, &path)) {
            all.push([&path[..], &[name]].concat());
        }
        next += 1;
    }
    all
}

fn help(place: &Place, path: &[String]) -> String {
    let output = place.command(&[]).args(path).arg("--help").output().unwrap();
    exits(&output, 0);
    out(&output)
}

/// The names below `Commands:`, but for the one that repeats the help texts.
fn listed(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // The explanation of a command may go on in further lines, which are indented more.
    let names = lines.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    names.filter_map(|line| line.split(' ').next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn the_subcommands_are_found() {
    let found: BTreeSet<String> = subcommands(&Place::new()).iter().map(|path| path.join(" ")).collect();
    for path in ["", "run", "check", "list", "new", "import", "import isotope", "completions", "man"] {
        assert!(found.contains(path), "`{path}` among {found:?}");
    }
}

#[test]
fn every_subcommand_helps_with_examples_that_exist() {
    let place = Place::new();
    let helps: Vec<(Vec<String>, String)> =
        subcommands(&place).into_iter().map(|path| (path.clone(), help(&place, &path))).collect();
    for (path, help) in &helps {
        let Some((_, examples)) = help.split_once("\nExamples:\n") else {
            panic!("no examples in the help of {path:?}:\n{help}");
        };
        let examples = examples.split("\n\n").next().unwrap();
        let own = ["  brownout"].into_iter().chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
        assert!(examples.lines().any(|line| line.starts_with(&own)), "no example of {path:?}:\n{examples}");
        let commands = examples.lines().flat_map(|line| line.split(" | "));
        for words in commands.filter_map(|command| command.trim().strip_prefix("brownout ")) {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            // The longest path is the subcommand that the example calls.
            let called = helps.iter().filter(|(path, _)| !path.is_empty() && words.starts_with(path));
            let Some((_, help)) = called.max_by_key(|(path, _)| path.len()) else {
                panic!("{path:?}: there is no `brownout {}`", words.join(" "));
            };
            for flag in words.iter().filter(|word| word.starts_with("--")) {
                assert!(help.contains(flag.as_str()), "{path:?}: there is no `{flag}`");
            }
        }
    }
}

#[test]
fn the_help_of_run_names_every_file_that_a_run_writes() {
    let place = Place::new();
    let run = |arguments: &[&str]| exits(&place.run(arguments), 0);
    run(&["new", "shop.toml"]);
    run(&["run", "shop.toml", "--out", "one"]);
    run(&["run", "shop.toml", "--reps", "2", "--out", "more"]);
    let help = help(&place, &["run".to_owned()]);
    let (_, files) = help.split_once("\nFiles:\n").unwrap();
    let files = files.split("\n\n").next().unwrap();
    let named: BTreeSet<&str> = files.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let is_picture = |name: &str| name.ends_with(".png") || name.ends_with(".svg");
    let written: BTreeSet<String> = ["one", "more"].into_iter().flat_map(|dir| place.files(dir).into_keys()).collect();
    for name in written.iter().filter(|name| !is_picture(name)) {
        assert!(named.contains(name.as_str()), "{name} is not among {named:?}");
    }
    for name in named.iter().filter(|name| !name.starts_with('*')) {
        assert!(written.contains(*name), "{name} is not written: {written:?}");
    }
}

#[test]
fn every_subcommand_has_its_page_in_the_manual() {
    let place = Place::new();
    let one = place.run(&["man"]);
    exits(&one, 0);
    let output = place.run(&["man", "--out", "pages"]);
    exits(&output, 0);
    assert_eq!(out(&output), "");
    let pages = place.files("pages");
    assert!(err(&output).contains(&format!("{} pages: pages", pages.len())), "{}", err(&output));
    let paths = subcommands(&place);
    assert_eq!(pages.len(), paths.len(), "{:?}", pages.keys());
    for path in paths {
        let name = [&["brownout".to_owned()][..], &path].concat().join("-");
        let page = String::from_utf8(pages[&format!("{name}.1")].clone()).unwrap();
        let title = name.replace('-', "\\-");
        assert!(page.contains(&format!(".SH NAME\n{title} \\- ")), "{name}:\n{page}");
        for section in ["SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES"] {
            assert!(page.contains(&format!("\n.SH {section}\n")), "{name} has no section {section}:\n{page}");
        }
        if let [name] = path.as_slice() {
            assert!(out(&one).contains(&format!("\nbrownout\\-{name}(1)\n")), "{}", out(&one));
        }
    }
    assert_eq!(one.stdout, pages["brownout.1"]);
}

#[test]
fn completions_know_every_subcommand() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = place.run(&["completions", shell]);
        exits(&output, 0);
        assert_eq!(err(&output), "");
        for path in subcommands(&place) {
            let name = path.last().map_or("brownout", String::as_str);
            assert!(out(&output).contains(name), "{shell} does not complete `{name}`");
        }
        assert!(out(&output).contains("--template") || out(&output).contains("-l template"), "{shell}");
    }
    for wrong in [&["completions"][..], &["completions", "bsh"], &["completions", "bash", "zsh"]] {
        exits(&place.run(wrong), 2);
    }
}

#[test]
fn bash_takes_its_completions() {
    let place = Place::new();
    let mut program = place.command(&["completions", "bash"]).stdout(Stdio::piped()).spawn().unwrap();
    let script = program.stdout.take().unwrap();
    match Command::new("bash").arg("-n").stdin(script).stderr(Stdio::piped()).output() {
        Ok(bash) => assert!(bash.status.success() && bash.stderr.is_empty(), "{}", err(&bash)),
        Err(error) => eprintln!("not tried: there is no bash here ({error})"),
    }
    let _ = program.wait();
}
