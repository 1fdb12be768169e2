//! Changes of bytes that decoders tend to stumble over, for messages of calls and for everything else that is decoded.

use kith_tests::random::Random;

/// Pieces that mean something in one of the formats: lengths, ends of lines, quotes, the longest numbers, broken text.
const PIECES: [&[u8]; 24] = [
    b"\0",
    b"\x01",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\n",
    b"\r\n",
    b"\r\n ",
    b"\"",
    b"\\",
    b",",
    b";",
    b":",
    b"=",
    b"{",
    b"]",
    b"null",
    b"18446744073709551616",
    b"-1",
    "\u{2014} ".as_bytes(),
    "\u{feff}".as_bytes(),
    b"From ",
];

/// Changes bytes in one to four ways; `other` is something that may be spliced in.
pub(crate) fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..=random.below(4) {
        change(input, other, random);
    }
}

fn change(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = at + random.below(16.min(input.len() - at) + 1);
    match random.below(9) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = *random.pick(&[0, 1, b' ', b'0', b'9', b'A', 0x7f, 0x80, 0xff]),
        2 => drop(input.drain(at..end)),
        3 => {
            let piece = input[at..end].to_vec();
            input.splice(at..at, piece);
        }
        4 => input.truncate(at),
        5 if !other.is_empty() => {
            let from = random.below(other.len());
            let to = from + random.below(64.min(other.len() - from) + 1);
            input.splice(at..end, other[from..to].iter().copied());
        }
        6 => lines(input, random),
        7 => input.insert(at, random.number().to_le_bytes()[0]),
        _ => drop(input.splice(at..at, random.pick(&PIECES).iter().copied())),
    }
}

/// Removes, repeats or exchanges lines, so that formats of lines are changed as a whole, too.
fn lines(input: &mut Vec<u8>, random: &mut Random) {
    let mut lines: Vec<Vec<u8>> = input.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    if lines.is_empty() {
        return;
    }
    let (one, two) = (random.below(lines.len()), random.below(lines.len()));
    match random.below(3) {
        0 => drop(lines.remove(one)),
        1 => lines.insert(one, lines[two].clone()),
        _ => lines.swap(one, two),
    }
    *input = lines.concat();
}
