//! Real e-mails of an institution, with scores recomputed from the raw file with plain arithmetic.

mod suggestions;

use kith_tests::{cli::Cli, datasets::dataset, programs::root, raw::Raw, server::Server};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs::{self, File},
    io::{BufRead, BufReader},
    path::Path,
};

/// Mails (rows of one sender and second), and people.
const MAILS: u64 = 209_508;
const PEOPLE: u64 = 986;
/// Days since 1970-01-01 of second 0 of the file (2003-10-01) and of the days that scores are compared on.
const FIRST_DAY: i64 = 12_326;
const DAYS: [(i64, &str); 3] = [(12_618, "2004-07-19"), (12_918, "2005-05-15"), (13_118, "2005-12-01")];
/// How many of the strongest pairs are compared.
const TOP: usize = 200;
/// Days after which a contact counts half, usual gaps of silence after which half is left, and the smallest gap.
const HALF_LIFE: f64 = 60.0;
const PACE: f64 = 8.0;
const GAP_MIN: f64 = 3.0;

/// A view of the mails, and what makes it up.
struct Formula {
    view: &'static str,
    settings: &'static str,
    /// What a follow-up is worth, the largest weight of all, and whether it is shared among the others.
    weight: f64,
    weight_max: f64,
    divide: bool,
    /// How far a score may be off, in points of 100.
    tolerance: f64,
}

/// What a weight is shared among is rounded to 2^-24, and what each day adds by as much.
const DEFAULT: Formula =
    Formula { view: "strength", settings: "{}", weight: 0.5, weight_max: 1.5, divide: true, tolerance: 1e-5 };
/// Whole weights are exact. What is left is the rounding of days and logarithms to 2^-32: less than 10^-9 of the scale.
const UNWEIGHTED: Formula = Formula {
    view: "unweighted",
    settings: r#"{"weights":{"met":1,"followed_up":1,"helped":1,"referred":1},"divide":false}"#,
    weight: 1.0,
    weight_max: 1.0,
    divide: false,
    tolerance: 1e-7,
};

/// A mail: sender, second, recipients.
struct Mail {
    by: String,
    second: i64,
    with: BTreeSet<String>,
}

impl Mail {
    fn day(&self) -> i64 {
        FIRST_DAY + self.second.div_euclid(86_400)
    }
}

type Pair = (String, String);

fn pair(a: &str, b: &str) -> Pair {
    let (a, b) = if a < b { (a, b) } else { (b, a) };
    (a.to_owned(), b.to_owned())
}

fn read(path: &Path) -> Vec<Mail> {
    let mut mails = BTreeMap::<(i64, String), BTreeSet<String>>::new();
    for line in BufReader::new(flate2::read::GzDecoder::new(File::open(path).unwrap())).lines() {
        let line = line.unwrap();
        let [by, with, second] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("three columns: {line}") };
        mails.entry((second.parse().unwrap(), by.to_owned())).or_default().insert(with.to_owned());
    }
    mails.into_iter().map(|((second, by), with)| Mail { by, second, with }).collect()
}

/// The scores of all pairs on a day, from the formula: S = sum over days of the day's best contact, halved every 60 days;
/// of it is left 8 g / (8 g + silence), where g is the mean gap between the days, at least 3;
/// 100 ln(1 + that) / ln(1 + `S_max`).
fn scores(mails: &[Mail], today: i64, formula: &Formula) -> HashMap<Pair, f64> {
    let mut best = HashMap::<Pair, BTreeMap<i64, f64>>::new();
    for mail in mails.iter().filter(|mail| mail.day() <= today) {
        let others = f64::from(u32::try_from(mail.with.len()).unwrap());
        let unit = formula.weight / if formula.divide { others } else { 1.0 };
        for with in &mail.with {
            let of_day = best.entry(pair(&mail.by, with)).or_default().entry(mail.day()).or_default();
            *of_day = of_day.max(unit);
        }
    }
    let number = |days: i64| f64::from(i32::try_from(days).unwrap());
    let decay = |days: f64| (-days / HALF_LIFE).exp2();
    let sum_max = formula.weight_max / (1.0 - decay(1.0));
    let score = |days: &BTreeMap<i64, f64>| {
        let sum: f64 = days.iter().map(|(day, unit)| unit * decay(number(today - day))).sum();
        let (first, last) = (days.first_key_value().unwrap().0, days.last_key_value().unwrap().0);
        let gaps = number(i64::try_from(days.len()).unwrap()) - 1.0;
        let usual = if gaps > 0.0 { (number(last - first) / gaps).max(GAP_MIN) } else { GAP_MIN };
        let paced = sum * PACE * usual / (PACE * usual + number(today - last));
        100.0 * paced.ln_1p() / sum_max.ln_1p()
    };
    best.into_iter().map(|(pair, days)| (pair, score(&days))).collect()
}

fn import(cli: &Cli, path: &Path) {
    let imported = cli.json(&[
        "import",
        "edges",
        path.to_str().unwrap(),
        "--columns",
        "from,to,time",
        "--epoch",
        "2003-10-01T00:00:00Z",
        "--unit",
        "s",
        "--as",
        "followed-up",
        "--group",
    ]);
    assert_eq!((&imported["refused"], &imported["skipped"]), (&0.into(), &0.into()), "{imported}");
    assert_eq!(cli.head(), MAILS + PEOPLE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn scores_of_real_mails_are_those_of_the_formula() {
    let Some(path) = dataset("email-eu-core/email-Eu-core-temporal.txt.gz") else { return };
    // How quickly a past day is answered does not matter here.
    let settings = tempfile::NamedTempFile::new().unwrap();
    fs::write(settings.path(), "[limits]\nunary_deadline_s = 300\n").unwrap();
    let server = Server::start_with(&["--config", settings.path().to_str().unwrap()]);
    let cli = server.cli();
    import(&cli, &path);
    let mails = read(&path);
    assert_eq!(mails.len() as u64, MAILS);
    let raw = Raw::connect(&server.url(), &server.token()).await;
    let (expected, mut entries) = (precisions(&mails, &[&DEFAULT, &UNWEIGHTED]), MAILS + PEOPLE);
    check_documents(&expected);
    for formula in [&DEFAULT, &UNWEIGHTED] {
        if formula.view != DEFAULT.view {
            let installed = ["plugin", "install", "--builtin", "strength", "--name", formula.view, "--settings"];
            cli.run(&[&installed[..], &[formula.settings]].concat()).ok();
            entries += 1;
        }
        // Others build theirs no longer, so that answers do not wait for them.
        for view in kith_bundle::views().map(|view| view.name).chain([formula.view]) {
            raw.follow_view(view, entries).await.unwrap();
        }
        let strongest = DAYS.map(|day| check_scores(&cli, &mails, day, formula)).into_iter().next_back().unwrap();
        check_why(&cli, &mails, &strongest);
        check_evaluation(&cli, formula, &expected);
    }
    suggestions::check(&cli, &mails);
}

/// Average precisions of a ranking of pairs at the cuts: of who is in contact again, and of who is in direct contact, by
/// a mail to the other alone.
#[derive(Default)]
struct Precisions {
    any: Vec<f64>,
    direct: Vec<f64>,
}

/// The names of the simple guesses that are computed here, too.
const GUESSES: [&str; 3] = ["days in contact", "contacts", "last contact"];

/// What `kith evaluate` prints and more, computed from the mails alone: of formulas and of the simple guesses.
fn precisions(mails: &[Mail], formulas: &[&Formula]) -> BTreeMap<&'static str, Precisions> {
    let number = |number: usize| f64::from(u32::try_from(number).unwrap());
    let times: Vec<i64> = mails.iter().flat_map(|mail| mail.with.iter().map(|_| mail.second)).collect();
    let mut found = BTreeMap::<&str, Precisions>::new();
    for tenths in 3..9 {
        let cut = times[(times.len() - 1) * tenths / 10];
        let (known, later) = mails.split_at(mails.partition_point(|mail| mail.second <= cut));
        let window = later.iter().take_while(|mail| mail.second <= cut + 30 * 86_400);
        let pairs = |mail: &Mail| mail.with.iter().map(|with| pair(&mail.by, with)).collect::<Vec<_>>();
        let any: HashSet<Pair> = window.clone().flat_map(pairs).collect();
        let direct: HashSet<Pair> = window.filter(|mail| mail.with.len() == 1).flat_map(pairs).collect();
        let mut seen = HashMap::<Pair, (BTreeSet<i64>, usize, i64)>::new();
        for (mail, pair) in known.iter().flat_map(|mail| pairs(mail).into_iter().map(move |pair| (mail, pair))) {
            let (days, count, last) = seen.entry(pair).or_default();
            days.insert(mail.day());
            (*count, *last) = (*count + 1, mail.second);
        }
        let counts: [&dyn Fn(&Pair) -> f64; 3] =
            [&|pair| number(seen[pair].0.len()), &|pair| number(seen[pair].1), &|pair| {
                f64::from(i32::try_from(seen[pair].2).unwrap())
            }];
        let today = FIRST_DAY + cut.div_euclid(86_400);
        let scored = formulas.iter().map(|formula| (formula.view, scores(known, today, formula)));
        let simple = GUESSES
            .into_iter()
            .zip(counts)
            .map(|(name, count)| (name, seen.keys().map(|pair| (pair.clone(), count(pair))).collect()));
        for (name, scores) in scored.chain(simple) {
            let of = found.entry(name).or_default();
            of.any.push(precision(&scores, &any));
            of.direct.push(precision(&scores, &direct));
        }
    }
    found
}

/// The sum over distinct scores of the gain in recall times the precision down to there.
fn precision(scores: &HashMap<Pair, f64>, hits: &HashSet<Pair>) -> f64 {
    let mut ranked: Vec<_> = scores.iter().map(|(pair, score)| ((score * 1e9).round(), hits.contains(pair))).collect();
    ranked.sort_by(|one, other| other.0.total_cmp(&one.0));
    let (mut hits, mut above, mut sum) = (0.0, 0.0, 0.0);
    for equal in ranked.chunk_by(|one, other| one.0.total_cmp(&other.0).is_eq()) {
        let gained: f64 = equal.iter().map(|(_, hit)| f64::from(u8::from(*hit))).sum();
        (hits, above) = (hits + gained, above + f64::from(u32::try_from(equal.len()).unwrap()));
        sum += gained * hits / above;
    }
    sum / hits
}

/// `kith evaluate` prints, cut by cut, what follows from the mails.
fn check_evaluation(cli: &Cli, formula: &Formula, expected: &BTreeMap<&str, Precisions>) {
    let evaluated = cli.json(&["evaluate", formula.view, "--window", "30d", "--cuts", "6"]);
    let cuts = evaluated["cuts"].as_array().unwrap();
    for name in GUESSES.into_iter().chain([formula.view]) {
        let any = &expected[name].any;
        assert_eq!(any.len(), cuts.len());
        for (of, expected) in cuts.iter().zip(any).chain([(&evaluated, &mean(any))]) {
            let found = average_precision(of, name);
            assert!((found - expected).abs() < 0.001, "{name}: {found} is not about {expected}: {of}");
        }
    }
    let strength = average_precision(&evaluated, formula.view);
    for guess in [&GUESSES[..], &["seen in the window", "random"]].concat() {
        assert!(strength > average_precision(&evaluated, guess), "{guess}: {evaluated}");
    }
}

/// What the documents say of the mails, and that it is better than every simple guess.
fn check_documents(expected: &BTreeMap<&str, Precisions>) {
    let [any, direct] = [|of: &Precisions| mean(&of.any), |of: &Precisions| mean(&of.direct)];
    let best = |name: &str, measure: fn(&Precisions) -> f64| {
        GUESSES.iter().all(|guess| measure(&expected[name]) > measure(&expected[guess]))
    };
    for name in [DEFAULT.view, UNWEIGHTED.view] {
        assert!(best(name, any) && best(name, direct), "{name}");
    }
    let unweighted = |guess: &&str| {
        let cuts = expected[UNWEIGHTED.view].any.iter().zip(&expected[*guess].any);
        cuts.clone().all(|(score, guessed)| score > guessed)
    };
    assert!(GUESSES.iter().all(unweighted), "without weights, at every cut");
    let documents = ["README.md", "../client/cli/README.md"].map(|path| root().join("plugins").join(path));
    let [plugins, tour] = documents.map(|path| fs::read_to_string(path).unwrap());
    let shown = |number: f64| format!("{number:.3}").trim_start_matches('0').to_owned();
    let names = [
        ("the default: weights, shared among the others", DEFAULT.view),
        ("without weights, not shared", UNWEIGHTED.view),
        ("days in contact", GUESSES[0]),
        ("contacts", GUESSES[1]),
        ("last contact", GUESSES[2]),
    ];
    for (title, name) in names {
        let line = format!("| {title} | {} | {} |", shown(any(&expected[name])), shown(direct(&expected[name])));
        assert!(plugins.contains(&line), "plugins/README.md lacks {line}");
    }
    let (one, other) = (shown(any(&expected[UNWEIGHTED.view])), shown(any(&expected[GUESSES[1]])));
    let words = format!("has an average precision of {one}, plain counts {other}");
    assert!(tour.contains(&words), "client/cli/README.md lacks: {words}");
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / f64::from(u32::try_from(numbers.len()).unwrap())
}

/// Compares the strongest pairs and gives the first.
fn check_scores(cli: &Cli, mails: &[Mail], (day, date): (i64, &str), formula: &Formula) -> Pair {
    let expected = scores(mails, day, formula);
    let rows = cli.json_lines(&["view", formula.view, "--at", date, "--top", &TOP.to_string()]);
    assert_eq!(rows.len(), TOP);
    let mut best: Vec<f64> = expected.values().copied().collect();
    best.sort_unstable_by(|a, b| b.total_cmp(a));
    let mut keys = Vec::new();
    for (row, ranked) in rows.iter().zip(best) {
        let key = pair(row["key"][0].as_str().unwrap(), row["key"][1].as_str().unwrap());
        let score = row["score"].as_f64().unwrap();
        let (formula_s, off) = (expected[&key], formula.tolerance);
        assert!((score - formula_s).abs() <= off, "{date}, {row}: the formula gives {formula_s}");
        assert!((score - ranked).abs() <= off, "{date}, {row}: a pair with {ranked} is stronger");
        keys.push(key);
    }
    keys.swap_remove(0)
}

/// `why` lists every mail between the two, and nothing else.
fn check_why(cli: &Cli, mails: &[Mail], (a, b): &Pair) {
    let between = |mail: &&Mail| (mail.by == *a && mail.with.contains(b)) || (mail.by == *b && mail.with.contains(a));
    let mut expected: Vec<_> = mails.iter().filter(between).map(|mail| (time(mail.second), mail.by.clone())).collect();
    let explained = cli.json_lines(&["why", "strength", a, b]);
    let mut found: Vec<_> = explained
        .iter()
        .filter(|line| line["kind"] == "followed_up")
        .map(|line| {
            (
                line["occurred_at"].as_str().unwrap().to_owned(),
                line["event"]["followed_up"]["by"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    expected.sort_unstable();
    found.sort_unstable();
    assert!(!expected.is_empty());
    assert_eq!(found, expected);
}

/// A second of the file as RFC 3339 in UTC.
fn time(second: i64) -> String {
    let (day, rest) = (FIRST_DAY + second.div_euclid(86_400), second.rem_euclid(86_400));
    let (year, month, date) = civil(day);
    format!("{year}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60)
}

/// Year, month and day of a number of days since 1970-01-01, for the years of the file.
fn civil(day: i64) -> (i64, i64, i64) {
    let leap = |year: i64| year % 4 == 0;
    let (mut year, mut left) = (2003, day - 12_053);
    while left >= 365 + i64::from(leap(year)) {
        left -= 365 + i64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (year, month, left + 1)
}

/// The average precision of a ranking in an answer of `kith evaluate`.
fn average_precision(evaluated: &serde_json::Value, name: &str) -> f64 {
    let rankings = evaluated["rankings"].as_array().unwrap();
    let found = rankings.iter().find(|ranking| ranking["name"] == name);
    found.unwrap_or_else(|| panic!("{name}: {evaluated}"))["average_precision"].as_f64().unwrap()
}
