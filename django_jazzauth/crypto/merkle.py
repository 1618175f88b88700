"""Merkle trees over the log: roots, inclusion proofs, consistency proofs (RFC 9162, section 2.1).

The tree hash is that of RFC 9162 with SHA-256, the same as RFC 6962's. Nothing here holds a whole
tree: a root takes one pass and memory for one hash per level, and so does a proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from ..errors import JazzAuthError

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

Range = tuple[int, int]


class ProofError(JazzAuthError, ValueError):
    """A proof does not fit: the leaf or the older tree is not in the tree that it is said to be."""

    code = "PROOF"


def leaf_hash(data: bytes) -> bytes:
    """Hash of a leaf: ``SHA-256(0x00 || data)``."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: ``SHA-256(0x01 || left || right)``."""
    return sha256(b"\x01" + left + right).digest()


class CompactRange:
    """A tree that grows at its right end, kept as the roots of its full subtrees.

    Args:
        size: number of leaves that are in it already.
        hashes: roots of the full subtrees that those leaves make up, the largest first: one for
            each bit that is set in ``size``.

    Raises:
        ValueError: number and hashes do not belong together.
    """

    __slots__ = ("_hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self._hashes = list(hashes)
        if (
            size < 0
            or len(self._hashes) != size.bit_count()
            or any(len(each) != HASH_BYTES for each in self._hashes)
        ):
            raise ValueError("these are not the subtrees of a tree of that size")

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """Roots of the full subtrees, the largest first: all that is needed to go on later."""
        return tuple(self._hashes)

    def append(self, leaf: bytes) -> None:
        """Add a leaf, given by its hash."""
        full = self.size
        self.size += 1
        while full & 1:
            leaf = node_hash(self._hashes.pop(), leaf)
            full >>= 1
        self._hashes.append(leaf)

    def root(self) -> bytes:
        """The tree hash of all leaves so far."""
        if not self._hashes:
            return EMPTY_ROOT
        root = self._hashes[-1]
        for left in reversed(self._hashes[:-1]):
            root = node_hash(left, root)
        return root


def tree_root(leaves: Iterable[bytes]) -> bytes:
    """The tree hash of leaves that are given by their hashes; one pass."""
    tree = CompactRange()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Which subtrees an inclusion proof consists of (RFC 9162, section 2.1.3.1).

    Args:
        index: number of the leaf, from 0.
        size: number of leaves in the tree.

    Returns:
        For each hash of the proof, in its order, the leaves ``[start, end)`` that it is the root
        of. :func:`range_roots` computes them.

    Raises:
        ProofError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ProofError(f"a tree of {size} leaves has no leaf {index}")
    start, end = 0, size
    ranges: list[Range] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """Which subtrees a consistency proof consists of (RFC 9162, section 2.1.4.1).

    Args:
        old: number of leaves of the older tree.
        new: number of leaves of the newer tree.

    Returns:
        As :func:`inclusion_ranges`; empty where there is nothing to prove (``old`` is 0 or
        ``new``).

    Raises:
        ProofError: the older tree is the larger one.
    """
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {new} leaves has not grown from one of {old}")
    if old in (0, new):
        return []
    start, end = 0, new
    ranges: list[Range] = []
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:  # otherwise it is the older tree itself, whose root the verifier has
        ranges.append((start, end))
    return ranges[::-1]


def range_roots(leaves: Iterable[bytes], ranges: Sequence[Range]) -> list[bytes]:
    """The tree hashes of some stretches of leaves, in one pass over all leaves.

    Args:
        leaves: the hashes of all leaves, from the first on.
        ranges: stretches ``[start, end)`` that do not overlap.

    Returns:
        The tree hash of each, in the order of ``ranges``.

    Raises:
        ProofError: the leaves end before the last stretch does.
    """
    waiting = sorted(range(len(ranges)), key=lambda place: ranges[place])
    found: dict[int, bytes] = {}
    tree = CompactRange()
    place = 0
    for index, leaf in enumerate(leaves):
        if place == len(waiting):
            break
        start, end = ranges[waiting[place]]
        if index < start:
            continue
        tree.append(leaf)
        if index + 1 == end:
            found[waiting[place]] = tree.root()
            tree = CompactRange()
            place += 1
    if place < len(waiting):
        raise ProofError("there are fewer leaves than the tree is said to have")
    return [found[each] for each in range(len(ranges))]


def verify_inclusion(
    *, index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf is in a tree (RFC 9162, section 2.1.3.2).

    Args:
        index: number of the leaf, from 0.
        size: number of leaves in the tree.
        leaf: the leaf's hash, see :func:`leaf_hash`.
        proof: the hashes of the proof, from the leaf's sibling upwards.
        root: the tree hash.

    Raises:
        ProofError: it is not, or the proof is of another leaf or tree.
    """
    if not 0 <= index < size:
        raise ProofError(f"a tree of {size} leaves has no leaf {index}")
    number, last, computed = index, size - 1, leaf
    for each in proof:
        if last == 0:
            raise ProofError("the proof is too long for a tree of this size")
        if number & 1 or number == last:
            computed = node_hash(each, computed)
            while not number & 1 and number:
                number >>= 1
                last >>= 1
        else:
            computed = node_hash(computed, each)
        number >>= 1
        last >>= 1
    if last:
        raise ProofError("the proof is too short for a tree of this size")
    if computed != root:
        raise ProofError("the proof leads to another root: the leaf is not in this tree")


def verify_consistency(
    *, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that a tree begins with all leaves of an older one (RFC 9162, section 2.1.4.2).

    Args:
        old: number of leaves of the older tree.
        new: number of leaves of the newer tree.
        old_root: the tree hash of the older tree.
        new_root: the tree hash of the newer tree.
        proof: the hashes of the proof.

    Raises:
        ProofError: it does not, or the proof is of other trees.
    """
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {new} leaves has not grown from one of {old}")
    if old in (0, new):
        if proof:
            raise ProofError("the proof is too long for trees of these sizes")
        if old_root != (new_root if old == new else EMPTY_ROOT):
            raise ProofError("trees of the same size have different roots")
        return
    # A full older tree is a subtree of the newer one, so its root is not repeated in the proof.
    hashes = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not hashes:
        raise ProofError("the proof is too short for trees of these sizes")
    number, last = old - 1, new - 1
    while number & 1:
        number >>= 1
        last >>= 1
    older = newer = hashes[0]
    for each in hashes[1:]:
        if last == 0:
            raise ProofError("the proof is too long for trees of these sizes")
        if number & 1 or number == last:
            older = node_hash(each, older)
            newer = node_hash(each, newer)
            while not number & 1 and number:
                number >>= 1
                last >>= 1
        else:
            newer = node_hash(newer, each)
        number >>= 1
        last >>= 1
    if last:
        raise ProofError("the proof is too short for trees of these sizes")
    if older != old_root or newer != new_root:
        raise ProofError("the proof leads to other roots: the older tree is not in the newer one")


def _split(size: int) -> int:
    """The largest power of two below ``size``, which is 2 at least."""
    return 1 << ((size - 1).bit_length() - 1)
