//! Finds where a plugin prints, which shows nothing while all is well.

use crate::{
    failure::{Failure, read_text},
    project::{Project, language::Language},
};

/// The first line of the main file that prints, such as `main.py, line 30`.
pub(super) fn of(project: &Project) -> Result<Option<String>, Failure> {
    let begins: &[&str] = match project.manifest.language {
        Language::Rust => &["println!(", "eprintln!("],
        Language::Python => &["print("],
        Language::Javascript => &["console."],
    };
    let file = project.manifest.language.main_file();
    let text = read_text(&project.folder.join(file))?;
    // Tests at the end of a Rust file run natively, where printing works.
    let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    let mut printing =
        lines.enumerate().filter(|(_, line)| begins.iter().any(|begin| line.trim_start().starts_with(begin)));
    Ok(printing.next().map(|(number, _)| format!("{file}, line {}", number + 1)))
}
