//! Texts with units: what they mean, that they are written back the same, and what is said of bad ones.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use brownout::base::call::Call;
use brownout::base::distribution::{Distribution, NAMES};
use brownout::base::keys::{self, KeyDistribution};
use brownout::base::time::{Span, Time};
use brownout::base::units::{Count, Number, ParseError, Rate, Share};
use proptest::prelude::*;

#[test]
fn spans_are_exact() {
    for (text, nanos) in [
        ("0s", 0),
        ("0ns", 0),
        ("200ms", 200_000_000),
        ("3.333333ms", 3_333_333),
        ("0.1us", 100),
        ("0.1µs", 100),
        ("1.000000000000000000000000s", 1_000_000_000),
        ("007s", 7_000_000_000),
        ("1.5m", 90_000_000_000),
        ("1.5min", 90_000_000_000),
        ("0.5h", 1_800_000_000_000),
        ("0.0000152587890625d", 1_318_359_375),
        ("2d", 172_800_000_000_000),
        ("9007199254740993ns", 9_007_199_254_740_993),
        ("18446744073.709551615s", u64::MAX),
    ] {
        assert_eq!(text.parse(), Ok(Span::from_nanos(nanos)), "{text}");
        assert_eq!(text.parse(), Ok(Time::from_nanos(nanos)), "{text}");
    }
}

#[test]
fn rates_and_shares_are_the_nearest_floats() {
    for (text, per_sec) in [
        ("1500/s", 1500.0),
        ("30/m", 0.5),
        ("30/min", 0.5),
        ("3/h", 3.0 / 3600.0),
        ("0.3/ms", 300.0),
        ("7/d", 7.0 / 86_400.0),
        ("0/s", 0.0),
    ] {
        assert_eq!(text.parse::<Rate>().map(Rate::as_per_sec), Ok(per_sec), "{text}");
    }
    for (text, share) in [("99%", 0.99), ("99.9%", 0.999), ("0.1%", 0.001), ("100%", 1.0), ("0%", 0.0), ("58%", 0.58)] {
        assert_eq!(text.parse::<Share>().map(Share::as_f64), Ok(share), "{text}");
    }
}

#[test]
fn texts_are_written_in_their_usual_form() {
    fn same<T: FromStr<Err = ParseError> + Display>(texts: &[(&str, &str)]) {
        for (text, expected) in texts {
            let value = text.parse::<T>().map(|value| value.to_string());
            assert_eq!(value.as_deref().map_err(Clone::clone), Ok(*expected), "{text}");
        }
    }
    same::<Span>(&[
        ("0ms", "0s"),
        ("1000us", "1ms"),
        ("1.50s", "1.5s"),
        ("2m", "120s"),
        ("1234.5us", "1.2345ms"),
        ("999ns", "999ns"),
    ]);
    same::<Rate>(&[("1500/s", "1500/s"), ("0.5/ms", "500/s"), ("30/m", "0.5/s"), ("7/m", "7/m"), ("5/h", "5/h")]);
    same::<Share>(&[("99%", "99%"), ("0.10%", "0.1%"), ("100%", "100%"), ("0%", "0%"), ("33.333333%", "33.333333%")]);
    same::<Distribution>(&[
        ("5ms", "5ms"),
        ("exp( 5ms )", "exp(5ms)"),
        ("lognormal(p99 = 40ms, p50=5ms)", "lognormal(p50=5ms, p99=40ms)"),
        ("lognormal(p99.9=40ms,p50=5ms)", "lognormal(p50=5ms, p99.9=40ms)"),
        ("mix(25% exp(1ms), 75%  uniform(1ms,2ms))", "mix(25% exp(1ms), 75% uniform(1ms, 2ms))"),
        ("hyperexp(90% 5ms, 10% 50ms)", "hyperexp(90% 5ms, 10% 50ms)"),
    ]);
    same::<KeyDistribution>(&[
        ("zipf(1.0, 20000)", "zipf(1, 20000)"),
        ("zipf( 0.990 ,007)", "zipf(0.99, 7)"),
        ("zipf(0, 1)", "zipf(0, 1)"),
        ("uniform( 100000000 )", "uniform(100000000)"),
    ]);
    for (_, usage) in keys::NAMES {
        assert_eq!(usage.parse::<KeyDistribution>().map(|keys| keys.count()), Ok(20_000));
    }
    for (_, usage) in NAMES {
        let distribution = Distribution::parse_with(usage, &mut any_file).expect(usage);
        assert_eq!(distribution.to_string(), usage);
    }
}

/// Whatever the file is called, it holds two values.
fn any_file(call: &Call<'_>) -> Result<Distribution, ParseError> {
    let arguments: Vec<String> = call
        .args
        .iter()
        .map(|arg| arg.key.as_ref().map_or(String::new(), |(key, _)| format!("{key}=")) + arg.value)
        .collect();
    let samples = vec![(Span::from_millis(1), 1.0), (Span::from_millis(3), 1.0)];
    Ok(Distribution::empirical(format!("empirical({})", arguments.join(", ")), samples).expect("two samples"))
}

#[test]
fn files_are_the_callers_to_read() {
    let text = r#"mix(50% 10ms, 25% empirical( "a.csv" ), 25%  mix(100% empirical("b, (c).csv", unit=1ms)))"#;
    let mut names = Vec::new();
    let found = Distribution::parse_with(text, &mut |call| {
        names.push(call.args[0].quoted()?.to_owned());
        any_file(call)
    });
    let found = found.expect("both files are there");
    assert_eq!(names, ["a.csv", "b, (c).csv"]);
    assert_eq!(found.mean_nanos(), 6e6);
    assert_eq!(
        found.to_string(),
        r#"mix(50% 10ms, 25% empirical("a.csv"), 25% mix(100% empirical("b, (c).csv", unit=1ms)))"#
    );
    // What is wrong with a file is said at its place in the whole text.
    let missing = |call: &Call<'_>| Err(ParseError::new(call.args[0].value_range.clone(), "there is no such file"));
    for text in [
        r#"empirical("a.csv")"#,
        r#"mix(50% 10ms, 50% empirical("a.csv"))"#,
        r#"mix(50% 10ms, 50% mix( 30% 1s, 70%   empirical( "a.csv")))"#,
    ] {
        let fault = Distribution::parse_with(text, &mut |call| missing(call)).expect_err("there is no file");
        assert_eq!((&text[fault.range.clone()], fault.message.as_str()), ("\"a.csv\"", "there is no such file"));
    }
    // Only that name asks for a file.
    for text in ["5ms", "exp(5ms)", "mix(50% exp(5ms), 50% 10ms)", "empirica(\"a.csv\")", "exp(\"a.csv\")"] {
        let _ = Distribution::parse_with(text, &mut |call| panic!("{text} asks for {call:?}"));
    }
}

#[test]
fn approximate_spans_have_four_digits() {
    let approx = |nanos| Span::from_nanos(nanos).approx();
    assert_eq!(
        [0, 999, 1_234, 12_345_678, 999_999_999_999].map(approx),
        ["0s", "999ns", "1.234us", "12.35ms", "1000s"]
    );
}

/// Text, the part at fault, the message, the hint.
type Bad = (&'static str, &'static str, &'static str, &'static str);

#[track_caller]
fn refused<T: FromStr<Err = ParseError> + Debug>(table: &[Bad]) {
    for (text, part, message, hint) in table {
        let fault = text.parse::<T>().expect_err(text);
        let found = (text.get(fault.range.clone()), fault.message.as_str(), fault.hint.as_deref().unwrap_or(""));
        assert_eq!(found, (Some(*part), *message, *hint), "{text}");
    }
}

#[test]
fn bad_spans_are_refused_with_place_and_hint() {
    const EXAMPLE: &str = "write for example `200ms`";
    const UNITS: &str = "units are `ns`, `us`, `ms`, `s`, `m`, `h` and `d`";
    refused::<Span>(&[
        ("", "", "expected a length of time, found nothing", EXAMPLE),
        ("200", "200", "the unit is missing", "write `200ms` for milliseconds or `200s` for seconds"),
        ("0", "0", "the unit is missing", "write `0s`"),
        ("-5ms", "-5ms", "a length of time cannot be negative", EXAMPLE),
        ("+5ms", "+", "a length of time is written without a sign", "write `5ms`"),
        ("NaN", "NaN", "a length of time must be a finite number", EXAMPLE),
        ("-inf", "-inf", "a length of time must be a finite number", EXAMPLE),
        ("soon", "soon", "expected a length of time, found `soon`", EXAMPLE),
        ("200 ms", " ms", "the unit stands right behind the number, without a space", "write `200ms`"),
        ("200ms ", "ms ", "there is a space behind the unit", "write `200ms`"),
        (" 200ms", " ", "a length of time starts with a digit, not with a space", "write `200ms`"),
        ("200msec", "msec", "unknown unit of time `msec`", "write `200ms`"),
        ("3 Hours", " Hours", "the unit stands right behind the number, without a space", "write `3h`"),
        ("2w", "w", "unknown unit of time `w`", UNITS),
        ("1h30m", "h30m", "a length of time is one number and one unit", "write `5400s`"),
        (
            "1,5s",
            ",",
            "`,` does not belong into a number",
            "write digits with at most one point, such as `1500` or `0.5`",
        ),
        (
            "1_000ms",
            "_",
            "`_` does not belong into a number",
            "write digits with at most one point, such as `1500` or `0.5`",
        ),
        (
            "1.2.3s",
            ".",
            "`.` does not belong into a number",
            "write digits with at most one point, such as `1500` or `0.5`",
        ),
        (".5s", ".", "a digit must stand before the point", "write `0.5s`"),
        ("5.s", ".", "a digit must stand after the point", "write `5s`"),
        (
            "1e3ms",
            "1e3ms",
            "a number is written without an exponent",
            "write all its digits, such as `1500` or `0.001`",
        ),
        (
            "0.5ns",
            "0.5",
            "time counts in whole nanoseconds; this is finer",
            "leave out the last digits, or write it in `ns`",
        ),
        (
            "18446744073.709551616s",
            "18446744073.709551616s",
            "the time is too long",
            "the longest that can be counted is `18446744073s`, about 584 years",
        ),
        (
            "99999999999999999999999h",
            "99999999999999999999999h",
            "the time is too long",
            "the longest that can be counted is `18446744073s`, about 584 years",
        ),
    ]);
}

#[test]
fn bad_rates_and_shares_are_refused_with_place_and_hint() {
    refused::<Rate>(&[
        ("1500", "1500", "the unit is missing", "write `1500/s` for 1500 a second"),
        ("1500/", "1500/", "the unit of time after `/` is missing", "write `1500/s` for 1500 a second"),
        ("1500rps", "rps", "expected `/` and a unit of time, found `rps`", "write `1500/s`"),
        ("1500 / s", " / s", "a rate is written without spaces", "write `1500/s`"),
        ("1500/sec", "sec", "unknown unit of time `sec`", "write `1500/s`"),
        (
            "1500/5s",
            "5s",
            "unknown unit of time `5s`",
            "units are `ns`, `us`, `ms`, `s`, `m`, `h` and `d`, without a number of their own",
        ),
        ("-1/s", "-1/s", "a rate cannot be negative", "write for example `1500/s`"),
        ("nan/s", "nan/s", "a rate must be a finite number", "write for example `1500/s`"),
    ]);
    refused::<Share>(&[
        ("99", "99", "the percent sign is missing", "write `99%`"),
        ("0.5", "0.5", "the percent sign is missing", "write `50%`"),
        ("99.9 %", " %", "a share is written without spaces", "write `99.9%`"),
        ("101%", "101%", "a share is at most 100%", "write a number between `0%` and `100%`"),
        ("100.0000000001%", "100.0000000001%", "a share is at most 100%", "write a number between `0%` and `100%`"),
        ("-1%", "-1%", "a share cannot be negative", "write for example `99%`"),
        ("5permille", "permille", "expected `%`, found `permille`", "write `5%`"),
    ]);
    refused::<Number>(&[
        ("1.5x", "1.5x", "expected a plain number, found `1.5x`", "write a number without a unit, such as `1.5`"),
        ("10%", "10%", "expected a plain number, found `10%`", "write `0.1`"),
        ("1/720", "1/720", "expected a plain number, found `1/720`", "work out the division, and write its result"),
        ("NaN", "NaN", "a number must be a finite number", "write for example `1.5`"),
    ]);
    refused::<Count>(&[
        ("1.5", "1.5", "expected a whole number, found `1.5`", "write `1`"),
        ("4294967296", "4294967296", "the number is too large", "write at most `4294967295`"),
    ]);
}

#[test]
fn bad_distributions_are_refused_with_place_and_hint() {
    refused::<Distribution>(&[
        ("200", "200", "the unit is missing", "write `200ms` for milliseconds or `200s` for seconds"),
        ("NaN", "NaN", "a length of time must be a finite number", "write for example `200ms`"),
        (
            "lognorml(p50=5ms, p99=40ms)",
            "lognorml",
            "unknown distribution `lognorml`",
            "did you mean `lognormal(p50=5ms, p99=40ms)`?",
        ),
        (
            "gaussian(5ms, 1ms)",
            "gaussian",
            "unknown distribution `gaussian`",
            "did you mean `normal(mean=5ms, sd=1ms)`?",
        ),
        (
            "const(5ms)",
            "const",
            "unknown distribution `const`",
            "a constant is written as a bare length of time, such as `5ms`",
        ),
        (
            "zebra",
            "zebra",
            "expected a length of time or a distribution, found `zebra`",
            "write a length of time such as `5ms`, or one of: exp, uniform, normal, lognormal, gamma, erlang, weibull, pareto, hyperexp, mix, empirical",
        ),
        ("exp", "exp", "`exp` lacks its arguments in parentheses", "write `exp(..)`"),
        ("exp()", "exp", "`exp` needs `mean`", "write for example `exp(5ms)`"),
        ("exp(5)", "5", "the unit is missing", "write `5ms` for milliseconds or `5s` for seconds"),
        (
            "exp(0s)",
            "0s",
            "the time must be longer than zero",
            "what is always the same is written as a bare length of time, such as `0s`",
        ),
        ("exp(5ms, 6ms)", "6ms", "`exp` takes one argument", "write for example `exp(5ms)`"),
        ("exp(mean=5ms)", "mean", "`mean` is given by its place, without its name", "write for example `exp(5ms)`"),
        ("exp(5ms", "(5ms", "the `(` is never closed", "write for example `exp(5ms)`"),
        ("exp(5ms) ", " ", "unexpected text after `exp(5ms)`", "write for example `exp(5ms)`"),
        ("exp(5ms,)", ")", "an argument is missing here", "remove the comma, or write the argument"),
        (
            "uniform(3ms, 1ms)",
            "3ms, 1ms",
            "the first bound must be shorter than the second",
            "write `uniform(1ms, 3ms)`",
        ),
        (
            "uniform(3ms, 3ms)",
            "3ms, 3ms",
            "the first bound must be shorter than the second",
            "a constant is written `3ms`",
        ),
        ("uniform(3ms)", "uniform", "`uniform` needs `high`", "write for example `uniform(1ms, 3ms)`"),
        (
            "normal(5ms, 1ms)",
            "5ms",
            "`normal` takes its arguments with their names, as `mean=5ms`",
            "write for example `normal(mean=5ms, sd=1ms)`",
        ),
        ("normal(mean=5ms, ds=1ms)", "ds", "`normal` has no argument `ds`", "did you mean `sd`?"),
        ("normal(mean=5ms, mean=1ms)", "mean", "`mean` is given twice", "write for example `normal(mean=5ms, sd=1ms)`"),
        ("normal(mean=5ms)", "normal", "`normal` needs `sd`", "write for example `normal(mean=5ms, sd=1ms)`"),
        ("gamma(mean=5ms, cv=0)", "0", "`cv` must lie between 0.001 and 100", ""),
        ("gamma(mean=5ms, cv=-1)", "-1", "a number cannot be negative", "write for example `1.5`"),
        ("erlang(0, 5ms)", "0", "there is at least one stage", "write `erlang(1, 5ms)`"),
        ("erlang(2.5, 5ms)", "2.5", "expected a whole number, found `2.5`", "write `2`"),
        ("pareto(min=5ms, shape=2, max=1ms)", "1ms", "`max` must be longer than `min`", "write more than `5ms`"),
        (
            "lognormal(p50=40ms, p99=5ms)",
            "40ms, p99=5ms",
            "`p99` must be longer than `p50`",
            "write for example `lognormal(p50=5ms, p99=40ms)`",
        ),
        (
            "lognormal(p50=40ms, p100=50ms)",
            "p100",
            "a percentile lies between 0 and 100, both excluded",
            "write for example `lognormal(p50=5ms, p99=40ms)`",
        ),
        (
            "lognormal(p50=40ms)",
            "lognormal",
            "a lognormal is given by exactly two percentiles",
            "write for example `lognormal(p50=5ms, p99=40ms)`",
        ),
        (
            "lognormal(p50=40ms, cv=1)",
            "cv",
            "`cv` does not go together with percentiles",
            "write for example `lognormal(p50=5ms, p99=40ms)`",
        ),
        (
            "mix(90% exp(5ms), 5% 50ms)",
            "90% exp(5ms), 5% 50ms",
            "the shares sum to 95%, not to 100%",
            "write for example `mix(90% exp(5ms), 10% 50ms)`",
        ),
        ("mix(90% exp(5), 10% 50ms)", "5", "the unit is missing", "write `5ms` for milliseconds or `5s` for seconds"),
        ("mix(0.9 exp(5ms), 10% 50ms)", "0.9", "the percent sign is missing", "write `90%`"),
        (
            "mix(exp(5ms))",
            "exp(5ms)",
            "expected a share and what it is of, found `exp(5ms)`",
            "write for example `mix(90% exp(5ms), 10% 50ms)`",
        ),
        (
            "hyperexp(100% exp(5ms))",
            "exp(5ms)",
            "expected a length of time, found `exp(5ms)`",
            "write for example `200ms`",
        ),
        (
            "hyperexp()",
            "hyperexp",
            "`hyperexp` needs at least one part",
            "write for example `hyperexp(90% 5ms, 10% 50ms)`",
        ),
        ("empirical(\"a.csv\")", "empirical", "a file can be named only in a scenario", ""),
        ("mix(50% 5ms, 50% empirical(\"a.csv\"))", "empirical", "a file can be named only in a scenario", ""),
        (
            "empirical(\"a.csv)",
            "\"a.csv)",
            "the quote \" is never closed",
            "write for example `empirical(\"latencies.csv\", unit=1ms)`",
        ),
        (
            "empiric(\"a.csv\")",
            "empiric",
            "unknown distribution `empiric`",
            "did you mean `empirical(\"latencies.csv\", unit=1ms)`?",
        ),
    ]);
}

#[test]
fn bad_distributions_of_keys_are_refused_with_place_and_hint() {
    const BOTH: &str = "write `zipf(1.0, 20000)` or `uniform(20000)`";
    const ZIPF: &str = "write for example `zipf(1.0, 20000)`";
    const FIRST: &str = "the exponent stands first, as in `zipf(1.0, 20000)`; most of what was measured lies near 1";
    refused::<KeyDistribution>(&[
        ("", "", "expected a distribution of keys, found ``", BOTH),
        ("20000", "20000", "expected a distribution of keys, found `20000`", BOTH),
        ("zebra(1)", "zebra", "unknown distribution of keys `zebra`", BOTH),
        ("zipff(1, 20)", "zipff", "unknown distribution of keys `zipff`", "did you mean `zipf(1.0, 20000)`?"),
        ("zipfian(1, 20)", "zipfian", "unknown distribution of keys `zipfian`", "did you mean `zipf(1.0, 20000)`?"),
        ("random(20)", "random", "unknown distribution of keys `random`", "did you mean `uniform(20000)`?"),
        ("zipfian", "zipfian", "expected a distribution of keys, found `zipfian`", "did you mean `zipf(1.0, 20000)`?"),
        ("zipf", "zipf", "`zipf` lacks its arguments in parentheses", ZIPF),
        ("zipf(1.0, 20000", "(1.0, 20000", "the `(` is never closed", ZIPF),
        ("zipf(1.0,)", ")", "an argument is missing here", "remove the comma, or write the argument"),
        ("zipf()", "zipf", "`zipf` needs `exponent`", ZIPF),
        ("zipf(1.0)", "zipf", "`zipf` needs `keys`", ZIPF),
        ("zipf(1.0, 20, 3)", "3", "`zipf` takes 2 arguments", ZIPF),
        ("zipf(s=1.0, keys=20)", "s", "`zipf` has no argument `s`", ZIPF),
        ("zipf(20000, 1)", "20000", "the exponent must lie between 0 and 10", FIRST),
        ("zipf(10.1, 20)", "10.1", "the exponent must lie between 0 and 10", FIRST),
        ("zipf(-1, 20)", "-1", "a number cannot be negative", "write for example `1.5`"),
        ("zipf(nan, 20)", "nan", "a number must be a finite number", "write for example `1.5`"),
        ("zipf(1, 0)", "0", "there is at least one key", "write `1` or more"),
        ("zipf(1, 2.5)", "2.5", "expected a whole number, found `2.5`", "write `2`"),
        ("zipf(1, 100000001)", "100000001", "there are too many keys", "write at most `100000000`"),
        (
            "uniform(99999999999999999999)",
            "99999999999999999999",
            "there are too many keys",
            "write at most `100000000`",
        ),
        ("uniform(1, 20000)", "20000", "`uniform` takes one argument", "write for example `uniform(20000)`"),
        ("uniform(1ms, 3ms)", "3ms", "`uniform` takes one argument", "write for example `uniform(20000)`"),
    ]);
}

#[test]
fn calls_know_the_place_of_every_part() {
    let text = r#"trace( "a, (b).csv" , per= minute,speed=2, think = mix(90% exp(1s), 10% 5s))"#;
    let call = Call::parse(text).expect("a good call");
    assert_eq!((call.name, &text[call.name_range.clone()]), ("trace", "trace"));
    let found: Vec<_> = call.args.iter().map(|arg| (arg.key.as_ref().map(|(key, _)| *key), arg.value)).collect();
    assert_eq!(
        found,
        [
            (None, r#""a, (b).csv""#),
            (Some("per"), "minute"),
            (Some("speed"), "2"),
            (Some("think"), "mix(90% exp(1s), 10% 5s)"),
        ]
    );
    for arg in &call.args {
        assert_eq!(&text[arg.value_range.clone()], arg.value);
        if let Some((key, range)) = &arg.key {
            assert_eq!(&text[range.clone()], *key);
        }
    }
    assert_eq!(call.args[0].quoted(), Ok("a, (b).csv"));
    assert_eq!(call.args[1].quoted().expect_err("no quotes").range, call.args[1].value_range);
    let bound =
        call.bind(&["file"], &["per", "speed", "scale", "think"], "trace(\"file.csv\", per=minute)").expect("declared");
    assert_eq!(bound.need("speed").and_then(|arg| arg.parse()), Ok(Count(2)));
    assert!(bound.get("scale").is_none());
    let fault = bound.need("think").and_then(|arg| arg.parse::<Span>()).expect_err("a distribution is no span");
    assert!(text[..fault.range.start].ends_with("think = "), "a fault points into the whole text: {fault:?}");
}

#[test]
fn broken_calls_are_refused_with_their_place() {
    for (text, part, message) in [
        ("", "", "expected a name and its arguments in parentheses, found ``"),
        ("5ms", "5ms", "expected a name and its arguments in parentheses, found `5ms`"),
        ("f", "f", "`f` lacks its arguments in parentheses"),
        ("f (1)", " ", "expected `(` right after `f`, found ` `"),
        ("f(1", "(1", "the `(` is never closed"),
        ("f(g(1)", "(g(1)", "the `(` is never closed"),
        ("f(\"1)", "\"1)", "the quote \" is never closed"),
        ("f([1)", ")", "`)` does not close the `[` before it"),
        ("f(1)x", "x", "unexpected text after `f(1)`"),
        ("f(1,,2)", ",", "an argument is missing here"),
        ("f(,1)", ",", "an argument is missing here"),
        ("f(a=)", "a=", "`a` has no value"),
    ] {
        let fault = Call::parse(text).expect_err(text);
        assert_eq!((&text[fault.range.clone()], fault.message.as_str()), (part, message), "{text}");
    }
    assert_eq!(Call::parse("f( )").expect("no arguments").args, []);
}

/// Any distribution, with parameters from a wide range.
fn any_distribution() -> impl Strategy<Value = String> {
    let span = || (1u64..1 << 53).prop_map(Span::from_nanos);
    let number = || (1u32..100_000).prop_map(|n| f64::from(n) / 1000.0);
    let leaf = prop_oneof![
        span().prop_map(|a| a.to_string()),
        span().prop_map(|a| format!("exp({a})")),
        (span(), span()).prop_map(|(a, b)| format!("hyperexp(12.5% {a}, 87.5% {b})")),
        (span(), span()).prop_filter("an interval", |(a, b)| a < b).prop_map(|(a, b)| format!("uniform({a}, {b})")),
        (span(), span()).prop_map(|(a, b)| format!("normal(mean={a}, sd={b})")),
        (span(), number()).prop_map(|(a, n)| format!("lognormal(mean={a}, cv={n})")),
        (span(), number()).prop_map(|(a, n)| format!("gamma(mean={a}, cv={n})")),
        (span(), span(), number(), number())
            .prop_filter("percentiles", |(a, b, p, q)| a < b && p < q && *q < 100.0)
            .prop_map(|(a, b, p, q)| format!("lognormal(p{p}={a}, p{q}={b})")),
        (1u32..1000, span()).prop_map(|(k, a)| format!("erlang({k}, {a})")),
        (span(), 50u32..10_000).prop_map(|(a, n)| format!("weibull(mean={a}, shape={})", f64::from(n) / 1000.0)),
        (span(), number().prop_filter("bound", |n| *n >= 0.01))
            .prop_map(|(a, n)| format!("pareto(min={a}, shape={n})")),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        (inner.clone(), inner, 0u32..=1000).prop_map(|(a, b, n)| {
            let share = Share::new(f64::from(n) / 1000.0).expect("a share");
            let rest = Share::new(f64::from(1000 - n) / 1000.0).expect("a share");
            format!("mix({share} {a}, {rest} {b})")
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_span_reads_back(nanos in prop_oneof![any::<u64>(), 0u64..1 << 40, 0u64..1 << 20]) {
        let span = Span::from_nanos(nanos);
        prop_assert_eq!(span.to_string().parse(), Ok(span));
    }

    #[test]
    fn every_rate_reads_back(rate in prop_oneof![0.0f64..1e6, 0.0f64..1.0, proptest::num::f64::POSITIVE]) {
        let rate = Rate::per_sec(rate).expect("finite");
        prop_assert_eq!(rate.to_string().parse(), Ok(rate));
    }

    #[test]
    fn every_share_reads_back(share in prop_oneof![0.0f64..=1.0, 0.0f64..1e-9, Just(f64::MIN_POSITIVE)]) {
        let share = Share::new(share).expect("a share");
        prop_assert_eq!(share.to_string().parse(), Ok(share));
    }

    #[test]
    fn every_distribution_reads_back(text in any_distribution()) {
        let distribution: Distribution = text.parse().expect(&text);
        prop_assert_eq!(distribution.to_string(), text.clone());
        prop_assert_eq!(distribution.to_string().parse(), Ok(distribution));
    }

    /// A mean is kept as a float: beyond 2^53 ns (104 days) its last digits are not the author's, but they stay.
    #[test]
    fn the_longest_means_read_back(nanos in any::<u64>()) {
        let span = Span::from_nanos(nanos.max(1));
        for text in [format!("exp({span})"), format!("hyperexp(100% {span})")] {
            let distribution: Distribution = text.parse().expect(&text);
            prop_assert_eq!(distribution.to_string().parse(), Ok(distribution));
        }
    }

    #[test]
    fn any_text_is_read_or_refused_inside_itself(text in r#"[a-z0-9.,()% ="µ-]{0,20}|(exp|mix|uniform|users|zipf)\([0-9a-z.,%= ()]{0,16}\)|\PC{0,12}"#) {
        let fault = |fault: ParseError| prop_assert_ok(&text, &fault);
        text.parse::<Distribution>().err().map_or(Ok(()), fault)?;
        text.parse::<KeyDistribution>().err().map_or(Ok(()), fault)?;
        text.parse::<Rate>().err().map_or(Ok(()), fault)?;
        text.parse::<Share>().err().map_or(Ok(()), fault)?;
        Call::parse(&text).err().map_or(Ok(()), fault)?;
    }
}

fn prop_assert_ok(text: &str, fault: &ParseError) -> Result<(), TestCaseError> {
    prop_assert!(text.get(fault.range.clone()).is_some(), "{text:?}: {fault:?}");
    prop_assert!(!fault.message.is_empty());
    Ok(())
}
