#!/usr/bin/env python3
"""Checks the Merkle part of a shilu register with nothing but Python's standard library.

    python3 check_register.py FOLDER [--key VKEY] [--since CHECKPOINT]
    python3 check_register.py --receipt FILE --key VKEY

FOLDER holds public/ and mirror/: a register's own folder or a backup of it. From the bytes of every entry it computes
each leaf, each tile and the root, and compares them with the tiles and the signed checkpoint. With --since, the first
entries must give an older checkpoint's root. With --receipt, one event is checked against the checkpoint in its receipt.
What the events mean, and whether each was allowed, is for `shilu verify` to say.

Formats: RFC 9162 section 2.1 (the tree), c2sp.org/signed-note, tlog-checkpoint, tlog-tiles and tlog-proof; RFC 8032
(Ed25519). Exit status: 0 all is right, 1 it is not, 2 usage.
"""

import argparse
import base64
import hashlib
import pathlib
import re
import struct
import sys


def leaf_hash(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def grow(peaks, size, leaf):
    """Appends a leaf to a tree of `size`, kept as the roots of its perfect subtrees, largest first."""
    while size & 1:
        leaf = node_hash(peaks.pop(), leaf)
        size >>= 1
    peaks.append(leaf)


def root_of(peaks):
    if not peaks:
        return hashlib.sha256(b"").digest()
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


# ---- signatures (RFC 8032, section 5.1)

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def decompress(data):
    """The point (x, y) of 32 bytes, or None."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT_OF_MINUS_ONE % P
    if x * x % P != square or (x == 0 and sign):
        return None
    return (P - x if x & 1 != sign else x, y)


def add(first, second):
    """Adds points in projective coordinates (X, Y, Z): x = X/Z, y = Y/Z."""
    (x1, y1, z1), (x2, y2, z2) = first, second
    z = z1 * z2 % P
    e = D * x1 * x2 * y1 * y2 % P
    zz = z * z % P
    f, g = (zz - e) % P, (zz + e) % P
    cross = ((x1 + y1) * (x2 + y2) - x1 * x2 - y1 * y2) % P
    return (z * f * cross % P, z * g * (y1 * y2 + x1 * x2) % P, f * g % P)


def multiply(number, point):
    total = (0, 1, 1)
    while number:
        if number & 1:
            total = add(total, point)
        point = add(point, point)
        number >>= 1
    return total


BASE = (*decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")), 1)


def signed(key, message, signature):
    if len(signature) != 64:
        return False
    a, r = decompress(key), decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    left = multiply(s, BASE)
    right = add((*r, 1), multiply(h, (*a, 1)))
    same_x = left[0] * right[2] % P == right[0] * left[2] % P
    same_y = left[1] * right[2] % P == right[1] * left[2] % P
    return same_x and same_y


# ---- notes


class Wrong(Exception):
    pass


def number(text):
    """A decimal number in the one form that the formats have: int() takes -5, +6 and 6_01 as well."""
    if not re.fullmatch("0|[1-9][0-9]*", text):
        raise Wrong(f"{text!r} is not a number")
    return int(text)


def parse_vkey(text):
    name, ident, material = text.split("+", 2)
    material = base64.b64decode(material, validate=True)
    if len(material) != 33 or material[0] != 1:
        raise Wrong("the key is not one of Ed25519 for notes")
    expected = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]
    if expected.hex() != ident:
        raise Wrong("the key's id does not belong to it")
    return name, expected, material[1:]


def parse_checkpoint(note):
    text, _, signatures = note.rpartition("\n\n")
    lines = text.split("\n")
    if len(lines) < 3:
        raise Wrong("this is not a checkpoint")
    return lines[0], number(lines[1]), base64.b64decode(lines[2], validate=True), text + "\n", signatures


def check_note(note, vkey):
    origin, size, root, text, signatures = parse_checkpoint(note)
    if vkey is None:
        return origin, size, root
    name, ident, key = parse_vkey(vkey)
    if name != origin:
        raise Wrong(f"the checkpoint is of {origin}, and the key of {name}")
    for line in signatures.splitlines():
        dash, signer, data = line.split(" ")
        data = base64.b64decode(data, validate=True)
        if dash == "\u2014" and signer == name and data[:4] == ident:
            if not signed(key, text.encode(), data[4:]):
                raise Wrong(f"the signature of {name} is forged")
            return origin, size, root
    raise Wrong(f"the checkpoint is not signed by {name}")


# ---- tiles


def tile_name(kind, index, width):
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03}")
    return f"tile/{kind}/{'/'.join(groups)}" + ("" if width == 256 else f".p/{width}")


def entries_of(bundle, width, name):
    entries, place = [], 0
    while place < len(bundle):
        (length,) = struct.unpack_from(">H", bundle, place)
        entries.append(bundle[place + 2 : place + 2 + length])
        place += 2 + length
    if place != len(bundle) or len(entries) != width:
        raise Wrong(f"{name} does not hold {width} whole entries")
    return entries


def read_wide(folder, kind, index, width):
    """The file of this width, or the full one: partial files are removed once they are full. Also its real width."""
    try:
        return (folder / tile_name(kind, index, width)).read_bytes(), width
    except FileNotFoundError:
        if width == 256:
            raise
        return (folder / tile_name(kind, index, 256)).read_bytes(), 256


def check_tile(folder, level, index, hashes):
    name = tile_name(level, index, len(hashes))
    stored, width = read_wide(folder / "public", level, index, len(hashes))
    if len(stored) == 32 * width:
        stored = stored[: 32 * len(hashes)]
    for place, computed in enumerate(hashes):
        if stored[32 * place : 32 * place + 32] != computed:
            position = (index * 256 + place) * 256**level
            raise Wrong(f"{name} differs from the entries: position {position} is the first that does")
    if len(stored) != 32 * len(hashes):
        raise Wrong(f"{name} is longer than its width says")


def check_folder(folder, vkey, since):
    origin, size, root = check_note((folder / "public" / "checkpoint").read_bytes().decode(), vkey)
    # The older checkpoint is your own copy: you know where you have it from, perhaps by an older key.
    old = check_note(since.read_bytes().decode(), None) if since else None
    if old and (old[0] != origin or old[1] > size):
        raise Wrong(f"the older checkpoint is of {old[0]} at size {old[1]}: the log was cut off, or is another one")
    peaks, levels, tiles = [], [[]], 0
    if old and old[1] == 0 and old[2] != root_of(peaks):
        raise Wrong("the older checkpoint is of size 0 and has another root than an empty log")
    for index in range((size + 255) // 256):
        width = min(256, size - index * 256)
        name = tile_name("entries", index, width)
        bundle, stored_width = read_wide(folder / "mirror", "entries", index, width)
        for place, entry in enumerate(entries_of(bundle, stored_width, name)[:width]):
            position = index * 256 + place
            leaf = leaf_hash(entry)
            grow(peaks, position, leaf)
            if old and position + 1 == old[1] and root_of(peaks) != old[2]:
                raise Wrong(f"the first {old[1]} entries are not those of the older checkpoint: history was rewritten")
            level, carry = 0, leaf
            while carry is not None:
                if level == len(levels):
                    levels.append([])
                levels[level].append(carry)
                carry = None
                if len(levels[level]) == 256:
                    check_tile(folder, level, (position + 1) // 256 ** (level + 1) - 1, levels[level])
                    tiles += 1
                    inner = []
                    for count, value in enumerate(levels[level]):
                        grow(inner, count, value)
                    carry, levels[level] = root_of(inner), []
                    level += 1
    for level, hashes in enumerate(levels):
        if hashes:
            check_tile(folder, level, size // 256 ** (level + 1), hashes)
            tiles += 1
    if root_of(peaks) != root:
        raise Wrong(f"the {size} entries do not give the root that was signed")
    print(f"{origin}: {size} entries and {tiles} tiles give the root of the checkpoint")
    if vkey is None:
        print("who signed it was not checked: give --key")
    else:
        print("the checkpoint is signed by that key")
    if old:
        print(f"it continues the checkpoint of size {old[1]}")


# ---- receipts


def check_inclusion(leaf, index, size, proof):
    """The root that a proof leads to (RFC 9162, section 2.1.3.2)."""
    if index >= size:
        raise Wrong("the position is beyond the checkpoint")
    node, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Wrong("the proof is too long")
        if node & 1 or node == last:
            value = node_hash(sibling, value)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise Wrong("the proof is too short")
    return value


def check_receipt(path, vkey):
    head, _, note = path.read_bytes().decode().partition("\n\n")
    lines = head.split("\n")
    if lines[0] != "c2sp.org/tlog-proof@v1" or not lines[1].startswith("extra ") or not lines[2].startswith("index "):
        raise Wrong("this is not a receipt of a register")
    entry = base64.b64decode(lines[1][6:], validate=True)
    index = number(lines[2][6:])
    proof = [base64.b64decode(line, validate=True) for line in lines[3:]]
    origin, size, root = check_note(note, vkey)
    if check_inclusion(leaf_hash(entry), index, size, proof) != root:
        raise Wrong(f"the event is not at position {index} of the tree that was signed")
    print(f"{origin}: the {len(entry)} bytes of the event are at position {index} of the {size} that were signed")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, nargs="?")
    parser.add_argument("--key", help="the vkey that must have signed")
    parser.add_argument("--since", type=pathlib.Path, help="an older checkpoint")
    parser.add_argument("--receipt", type=pathlib.Path, help="a receipt to check instead of a folder")
    args = parser.parse_args()
    if (args.folder is None) == (args.receipt is None) or (args.receipt and not args.key):
        parser.error("give a folder, or a receipt and a key")
    try:
        if args.receipt:
            check_receipt(args.receipt, args.key)
        else:
            check_folder(args.folder, args.key, args.since)
    except FileNotFoundError as missing:
        sys.exit(f"wrong: {missing.filename} is missing")
    except OSError as error:
        sys.exit(f"wrong: {error.filename or 'a file'} cannot be read: {error.strerror}")
    except (Wrong, ValueError, IndexError, struct.error) as wrong:
        sys.exit(f"wrong: {wrong}")


if __name__ == "__main__":
    main()
