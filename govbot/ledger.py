"""The ledger: a chain of entries, the Merkle tree over them, and the signatures that vouch for it.

Owns the place an entry gets, the proofs that it has it, and signed checkpoints of the whole. Knows
no SQL, clock or chat; whoever stores the bytes hands them in. Promises that an entry altered,
left out, added twice or moved is found by anyone who has the bytes and the public key.

Hashing is that of RFC 6962 section 2.1, proofs those of RFC 9162 section 2.1; notes and keys are
written as https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint say.
"""

import base64
import binascii
import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from govbot.errors import MemberError, OperatorError
from govbot.records import FORMAT, GENESIS, Entry, Fact, Record, canonical, digest, parse, stamp

_HASH, _ID = 32, 4
_ED25519 = b"\x01"
_MAX_NOTE = 100_000
_MEND = "restore the ledger from a backup"

# --- an entry and its bytes ---------------------------------------------------------------


def seal(fact: Fact, n: int, prev: str) -> tuple[Entry, bytes]:
    """The fact as the `n`-th entry, and the bytes to keep.

    The entry is read back from those bytes, so the live state and a replay start from one value.
    """
    try:
        data = canonical({**fact.model_dump(mode="json"), "v": FORMAT, "n": n, "prev": prev})
        return Entry.model_validate_json(data), data
    except ValueError as error:
        raise MemberError(
            f"this cannot be kept exactly as it was given ({_reason(error)}); use plain text"
        ) from None


def read_entry(data: bytes) -> Entry:
    """The entry these bytes are, if they are exactly the bytes it is kept in."""
    try:
        entry = Entry.model_validate_json(data)
        written = entry.bytes()
    except ValueError as error:
        raise _unreadable(data, error) from None
    if written != data:
        raise OperatorError(f"an entry's bytes are not in canonical form; {_MEND}")
    return entry


def _unreadable(data: bytes, error: ValueError) -> OperatorError:
    """Why bytes are no entry of this format, and what to do."""
    try:
        value = parse(data)
        own_spelling = canonical(value) == data
    except (ValueError, RecursionError):
        return OperatorError(f"an entry's bytes are not JSON as govbot writes it; {_MEND}")
    version = value.get("v") if isinstance(value, dict) else None
    if type(version) is int and version > FORMAT:
        return OperatorError(
            f"an entry was written by a newer govbot (format {version}); upgrade govbot"
        )
    if not own_spelling:
        return OperatorError(f"an entry's bytes are not in canonical form; {_MEND}")
    return OperatorError(
        f"an entry has a shape this govbot does not know ({_reason(error)}); "
        "upgrade govbot, or restore the ledger from a backup"
    )


def _reason(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return ": ".join([".".join(str(part) for part in first["loc"]) or "entry", first["msg"]])
    return str(error)


# --- the tree -----------------------------------------------------------------------------


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A Merkle tree that only grows, kept as the roots of its complete subtrees."""

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self._peaks: list[bytes] = []
        self.size = 0

    def append(self, leaf: bytes) -> None:
        node, rest = leaf, self.size
        while rest & 1:
            node, rest = node_hash(self._peaks.pop(), node), rest >> 1
        self._peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        node = self._peaks[-1]
        for peak in self._peaks[-2::-1]:
            node = node_hash(peak, node)
        return node

    def copy(self) -> "Tree":
        twin = Tree()
        twin._peaks, twin.size = self._peaks.copy(), self.size
        return twin


def _subtree(hashes: Sequence[bytes], low: int, high: int) -> bytes:
    tree = Tree()
    for at in range(low, high):
        tree.append(hashes[at])
    return tree.root()


def _split(low: int, high: int) -> int:
    """Where the tree over `low` to `high` parts: the largest power of two short of its size."""
    return low + (1 << (high - low - 1).bit_length() - 1)


def inclusion_proof(hashes: Sequence[bytes], index: int, size: int) -> list[bytes]:
    """That leaf `index` is in the tree of the first `size` leaf hashes."""
    if not 0 <= index < size <= len(hashes):
        raise OperatorError(
            f"there is no entry {index} among {size} of {len(hashes)}; ask for one there is"
        )
    proof, low, high = list[bytes](), 0, size
    while high - low > 1:
        middle = _split(low, high)
        if index < middle:
            proof.append(_subtree(hashes, middle, high))
            high = middle
        else:
            proof.append(_subtree(hashes, low, middle))
            low = middle
    return proof[::-1]


def consistency_proof(hashes: Sequence[bytes], first: int, second: int) -> list[bytes]:
    """That the tree of the first `first` leaf hashes is the beginning of that of `second`."""
    if not 0 < first <= second <= len(hashes):
        raise OperatorError(
            f"sizes {first} and {second} cannot be compared in a ledger of {len(hashes)}; "
            "give the smaller first, from 1 up"
        )
    proof, low, high = list[bytes](), 0, second
    while first != high:
        middle = _split(low, high)
        if first <= middle:
            proof.append(_subtree(hashes, middle, high))
            high = middle
        else:
            proof.append(_subtree(hashes, low, middle))
            low = middle
    if low:
        proof.append(_subtree(hashes, low, high))
    return proof[::-1]


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> bool:
    if not 0 <= index < size or any(len(node) != _HASH for node in (leaf, *proof)):
        return False
    node, at, last = leaf, index, size - 1
    for step in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            node = node_hash(step, node)
            at, last = _climb(at, last)
        else:
            node = node_hash(node, step)
        at, last = at >> 1, last >> 1
    return last == 0 and node == root


def verify_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Nothing is consistent with an empty tree: that would prove nothing."""
    if not 0 < first <= second or any(len(node) != _HASH for node in proof):
        return False
    if first == second:
        return not proof and first_root == second_root
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not proof or len(path[0]) != _HASH:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(step, old), node_hash(step, new)
            at, last = _climb(at, last)
        else:
            new = node_hash(new, step)
        at, last = at >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _climb(at: int, last: int) -> tuple[int, int]:
    """Up past the levels where a node on the right edge has no sibling."""
    while at and not at & 1:
        at, last = at >> 1, last >> 1
    return at, last


# --- the chain ----------------------------------------------------------------------------


class Chain:
    """Where a ledger stands: the tree of its entries, its last entry's digest and time."""

    __slots__ = ("head", "last_at", "tree")

    def __init__(self) -> None:
        self.tree, self.head = Tree(), GENESIS
        self.last_at: datetime | None = None

    @property
    def size(self) -> int:
        return self.tree.size

    def extend(self, data: bytes, at: datetime | None) -> bytes:
        """Goes on by one entry's bytes; returns their leaf hash."""
        leaf = leaf_hash(data)
        self.tree.append(leaf)
        self.head, self.last_at = digest(data), at
        return leaf

    def copy(self) -> "Chain":
        twin = Chain()
        twin.tree, twin.head, twin.last_at = self.tree.copy(), self.head, self.last_at
        return twin


def recheck(
    rows: Iterable[tuple[int, bytes]], chain: Chain
) -> Iterator[tuple[Entry | None, list[str]]]:
    """For every stored row its entry, where it can be read, and what is wrong with it.

    `chain` begins where the row before the first left off and ends with the last.
    """
    expected = chain.size
    for n, data in rows:
        faults = _misplaced(n, expected)
        entry = None
        try:
            entry = read_entry(data)
        except OperatorError as error:
            faults.append(f"row {n}: {error}")
        else:
            faults += _misfits(entry, n, chain)
        chain.extend(data, chain.last_at if entry is None else entry.at)
        expected = max(expected, n + 1)
        yield entry, faults


def _misplaced(n: int, expected: int) -> list[str]:
    if n == expected:
        return []
    if n == expected - 1:
        return [f"entry {n} is stored twice"]
    if n < expected:
        return [f"entry {n} is out of order: it comes after entry {expected - 1}"]
    if n == expected + 1:
        return [f"entry {expected} is missing"]
    return [f"entries {expected} to {n - 1} are missing"]


def _misfits(entry: Entry, n: int, chain: Chain) -> list[str]:
    faults = []
    if entry.n != n:
        faults.append(f"row {n} holds entry {entry.n}")
    if entry.prev != chain.head:
        faults.append(f"entry {entry.n} does not follow from the one stored before it")
    if chain.last_at is not None and entry.at < chain.last_at:
        faults.append(
            f"entry {entry.n} is dated {stamp(entry.at)}, before the one stored before it"
        )
    return faults


# --- keys, notes, checkpoints --------------------------------------------------------------


def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:_ID]


def _name_holds(name: str) -> bool:
    """Printable leaves out every Unicode space but the plain one."""
    return name.isprintable() and not any(c in name for c in (" ", "+", "://")) and name != ""


def _decode(text: str) -> bytes:
    """The one base64 spelling of some bytes; ValueError for any other text."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise binascii.Error("not canonical base64")
    return data


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _key_parts(text: str) -> tuple[str, str, bytes]:
    """Name, id in hexadecimal and 32 bytes of `name+id+base64`; ValueError if it is not that."""
    name, id, encoded = text.split("+", 2)
    data = _decode(encoded)
    if not _name_holds(name) or data[:1] != _ED25519 or len(data) != 1 + _HASH:
        raise ValueError("not an Ed25519 key")
    return name, id, data[1:]


class Key:
    """What a ledger is signed with. The secret is in its file and nowhere else that is written."""

    __slots__ = ("_signer", "id", "name", "vkey")

    def __init__(self, name: str, seed: bytes) -> None:
        from nacl.signing import SigningKey

        if not _name_holds(name):
            raise OperatorError(
                f"{name!r} cannot name a key; use a name like example.org/garden, "
                "without spaces, '+' or '://'"
            )
        self._signer: Any = SigningKey(seed)
        public = bytes(self._signer.verify_key)
        self.name, self.id = name, _key_id(name, public)
        self.vkey = f"{name}+{self.id.hex()}+{_encode(_ED25519 + public)}"

    def __repr__(self) -> str:
        return f"Key({self.name!r})"

    @classmethod
    def create(cls, path: Path, name: str) -> "Key":
        """A new key in a new file that only its owner can read."""
        seed = secrets.token_bytes(_HASH)
        key = cls(name, seed)
        line = f"PRIVATE+KEY+{name}+{key.id.hex()}+{_encode(_ED25519 + seed)}\n"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(line)
                file.flush()
                os.fsync(descriptor)
        except FileExistsError:
            raise OperatorError(
                f"{path} exists already; keep that key, or move it away before making a new one"
            ) from None
        except OSError as error:
            raise OperatorError(
                f"{path} cannot be written ({error.strerror}); choose a folder you may write to"
            ) from None
        return key

    @classmethod
    def load(cls, path: Path) -> "Key":
        try:
            kind, of, rest = _secret_text(path).removesuffix("\n").split("+", 2)
            name, id, seed = _key_parts(rest)
            key = cls(name, seed)
            if (kind, of, id) != ("PRIVATE", "KEY", key.id.hex()):
                raise ValueError("not a private key, or not whole")
        except ValueError:  # says no more: the error may quote what the file holds
            raise OperatorError(f"{path} holds no govbot key; restore it from a backup") from None
        return key

    def sign(self, text: str) -> str:
        """The text as a note this key has signed."""
        if not text.endswith("\n") or not _clean(text):
            raise OperatorError("a note's text is whole lines without control characters; mend it")
        signature = self._signer.sign(text.encode()).signature
        return f"{text}\n\N{EM DASH} {self.name} {_encode(self.id + signature)}\n"


def _secret_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_NOTE)
    except OSError as error:
        raise OperatorError(
            f"the key {path} cannot be read ({error.strerror}); restore it, or run `govbot init`"
        ) from None
    if mode & 0o077:
        raise OperatorError(f"others may read the key {path}; run `chmod 600 {path}`")
    return data.decode("utf-8", "replace")


def _clean(text: str) -> bool:
    """Whether a note may hold this: valid UTF-8, no control characters but the newline."""
    return not any((c < " " and c != "\n") or "\ud800" <= c <= "\udfff" for c in text)


def open_note(note: str, vkey: str) -> str:
    """The text of a note, once the key has been seen to sign it."""
    name, id, public = _verifier(vkey)
    text, _, signatures = note.rpartition("\n\n")
    lines = signatures.split("\n")
    if len(note) > _MAX_NOTE or not _clean(note) or not text or lines.pop() or not lines:
        raise OperatorError("this is not a signed note; fetch it again")
    ours = [made for signer, made in map(_signature, lines) if signer == name and made[:_ID] == id]
    if not ours:
        raise OperatorError(f"the note is not signed by {vkey}; ask for the ledger's own key")
    for made in ours:
        _verify(f"{text}\n", made[_ID:], name, public)
    return f"{text}\n"


def _verifier(vkey: str) -> tuple[str, bytes, bytes]:
    from nacl.bindings import crypto_core_ed25519_is_valid_point

    try:
        name, id, public = _key_parts(vkey)
    except ValueError:
        raise OperatorError(
            f"{vkey!r} is not a verifier key; copy it whole, name, id and key"
        ) from None
    if not crypto_core_ed25519_is_valid_point(public):
        raise OperatorError(f"{vkey!r} is a weak key that anyone could sign for; do not trust it")
    if id != _key_id(name, public).hex():
        raise OperatorError(f"{vkey!r} does not match its own id; copy it whole")
    return name, bytes.fromhex(id), public


def _signature(line: str) -> tuple[str, bytes]:
    try:
        dash, name, encoded = line.split(" ")
        made = _decode(encoded)
        if dash != "\N{EM DASH}" or not _name_holds(name) or len(made) <= _ID:
            raise ValueError("not a signature")
    except ValueError:
        raise OperatorError(
            "a signature line of the note is malformed; fetch the note again"
        ) from None
    return name, made


def _verify(text: str, signature: bytes, name: str, public: bytes) -> None:
    from nacl.exceptions import CryptoError
    from nacl.signing import VerifyKey

    try:
        VerifyKey(public).verify(text.encode(), signature)
    except (CryptoError, ValueError):
        raise OperatorError(
            f"the signature of {name!r} does not fit the note: one of them was altered; "
            "do not trust it"
        ) from None


_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")


class Checkpoint(Record):
    """A ledger at one size. `root` is base64."""

    origin: str
    size: int
    root: str

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{self.root}\n"

    @classmethod
    def of(cls, origin: str, tree: Tree) -> "Checkpoint":
        return cls(origin=origin, size=tree.size, root=_encode(tree.root()))


def sign_checkpoint(checkpoint: Checkpoint, key: Key) -> str:
    return key.sign(checkpoint.text())


def open_checkpoint(note: str, vkey: str) -> Checkpoint:
    """The checkpoint in a note, once its signature is verified; the key's name is its origin."""
    text = open_note(note, vkey)
    try:
        origin, size, root = text.removesuffix("\n").split("\n")
        if not _SIZE.fullmatch(size) or len(_decode(root)) != _HASH:
            raise ValueError("not a checkpoint")
    except ValueError:
        raise OperatorError(
            "the note is signed but is no checkpoint; ask for the ledger's checkpoint"
        ) from None
    if origin != vkey.partition("+")[0]:
        raise OperatorError(f"the checkpoint is of {origin!r}, not of this ledger; ask for its own")
    return Checkpoint(origin=origin, size=int(size), root=root)
