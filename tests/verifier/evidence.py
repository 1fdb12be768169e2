"""Verifies a bundle of evidence (kith-evidence/1) without any code of Kith: evidence.py KEY FILE

KEY is the log's public key (NAME+ID+KEY), FILE is what `kith audit export` or `redact` printed, as described in
proto/kith/v1/audit.proto. Prints what is proved, or says why not and exits with 1. Needs the package `cryptography`.
"""
import base64, collections, functools, hashlib, json, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LINE_BYTES_MAX, PERSON_ERASED, DETAILS_ERASED = 512 * 1024, 31, 37  # two numbers of facts in kith.v1.Event
HEADING = ["format", "network", "about", "filter", "checkpoint", "key", "made_at", "complete"]

def need(condition, why):
    if not condition:
        raise ValueError(why)

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def un64(text, length=None):
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text and length in (None, len(data)), "malformed base64")
    return data

def checkpoint(note, key):
    """Origin, size and root of a note that the key signed (c2sp.org/signed-note, c2sp.org/tlog-checkpoint)."""
    name, key_id, packed = key.split("+", 2)
    public = un64(packed, 33)
    need(public[0] == 1 and sha256(name.encode(), b"\n", public)[:4].hex() == key_id, "the key is damaged")
    text, signatures = note.rsplit("\n\n", 1)
    lines = [line.split(" ") for line in signatures.removesuffix("\n").split("\n")]
    need(signatures.endswith("\n") and all(dash == "\u2014" for dash, _, _ in lines), "the checkpoint is damaged")
    signed = [un64(packed)[4:] for _, signer, packed in lines if signer == name and un64(packed)[:4].hex() == key_id]
    for signature in signed:
        Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature, (text + "\n").encode())
    origin, size, root = text.split("\n")[:3]
    need(signed and origin == name and size == str(int(size)), "not signed by the key of this log")
    return origin, int(size), un64(root, 32)

def fields(data):  # of a protobuf message, which are numbers and bytes here: number -> values
    found, at, numbers = {}, 0, []
    while at < len(data) or numbers:
        value = shift = 0
        while not shift or data[at - 1] > 127:
            value, shift, at = value | (data[at] & 127) << shift, shift + 7, at + 1
        numbers.append(value)
        if len(numbers) == 2:
            (tag, value), numbers = numbers, []
            need(tag & 7 in (0, 2) and at + value * (tag & 7 == 2) <= len(data), "an entry is cut or malformed")
            if tag & 7 == 2:
                value, at = data[at : at + value], at + value
            found.setdefault(tag >> 3, []).append(value)
    return found

def lines(file):
    while line := file.readline(LINE_BYTES_MAX + 1):
        value = json.loads(line)
        written = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        need(written == line, "a line is too long, or not written as it must be")
        yield value

def main(key, path):
    bundle = lines(open(path, "rb"))
    heading = next(bundle)
    need(list(heading) == HEADING and heading["format"] == "kith-evidence/1", "not a bundle of this format")
    origin, size, root = checkpoint(heading["checkpoint"], key)
    first, last = heading["about"]["range"] if heading["complete"] == "range" else (0, 0)
    stack, at, entries, claims, shown = [], 0, 0, {}, collections.Counter()
    for line in bundle:
        if list(line) == ["left_out", "level", "hash"]:
            level, digest = line["level"], un64(line["hash"], 32)
            need(type(line["left_out"]) is type(level) is int and 0 <= level < 64, "a gap in no known form")
            need(line["left_out"] == at and at % (1 << level) == 0, "a gap out of place")
            need(not (at < last and at + (1 << level) >= first), "the range is not complete")
        else:
            need(list(line) == ["position", "entry", "details"], "neither an entry nor a gap")
            packed, position = un64(line["entry"]), line["position"]
            level, digest, entry = 0, sha256(b"\x00", packed), fields(packed)
            need(type(position) is int and position == at + 1 == entry[1][-1], "an entry out of place")
            event = fields(entry[5][-1])
            commitments, erases = event.get(7, []), fields(event.get(DETAILS_ERASED, [b""])[-1])
            for named, index in claims.pop(position, []):  # Indexes are below 8, so each is one byte of a packed field.
                of_detail = erases.get(1) == [named] and index in b"".join(erases.get(2, []))
                need(PERSON_ERASED in event or of_detail, "what is said to erase a detail does not")
            need(len(commitments) == len(line["details"]), "details that are not the event's")
            for index, (commitment, detail) in enumerate(zip(commitments, line["details"])):
                if list(detail) == ["salt", "rest"]:
                    found = sha256(b"kith/detail/1", un64(detail["salt"], 32), un64(detail["rest"]))
                    need(found == commitment, "words that are not those recorded")
                elif list(detail) == ["erased_at"]:
                    need(type(detail["erased_at"]) is int and detail["erased_at"] > position, "erased by nothing later")
                    claims.setdefault(detail["erased_at"], []).append((event[1][-1], index))
                else:
                    need(list(detail) == ["withheld"] and detail["withheld"] is True, "a detail in no known form")
                shown[list(detail)[0]] += 1
            entries += 1
        at += 1 << level
        while stack and stack[-1][0] == level:
            digest, level = sha256(b"\x01", stack.pop()[1], digest), level + 1
        stack.append((level, digest))
    need(at == size >= last and not claims, "something is missing, or more than the checkpoint covers")
    found = functools.reduce(lambda right, left: sha256(b"\x01", left, right), [digest for _, digest in stack[::-1]])
    need(found == root, "not the log that was signed")
    disclosed, withheld, erased = (shown[form] for form in ("salt", "withheld", "erased_at"))
    return f"{entries} of {size} entries in {origin}; {disclosed} details disclosed, {withheld} not, {erased} erased"

if __name__ == "__main__":
    try:
        print("verified:", main(*sys.argv[1:]))
    except Exception as problem:  # Whatever is wrong, nothing is proved.
        sys.exit(f"not verified: {problem or type(problem).__name__}")
