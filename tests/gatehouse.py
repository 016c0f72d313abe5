"""A small community whose members give and take keys, overrule the bot and switch it off and on."""

from pathlib import Path

from govbot.constitution import Constitution

TEXT = """# Gatehouse

## Article 1: Keys

Any member may move that somebody loses the key role. They lose it when more members agree than
disagree within 1 day. Otherwise they keep it.

Any member may move that somebody gets the key role. They get it when more members agree than
disagree within 1 day. Otherwise they do not.

Whoever holds a key may open the gate for a party. It is open when more key holders agree than
disagree within 1 day. Otherwise it stays shut.

## Article 2: The bot

Any member may ask that the outcome of a process be set aside. It is set aside when more members
agree than disagree within 1 day. Otherwise it stands.

Any member may ask that the bot be switched off, or on again. It is switched as soon as 2 members
agree. If nobody else agrees within 1 day, all stays as it is.
"""

AGREED = "when more members agree than disagree within 1 day."
MOTION = """
  {name}:
    title: {title}
    cite: {{section: {section}, quote: "{cite}"}}
    phrases: [{phrases}]
    opened_by: {{who: "'{who}' in roles", cite: {{section: {section}, quote: "{cite}"}}}}
    fields: {{{fields}}}
    named_after: {named}
    stages:
    - name: motion
      lasts: {{value: 1 day, cite: {{section: {section}, quote: "{rule}"}}}}
      inputs:
      - kind: vote
        who: "'{who}' in roles"
        choices: [agree, disagree]
        phrases: ["I {{choice}} with {{process}}"]
      outcomes:
      - when: agree > disagree
        outcome: carried
        cite: {{section: {section}, quote: "{rule}"}}
        effects: [{effect}]
      - {{otherwise: lost, cite: {{section: {section}, quote: "{rest}"}}}}
"""
SWITCHING = """
  switching:
    title: Switching of the bot
    cite: {section: article-2, quote: "Any member may ask that the bot be switched off, or on again."}
    phrases: ["switch the bot {state}"]
    opened_by:
      who: "'member' in roles"
      cite: {section: article-2, quote: "Any member may ask that the bot be switched off, or on again."}
    fields: {state: {type: text, choices: ["off", "on"]}}
    stages:
    - name: asking
      lasts: {value: 1 day, cite: {section: article-2, quote: "If nobody else agrees within 1 day, all stays as it is."}}
      inputs:
      - {kind: vote, who: "'member' in roles", choices: [agree], phrases: ["I {choice} with {process}"]}
      ends_early: {when: agree >= 2, cite: {section: article-2, quote: "It is switched as soon as 2 members agree."}}
      outcomes:
      - when: agree >= 2 and state == 'off'
        outcome: switched off
        cite: {section: article-2, quote: "It is switched as soon as 2 members agree."}
        effects: [{suspend: {}}]
      - when: agree >= 2 and state == 'on'
        outcome: switched on
        cite: {section: article-2, quote: "It is switched as soon as 2 members agree."}
        effects: [{resume_bot: {}}]
      - {otherwise: unchanged, cite: {section: article-2, quote: "If nobody else agrees within 1 day, all stays as it is."}}
"""  # noqa: E501


def _motions() -> str:
    keys = {
        "section": "article-1",
        "who": "member",
        "fields": "whom: {type: member}",
        "named": "whom",
    }
    return "".join((
        MOTION.format(
            name="taking", title="Motion to take a key", phrases='"take the key from {whom}"',
            cite="Any member may move that somebody loses the key role.",
            rule=f"They lose it {AGREED}", rest="Otherwise they keep it.",
            effect="{revoke_role: {role: key, to: whom}}", **keys,
        ),
        MOTION.format(
            name="giving", title="Motion to give a key", phrases='"give the key to {whom}"',
            cite="Any member may move that somebody gets the key role.",
            rule=f"They get it {AGREED}", rest="Otherwise they do not.",
            effect="{grant_role: {role: key, to: whom}}", **keys,
        ),
        MOTION.format(
            name="party", title="Party", phrases='"open the gate for {what}"',
            cite="Whoever holds a key may open the gate for a party.",
            rule="It is open when more key holders agree than disagree within 1 day.",
            rest="Otherwise it stays shut.", effect="{announce: The gate is open.}",
            section="article-1", who="key", fields="what: {type: text}", named="what",
        ),
        MOTION.format(
            name="setting_aside", title="Setting aside", phrases='"set aside {process}"',
            cite="Any member may ask that the outcome of a process be set aside.",
            rule=f"It is set aside {AGREED}", rest="Otherwise it stands.",
            effect="{set_aside: {process: process}}", section="article-2", who="member",
            fields="process: {type: number}", named="process",
        ),
    ))  # fmt: skip


def gatehouse(folder: Path) -> str:
    """The path of the constitution, written into `folder` with its reading."""
    (folder / "gatehouse.md").write_text(TEXT)
    quote = "Any member may move that somebody loses the key role."
    roles = "".join(
        f'\n  {role}: {{section: article-1, quote: "{quote}"}}' for role in ("member", "key")
    )
    (folder / "gatehouse.reading.yaml").write_text(
        f"constitution: {Constitution(TEXT).digest}\nroles:{roles}\nprocesses:"
        f"{_motions()}{SWITCHING}"
    )
    return str(folder / "gatehouse.md")
