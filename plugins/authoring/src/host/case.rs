//! Golden rows: a log, a day, settings, and the expected rows, in one JSON file.
//!
//! Invariant: the log of a case has the format of `kith import`, so a story that fails on a network can become a case.

use super::{
    Fold, Host,
    report::{self, Input, Ready},
};
use crate::{
    failure::{Failure, read_text},
    log::spool::Spool,
};
use kith_client::v1;
use kith_core::{day::Day, json::Json};
use kith_views::{Declared, Query, ReportQuery, ViewScope, limits::PAGE_ROWS_MAX, wire};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    fmt::{Display, Write},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The contents of a case's file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    /// The file of the log, relative to the case's folder.
    log: PathBuf,
    /// The day that rows are as of.
    at: String,
    /// The settings.
    #[serde(default)]
    settings: Map<String, Value>,
    /// For a report: the views that it reads and that are not built in, by name.
    #[serde(default)]
    views: BTreeMap<String, ViewFile>,
    /// The expected rows, as `kith view -o json` prints them, in the order of their keys and items.
    rows: Vec<Value>,
    /// For a report: the expected remarks, in their order.
    #[serde(default)]
    remarks: Vec<String>,
}

/// A view that a report reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ViewFile {
    /// The file of its component, relative to the case's folder.
    component: PathBuf,
    /// Its settings.
    #[serde(default)]
    settings: Map<String, Value>,
}

/// A case.
#[derive(Debug, Clone)]
pub struct Case {
    /// The case's file.
    pub path: PathBuf,
    file: CaseFile,
}

/// A row, or the text of a remark, that differs from the expected ones.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// It is expected and missing.
    Missing(Value),
    /// It is not expected.
    Unexpected(Value),
}

/// What a component produced.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// The columns of the rows.
    pub fields: Vec<v1::Field>,
    /// The rows, in the order of their keys and items.
    pub rows: Vec<v1::Row>,
    /// A report's remarks.
    pub remarks: Vec<String>,
}

/// The same as a case has it: the rows as `kith view -o json` prints them.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The rows.
    pub rows: Vec<Value>,
    /// The remarks.
    pub remarks: Vec<String>,
}

impl Case {
    /// Reads a case.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let not_case = |why: &dyn Display| Failure::Usage(format!("{} is not a case: {why}", path.display()));
        let written: Json = serde_json::from_str(&read_text(path)?).map_err(|error| not_case(&error))?;
        let file = written.into_value().map_err(|repeated| not_case(&repeated))?;
        let file = serde_json::from_value(file).map_err(|error| not_case(&error))?;
        Ok(Self { path: path.to_path_buf(), file })
    }

    /// All cases in a folder, sorted by name.
    pub fn all(folder: &Path) -> Result<Vec<Self>, Failure> {
        let failed = |error| Failure::file("read", folder, error);
        let mut paths = Vec::new();
        for item in fs::read_dir(folder).map_err(failed)? {
            let path = item.map_err(failed)?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                paths.push(path);
            }
        }
        paths.sort();
        if paths.is_empty() {
            return Err(Failure::NotFound(format!("there are no cases (*.json) in {}", folder.display())));
        }
        paths.iter().map(|path| Self::read(path)).collect()
    }

    /// The name of the case.
    pub fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Number of expected rows.
    pub fn row_count(&self) -> usize {
        self.file.rows.len()
    }

    /// The path of the log.
    pub fn log(&self) -> PathBuf {
        self.beside(&self.file.log)
    }

    /// A file that the case names.
    fn beside(&self, file: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new(".")).join(file)
    }

    /// The views that it gives to a report.
    fn views(&self) -> Result<BTreeMap<String, Input>, Failure> {
        let read = |(name, view): (&String, &ViewFile)| {
            let path = self.beside(&view.component);
            let component = fs::read(&path).map_err(|error| Failure::file("read", &path, error))?;
            Ok((name.clone(), Input { component, settings: Value::Object(view.settings.clone()).to_string() }))
        };
        self.file.views.iter().map(read).collect()
    }

    /// The day that its rows are as of, as written in the file.
    pub fn at(&self) -> &str {
        &self.file.at
    }

    /// What a component produces from the case's log as of its day.
    pub async fn made(&self, host: &Host, component: Vec<u8>, log: Spool, day: Day) -> Result<Made, Failure> {
        let fold = Fold {
            component,
            settings: Value::Object(self.file.settings.clone()).to_string(),
            network: "case".parse()?,
            scope: ViewScope::Network,
            log: Arc::new(log),
            clock: Arc::new(move || day.noon().millis()),
        };
        if let Declared::Report(manifest) = host.declared(&fold.component, &fold.settings)? {
            return made_by_report(host, report::inputs(&manifest, self.views()?)?, &fold).await;
        }
        if !self.file.views.is_empty() {
            return Err(Failure::Usage(format!("{}: `views` is for reports, and this is a view", self.name())));
        }
        let folded = host.fold(fold).await?;
        let quarantined = folded.status().await?.quarantined;
        if let Some(key) = quarantined.first() {
            let more = match quarantined.len() - 1 {
                0 => String::new(),
                more => format!(" (and on {more} more keys)"),
            };
            return Err(Failure::PluginRefused(format!("{}: the plugin fails on {key}{more}", self.name())));
        }
        let query = Query { page_rows: PAGE_ROWS_MAX, ..Query::default() };
        let mut rows = folded.query(query).await?.rows;
        rows.sort_by(|one, other| (&one.key, one.item).cmp(&(&other.key, other.item)));
        Ok(Made { fields: folded.fields(), rows: rows.into_iter().map(wire::row).collect(), remarks: Vec::new() })
    }

    /// How an outcome differs from the expected one.
    pub fn differences(&self, found: &Outcome) -> Vec<Difference> {
        let (expected, found) = (lines(&self.file.rows, &self.file.remarks), lines(&found.rows, &found.remarks));
        let missing = expected.iter().filter(|line| !found.contains(line)).cloned().map(Difference::Missing);
        let unexpected = found.iter().filter(|line| !expected.contains(line)).cloned();
        missing.chain(unexpected.map(Difference::Unexpected)).collect()
    }

    /// Makes this outcome the expected one from now on.
    pub fn accept(&self, Outcome { rows, remarks }: Outcome) -> Result<(), Failure> {
        let text = CaseFile { rows, remarks, ..self.file.clone() }.text();
        fs::write(&self.path, text).map_err(|error| Failure::file("write", &self.path, error))
    }
}

impl CaseFile {
    /// The text of the file: one row per line, so that diffs are readable.
    fn text(&self) -> String {
        let mut text = String::from("{\n");
        let head = [
            ("log", Value::from(self.log.to_string_lossy())),
            ("at", Value::from(self.at.as_str())),
            ("settings", Value::Object(self.settings.clone())),
        ];
        for (name, value) in head {
            writeln!(text, "  \"{name}\": {value},").expect("text grows");
        }
        if !self.views.is_empty() {
            let views = serde_json::to_value(&self.views).expect("paths of a case are UTF-8");
            writeln!(text, "  \"views\": {views},").expect("text grows");
        }
        let rows: Vec<String> = self.rows.iter().map(|row| format!("\n    {row}")).collect();
        let end = if rows.is_empty() { "" } else { "\n  " };
        write!(text, "  \"rows\": [{}{end}]", rows.join(",")).expect("text grows");
        if !self.remarks.is_empty() {
            write!(text, ",\n  \"remarks\": {}", Value::from(self.remarks.clone())).expect("text grows");
        }
        text.push_str("\n}\n");
        text
    }
}

/// Rows, then the texts of remarks.
fn lines(rows: &[Value], remarks: &[String]) -> Vec<Value> {
    rows.iter().cloned().chain(remarks.iter().map(|remark| remark.as_str().into())).collect()
}

/// What a report produces, its rows in the order of their keys.
async fn made_by_report(host: &Host, inputs: Vec<Input>, fold: &Fold) -> Result<Made, Failure> {
    let ready = Ready::fold(host, inputs, fold).await?;
    let query = ReportQuery { page_rows: PAGE_ROWS_MAX, ..ReportQuery::default() };
    let mut found = ready.query(query, None).await?;
    found.rows.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(Made { fields: found.fields, rows: found.rows, remarks: found.remarks })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_case_reads_back_as_it_was_accepted() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("story.json");
        fs::write(&path, r#"{"log":"log.jsonl","at":"2026-02-28","rows":[{"key":["a"]}]}"#).expect("a file");
        let case = Case::read(&path).expect("a case");
        let rows = vec![json!({"key": ["b"], "n": 1}), json!({"key": ["c"]})];
        let found = Outcome { rows, remarks: vec!["left out: 3".to_owned()] };
        let expected = [
            Difference::Missing(json!({"key": ["a"]})),
            Difference::Unexpected(found.rows[0].clone()),
            Difference::Unexpected(found.rows[1].clone()),
            Difference::Unexpected("left out: 3".into()),
        ];
        assert_eq!(case.differences(&found), expected);
        case.accept(found.clone()).expect("it is written");
        let again = Case::read(&path).expect("a case");
        assert_eq!(again.differences(&found), []);
        let text = fs::read_to_string(&path).expect("a file");
        assert!(
            text.contains(
                "\n    {\"key\":[\"b\"],\"n\":1},\n    {\"key\":[\"c\"]}\n  ],\n  \"remarks\": [\"left out: 3\"]\n}\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn a_case_that_says_something_twice_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("story.json");
        let refused = |text: &str| {
            fs::write(&path, text).expect("a file");
            Case::read(&path).expect_err("it says something twice").to_string()
        };
        let settings = refused(r#"{"log":"l","at":"today","settings":{"days":1,"days":2},"rows":[]}"#);
        assert!(settings.contains("`settings.days` is there twice"), "{settings}");
        assert!(refused(r#"{"log":"l","at":"today","rows":[],"rows":[]}"#).contains("`rows` is there twice"));
        assert!(refused("\u{feff}{\"rows\":[]}").contains("missing field"));
    }
}
