//! Packed values: fields one after the other, little-endian, texts prefixed with their length.
//!
//! Invariant: a [`Reader`] never panics and never reads past the end, whatever the bytes.

/// Writes fields.
#[must_use]
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Adds raw bytes.
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Adds one byte.
    pub fn u8(self, number: u8) -> Self {
        self.bytes(&[number])
    }

    /// Adds four bytes.
    pub fn u32(self, number: u32) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    /// Adds eight bytes.
    pub fn u64(self, number: u64) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    /// Adds eight bytes, two's complement.
    pub fn i64(self, number: i64) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    /// Adds a text or byte string of at most 65,535 bytes, with its length.
    pub fn short(self, bytes: &[u8]) -> Self {
        let length = u16::try_from(bytes.len()).expect("limits keep texts below 64 KiB");
        self.bytes(&length.to_le_bytes()).bytes(bytes)
    }

    /// Adds a field that may be missing.
    pub fn option<T>(self, field: Option<T>, write: impl FnOnce(Self, T) -> Self) -> Self {
        match field {
            Some(field) => write(self.u8(1), field),
            None => self.u8(0),
        }
    }

    /// The bytes written.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads fields; `None` when the bytes end too early or a field is malformed.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the front of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Reads this many bytes.
    pub fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// Reads this many bytes.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    /// Reads one byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    /// Reads four bytes.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Reads eight bytes.
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Reads eight bytes, two's complement.
    pub fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    /// Undoes [`Writer::short`].
    pub fn short(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_le_bytes(self.array()?);
        self.bytes(length.into())
    }

    /// Reads a text and parses it as `T`.
    pub fn text<T: std::str::FromStr>(&mut self) -> Option<T> {
        std::str::from_utf8(self.short()?).ok()?.parse().ok()
    }

    /// Undoes [`Writer::option`].
    #[allow(clippy::option_option, reason = "the outer one says whether it can be read, the inner whether it is there")]
    pub fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.u8()? {
            0 => Some(None),
            1 => Some(Some(read(self)?)),
            _ => None,
        }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Everything that is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Returns `value` if nothing is left.
    pub fn finish<T>(self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }
}
