"""The ledger: every published vector, properties of proofs, and each way a chain can be unsound."""

import base64
import hashlib
import json
import os
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from engine_contract import KEY, START, vote
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from govbot.errors import MemberError, OperatorError
from govbot.ledger import (
    Chain,
    Checkpoint,
    Key,
    Tree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    open_checkpoint,
    open_note,
    read_entry,
    recheck,
    seal,
    sign_checkpoint,
    verify_consistency,
    verify_inclusion,
)
from govbot.records import GENESIS, Entry, Given, Member, Seen, canonical, digest, parse


@pytest.fixture
def vectors(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "merkle_vectors.json").read_text())


def tree_of(leaves: list[bytes]) -> Tree:
    tree = Tree()
    for leaf in leaves:
        tree.append(leaf)
    return tree


def by_definition(leaves: list[bytes]) -> bytes:
    """The root as RFC 6962 defines it, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(by_definition(leaves[:k]), by_definition(leaves[k:]))


# --- the tree -----------------------------------------------------------------------------


def test_roots_are_those_published(vectors: dict[str, Any]) -> None:
    leaves = [leaf_hash(bytes.fromhex(data)) for data in vectors["leaf_inputs"]]
    roots = [tree_of(leaves[:size]).root().hex() for size in range(len(leaves) + 1)]
    assert roots == vectors["roots_by_size"]


def test_inclusion_is_verified_as_published(vectors: dict[str, Any]) -> None:
    assert len(vectors["inclusion"]) == 98
    for case in vectors["inclusion"]:
        held = verify_inclusion(
            case["leafIdx"],
            case["treeSize"],
            bytes.fromhex(case["leafHash"]),
            [bytes.fromhex(node) for node in case["proof"]],
            bytes.fromhex(case["root"]),
        )
        assert held is not case["wantErr"], case["case"]


def test_consistency_is_verified_as_published(vectors: dict[str, Any]) -> None:
    assert len(vectors["consistency"]) == 98
    for case in vectors["consistency"]:
        held = verify_consistency(
            case["size1"],
            case["size2"],
            bytes.fromhex(case["root1"]),
            bytes.fromhex(case["root2"]),
            [bytes.fromhex(node) for node in case["proof"]],
        )
        assert held is not case["wantErr"], case["case"]


LEAVES = [leaf_hash(bytes([n])) for n in range(130)]
sizes = st.integers(1, len(LEAVES))


@given(st.integers(0, len(LEAVES)))
def test_a_tree_grown_leaf_by_leaf_has_the_defined_root(size: int) -> None:
    tree = tree_of(LEAVES[:size])
    assert tree.size == size and tree.root() == by_definition(LEAVES[:size])


def test_a_copy_of_a_tree_grows_by_itself() -> None:
    tree = tree_of(LEAVES[:5])
    twin = tree.copy()
    twin.append(LEAVES[5])
    assert tree.root() == by_definition(LEAVES[:5]) and tree.size == 5
    assert twin.root() == by_definition(LEAVES[:6])


@given(st.data(), sizes)
def test_every_inclusion_proof_holds_and_no_altered_one_does(data: st.DataObject, n: int) -> None:
    index = data.draw(st.integers(0, n - 1))
    proof, root = inclusion_proof(LEAVES, index, n), by_definition(LEAVES[:n])
    assert verify_inclusion(index, n, LEAVES[index], proof, root)
    other = data.draw(st.integers(-1, n).filter(lambda other: other != index))
    assert not verify_inclusion(other, n, LEAVES[index], proof, root)
    assert not verify_inclusion(index, n, LEAVES[index], [*proof, root], root)
    assert not verify_inclusion(index, n, leaf_hash(b"forged"), proof, root)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        assert not verify_inclusion(index, n, LEAVES[index], proof[:-1], root)
        proof[at] = leaf_hash(b"forged")
        assert not verify_inclusion(index, n, LEAVES[index], proof, root)


@given(st.data(), sizes, sizes)
def test_every_consistency_proof_holds_and_no_altered_one_does(
    data: st.DataObject, one: int, other: int
) -> None:
    first, second = sorted((one, other))
    old, new = by_definition(LEAVES[:first]), by_definition(LEAVES[:second])
    proof = consistency_proof(LEAVES, first, second)
    assert verify_consistency(first, second, old, new, proof)
    assert not verify_consistency(first, second, leaf_hash(b"forged"), new, proof)
    assert not verify_consistency(first, second, old, leaf_hash(b"forged"), proof)
    assert not verify_consistency(first, second, old, new, [*proof, old])
    assert not verify_consistency(second + 1, second, old, new, proof)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        proof[at] = leaf_hash(b"forged")
        assert not verify_consistency(first, second, old, new, proof)


def test_a_node_is_never_taken_for_a_leaf() -> None:
    left, right = LEAVES[:2]
    assert leaf_hash(left + right) != node_hash(left, right)
    assert not verify_inclusion(0, 1, left + right, [], left + right)


@pytest.mark.parametrize("index, size", [(-1, 3), (3, 3), (0, 0), (0, 131)])
def test_no_proof_is_made_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(OperatorError, match="there is no entry"):
        inclusion_proof(LEAVES, index, size)


@pytest.mark.parametrize("first, second", [(0, 3), (4, 3), (1, 131)])
def test_sizes_that_cannot_be_compared_are_refused(first: int, second: int) -> None:
    with pytest.raises(OperatorError, match="cannot be compared"):
        consistency_proof(LEAVES, first, second)


# --- entries -------------------------------------------------------------------------------

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(values, st.integers(0, 2**40))
def test_a_sealed_entry_is_what_its_bytes_say(value: Any, n: int) -> None:
    fact = vote(3, value=value)
    entry, data = seal(fact, n, GENESIS)
    assert read_entry(data) == entry == Entry(**fact.__dict__, n=n, prev=GENESIS)
    assert entry.bytes() == data == canonical(parse(data))


def test_a_sealed_entry_holds_what_a_replay_will_find() -> None:
    zoned = START.astimezone(timezone(timedelta(hours=5)))
    fact = vote(0, value=("a", ("b",))).model_copy(update={"at": zoned})
    entry, data = seal(fact, 0, GENESIS)
    assert entry == read_entry(data) and entry.at == zoned
    assert isinstance(entry.body, Given) and entry.body.value == ["a", ["b"]]


def test_an_entry_sealed_again_takes_its_new_place() -> None:
    entry, _ = seal(vote(0), 0, GENESIS)
    again, data = seal(entry, 7, digest(b"before"))
    assert (again.n, again.prev) == (7, digest(b"before")) and read_entry(data) == again


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("value", ["\ud800", 1.5, 2**53, {"deep": nested(300)}])
def test_what_has_no_exact_bytes_is_the_members_to_mend(value: Any) -> None:
    with pytest.raises(MemberError, match="cannot be kept exactly"):
        seal(vote(0, value=value), 0, GENESIS)


def written(**changes: Any) -> bytes:
    entry, data = seal(vote(0), 0, GENESIS)
    return canonical({**parse(data), **changes})


@pytest.mark.parametrize(
    "data, says",
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (written(v=2), "newer govbot"),
        (written(v=2, shape="unknown"), "newer govbot"),
        (written(v=0), "does not know"),
        (written(v=True), "not in canonical form"),
        (written(extra=1), "does not know"),
        (written(body={"kind": "sung"}), "does not know"),
        (b"[]", "does not know"),
        (b"7", "does not know"),
        (written(n="0"), "not in canonical form"),
        (written(at="2026-01-01T00:00:00Z"), "not in canonical form"),
        (written() + b"\n", "not in canonical form"),
        (written().replace(b":", b": "), "not in canonical form"),
        (written().replace(b'"v":1', b'"v":1,"v":1'), "not in canonical form"),
        (written().replace(b"agree", b"\\u0061gree"), "not in canonical form"),
        (written().replace(b'"agree"', b"1.5"), "not JSON as govbot writes it"),
        (written().replace(b"agree", b"\\ud800"), "not JSON as govbot writes it"),
        (written(extra=1).replace(b":", b": "), "not in canonical form"),
        (written().replace(b'"agree"', b"NaN"), "not JSON as govbot writes it"),
    ],
)
def test_bytes_that_are_no_entry_are_refused_in_a_sentence(data: bytes, says: str) -> None:
    with pytest.raises(OperatorError, match=says):
        read_entry(data)


# --- the chain ------------------------------------------------------------------------------


def rows(count: int, chain: Chain | None = None) -> list[tuple[int, bytes]]:
    chain, made = chain or Chain(), list[tuple[int, bytes]]()
    for n in range(chain.size, chain.size + count):
        entry, data = seal(vote(n), n, chain.head)
        chain.extend(data, entry.at)
        made.append((n, data))
    return made


def faults(stored: list[tuple[int, bytes]]) -> list[tuple[int, str]]:
    """Each fault with the position of the row it was found at."""
    found = recheck(stored, Chain())
    return [(at, fault) for at, (_, each) in enumerate(found) for fault in each]


def test_a_sound_chain_has_no_faults_and_gives_its_root() -> None:
    written_by, read_by = Chain(), Chain()
    stored = rows(20, written_by)
    entries = [entry for entry, found in recheck(stored, read_by) if not found]
    assert [entry.n for entry in entries if entry] == list(range(20))
    assert read_by.tree.root() == written_by.tree.root()
    assert (read_by.head, read_by.last_at) == (written_by.head, written_by.last_at)


def test_a_chain_is_rechecked_from_where_it_was_left() -> None:
    stored, chain = rows(9), Chain()
    assert len([*recheck(stored[:4], chain)]) == chain.size == 4
    assert not any(found for _, found in recheck(stored[4:], chain))


def test_a_missing_entry_is_named() -> None:
    stored = rows(9)
    assert faults(stored[:3] + stored[4:]) == [
        (3, "entry 3 is missing"),
        (3, "entry 4 does not follow from the one stored before it"),
    ]
    assert faults(stored[:3] + stored[6:])[0] == (3, "entries 3 to 5 are missing")
    assert faults(stored[1:])[0] == (0, "entry 0 is missing")


def test_a_repeated_entry_is_named() -> None:
    stored = rows(4)
    assert (2, "entry 1 is stored twice") in faults(stored[:2] + stored[1:])


def test_entries_that_changed_places_are_named() -> None:
    stored = rows(5)
    stored[1], stored[3] = stored[3], stored[1]
    found = faults(stored)
    assert (1, "entries 1 to 2 are missing") in found
    assert (2, "entry 2 is out of order: it comes after entry 3") in found
    assert (3, "entry 1 is out of order: it comes after entry 3") in found
    assert not any("missing" in fault for at, fault in found if at != 1)


def test_entries_that_changed_places_under_their_numbers_are_named() -> None:
    stored = rows(5)
    (one, first), (two, second) = stored[1:3]
    stored[1:3] = [(one, second), (two, first)]
    assert {(1, "row 1 holds entry 2"), (2, "row 2 holds entry 1")} <= {*faults(stored)}


def test_an_altered_entry_is_found_at_the_one_that_follows() -> None:
    stored = rows(4)
    stored[1] = (1, stored[1][1].replace(b"agree", b"block"))
    assert faults(stored) == [(2, "entry 2 does not follow from the one stored before it")]


def test_time_that_runs_back_is_found() -> None:
    chain = Chain()
    stored = rows(2, chain)
    early, data = seal(vote(0, id="early"), 2, chain.head)
    assert faults([*stored, (2, data)]) == [
        (2, "entry 2 is dated 2026-01-01T00:00:00.000000Z, before the one stored before it")
    ]


def test_a_row_that_cannot_be_read_is_a_fault_and_not_the_end() -> None:
    stored = rows(4)
    stored[1] = (1, b"lost")
    checked = list(recheck(stored, Chain()))
    assert [entry is None for entry, _ in checked] == [False, True, False, False]
    assert "row 1: an entry's bytes are not JSON" in checked[1][1][0]
    assert checked[2][1] == ["entry 2 does not follow from the one stored before it"]


@given(st.data(), st.integers(2, 12))
def test_no_single_change_to_the_bytes_goes_unfound(data: st.DataObject, count: int) -> None:
    chain = Chain()
    stored = rows(count, chain)
    at = data.draw(st.integers(0, count - 1))
    n, old = stored[at]
    where = data.draw(st.integers(0, len(old) - 1))
    flipped = old[where] ^ data.draw(st.integers(1, 255))
    stored[at] = (n, old[:where] + bytes([flipped]) + old[where + 1 :])
    again = Chain()
    found = [each for _, each in recheck(stored, again)]
    assert again.tree.root() != chain.tree.root()
    assert any(found) or at == count - 1  # the last has no successor: the checkpoint covers it


# --- keys -----------------------------------------------------------------------------------


def test_a_key_is_kept_in_one_line_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    old = os.umask(0)
    try:
        key = Key.create(path, "example.org/garden")
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600
    (line,) = path.read_text().splitlines()
    private, of, name, id, secret = line.split("+", 4)
    assert (private, of, name, id) == ("PRIVATE", "KEY", key.name, key.id.hex())
    seed = base64.b64decode(secret)
    assert seed[:1] == b"\x01" and len(seed) == 33
    public = bytes(SigningKey(seed[1:]).verify_key)
    assert key.vkey == f"{name}+{id}+{base64.b64encode(bytes([1]) + public).decode()}"
    assert Key.load(path).vkey == key.vkey
    assert secret not in repr(key) + str(key) and repr(key) == "Key('example.org/garden')"


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "key"
    Key.create(path, "example.org/garden")
    before = path.read_bytes()
    with pytest.raises(OperatorError, match="exists already"):
        Key.create(path, "example.org/garden")
    assert path.read_bytes() == before


def test_a_key_has_to_have_a_folder(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be written"):
        Key.create(tmp_path / "none" / "key", "example.org/garden")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_key_others_could_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    Key.create(path, "example.org/garden")
    path.chmod(mode)
    with pytest.raises(OperatorError, match="chmod 600"):
        Key.load(path)


def test_a_missing_key_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="govbot init"):
        Key.load(tmp_path / "key")


SECRET = base64.b64encode(b"\x01" + bytes(range(32))).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PRIVATE+KEY+example.org/garden",
        KEY.vkey,
        f"PRIVATE+KEY+example.org/garden+00000000+{SECRET}\n",
        f"PRIVATE+KEY+example.org/other+{KEY.id.hex()}+{SECRET}\n",
        f"PUBLIC+KEY+example.org/garden+{KEY.id.hex()}+{SECRET}\n",
        f"PRIVATE+KEY+example.org/garden+{KEY.id.hex()}+{SECRET[:-4]}\n",
        f"PRIVATE+KEY+example.org/garden+{KEY.id.hex()}+{SECRET}\n\n",
        f"PRIVATE+KEY+example.org/garden+{KEY.id.hex()}+{SECRET.replace('A', '!')}\n",
        "\udcff",
    ],
)
def test_a_malformed_key_is_refused_without_quoting_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text, errors="surrogateescape")
    path.chmod(0o600)
    with pytest.raises(OperatorError, match="holds no govbot key") as caught:
        Key.load(path)
    assert SECRET[4:12] not in str(caught.value) and caught.value.__suppress_context__


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb", "https://example.org/a"])
def test_a_name_that_notes_cannot_carry_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OperatorError, match="cannot name a key"):
        Key.create(tmp_path / "key", name)
    assert not (tmp_path / "key").exists()


# --- notes and checkpoints --------------------------------------------------------------------


def test_the_published_note_opens(vectors: dict[str, Any]) -> None:
    example = vectors["signed_note"]
    assert open_note(example["note"], example["vkey"]) == "This is an example message.\n"


TREE = tree_of(LEAVES[:7])
CHECKPOINT = Checkpoint.of(KEY.name, TREE)
NOTE = sign_checkpoint(CHECKPOINT, KEY)


def test_a_checkpoint_opens_with_its_key() -> None:
    root = base64.b64encode(TREE.root()).decode()
    assert NOTE.startswith(f"example.org/garden\n7\n{root}\n\n\N{EM DASH} example.org/garden ")
    assert open_checkpoint(NOTE, KEY.vkey) == CHECKPOINT


@given(st.data())
def test_an_altered_checkpoint_never_opens(data: st.DataObject) -> None:
    raw = bytearray(NOTE.encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(OperatorError):
        open_checkpoint(raw.decode("utf-8", "surrogateescape"), KEY.vkey)


def test_signatures_of_strangers_are_passed_over() -> None:
    witness = Key("witness.example", bytes(32))
    namesake = Key(KEY.name, bytes(32))
    theirs = [key.sign(CHECKPOINT.text()).rpartition("\n\n")[2] for key in (witness, namesake)]
    assert open_checkpoint(NOTE + "".join(theirs), KEY.vkey) == CHECKPOINT
    assert open_note(NOTE + theirs[0], witness.vkey) == CHECKPOINT.text()
    with pytest.raises(OperatorError, match="not signed by"):
        open_checkpoint(f"{CHECKPOINT.text()}\n{''.join(theirs)}", KEY.vkey)


def test_one_false_signature_of_the_key_spoils_the_note() -> None:
    other = KEY.sign("another text\n").rpartition("\n\n")[2]
    with pytest.raises(OperatorError, match="does not fit the note"):
        open_checkpoint(NOTE + other, KEY.vkey)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        CHECKPOINT.text(),
        CHECKPOINT.text() + "\n",
        NOTE[:-1],
        NOTE + "\n",
        NOTE.replace("\n\n", "\n"),
        NOTE + "no signature\n",
        NOTE + "\N{EM DASH} witness.example AAAAAA\n",
        NOTE + "\N{EM DASH} witness.example AAAA\n",
        NOTE.replace("\N{EM DASH}", "-"),
        NOTE.replace("\n", "\r\n"),
        NOTE + "\N{EM DASH} a\tb AAAAAAAA\n",
        "\ud800" + NOTE,
        "x" * 200_000 + NOTE,
    ],
)
def test_a_malformed_note_is_refused_in_a_sentence(note: str) -> None:
    with pytest.raises(OperatorError, match=r"^[^\n]+; [^\n]+$"):
        open_checkpoint(note, KEY.vkey)


ROOT = CHECKPOINT.root


@pytest.mark.parametrize(
    "text",
    [
        f"{KEY.name}\n7\n",
        f"{KEY.name}\n07\n{ROOT}\n",
        f"{KEY.name}\n-7\n{ROOT}\n",
        f"{KEY.name}\n٧\n{ROOT}\n",
        f"{KEY.name}\n{'9' * 5000}\n{ROOT}\n",
        f"{KEY.name}\n7\n{ROOT[:-4]}\n",
        f"{KEY.name}\n7\nroot\n",
        f"{KEY.name}\n7\n{ROOT}\nmore\n",
        f"\n7\n{ROOT}\n",
        f"example.org/other\n7\n{ROOT}\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_of_this_ledger_is_refused(text: str) -> None:
    with pytest.raises(OperatorError, match="checkpoint"):
        open_checkpoint(KEY.sign(text), KEY.vkey)


@pytest.mark.parametrize("text", ["no line end", "control\x00\n", "tab\t\n", "\ud800\n"])
def test_text_that_no_note_can_carry_is_not_signed(text: str) -> None:
    with pytest.raises(OperatorError, match="control characters"):
        KEY.sign(text)


def vkey_of(public: bytes, name: str = KEY.name) -> str:
    id = hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]
    return f"{name}+{id.hex()}+{base64.b64encode(bytes([1]) + public).decode()}"


WEAK = [
    (1).to_bytes(32, "little"),  # the neutral element
    bytes(32),  # order 4
    (2**255 - 20).to_bytes(32, "little"),  # order 2
    (2**255 - 18).to_bytes(32, "little"),  # the neutral element, past the field
    b"\x01" + bytes(30) + b"\x80",  # the neutral element with a sign
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),  # order 8
    b"\xff" * 32,
    b"\x02" + bytes(31),  # on no curve
]


@pytest.mark.parametrize("public", WEAK)
def test_weak_keys_are_refused_before_any_signature_is_looked_at(public: bytes) -> None:
    with pytest.raises(OperatorError, match="weak key"):
        open_checkpoint(NOTE, vkey_of(public))


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "example.org/garden",
        KEY.vkey[:-4],
        KEY.vkey.replace("garden", "gardem"),
        KEY.vkey.replace(KEY.id.hex(), "00000000"),
        KEY.vkey.replace("+A", "+B"),
        KEY.vkey + "\n",
        "+".join(["two words", *KEY.vkey.split("+")[1:]]),
    ],
)
def test_a_verifier_key_that_is_not_whole_is_refused(vkey: str) -> None:
    with pytest.raises(OperatorError, match="copy it whole"):
        open_checkpoint(NOTE, vkey)


def test_an_entry_can_be_shown_to_stand_under_a_signed_checkpoint() -> None:
    stored = [data for _, data in rows(10)]
    hashes = [leaf_hash(data) for data in stored]
    note = sign_checkpoint(Checkpoint.of(KEY.name, tree_of(hashes)), KEY)
    opened = open_checkpoint(note, KEY.vkey)
    proof, root = inclusion_proof(hashes, 6, opened.size), base64.b64decode(opened.root)
    assert verify_inclusion(6, opened.size, leaf_hash(stored[6]), proof, root)
    assert not verify_inclusion(6, opened.size, leaf_hash(stored[5]), proof, root)


def test_a_member_entry_survives_sealing() -> None:
    seen = vote(0).model_copy(
        update={
            "body": Seen(member=Member(id="chat:ana", name="Ana", facts={"here": True, "n": 1}))
        }
    )
    entry, data = seal(seen, 0, GENESIS)
    assert read_entry(data) == entry and entry.body == seen.body
