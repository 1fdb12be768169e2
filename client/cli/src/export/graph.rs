//! People and the ties between them as GraphML (<http://graphml.graphdrawing.org>), which Gephi and NetworkX read.

use super::{Written, rows::Pages, value_text};
use crate::{failure::Failure, place::Place, show::destination::Destination};
use kith_client::{
    ViewQuery,
    v1::{Field, FieldType, Row},
};
use std::{
    fmt::Write as _,
    io::{self, Write},
};

/// Writes everybody as nodes, and the rows of a view of pairs as edges with its columns.
pub(crate) async fn write(
    place: &Place,
    query: ViewQuery,
    with_names: bool,
    out: &mut Destination,
) -> Result<Written, Failure> {
    let view = query.view.clone();
    let mut pages = Pages::of(place, query).await?;
    let key = pages.key().await?;
    let nodes = match key.as_str() {
        "organisation_pair" => organisations(place).await?,
        key if key.ends_with("pair") => people(place, with_names).await?,
        _ => {
            let told =
                format!("rows of {view} are not about two people or organisations, so they are no ties: export csv");
            return Err(Failure::Usage(told));
        }
    };
    let is_directed = key == "directed_pair";
    let (mut written, mut has_heading) = (Written::of(0, ("tie", "ties")), false);
    while let Some(page) = pages.next().await? {
        if !has_heading {
            begin(out, &page.fields, &nodes, is_directed).map_err(|error| out.failed(error))?;
            has_heading = true;
        }
        for row in &page.rows {
            edge(out, row).map_err(|error| out.failed(error))?;
            written.count += 1;
        }
    }
    writeln!(out, "  </graph>\n</graphml>").map_err(|error| out.failed(error))?;
    Ok(written)
}

/// What a graph's ties are between.
struct Nodes {
    attributes: &'static [&'static str],
    /// The id of each, and its attributes.
    all: Vec<(String, Vec<String>)>,
}

async fn people(place: &Place, with_names: bool) -> Result<Nodes, Failure> {
    let people = place.people(None).await?.into_iter().filter(|person| person.merged_into.is_empty());
    let attributes: &[_] = if with_names { &["organisation", "role", "name"] } else { &["organisation", "role"] };
    let node = |person: kith_client::v1::Person| {
        let all = [person.organisation, person.role, person.name];
        (person.id, all.into_iter().take(attributes.len()).collect())
    };
    Ok(Nodes { attributes, all: people.map(node).collect() })
}

async fn organisations(place: &Place) -> Result<Nodes, Failure> {
    let all = place.organisations().await?.into_iter().map(|one| (one.id, vec![one.name])).collect();
    Ok(Nodes { attributes: &["name"], all })
}

fn begin(out: &mut Destination, fields: &[Field], nodes: &Nodes, is_directed: bool) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">")?;
    for name in nodes.attributes {
        writeln!(out, "  <key id=\"n-{name}\" for=\"node\" attr.name=\"{name}\" attr.type=\"string\"/>")?;
    }
    for (index, field) in fields.iter().enumerate() {
        let (name, kind) = (escaped(&field.name), type_of(field.r#type()));
        writeln!(out, "  <key id=\"e{index}\" for=\"edge\" attr.name=\"{name}\" attr.type=\"{kind}\"/>")?;
    }
    let direction = if is_directed { "directed" } else { "undirected" };
    writeln!(out, "  <graph edgedefault=\"{direction}\">")?;
    for (id, attributes) in &nodes.all {
        write!(out, "    <node id=\"{}\">", escaped(id))?;
        for (name, value) in nodes.attributes.iter().zip(attributes).filter(|(_, value)| !value.is_empty()) {
            write!(out, "<data key=\"n-{name}\">{}</data>", escaped(value))?;
        }
        writeln!(out, "</node>")?;
    }
    Ok(())
}

fn edge(out: &mut Destination, row: &Row) -> io::Result<()> {
    let [source, target] = [0, 1].map(|at| escaped(row.key.get(at).map_or("", String::as_str)));
    write!(out, "    <edge source=\"{source}\" target=\"{target}\">")?;
    for (index, value) in row.values.iter().enumerate().filter(|(_, value)| value.value.is_some()) {
        write!(out, "<data key=\"e{index}\">{}</data>", escaped(&value_text(value)))?;
    }
    writeln!(out, "</edge>")
}

/// A type of the format.
fn type_of(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Number => "double",
        FieldType::Integer | FieldType::Event => "long",
        FieldType::Flag => "boolean",
        FieldType::Unspecified | FieldType::Text | FieldType::Day | FieldType::Person => "string",
    }
}

/// A text as it stands in XML 1.0, in which there are characters that cannot stand at all.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                write!(escaped, "&#{};", u32::from(letter)).expect("a text takes what is written to it");
            }
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_leave_their_place() {
        assert_eq!(escaped(r#"<a b="c">&"#), "&lt;a b=&quot;c&quot;&gt;&amp;");
        assert_eq!(escaped("a\nb\u{1}c\u{ffff}"), "a&#10;b\u{fffd}c\u{fffd}");
        assert_eq!(escaped("Łukasz 世界"), "Łukasz 世界");
    }
}
