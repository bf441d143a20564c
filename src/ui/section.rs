use super::{Tone, Ui};
use crate::display::text;

/// A title and its labeled values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub title: String,
    pub fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub label: String,
    pub value: String,
    pub tone: Tone,
}

impl Section {
    pub fn new(title: impl Into<String>) -> Section {
        Section { title: title.into(), fields: Vec::new() }
    }

    pub fn add(&mut self, label: &str, value: impl AsRef<str>) {
        self.toned(label, value, Tone::Plain);
    }

    pub fn toned(&mut self, label: &str, value: impl AsRef<str>, tone: Tone) {
        self.fields.push(Field { label: label.to_owned(), value: text::clean(value.as_ref()).into_owned(), tone });
    }

    /// Adds a field if there is a value: a header has many optional keys, and most models have few of them.
    pub fn some(&mut self, label: &str, value: Option<impl AsRef<str>>) {
        if let Some(value) = value {
            self.add(label, value);
        }
    }
}

impl Ui {
    /// Prints the sections, values in one column per section. Values are not shortened: people copy paths from them.
    pub fn sections(&mut self, sections: &[Section]) -> anyhow::Result<()> {
        for (at, section) in sections.iter().enumerate() {
            if at > 0 {
                self.line("")?;
            }
            self.heading(&text::clean(&section.title))?;
            let width = section.fields.iter().map(|f| text::width(&f.label)).max().unwrap_or(0);
            for field in &section.fields {
                self.painted_line(&format!("  {:width$}  {}", field.label, field.value), field.tone)?;
            }
        }
        Ok(())
    }
}
