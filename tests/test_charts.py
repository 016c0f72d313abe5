"""Pictures of a count: well formed, the same everywhere, and told in words too."""

from xml.dom import minidom

from govbot.tools import tally

HOSTILE = '<script>alert("x")</script>&\x00\u202e'


def test_bars_stand_for_counts_and_winners_stand_out() -> None:
    picture = tally(["Ana", "Ana", "Bo"], method="plurality").svg()
    drawn = minidom.parseString(picture)
    bars = {r.getAttribute("class"): int(r.getAttribute("width"))
            for r in drawn.getElementsByTagName("rect")}  # fmt: skip
    assert bars["w"] == 2 * bars["b"]
    assert "prefers-color-scheme:dark" in picture
    described = drawn.getElementsByTagName("desc")[0].firstChild
    assert described is not None and "Elected: Ana" in described.nodeValue  # type: ignore[attr-defined]  # a text node


def test_a_runoff_flows_from_round_to_round() -> None:
    ballots = [["Ana"]] * 4 + [["Bo"]] * 3 + [["Cy", "Bo"]] * 2
    drawn = minidom.parseString(tally(ballots, method="irv").svg())
    moved = [p for p in drawn.getElementsByTagName("path") if "x" in p.getAttribute("class")]
    (band,) = moved  # Cy's two votes go to Bo
    stays = [p for p in drawn.getElementsByTagName("path") if p not in moved]
    widths = sorted(int(p.getAttribute("stroke-width")) for p in stays)
    assert int(band.getAttribute("stroke-width")) < widths[0]


def test_names_cannot_break_out_of_the_picture() -> None:
    picture = tally([[HOSTILE, "Bo"], ["Bo"], [HOSTILE]], method="irv").svg()
    drawn = minidom.parseString(picture)
    assert not drawn.getElementsByTagName("script")
    assert "\u202e" not in picture and "\x00" not in picture


def test_nothing_to_draw_is_drawn_too() -> None:
    assert minidom.parseString(tally([], method="score").svg())
    assert minidom.parseString(tally([{"Ana": 0}], method="score").svg())
