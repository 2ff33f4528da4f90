//! A small tree of XML elements: enough for a CIB and for what crm_mon prints, both of which keep everything
//! in attributes, and for what drbdadm prints, which has text in elements without children.

use std::{collections::BTreeMap, fmt};

use quick_xml::{
    Reader, XmlVersion,
    escape::escape,
    events::{BytesStart, Event},
};

/// An element with its attributes and child elements.
#[derive(Clone, PartialEq, Eq)]
pub struct Element {
    /// The tag.
    pub name: String,
    /// The attributes; their order means nothing.
    pub attributes: BTreeMap<String, String>,
    /// The elements within, in order.
    pub children: Vec<Element>,
    /// The text within, where there are no elements.
    pub text: String,
}

/// Why a text is not the XML that was expected.
#[derive(Debug, thiserror::Error)]
pub enum XmlError {
    /// It is not well formed.
    #[error("not well-formed XML: {0}")]
    Malformed(String),
    /// It ends in the middle, or holds nothing.
    #[error("the XML is cut off")]
    CutOff,
    /// Its elements are nested deeper than any tool of a cluster nests them.
    #[error("the XML is nested too deeply")]
    TooDeep,
}

/// Far deeper than any CIB.
const MAX_DEPTH: usize = 64;

impl Element {
    /// An element without attributes and children.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            attributes: BTreeMap::new(),
            children: Vec::new(),
            text: String::new(),
        }
    }

    /// The same with one more attribute.
    pub fn with(mut self, attribute: &str, value: impl fmt::Display) -> Self {
        self.attributes.insert(attribute.into(), value.to_string());
        self
    }

    /// The same with one more child.
    pub fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// The same with more children.
    pub fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// An attribute's value.
    pub fn get(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).map(String::as_str)
    }

    /// Its `id`.
    pub fn id(&self) -> Option<&str> {
        self.get("id")
    }

    /// Whether an attribute says yes; absent means no.
    pub fn is(&self, attribute: &str) -> bool {
        matches!(self.get(attribute), Some("true" | "1" | "yes" | "on"))
    }

    /// The first child with this tag.
    pub fn first(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The first child with this tag, to be changed; made if there is none.
    pub fn first_mut(&mut self, name: &str) -> &mut Self {
        let position = self
            .children
            .iter()
            .position(|child| child.name == name)
            .unwrap_or_else(|| {
                self.children.push(Self::new(name));
                self.children.len() - 1
            });
        &mut self.children[position]
    }

    /// The element at the end of a path of tags.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.first(name))
    }

    /// Itself and everything below it.
    pub fn all(&self) -> Vec<&Self> {
        let mut found = vec![self];
        let mut next = 0;
        while next < found.len() {
            let element = found[next];
            found.extend(&element.children);
            next += 1;
        }
        found
    }

    /// Whether it, or something below it, has this id.
    pub fn has(&self, id: &str) -> bool {
        self.all().into_iter().any(|each| each.id() == Some(id))
    }

    /// The primitives of a resource: itself, or those within it.
    pub fn primitives(&self) -> impl Iterator<Item = &Self> {
        self.all().into_iter().filter(|each| each.name == "primitive")
    }

    /// Reads a document. Space around text, and text between elements, is passed over.
    pub fn parse(text: &str) -> Result<Self, XmlError> {
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Self> = Vec::new();
        loop {
            let closed = match reader
                .read_event()
                .map_err(|error| XmlError::Malformed(error.to_string()))?
            {
                Event::Start(_) if open.len() >= MAX_DEPTH => return Err(XmlError::TooDeep),
                Event::Start(start) => {
                    open.push(element(&start)?);
                    continue;
                }
                Event::Empty(start) => element(&start)?,
                Event::End(_) => {
                    let mut closed = open.pop().ok_or(XmlError::CutOff)?;
                    if !closed.children.is_empty() {
                        closed.text.clear();
                    }
                    closed
                }
                Event::Text(text) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(text.xml10_content().trim());
                    }
                    continue;
                }
                Event::Eof => return Err(XmlError::CutOff),
                _ => continue,
            };
            match open.last_mut() {
                Some(parent) => parent.children.push(closed),
                None => return Ok(closed),
            }
        }
    }

    fn write(&self, formatter: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        write!(formatter, "{:indent$}<{}", "", self.name, indent = depth * 2)?;
        // The id first, as people look for it there.
        let id = self.attributes.get_key_value("id");
        for (name, value) in id
            .into_iter()
            .chain(self.attributes.iter().filter(|(name, _)| *name != "id"))
        {
            // A parser turns line breaks and tabs within an attribute into spaces, unless they are written as
            // references.
            let value = escape(value)
                .replace('\n', "&#10;")
                .replace('\t', "&#9;")
                .replace('\r', "&#13;");
            write!(formatter, " {name}=\"{value}\"")?;
        }
        if self.children.is_empty() && self.text.is_empty() {
            return writeln!(formatter, "/>");
        }
        if self.children.is_empty() {
            return writeln!(formatter, ">{}</{}>", escape(&self.text), self.name);
        }
        writeln!(formatter, ">")?;
        for child in &self.children {
            child.write(formatter, depth + 1)?;
        }
        writeln!(formatter, "{:indent$}</{}>", "", self.name, indent = depth * 2)
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, XmlError> {
    let malformed = |error: &dyn fmt::Display| XmlError::Malformed(error.to_string());
    let mut element = Element::new(start.name().as_ref());
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| malformed(&error))?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| malformed(&error))?;
        element
            .attributes
            .insert(attribute.key.as_ref().to_owned(), value.into_owned());
    }
    Ok(element)
}

impl fmt::Display for Element {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(formatter, 0)
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(formatter, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_the_same() {
        let cib = Element::new("cib")
            .with("id", "a<b&\"c\"")
            .child(Element::new("x").with("y", "ä\nz"))
            .child(Element {
                text: "/dev/sdb".into(),
                ..Element::new("disk")
            });
        assert_eq!(Element::parse(&cib.to_string()).unwrap(), cib);
    }

    #[test]
    fn a_text_cut_anywhere_is_never_a_document() {
        let text = "<cib a=\"1\"><configuration><nodes/></configuration></cib>";
        for end in 0..text.len() {
            assert!(Element::parse(&text[..end]).is_err(), "{}", &text[..end]);
        }
    }
}
