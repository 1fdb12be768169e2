//! The files of new plugins, embedded in this program when it is built: the examples and SDKs of `plugins/`.

use crate::project::language::Language;

/// A file of a new plugin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Template {
    /// The path in the plugin's folder.
    pub(super) path: &'static str,
    /// The text of the file.
    pub(super) text: &'static str,
}

macro_rules! templates {
    ($($path:literal from $source:literal),* $(,)?) => {
        &[$(Template { path: $path, text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../", $source)) }),*]
    };
}

const SHARED: &[Template] = templates![
    ".gitignore" from "plugins/authoring/templates/gitignore",
    "tests/log.jsonl" from "plugins/examples/tests/log.jsonl",
    "tests/everything.json" from "plugins/examples/tests/everything.json",
    "tests/long_only.json" from "plugins/examples/tests/long_only.json",
];

const RUST: &[Template] = templates![
    "README.md" from "plugins/authoring/templates/rust/README.md",
    "Cargo.toml" from "plugins/authoring/templates/rust/Cargo.toml",
    "Cargo.lock" from "plugins/authoring/templates/rust/Cargo.lock",
    "rust-toolchain.toml" from "plugins/authoring/templates/rust/rust-toolchain.toml",
    ".cargo/config.toml" from "plugins/authoring/templates/rust/config.toml",
    "settings.schema.json" from "plugins/examples/rust/settings.schema.json",
    "src/lib.rs" from "plugins/examples/rust/src/lib.rs",
    "sdk/words/Cargo.toml" from "plugins/authoring/templates/words.toml",
    "sdk/words/src/last_words.rs" from "plugins/sdk/words/src/last_words.rs",
    "sdk/words/src/lib.rs" from "plugins/sdk/words/src/lib.rs",
    "sdk/words/src/settings.rs" from "plugins/sdk/words/src/settings.rs",
    "sdk/view/Cargo.toml" from "plugins/authoring/templates/rust/view.toml",
    "sdk/view/src/batch.rs" from "plugins/sdk/view/src/batch.rs",
    "sdk/view/src/batch/tests.rs" from "plugins/sdk/view/src/batch/tests.rs",
    "sdk/view/src/bindings.rs" from "plugins/sdk/view/src/bindings.rs",
    "sdk/view/src/calls.rs" from "plugins/sdk/view/src/calls.rs",
    "sdk/view/src/decay.rs" from "plugins/sdk/view/src/decay.rs",
    "sdk/view/src/event.rs" from "plugins/sdk/view/src/event.rs",
    "sdk/view/src/guest.rs" from "plugins/sdk/view/src/guest.rs",
    "sdk/view/src/lib.rs" from "plugins/sdk/view/src/lib.rs",
    "sdk/view/src/manifest.rs" from "plugins/sdk/view/src/manifest.rs",
    "sdk/view/src/pack.rs" from "plugins/sdk/view/src/pack.rs",
    "sdk/view/src/testing.rs" from "plugins/sdk/view/src/testing.rs",
];

const REPORT: &[Template] = templates![
    ".gitignore" from "plugins/authoring/templates/gitignore",
    "README.md" from "plugins/authoring/templates/report/README.md",
    "Cargo.toml" from "plugins/authoring/templates/report/Cargo.toml",
    "Cargo.lock" from "plugins/authoring/templates/report/Cargo.lock",
    "rust-toolchain.toml" from "plugins/authoring/templates/rust/rust-toolchain.toml",
    ".cargo/config.toml" from "plugins/authoring/templates/rust/config.toml",
    "settings.schema.json" from "plugins/authoring/templates/report/settings.schema.json",
    "src/lib.rs" from "plugins/authoring/templates/report/lib.rs",
    "tests/log.jsonl" from "plugins/authoring/templates/report/log.jsonl",
    "tests/everything.json" from "plugins/authoring/templates/report/everything.json",
    "sdk/words/Cargo.toml" from "plugins/authoring/templates/words.toml",
    "sdk/words/src/last_words.rs" from "plugins/sdk/words/src/last_words.rs",
    "sdk/words/src/lib.rs" from "plugins/sdk/words/src/lib.rs",
    "sdk/words/src/settings.rs" from "plugins/sdk/words/src/settings.rs",
    "sdk/report/Cargo.toml" from "plugins/authoring/templates/report/report.toml",
    "sdk/report/src/bindings.rs" from "plugins/sdk/report/src/bindings.rs",
    "sdk/report/src/guest.rs" from "plugins/sdk/report/src/guest.rs",
    "sdk/report/src/input.rs" from "plugins/sdk/report/src/input.rs",
    "sdk/report/src/lib.rs" from "plugins/sdk/report/src/lib.rs",
    "sdk/report/src/manifest.rs" from "plugins/sdk/report/src/manifest.rs",
];

const PYTHON: &[Template] = templates![
    "README.md" from "plugins/authoring/templates/python/README.md",
    "main.py" from "plugins/examples/python/main.py",
    "test_main.py" from "plugins/examples/python/test_main.py",
    "sdk/wit/kith-view.wit" from "plugins/wit/v1/kith-view.wit",
    "sdk/kith_plugin/__init__.py" from "plugins/sdk/python/kith_plugin/__init__.py",
    "sdk/kith_plugin/batch.py" from "plugins/sdk/python/kith_plugin/batch.py",
    "sdk/kith_plugin/calls.py" from "plugins/sdk/python/kith_plugin/calls.py",
    "sdk/kith_plugin/component.py" from "plugins/sdk/python/kith_plugin/component.py",
    "sdk/kith_plugin/event.py" from "plugins/sdk/python/kith_plugin/event.py",
    "sdk/kith_plugin/said.py" from "plugins/sdk/python/kith_plugin/said.py",
    "sdk/kith_plugin/sealed.py" from "plugins/sdk/python/kith_plugin/sealed.py",
    "sdk/kith_plugin/testing.py" from "plugins/sdk/python/kith_plugin/testing.py",
];

const JAVASCRIPT: &[Template] = templates![
    "README.md" from "plugins/authoring/templates/javascript/README.md",
    "package.json" from "plugins/authoring/templates/javascript/package.json",
    "main.js" from "plugins/examples/javascript/main.js",
    "main.test.js" from "plugins/examples/javascript/main.test.js",
    "sdk/wit/kith-view.wit" from "plugins/wit/v1/kith-view.wit",
    "sdk/batch.js" from "plugins/sdk/javascript/batch.js",
    "sdk/calls.js" from "plugins/sdk/javascript/calls.js",
    "sdk/component.js" from "plugins/sdk/javascript/component.js",
    "sdk/event.js" from "plugins/sdk/javascript/event.js",
    "sdk/index.js" from "plugins/sdk/javascript/index.js",
    "sdk/said.js" from "plugins/sdk/javascript/said.js",
    "sdk/sealed.js" from "plugins/sdk/javascript/sealed.js",
    "sdk/testing.js" from "plugins/sdk/javascript/testing.js",
    "sdk/view.js" from "plugins/sdk/javascript/view.js",
];

/// The sort of a new plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A view, in a language.
    View(Language),
    /// A report, in Rust.
    Report,
}

impl Sort {
    /// The language that the plugin is written in.
    pub fn language(self) -> Language {
        match self {
            Self::View(language) => language,
            Self::Report => Language::Rust,
        }
    }
}

/// The files of a new plugin.
pub(super) fn of(sort: Sort) -> impl Iterator<Item = &'static Template> {
    let (own, shared) = match sort {
        Sort::View(Language::Rust) => (RUST, SHARED),
        Sort::View(Language::Python) => (PYTHON, SHARED),
        Sort::View(Language::Javascript) => (JAVASCRIPT, SHARED),
        Sort::Report => (REPORT, [].as_slice()),
    };
    own.iter().chain(shared)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, fs, path::Path};

    fn plugins() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
    }

    fn files(folder: &Path) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for item in fs::read_dir(folder).expect("a folder") {
            let path = item.expect("a file").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() && name != "__pycache__" {
                found.extend(files(&path).into_iter().map(|inner| format!("{name}/{inner}")));
            } else if !path.is_dir() {
                found.insert(name);
            }
        }
        found
    }

    #[test]
    fn every_file_of_the_sdks_comes_with_a_new_plugin() {
        let sdks = [
            (Sort::View(Language::Rust), "sdk/words/src", "sdk/words/src/"),
            (Sort::View(Language::Rust), "sdk/view/src", "sdk/view/src/"),
            (Sort::View(Language::Python), "sdk/python", "sdk/"),
            (Sort::View(Language::Javascript), "sdk/javascript", "sdk/"),
            (Sort::Report, "sdk/words/src", "sdk/words/src/"),
            (Sort::Report, "sdk/report/src", "sdk/report/src/"),
        ];
        for (sort, folder, prefix) in sdks {
            let there = files(&plugins().join(folder));
            let given = of(sort).filter_map(|template| template.path.strip_prefix(prefix));
            let given: BTreeSet<String> = given.filter(|path| !path.starts_with("wit/")).map(str::to_owned).collect();
            assert_eq!(given, there, "{sort:?}");
        }
    }

    #[test]
    fn a_rust_plugin_has_the_versions_of_the_workspace() {
        let root = fs::read_to_string(plugins().join("../Cargo.toml")).expect("a manifest");
        let root: toml::Table = root.parse().expect("TOML");
        let shared = root["workspace"]["dependencies"].as_table().expect("a table");
        let sorts = [(Sort::View(Language::Rust), "sdk/view/Cargo.toml"), (Sort::Report, "sdk/report/Cargo.toml")];
        for (sort, path) in sorts.into_iter().flat_map(|(sort, kit)| ["Cargo.toml", kit].map(|path| (sort, path))) {
            let template = of(sort).find(|template| template.path == path).expect(path);
            let manifest: toml::Table = template.text.parse().expect("TOML");
            let plain = manifest["dependencies"].as_table().expect("a table").clone();
            let guest = manifest.get("target").map(|target| &target["cfg(target_arch = \"wasm32\")"]["dependencies"]);
            let guest = guest.and_then(toml::Value::as_table).cloned().unwrap_or_default();
            for (name, asked) in plain.into_iter().chain(guest).filter(|(name, _)| !name.starts_with("kith-")) {
                assert_eq!(asked, shared[&name], "{path}: {name}");
            }
        }
        let toolchain = fs::read_to_string(plugins().join("../rust-toolchain.toml")).expect("a toolchain file");
        let toolchain: toml::Table = toolchain.parse().expect("TOML");
        let template = of(Sort::Report).find(|template| template.path == "rust-toolchain.toml").expect("a file");
        let own: toml::Table = template.text.parse().expect("TOML");
        assert_eq!(own["toolchain"]["channel"], toolchain["toolchain"]["channel"]);
    }
}
