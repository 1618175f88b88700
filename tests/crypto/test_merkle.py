"""Merkle trees: the known answers of Certificate Transparency, and a naive tree beside ours."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.crypto.merkle import (
    EMPTY_ROOT,
    CompactRange,
    ProofError,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    range_roots,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

# The leaves, roots and proofs that Certificate Transparency's implementations are tested with.
CT_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
CT_CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(size)]


@lru_cache(maxsize=4096)
def naive(start: int, end: int) -> bytes:
    """RFC 9162's definition, word for word, over ``leaves_of``."""
    if end - start == 0:
        return hashlib.sha256(b"").digest()
    if end - start == 1:
        return hashlib.sha256(b"\x00" + b"%d" % start).digest()
    k = 1
    while k * 2 < end - start:
        k *= 2
    return hashlib.sha256(b"\x01" + naive(start, start + k) + naive(start + k, end)).digest()


def naive_path(m: int, start: int, end: int) -> list[bytes]:
    n = end - start
    if n == 1:
        return []
    k = 1
    while k * 2 < n:
        k *= 2
    if m < k:
        return [*naive_path(m, start, start + k), naive(start + k, end)]
    return [*naive_path(m - k, start + k, end), naive(start, start + k)]


def naive_subproof(m: int, start: int, end: int, whole: bool) -> list[bytes]:
    n = end - start
    if m == n:
        return [] if whole else [naive(start, end)]
    k = 1
    while k * 2 < n:
        k *= 2
    if m <= k:
        return [*naive_subproof(m, start, start + k, whole), naive(start + k, end)]
    return [*naive_subproof(m - k, start + k, end, False), naive(start, start + k)]


@pytest.mark.parametrize("size", range(9))
def test_roots_of_certificate_transparency(size: int) -> None:
    assert tree_root(map(leaf_hash, CT_LEAVES[:size])).hex() == CT_ROOTS[size]


@pytest.mark.parametrize(("index", "size"), CT_INCLUSION)
def test_inclusion_proofs_of_certificate_transparency(index: int, size: int) -> None:
    leaves = [leaf_hash(data) for data in CT_LEAVES]
    proof = range_roots(leaves, inclusion_ranges(index, size))
    assert [each.hex() for each in proof] == CT_INCLUSION[index, size]
    root = bytes.fromhex(CT_ROOTS[size])
    verify_inclusion(index=index, size=size, leaf=leaves[index], proof=proof, root=root)


@pytest.mark.parametrize(("old", "new"), CT_CONSISTENCY)
def test_consistency_proofs_of_certificate_transparency(old: int, new: int) -> None:
    proof = range_roots(map(leaf_hash, CT_LEAVES), consistency_ranges(old, new))
    assert [each.hex() for each in proof] == CT_CONSISTENCY[old, new]
    verify_consistency(
        old=old,
        new=new,
        old_root=bytes.fromhex(CT_ROOTS[old]),
        new_root=bytes.fromhex(CT_ROOTS[new]),
        proof=proof,
    )


def test_the_empty_tree() -> None:
    assert CompactRange().root() == EMPTY_ROOT == bytes.fromhex(CT_ROOTS[0])


@pytest.mark.parametrize("size", range(70))
def test_roots_are_those_of_the_definition(size: int) -> None:
    assert tree_root(leaves_of(size)) == naive(0, size)


@pytest.mark.parametrize("size", range(1, 34))
def test_every_inclusion_proof_up_to_33(size: int) -> None:
    leaves = leaves_of(size)
    for index in range(size):
        proof = range_roots(leaves, inclusion_ranges(index, size))
        assert proof == naive_path(index, 0, size)
        verify_inclusion(
            index=index, size=size, leaf=leaves[index], proof=proof, root=naive(0, size)
        )


@pytest.mark.parametrize("new", range(34))
def test_every_consistency_proof_up_to_33(new: int) -> None:
    leaves = leaves_of(new)
    for old in range(new + 1):
        proof = range_roots(leaves, consistency_ranges(old, new))
        assert proof == (naive_subproof(old, 0, new, True) if 0 < old < new else [])
        verify_consistency(
            old=old, new=new, old_root=naive(0, old), new_root=naive(0, new), proof=proof
        )


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_tree_goes_on_from_what_was_kept(before: int, after: int) -> None:
    leaves = leaves_of(before + after)
    first = CompactRange()
    for leaf in leaves[:before]:
        first.append(leaf)
    second = CompactRange(first.size, first.hashes)
    for leaf in leaves[before:]:
        second.append(leaf)
    assert second.size == before + after
    assert second.root() == naive(0, before + after)
    assert len(second.hashes) == second.size.bit_count()


@given(st.data())
def test_nothing_else_is_included(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 200))
    index = data.draw(st.integers(0, size - 1))
    leaves = leaves_of(size)
    proof = range_roots(leaves, inclusion_ranges(index, size))
    right = {"index": index, "size": size, "leaf": leaves[index], "proof": proof}
    root = naive(0, size)
    verify_inclusion(**right, root=root)
    other = data.draw(
        st.sampled_from(["index", "leaf", "root", "longer", "shorter", "hash", "size"])
    )
    wrong = {**right, "root": root}
    if other == "index":
        wrong["index"] = data.draw(st.integers(-2, size + 2).filter(lambda n: n != index))
    elif other == "size":
        # A proof may fit trees of several sizes; those sizes have other roots.
        wrong["size"] = data.draw(st.integers(0, 300).filter(lambda n: n != size))
        wrong["root"] = naive(0, wrong["size"])
    elif other in ("leaf", "root"):
        wrong[other] = bytes([wrong[other][0] ^ 1]) + wrong[other][1:]
    elif other == "longer":
        wrong["proof"] = [*proof, bytes(32)]
    elif not proof:
        return
    elif other == "shorter":
        wrong["proof"] = proof[:-1]
    else:
        place = data.draw(st.integers(0, len(proof) - 1))
        wrong["proof"] = [*proof[:place], bytes(32), *proof[place + 1 :]]
    with pytest.raises(ProofError):
        verify_inclusion(**wrong)


@given(st.data())
def test_nothing_else_is_consistent(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 200))
    old = data.draw(st.integers(1, new))
    leaves = leaves_of(new)
    proof = range_roots(leaves, consistency_ranges(old, new))
    right = {
        "old": old,
        "new": new,
        "old_root": naive(0, old),
        "new_root": naive(0, new),
        "proof": proof,
    }
    verify_consistency(**right)
    other = data.draw(st.sampled_from(["old_root", "new_root", "longer", "shorter", "hash"]))
    wrong = dict(right)
    if other.endswith("root"):
        wrong[other] = bytes([wrong[other][0] ^ 1]) + wrong[other][1:]
    elif other == "longer":
        wrong["proof"] = [*proof, bytes(32)]
    elif not proof:
        return
    elif other == "shorter":
        wrong["proof"] = proof[:-1]
    else:
        place = data.draw(st.integers(0, len(proof) - 1))
        wrong["proof"] = [*proof[:place], bytes(32), *proof[place + 1 :]]
    with pytest.raises(ProofError):
        verify_consistency(**wrong)


def test_a_tree_that_was_cut_is_not_consistent_with_what_it_was() -> None:
    for old, new in ((5, 4), (-1, 3)):
        with pytest.raises(ProofError):
            consistency_ranges(old, new)
        with pytest.raises(ProofError):
            verify_consistency(old=old, new=new, old_root=bytes(32), new_root=bytes(32), proof=[])


def test_an_empty_proof_proves_nothing_where_one_is_needed() -> None:
    with pytest.raises(ProofError):
        verify_consistency(old=3, new=7, old_root=naive(0, 3), new_root=naive(0, 7), proof=[])


def test_there_is_no_such_leaf() -> None:
    with pytest.raises(ProofError):
        inclusion_ranges(3, 3)


def test_too_few_leaves() -> None:
    with pytest.raises(ProofError):
        range_roots(leaves_of(3), [(2, 4)])


def test_a_leaf_is_never_taken_for_a_node() -> None:
    left, right = leaves_of(2)
    assert leaf_hash(left + right) != node_hash(left, right)


@pytest.mark.parametrize(
    ("size", "hashes"), [(1, []), (3, [bytes(32)]), (-1, [bytes(32)]), (1, [bytes(31)])]
)
def test_subtrees_that_do_not_belong_to_the_size(size: int, hashes: list[bytes]) -> None:
    with pytest.raises(ValueError):
        CompactRange(size, hashes)
