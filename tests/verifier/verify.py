"""Verifies what `kith audit` prints, without any code of Kith: verify.py KEY FILE [EARLIER]

KEY is the log's public key (NAME+ID+KEY). FILE is a checkpoint (c2sp.org/tlog-checkpoint), a receipt (c2sp.org/tlog-proof
with the entry's bytes as extra data) or a proof of growth (`old SIZE`, hashes, a checkpoint) from the checkpoint EARLIER.
Prints what is proved and exits with 0, or says why not and exits with 1. Needs the package `cryptography` for Ed25519.
"""
import base64
import hashlib
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def need(condition, why):
    if not condition:
        raise ValueError(why)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def unbase64(text, length=None):
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text and length in (None, len(data)), "malformed base64")
    return data


def number(text):
    need(text.isascii() and text == str(int(text)) and int(text) >= 0, "malformed number")
    return int(text)


def checkpoint(note, key):
    """Origin, size and root in a note, if the key signed it (c2sp.org/signed-note, c2sp.org/tlog-checkpoint)."""
    name, key_id, packed = key.split("+", 2)
    public = unbase64(packed, 33)
    need(public[0] == 1 and sha256(name.encode(), b"\n", public)[:4].hex() == key_id, "the key is damaged")
    text, signatures = note.rsplit("\n\n", 1)
    need(signatures.endswith("\n"), "the last line is cut")
    signed = False
    for line in signatures[:-1].split("\n"):
        dash, signer, signature = line.split(" ")
        need(dash == "\u2014", "not a signature line")
        signature = unbase64(signature)
        if signer == name and signature[:4].hex() == key_id:
            Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature[4:], (text + "\n").encode())
            signed = True
    origin, size, root = text.split("\n")[:3]
    need(signed and origin == name, "not signed by the key of this log")
    return origin, number(size), unbase64(root, 32)


def climb(index, last, start, hashes):
    """Roots over `start` of the trees that end with it and that end with leaf `last` (RFC 9162, 2.1.3.2, 2.1.4.2)."""
    earlier = later = start
    for sibling in hashes:
        need(last > 0, "too many hashes")
        if index & 1 or index == last:
            earlier, later = sha256(b"\x01", sibling, earlier), sha256(b"\x01", sibling, later)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            later = sha256(b"\x01", later, sibling)
        index, last = index >> 1, last >> 1
    need(last == 0, "too few hashes")
    return earlier, later


def check_growth(old_size, old_root, size, root, hashes):
    need(old_size <= size, "the log shrank")
    if old_size in (0, size):
        need(not hashes and (old_size == 0 or old_root == root), "not the same tree")
        return
    start, *rest = [old_root, *hashes] if old_size & (old_size - 1) == 0 else hashes
    index, last = old_size - 1, size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    need(climb(index, last, start, rest) == (old_root, root), "the log did not only grow")


def main(key, path, earlier=None):
    def read(name):
        return open(name, newline="", encoding="utf-8").read()

    proof, _, note = read(path).partition("\n\n")
    first, *lines = proof.split("\n")
    if first == "c2sp.org/tlog-proof@v1":
        (extra, entry), (word, index), *_ = (line.split(" ") for line in lines[:2])
        origin, size, root = checkpoint(note, key)
        need(extra == "extra" and word == "index" and number(index) < size, "not a receipt")
        leaf, hashes = sha256(b"\x00", unbase64(entry)), [unbase64(line, 32) for line in lines[2:]]
        need(climb(number(index), size - 1, leaf, hashes)[1] == root, "the entry is not in the log")
        return f"entry {number(index) + 1} of {size} in {origin}"
    if first.startswith("old "):
        (origin, size, root), (_, old_size, old_root) = checkpoint(note, key), checkpoint(read(earlier), key)
        need(number(first[4:]) == old_size, "a proof from another checkpoint")
        check_growth(old_size, old_root, size, root, [unbase64(line, 32) for line in lines])
        return f"{origin} grew from {old_size} to {size} entries"
    origin, size, root = checkpoint(read(path), key)
    return f"{origin} has {size} entries, root {root.hex()}"


if __name__ == "__main__":
    try:
        print("verified:", main(*sys.argv[1:]))
    except Exception as problem:  # Whatever is wrong, nothing is proved.
        sys.exit(f"not verified: {problem or type(problem).__name__}")
