"""Readings as YAML: what loads, and faults that name the file, the line and the field."""

from pathlib import Path
from typing import Any

import pytest
from community import CONSENSUS, JURY
from hypothesis import given
from hypothesis import strategies as st

from govbot.charter import Reading, citations_in, effects_of, identifier, reading_of
from govbot.config import reading_beside
from govbot.effects import Announce, GrantRole
from govbot.errors import OperatorError
from govbot.readingfile import MAX_BYTES, load_reading, read_reading

ROOT = Path(__file__).parent.parent
SHIPPED = sorted(
    [*ROOT.glob("constitutions/*.reading.yaml"), *ROOT.glob("templates/*/*.reading.yaml")]
)

TEXT = f"""\
constitution: sha256:{"0" * 64}
roles:
  member: {{section: one, quote: All are members.}}
processes:
  motion:
    title: Motion
    cite: {{section: one, quote: Members move motions.}}
    opened_by: {{who: "'member' in roles"}}
    fields:
      subject: {{type: text}}
    stages:
      - name: voting
        lasts: {{value: 2 days}}
        inputs:
          - kind: vote
            who: "'member' in roles"
            choices: [agree, disagree]
        outcomes:
          - {{when: agree > disagree, outcome: passed}}
          - {{otherwise: rejected}}
"""


def fault(*changes: tuple[str, str], text: str = TEXT) -> str:
    """What is said of the reading after these changes to it."""
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(OperatorError) as error:
        read_reading(text, "ours.reading.yaml")
    return str(error.value)


def line_of(words: str, text: str = TEXT) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if words in line)


# --- what loads -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_reading_loads_and_survives_being_ratified(path: Path) -> None:
    reading = load_reading(path)
    assert reading.processes
    again = reading_of(reading.document)
    assert again == reading and again.digest == reading.digest
    assert Reading.model_validate_json(reading.model_dump_json()) == reading


def test_a_small_reading_is_what_it_says() -> None:
    reading = read_reading(TEXT, "x")
    motion = reading.processes["motion"]
    (stage,) = motion.stages
    (vote,) = stage.inputs
    assert (motion.title, stage.name, vote.takes, vote.counter) == (
        "Motion", "voting", "choice", "votes",
    )  # fmt: skip
    assert not vote.changeable.value and not vote.many and not vote.hidden
    assert [rule.named for rule in stage.outcomes] == ["passed", "rejected"]
    assert stage.ballot is vote and stage.input("bid") is None
    assert motion.manage.pause is motion.manage.extend is motion.manage.cancel is None


def test_yes_and_no_and_on_stay_words() -> None:
    text = TEXT.replace("choices: [agree, disagree]", "choices: [yes, no, on, off, Y, 1.5]")
    text = text.replace("agree > disagree, outcome: passed", "yes > no, outcome: no")
    stage = read_reading(text, "x").processes["motion"].stages[0]
    assert stage.inputs[0].choices == ("yes", "no", "on", "off", "Y", "1.5")
    assert stage.outcomes[0].outcome == "no"


def test_dates_and_odd_numbers_stay_words_too() -> None:
    for word in ("2026-01-01", "12:30", "0x10", "1e3", "1_000", "True", "NULL", ".inf"):
        text = TEXT.replace("title: Motion", f"title: {word}")
        assert read_reading(text, "x").processes["motion"].title == word


def test_true_false_and_whole_numbers_are_themselves() -> None:
    text = TEXT.replace("{type: text}", "{type: text, required: false, most: 12}")
    field = read_reading(text, "x").processes["motion"].fields["subject"]
    assert field.required is False and field.most == 12


def test_a_comment_or_the_order_of_keys_does_not_change_a_readings_digest() -> None:
    moved = TEXT.replace("    title: Motion\n", "").replace(
        "    fields:", "    title: Motion  # of order\n    fields:"
    )
    assert moved != TEXT
    assert read_reading(moved, "x").digest == read_reading(TEXT, "y").digest


def test_what_a_reading_leaves_out_is_what_it_would_say_by_default() -> None:
    spelled = TEXT.replace("            choices:", "            many: false\n            choices:")
    assert read_reading(spelled, "x").digest == read_reading(TEXT, "x").digest


def test_any_other_rule_makes_another_digest() -> None:
    other = TEXT.replace("2 days", "3 days")
    assert read_reading(other, "x").digest != read_reading(TEXT, "x").digest


def test_a_choice_is_counted_under_a_name_expressions_can_use() -> None:
    assert identifier("stand aside") == "stand_aside"
    assert identifier("Stand-Aside!") == "stand_aside"
    assert identifier("+1") == "1" and identifier("👍") == ""


def test_citations_and_effects_are_found_wherever_they_stand() -> None:
    reading = load_reading(reading_beside(Path(JURY)))
    found = dict(citations_in(reading))
    assert found["roles.warned"].section == "article-6"
    assert found["processes.complaint.stages.hearing.draws.jurors.cite"].section == "article-3"
    assert found["processes.complaint.stages.verdict.inputs.verdict.changeable.cite"].quote == (
        "A verdict once given stands."
    )
    assert "processes.complaint.objecting" in found
    (grant,) = effects_of(reading.processes["complaint"])
    assert isinstance(grant, GrantRole) and grant.grant_role.role == "warned"
    consensus = load_reading(reading_beside(Path(CONSENSUS)))
    (told,) = effects_of(consensus.processes["proposal"])
    assert isinstance(told, Announce)


# --- faults of the file ---------------------------------------------------------------------


def test_a_key_given_twice_is_refused_with_its_line() -> None:
    text = TEXT.replace("    title: Motion\n", "    title: Motion\n    title: Other\n")
    with pytest.raises(OperatorError) as error:
        read_reading(text, "ours.reading.yaml")
    line = line_of("title: Other", text)
    assert str(error.value) == (
        f"ours.reading.yaml, line {line}: 'title' is given twice; correct the file"
    )


def test_a_process_type_given_twice_is_refused() -> None:
    again = TEXT + TEXT[TEXT.index("  motion:") :]
    assert "'motion' is given twice" in fault(text=again)


@pytest.mark.parametrize("old", ["lasts: {value: 2 days}", "choices: [agree, disagree]"])
def test_anchors_and_aliases_are_refused_with_their_line(old: str) -> None:
    key = old.split(":")[0]
    text = TEXT.replace("    title: Motion\n", "    title: &a Motion\n").replace(old, f"{key}: *a")
    said = fault(text=text)
    assert f"line {line_of(f'{key}: *a', text)}: anchors and aliases are not used here" in said


def test_half_a_character_is_refused_with_its_line() -> None:
    said = fault(("    title: Motion\n", '    title: "\\ud83d!"\n'))
    assert "an escape here is half a character; write the character itself" in said
    whole = TEXT.replace("    title: Motion\n", '    title: "\\ud83d\\udc4d"\n')
    assert read_reading(whole, "json").processes["motion"].title == "👍"


def test_a_billion_laughs_are_not_laughed() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
    )
    assert "anchors and aliases are not used here" in fault(text=bomb)


def test_merge_keys_are_no_way_around_it() -> None:
    said = fault(("    title: Motion\n", "    title: Motion\n    <<: {title: Other}\n"))
    assert "ours.reading.yaml, line" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no reading; start from a template's reading file"),
        ("# nothing\n", "holds no reading"),
        ("just words", "holds no reading"),
        ("- a\n- b\n", "holds no reading"),
        ("a: [1, 2", "line 1: expected ',' or ']'"),
        ("a: b: c", "line 1: mapping values are not allowed here"),
        ("a: 1\n\tb: 2", "line 2: "),
        ("a: 1\n---\nb: 2\n", "line 2: but found another document"),
        ("a: !!python/object/apply:os.system [ls]", "line 1: the tag 'tag:yaml.org,2002"),
        ("a: 1\nb: !!bool maybe", "line 2: the tag 'tag:yaml.org,2002:bool' is not used here"),
        ("a: !!timestamp x", "is not used here; write the value without it"),
        ("!!set {a, b}", "is not used here"),
        ("a: \x00", "is not YAML"),
        ("a: b\n? [a, b]\n: c\n", "line 2: a key must be a word; correct the file"),
        ("? {a: b}\n: c\n", "line 1: a key must be a word"),
        ("null: x\n", "ours.reading.yaml, line 1"),
        ("[" * 3000, "ours.reading.yaml"),
        ("1: x\n", "ours.reading.yaml, line 1"),
    ],
)
def test_what_is_no_reading_is_refused_in_a_sentence(text: str, said: str) -> None:
    found = fault(text=text)
    assert found.startswith("ours.reading.yaml") and said in found


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    path = tmp_path / "ours.reading.yaml"
    with pytest.raises(OperatorError, match=r"ours\.reading\.yaml cannot be read \(No such file"):
        load_reading(path)
    with pytest.raises(OperatorError, match="cannot be read"):
        load_reading(tmp_path)
    path.write_bytes(b"title: caf\xe9\n")
    with pytest.raises(OperatorError, match="is not UTF-8 at byte 10; save it as UTF-8"):
        load_reading(path)
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(OperatorError, match="is larger than 1000000 bytes"):
        load_reading(path)


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "ours.reading.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert load_reading(path) == read_reading(TEXT, "x")


@given(st.text(alphabet="abc:[]{}&*!-? \n'\"#|>%@`\\0~", max_size=60))
def test_no_text_makes_the_loader_fail_in_any_other_way(text: str) -> None:
    try:
        read_reading(text, "ours.reading.yaml")
    except OperatorError as error:
        assert "ours.reading.yaml" in str(error)


# --- faults of the rules --------------------------------------------------------------------

VOTE = "          - kind: vote\n"
LASTS = "        lasts: {value: 2 days}\n"


@pytest.mark.parametrize(
    ("old", "new", "field", "said"),
    [
        ("{when: agree > disagree,", '{when: "agree >",', "when", "'agree >' is not an expression"),
        ("{when: agree > disagree,", "{when: agree.real > 1,", "when", "Attribute is not allowed"),
        ("{when: agree > disagree,", '{when: "open(1)",', "when", "the only functions are"),
        ("{when: agree > disagree,", "{when: 1.5e3 > 1,", "when", "'1.5e3' is not a value"),
        ("value: 2 days", "value: soon", "value", "'soon' is no duration"),
        ("value: 2 days", "value: 2 days and 1 day", "value", "names days twice"),
        ("value: 2 days", "value: -2 days", "value", "is no duration"),
        ("value: 2 days", "value: ''", "value", "is no duration"),
        ("value: 2 days", "value: 2", "value", "Input should be a valid string"),
        ("name: voting", "name: Voting Time", "name", "String should match pattern"),
        ("kind: vote", "kind: Vote!", "kind", "String should match pattern"),
        (
            "{type: text}",
            "{type: colour}",
            "type",
            "Input should be 'text', 'member', 'number', 'ruling'",
        ),
        ("{type: text}", "{type: text, most: 0}", "most", "greater than 0"),
        ("{type: text}", "{type: text, most: many}", "most", "valid integer"),
        ("title: Motion", "tilte: Motion", "motion", "Field required"),
        ("title: Motion", "title: Motion\n    colour: red", "colour", "Extra inputs"),
        ("title: Motion", "title: true", "title", "Input should be a valid string"),
        ("quote: Members move motions.", "quote: ''", "quote", "at least 1 character"),
        ("choices: [agree, disagree]", "choices: agree", "choices", "valid tuple"),
    ],
)
def test_a_bad_value_is_named_with_file_line_and_field(
    old: str, new: str, field: str, said: str
) -> None:
    found = fault((old, new))
    changed = TEXT.replace(old, new, 1)
    line = line_of("  motion:" if field == "motion" else new.split("\n")[-1].strip(), changed)
    if field == "motion":
        field = "title"  # what is missing has no line of its own, so its charter's is named
    assert found.startswith(f"ours.reading.yaml, line {line}, processes.motion.")
    assert f"{field}: " in found and said in found


def test_the_path_of_a_fault_is_spelled_out_and_further_faults_are_counted() -> None:
    broken = ("{when: agree > disagree,", '{when: "agree >",')
    start = (
        f"ours.reading.yaml, line {line_of('when: agree')},"
        " processes.motion.stages.0.outcomes.0.when: 'agree >' is not an expression"
    )
    assert fault(broken) == start
    assert fault(broken, ("kind: vote", "kind: V")).endswith("(1 more)")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "          - {otherwise: rejected}\n",
            "          - {otherwise: rejected}\n          - {when: agree > 9, outcome: late}\n",
            "`otherwise` must come last: nothing after it can be reached",
        ),
        (
            "{otherwise: rejected}",
            "{otherwise: rejected, when: agree > 1}",
            "an outcome has either `when` or `otherwise`",
        ),
        ("{otherwise: rejected}", "{outcome: x}", "an outcome has either `when` or `otherwise`"),
        (
            "{otherwise: rejected}",
            "{when: agree > 1}",
            "needs an `outcome`, a `next` stage or both",
        ),
        (
            "{otherwise: rejected}",
            "{otherwise: rejected, next: talk}",
            "stage 'voting' leads to 'talk': no such stage",
        ),
        (
            "    stages:\n",
            "    named_after: name\n    stages:\n",
            "it is named after 'name', which is not a field",
        ),
        (
            "            choices: [agree, disagree]\n",
            "            takes: choice\n",
            "an input takes a choice, ranking, approvals or scores exactly when it lists",
        ),
        (
            VOTE,
            f"{VOTE}            takes: text\n",
            "an input takes a choice, ranking, approvals or scores exactly when it lists",
        ),
        ("[agree, disagree]", "[agree, Agree!]", "two choices have the same name"),
        ("[agree, disagree]", "[agree, 👍]", "two choices have the same name in expressions"),
        (VOTE, f"{VOTE}            reason_required_for: [block]\n", "'block' is not one of the"),
        (VOTE, f"{VOTE}            aliases: {{block: [veto]}}\n", "'block' is not one of the"),
        (
            VOTE,
            f"{VOTE}            many: true\n            changeable: {{value: true}}\n",
            "an input given many times cannot also be changeable",
        ),
        (
            VOTE,
            f"          - {{kind: vote, who: me == opener}}\n{VOTE}",
            "two inputs of one stage are of the same kind",
        ),
        (
            "      - name: voting\n",
            "      - {name: voting, outcomes: [{otherwise: x}]}\n      - name: voting\n",
            "two stages have the same name",
        ),
        (
            LASTS,
            f"{LASTS}        carries: [bid]\n",
            "'bid' is carried over: some stage must take it",
        ),
        (
            "      - name: voting\n",
            "      - name: before\n"
            "        inputs: [{kind: vote, who: me == opener, takes: text}]\n"
            "        outcomes: [{otherwise: on, next: voting}]\n"
            "      - name: voting\n        carries: [vote]\n",
            "'vote' is carried over: some stage must take it, and all in one shape",
        ),
        (
            "{otherwise: rejected}",
            "{otherwise: rejected, effects: [{start_process: {type: coup}}]}",
            "'motion' starts 'coup': no such process type",
        ),
    ],
)
def test_rules_that_do_not_fit_together_are_refused(old: str, new: str, said: str) -> None:
    found = fault((old, new))
    assert found.startswith("ours.reading.yaml, line ") and said in found


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        (
            "{bribe: {amount: 3}}",
            "effects.0: an effect is one of announce, grant_role, revoke_role, start_process",
        ),
        ("hurray", "an effect is one of announce"),
        ("{grant_role: {role: king, to: 'whom('}}", "'whom(' is not an expression"),
        ("{announce: x, grant_role: {role: king, to: opener}}", "grant_role: Extra inputs"),
        ("{revoke_role: {role: king}}", "revoke_role.to: Field required"),
        ("{start_process: {type: motion, fields: {subject: '1 +'}}}", "'1 +' is not an expression"),
    ],
)
def test_an_effect_that_is_none_is_refused_on_its_line(effect: str, said: str) -> None:
    rule = "{otherwise: rejected}"
    change = (rule, rule.replace("}", f",\n              effects: [{effect}]}}"))
    found = fault(change)
    assert f"line {line_of('effects:', TEXT.replace(*change))}, " in found and said in found


@pytest.mark.parametrize("digest", ["", "sha256:abc", "md5:" + "0" * 64, "sha256:" + "A" * 64])
def test_a_reading_names_the_constitution_it_reads(digest: str) -> None:
    said = fault((f"sha256:{'0' * 64}", f"'{digest}'"))
    assert said.startswith("ours.reading.yaml, line 1, constitution: ")


def test_a_stage_without_outcomes_and_a_charter_without_stages_are_refused() -> None:
    empty: list[tuple[str, str]] = [
        (TEXT[TEXT.index("        outcomes:") :], "        outcomes: []\n"),
        (TEXT[TEXT.index("    stages:") :], "    stages: []\n"),
    ]
    for change in empty:
        assert "at least 1 item" in fault(change)


def test_what_is_ratified_and_no_reading_is_refused() -> None:
    documents: list[dict[str, Any]] = [{}, {"constitution": "x"}, {"processes": []}]
    for document in documents:
        with pytest.raises(ValueError, match="validation error"):
            reading_of(document)
