"""Paragraphs, lists and captions as a report's cells show them."""

from __future__ import annotations

from averting.reporting.shown import captioned, listed, say


def test_sentences_are_one_paragraph_and_a_caption_closes_what_it_opens(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda part: shown.append(getattr(part, "data", part)))
    say("One.", "", "Two.")
    captioned("fig-a", "a figure", "What it shows.")  # type: ignore[arg-type]
    assert shown == ["One. Two.", "::: {#fig-a}", "a figure", "What it shows.\n\n:::"]


def test_a_list_has_a_line_for_each_sentence(capsys):
    listed(["One.", "Two."])
    assert capsys.readouterr().out == "- One.\n- Two.\n"
