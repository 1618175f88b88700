import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.crypto.hpke import SUITES
from django_jazzauth.errors import ImproperCard
from django_jazzauth.keys.card import PREFIX, Card
from django_jazzauth.keys.secret import WorkerSecret

SECRET = WorkerSecret(bytes(range(32)))
TEXT = Card.of(SECRET).to_text()


def test_the_text_leads_to_the_same_keys_and_the_same_id():
    card = Card.from_text(f"  {TEXT[:50]}\n{TEXT[50:]}\n")
    assert card == Card.of(SECRET)
    assert card.worker_id == SECRET.worker_id
    assert card.public_keys == {suite: SECRET.public_key(suite) for suite in SUITES}


@given(st.integers(min_value=0, max_value=len(TEXT) - 1))
def test_a_card_that_was_cut_short_is_refused(length):
    with pytest.raises(ImproperCard):
        Card.from_text(TEXT[:length])


@given(st.integers(len(PREFIX), len(TEXT) - 2), st.sampled_from("AQgw-_é*/+="))
def test_a_changed_card_is_refused_or_another_worker(position, character):
    text = TEXT[:position] + character + TEXT[position + 1 :]
    try:
        card = Card.from_text(text)
    except ImproperCard as error:
        assert error.code == "IMPROPER_CARD"
    else:
        assert (card.worker_id == SECRET.worker_id) == (text == TEXT)


@given(st.text())
def test_no_text_is_a_surprise(text):
    with pytest.raises(ImproperCard):
        Card.from_text(text)
