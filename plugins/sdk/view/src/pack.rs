//! Little-endian bytes, for states and batches. Each value has exactly one form, so equal states
//! have equal bytes and a digest over them is meaningful.

use kith_plugin_words::Malformed;

/// A state that can be stored.
///
/// Equal states pack to equal bytes, at least one and at most 64 KiB; packed bytes unpack to the
/// same state. Keep collections in a fixed order.
pub trait StateBytes: Sized {
    /// Appends the state.
    fn pack(&self, out: &mut Packer);

    /// Reads the state; all bytes must be used.
    fn unpack(from: &mut Unpacker<'_>) -> Result<Self, Malformed>;
}

/// Writes bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packer(Vec<u8>);

impl Packer {
    /// With room for that many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// One byte.
    pub fn put_u8(&mut self, value: u8) {
        self.0.push(value);
    }

    /// Two bytes.
    pub fn put_u16(&mut self, value: u16) {
        self.put_bytes(&value.to_le_bytes());
    }

    /// Four bytes.
    pub fn put_u32(&mut self, value: u32) {
        self.put_bytes(&value.to_le_bytes());
    }

    /// Eight bytes.
    pub fn put_u64(&mut self, value: u64) {
        self.put_bytes(&value.to_le_bytes());
    }

    /// Seven bits per byte, lowest first, high bit on all but the last: 1 byte below 128, at most 10.
    pub fn put_varint(&mut self, value: u64) {
        let mut rest = value;
        while rest >= 0x80 {
            self.0.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        self.0.push((rest & 0x7f) as u8);
    }

    /// A signed number as the varint of 0, -1, 1, -2 ... counted from 0.
    pub fn put_signed(&mut self, value: i64) {
        self.put_varint(((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    /// These bytes, without their length.
    pub fn put_bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// How many bytes were written.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The written bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Reads bytes from the front.
#[derive(Clone, Debug)]
pub struct Unpacker<'a>(&'a [u8]);

impl<'a> Unpacker<'a> {
    /// Reads these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether all bytes are read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// That many bytes.
    pub fn take_bytes(&mut self, bytes: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// That many bytes of UTF-8.
    pub fn take_text(&mut self, bytes: usize) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.take_bytes(bytes)?).map_err(|_| Malformed)
    }

    /// One byte.
    pub fn take_u8(&mut self) -> Result<u8, Malformed> {
        self.take_array().map(|[byte]| byte)
    }

    /// Two bytes.
    pub fn take_u16(&mut self) -> Result<u16, Malformed> {
        self.take_array().map(u16::from_le_bytes)
    }

    /// Four bytes.
    pub fn take_u32(&mut self) -> Result<u32, Malformed> {
        self.take_array().map(u32::from_le_bytes)
    }

    /// Eight bytes.
    pub fn take_u64(&mut self) -> Result<u64, Malformed> {
        self.take_array().map(u64::from_le_bytes)
    }

    /// What [`Packer::put_varint`] wrote; longer forms of the same number are refused.
    pub fn take_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take_u8()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(Malformed);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return if bits == 0 && shift > 0 { Err(Malformed) } else { Ok(value) };
            }
        }
        Err(Malformed)
    }

    /// What [`Packer::put_signed`] wrote.
    pub fn take_signed(&mut self) -> Result<i64, Malformed> {
        let value = self.take_varint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn varints_are_short_and_have_one_form() {
        let mut out = Packer::default();
        for value in [0, 127, 128, u64::MAX] {
            out.put_varint(value);
        }
        assert_eq!(out.len(), 1 + 1 + 2 + 10);
        let refused: [&[u8]; 4] = [&[], &[0x80], &[0x80, 0x00], &[0xff; 10]];
        for bytes in refused {
            assert_eq!(Unpacker::new(bytes).take_varint(), Err(Malformed), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn numbers_come_back(unsigned: u64, signed: i64, small in -70_i64..70) {
            let mut out = Packer::default();
            out.put_varint(unsigned);
            out.put_signed(signed);
            out.put_signed(small);
            let bytes = out.into_bytes();
            let mut from = Unpacker::new(&bytes);
            prop_assert_eq!(from.take_varint(), Ok(unsigned));
            prop_assert_eq!(from.take_signed(), Ok(signed));
            prop_assert_eq!(from.take_signed(), Ok(small));
            prop_assert!(from.is_empty());
        }

        #[test]
        fn any_varint_that_is_read_would_be_written_so(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            let mut from = Unpacker::new(&bytes);
            if let Ok(value) = from.take_varint() {
                let mut out = Packer::default();
                out.put_varint(value);
                prop_assert!(bytes.starts_with(&out.into_bytes()));
            }
        }
    }
}
