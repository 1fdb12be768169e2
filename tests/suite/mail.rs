//! Real e-mails of an institution, with scores recomputed from the raw file with plain arithmetic.

use kith_tests::{cli::Cli, datasets::dataset, raw::Raw, server::Server};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

/// Mails (rows of one sender and second), and people.
const MAILS: u64 = 209_508;
const PEOPLE: u64 = 986;
/// Days since 1970-01-01 of second 0 of the file (2003-10-01) and of the day of the scores (2005-12-01).
const FIRST_DAY: i64 = 12_326;
const DAY: i64 = 13_118;
/// How many of the strongest pairs are compared, and how far a score may be off, in points.
const TOP: usize = 200;
const TOLERANCE: f64 = 0.01;
/// Days after which a contact loses half of its weight.
const HALF_LIFE: f64 = 60.0;
/// The weight of a follow-up, and the largest weight of all.
const WEIGHT: f64 = 0.5;
const WEIGHT_MAX: f64 = 1.5;

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

/// The scores of all pairs on a day, from the formula:
/// 100 ln(1 + S) / ln(1 + `S_max`), S = sum over days of the day's best contact, halved every 60 days.
fn scores(mails: &[Mail]) -> HashMap<Pair, f64> {
    let mut best = HashMap::<(Pair, i64), f64>::new();
    for mail in mails.iter().filter(|mail| mail.day() <= DAY) {
        let unit = WEIGHT / f64::from(u32::try_from(mail.with.len()).unwrap());
        for with in &mail.with {
            let of_day = best.entry((pair(&mail.by, with), mail.day())).or_default();
            *of_day = of_day.max(unit);
        }
    }
    let decay = |days: f64| (-days / HALF_LIFE).exp2();
    let mut sums = HashMap::<Pair, f64>::new();
    for ((pair, day), unit) in best {
        *sums.entry(pair).or_default() += unit * decay(f64::from(i32::try_from(DAY - day).unwrap()));
    }
    let sum_max = WEIGHT_MAX / (1.0 - decay(1.0));
    sums.into_iter().map(|(pair, sum)| (pair, 100.0 * sum.ln_1p() / sum_max.ln_1p())).collect()
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

#[tokio::test]
async fn scores_of_real_mails_are_those_of_the_formula() {
    let Some(path) = dataset("email-eu-core/email-Eu-core-temporal.txt.gz") else { return };
    let server = Server::start();
    let cli = server.cli();
    import(&cli, &path);
    let mails = read(&path);
    assert_eq!(mails.len() as u64, MAILS);
    let raw = Raw::connect(&server.url(), &server.token()).await;
    raw.follow_view("strength", MAILS + PEOPLE).await.unwrap();
    let strongest = check_scores(&cli, &mails);
    check_why(&cli, &mails, &strongest);
    check_evaluation(&cli);
}

/// The unweighted form of the score predicts who writes again better than counting does: the figures were found on the
/// same mails before this program was written.
fn check_evaluation(cli: &Cli) {
    let unweighted = r#"{"weights":{"met":1,"followed_up":1,"helped":1,"referred":1},"divide":false}"#;
    let evaluate = ["evaluate", "strength", "--window", "30d", "--cuts", "6", "--settings", unweighted];
    let evaluated = cli.json(&evaluate);
    assert_eq!(evaluated["cuts"].as_array().unwrap().len(), 6);
    for (name, expected) in [("strength", 0.729), ("contacts", 0.672), ("last contact", 0.616)] {
        let found = average_precision(&evaluated, name);
        assert!((found - expected).abs() < 0.005, "{name}: {found} is not about {expected}");
    }
    let strength = average_precision(&evaluated, "strength");
    for guess in ["days in contact", "contacts", "last contact", "seen in the window", "random"] {
        assert!(strength > average_precision(&evaluated, guess), "{guess}: {evaluated}");
    }
}

/// Compares the strongest pairs and returns the first.
fn check_scores(cli: &Cli, mails: &[Mail]) -> Pair {
    let expected = scores(mails);
    let rows = cli.json_lines(&["view", "strength", "--at", "2005-12-01", "--top", &TOP.to_string()]);
    assert_eq!(rows.len(), TOP);
    let mut best: Vec<f64> = expected.values().copied().collect();
    best.sort_unstable_by(|a, b| b.total_cmp(a));
    let mut keys = Vec::new();
    for (row, ranked) in rows.iter().zip(best) {
        let key = pair(row["key"][0].as_str().unwrap(), row["key"][1].as_str().unwrap());
        let score = row["score"].as_f64().unwrap();
        assert!((score - expected[&key]).abs() <= TOLERANCE, "{row}: the formula gives {}", expected[&key]);
        assert!((score - ranked).abs() <= TOLERANCE, "{row}: a pair with {ranked} is stronger");
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
