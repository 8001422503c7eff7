import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  consistencyPlan,
  emptyRoot,
  Frontier,
  inclusionPlan,
  leafHash,
  verifyConsistency,
  verifyInclusion,
  type Hash,
  type NodeId,
} from './merkle.js';

const sha = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
const split = (n: number): number => 2 ** Math.ceil(Math.log2(n) - 1);

/** The definitions of RFC 6962 section 2.1, word by word. */
function mth(d: readonly Buffer[]): Buffer {
  if (d.length === 0) return sha();
  if (d.length === 1) return sha(Buffer.from([0]), d[0] as Buffer);
  const k = split(d.length);
  return sha(Buffer.from([1]), mth(d.slice(0, k)), mth(d.slice(k)));
}

function path(m: number, d: readonly Buffer[]): Buffer[] {
  if (d.length === 1) return [];
  const k = split(d.length);
  return m < k ? [...path(m, d.slice(0, k)), mth(d.slice(k))] : [...path(m - k, d.slice(k)), mth(d.slice(0, k))];
}

function subproof(m: number, d: readonly Buffer[], b: boolean): Buffer[] {
  if (m === d.length) return b ? [] : [mth(d)];
  const k = split(d.length);
  return m <= k
    ? [...subproof(m, d.slice(0, k), b), mth(d.slice(k))]
    : [...subproof(m - k, d.slice(k), false), mth(d.slice(0, k))];
}

function grow(leaves: readonly Buffer[]) {
  const frontier = Frontier.empty();
  const nodes = new Map<string, Hash>();
  leaves.forEach((bytes, index) => {
    const hash = leafHash(bytes);
    nodes.set(`0.${index}`, hash);
    for (const node of frontier.append(hash)) nodes.set(`${node.level}.${node.index}`, node.hash);
  });
  const hashOf = ({ level, index }: NodeId): Hash => nodes.get(`${level}.${index}`) as Hash;
  return { frontier, hashOf, nodes };
}

const hex = (hashes: readonly Buffer[]): string[] => hashes.map((h) => h.toString('hex'));
const leavesOf = (n: number): Buffer[] => Array.from({ length: n }, (_, i) => Buffer.from(`leaf ${i}`));

/** The reference tree of the Certificate Transparency test suite. */
const KNOWN_LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((h) => Buffer.from(h, 'hex'));
const KNOWN_ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

describe('the Merkle tree', () => {
  it('has the published roots of the Certificate Transparency reference tree', () => {
    const roots = KNOWN_ROOTS.map((_, size) => grow(KNOWN_LEAVES.slice(0, size)).frontier.root().toString('hex'));
    expect(roots).toEqual(KNOWN_ROOTS);
  });

  it('has the root that RFC 6962 defines, at every size up to 130', () => {
    const leaves = leavesOf(130);
    const frontier = Frontier.empty();
    for (let size = 1; size <= leaves.length; size += 1) {
      frontier.append(leafHash(leaves[size - 1] as Buffer));
      expect(frontier.root().toString('hex')).toBe(mth(leaves.slice(0, size)).toString('hex'));
    }
  });

  it('goes on after being restored from its stored frontier', () => {
    const leaves = leavesOf(40);
    for (let size = 0; size < leaves.length; size += 1) {
      const { frontier } = grow(leaves.slice(0, size));
      const restored = Frontier.restore(size, frontier.bytes);
      for (const leaf of leaves.slice(size)) restored.append(leafHash(leaf));
      expect(restored.root().equals(mth(leaves))).toBe(true);
    }
  });

  it('refuses a stored frontier that does not fit its size', () => {
    expect(() => Frontier.restore(3, Buffer.alloc(32))).toThrow('a frontier of 3 leaves has 2 hashes');
  });

  it('stores one node per leaf on average', () => {
    expect(grow(leavesOf(1000)).nodes.size).toBeLessThan(2000);
  });
});

describe('an inclusion proof', () => {
  it('is the path that RFC 6962 defines, for every leaf of every tree up to 40', () => {
    for (let size = 1; size <= 40; size += 1) {
      const leaves = leavesOf(size);
      const { hashOf } = grow(leaves);
      for (let index = 0; index < size; index += 1) {
        expect(hex(inclusionPlan(index, size).path(hashOf))).toEqual(hex(path(index, leaves)));
      }
    }
  });

  it('verifies, and fails for any other leaf, index, size, path or root', () => {
    const { hashOf, frontier } = grow(leavesOf(200));
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 200 }), fc.nat(), fc.nat(), (size, i, j) => {
        const index = i % size;
        const other = j % size;
        const proof = inclusionPlan(index, size).path(hashOf);
        const root = mth(leavesOf(size));
        const leaf = hashOf({ level: 0, index });
        expect(verifyInclusion(leaf, index, size, proof, root)).toBe(true);
        expect(verifyInclusion(hashOf({ level: 0, index: other }), index, size, proof, root)).toBe(other === index);
        expect(verifyInclusion(leaf, other, size, proof, root)).toBe(other === index);
        expect(verifyInclusion(leaf, index, size, proof.slice(1), root)).toBe(false);
        expect(verifyInclusion(leaf, index, size, [...proof, leaf], root)).toBe(false);
        expect(verifyInclusion(leaf, index, size, proof, leafHash(root))).toBe(false);
        expect(verifyInclusion(leaf, size, size, proof, root)).toBe(false);
      }),
      { numRuns: 200 },
    );
    expect(frontier.size).toBe(200);
  });

  it('reads a number of nodes that grows with the logarithm of the tree', () => {
    expect(inclusionPlan(123_456, 10_000_000).nodes.length).toBeLessThan(60);
  });

  it('cannot be asked for a leaf outside the tree', () => {
    expect(() => inclusionPlan(5, 5)).toThrow(RangeError);
  });
});

describe('a consistency proof', () => {
  it('is the proof that RFC 6962 defines, for every pair of sizes up to 40', () => {
    const { hashOf } = grow(leavesOf(40));
    for (let size = 1; size <= 40; size += 1) {
      for (let old = 1; old < size; old += 1) {
        const expected = subproof(old, leavesOf(size), true);
        expect(hex(consistencyPlan(old, size).path(hashOf))).toEqual(hex(expected));
      }
    }
  });

  it('verifies, and fails for any other root, size or proof', () => {
    const { hashOf } = grow(leavesOf(200));
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 200 }), fc.nat(), (size, i) => {
        const old = { size: 1 + (i % (size - 1)), root: mth(leavesOf(1 + (i % (size - 1)))) };
        const current = { size, root: mth(leavesOf(size)) };
        const proof = consistencyPlan(old.size, size).path(hashOf);
        const forged = leafHash(old.root);
        expect(verifyConsistency(old, current, proof)).toBe(true);
        expect(verifyConsistency({ ...old, root: forged }, current, proof)).toBe(false);
        expect(verifyConsistency(old, { ...current, root: forged }, proof)).toBe(false);
        expect(verifyConsistency({ ...old, size: size + 1 }, current, proof)).toBe(false);
        expect(verifyConsistency(old, current, proof.slice(1))).toBe(false);
        expect(verifyConsistency(old, current, [...proof, forged])).toBe(false);
        expect(verifyConsistency(old, current, [forged, ...proof.slice(1)])).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it('is empty for the same tree and for the empty one', () => {
    const head = { size: 3, root: mth(leavesOf(3)) };
    expect(consistencyPlan(3, 3).nodes).toEqual([]);
    expect(verifyConsistency(head, head, [])).toBe(true);
    expect(verifyConsistency({ size: 0, root: emptyRoot() }, head, [])).toBe(true);
    expect(verifyConsistency({ size: 0, root: head.root }, head, [])).toBe(false);
  });
});
