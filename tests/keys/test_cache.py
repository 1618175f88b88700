from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.keys.cache import RecentlyUsed


def test_what_was_not_used_for_longest_goes():
    cache = RecentlyUsed(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)
    cache.put("a", 4)
    cache.put("d", 5)
    assert (cache.get("a"), cache.get("c"), cache.get("d")) == (4, None, 5)


def test_it_can_keep_nothing():
    cache = RecentlyUsed(0)
    cache.put("a", 1)
    assert cache.get("a") is None and len(cache) == 0


@given(
    st.integers(min_value=0, max_value=4),
    st.lists(st.tuples(st.booleans(), st.integers(min_value=0, max_value=6)), max_size=60),
)
def test_it_behaves_like_a_list_of_the_newest(size, steps):
    cache, model = RecentlyUsed(size), []
    for put, key in steps:
        known = key in model
        if put:
            cache.put(key, f"value {key}")
        else:
            assert cache.get(key) == (f"value {key}" if known else None)
        if put or known:
            model = [other for other in model if other != key] + [key]
            model = model[-size:] if size else []
        assert len(cache) == len(model)
