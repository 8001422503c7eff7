// The Merkle tree of RFC 6962 section 2.1: hashing, growing by leaves, and the two kinds of proof with their verification.
import { hash } from 'node:crypto';

export type Hash = Buffer;

/** A complete subtree: the leaves [index * 2^level, (index + 1) * 2^level). Level 0 is a leaf. */
export interface NodeId {
  readonly level: number;
  readonly index: number;
}

export interface TreeNode extends NodeId {
  readonly hash: Hash;
}

/** Leaves [from, to) of which a proof needs the root. */
interface Range {
  readonly from: number;
  readonly to: number;
}

const LEAF = Buffer.from([0]);
const NODE = Buffer.from([1]);

/** In one call: fed piece by piece, it takes a third longer. */
const sha256 = (bytes: Uint8Array): Hash => hash('sha256', bytes, 'buffer');

/** SHA-256(0x00 || bytes) */
export const leafHash = (bytes: Uint8Array): Hash => sha256(Buffer.concat([LEAF, bytes]));

/** SHA-256(0x01 || left || right) */
export const nodeHash = (left: Hash, right: Hash): Hash => sha256(Buffer.concat([NODE, left, right]));

/** Root of the tree without leaves. */
export const emptyRoot = (): Hash => sha256(Buffer.alloc(0));

/** Largest power of two smaller than `size`; where RFC 6962 splits a tree of at least two leaves. */
function splitOf(size: number): number {
  let k = 1;
  while (k * 2 < size) k *= 2;
  return k;
}

/** The complete subtrees that make up a range, left to right. The range starts at a multiple of its first subtree. */
function subtreesOf({ from, to }: Range): NodeId[] {
  const nodes: NodeId[] = [];
  let start = from;
  while (start < to) {
    let level = 0;
    while (start + 2 ** (level + 1) <= to) level += 1;
    nodes.push({ level, index: start / 2 ** level });
    start += 2 ** level;
  }
  return nodes;
}

const foldRight = (hashes: readonly Hash[]): Hash => hashes.reduceRight((right, left) => nodeHash(left, right));

/**
 * The growing edge of a tree: the roots of its complete subtrees, largest first. All that is needed to append and to
 * compute the root.
 */
export class Frontier {
  private constructor(
    private readonly hashes: Hash[],
    private count: number,
  ) {}

  /** @param stored what {@link Frontier.bytes} returned for a tree of `size` leaves */
  static restore(size: number, stored: Uint8Array): Frontier {
    const buffer = Buffer.from(stored);
    const hashes = subtreesOf({ from: 0, to: size }).map((_, i) => buffer.subarray(i * 32, i * 32 + 32));
    if (buffer.length !== hashes.length * 32)
      throw new Error(`a frontier of ${size} leaves has ${hashes.length} hashes`);
    return new Frontier(hashes, size);
  }

  static empty(): Frontier {
    return new Frontier([], 0);
  }

  get size(): number {
    return this.count;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.hashes);
  }

  root(): Hash {
    return this.hashes.length === 0 ? emptyRoot() : foldRight(this.hashes);
  }

  /** Appends one leaf. @returns the inner nodes it completed, lowest first; on average one */
  append(leaf: Hash): TreeNode[] {
    const completed: TreeNode[] = [];
    let index = this.count;
    let hash = leaf;
    for (let level = 1; index % 2 === 1; level += 1) {
      index = (index - 1) / 2;
      hash = nodeHash(this.hashes.pop() as Hash, hash);
      completed.push({ level, index, hash });
    }
    this.hashes.push(hash);
    this.count += 1;
    return completed;
  }
}

/** A proof before its hashes are read: which stored nodes it needs. */
export class ProofPlan {
  constructor(private readonly ranges: readonly Range[]) {}

  /** O(log n) of them. */
  get nodes(): NodeId[] {
    return this.ranges.flatMap(subtreesOf);
  }

  /** @param hashOf the stored hash of each of {@link ProofPlan.nodes} */
  path(hashOf: (node: NodeId) => Hash): Hash[] {
    return this.ranges.map((range) => foldRight(subtreesOf(range).map(hashOf)));
  }
}

/** What the root of the first `size` leaves is computed from; its path is that root alone. `size` is at least 1. */
export const rootPlan = (size: number): ProofPlan => new ProofPlan([{ from: 0, to: size }]);

/** PATH(index, D[size]) of RFC 6962 section 2.1.1. @throws RangeError if the leaf is not in the tree */
export function inclusionPlan(index: number, size: number): ProofPlan {
  if (!(index >= 0 && index < size)) throw new RangeError(`no leaf ${index} in a tree of ${size}`);
  const ranges: Range[] = [];
  let from = 0;
  let to = size;
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  return new ProofPlan(ranges.reverse());
}

/** PROOF(old, D[size]) of RFC 6962 section 2.1.2. @throws RangeError unless 0 <= old <= size */
export function consistencyPlan(old: number, size: number): ProofPlan {
  if (!(old >= 0 && old <= size)) throw new RangeError(`a tree of ${size} has no state of ${old} leaves`);
  if (old === 0 || old === size) return new ProofPlan([]);
  const ranges: Range[] = [];
  let from = 0;
  let to = size;
  while (old < to) {
    const middle = from + splitOf(to - from);
    if (old <= middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  // The old tree itself is known to the verifier when it is a complete left subtree.
  if (from > 0) ranges.push({ from, to });
  return new ProofPlan(ranges.reverse());
}

/** Whether `leaf` is leaf number `index` of the tree with this size and root. */
export function verifyInclusion(leaf: Hash, index: number, size: number, path: readonly Hash[], root: Hash): boolean {
  if (!(index >= 0 && index < size)) return false;
  const rest = [...path];
  const climb = (i: number, n: number): Hash | undefined => {
    if (n === 1) return rest.length === 0 ? leaf : undefined;
    const sibling = rest.pop();
    if (sibling === undefined) return undefined;
    const k = splitOf(n);
    const inner = i < k ? climb(i, k) : climb(i - k, n - k);
    if (inner === undefined) return undefined;
    return i < k ? nodeHash(inner, sibling) : nodeHash(sibling, inner);
  };
  return climb(index, size)?.equals(root) ?? false;
}

export interface TreeHead {
  readonly size: number;
  readonly root: Hash;
}

/** Whether the new tree starts with exactly the leaves of the old one. */
export function verifyConsistency(old: TreeHead, current: TreeHead, proof: readonly Hash[]): boolean {
  if (old.size > current.size) return false;
  if (old.size === 0) return proof.length === 0 && old.root.equals(emptyRoot());
  if (old.size === current.size) return proof.length === 0 && old.root.equals(current.root);
  const rest = [...proof];
  // Both roots, rebuilt from the proof: of the first m leaves and of all n.
  const rebuild = (m: number, n: number, isLeftEdge: boolean): readonly [Hash, Hash] | undefined => {
    if (m === n) {
      const known = isLeftEdge ? old.root : rest.pop();
      return known === undefined || rest.length > 0 ? undefined : [known, known];
    }
    const sibling = rest.pop();
    if (sibling === undefined) return undefined;
    const k = splitOf(n);
    const inner = m <= k ? rebuild(m, k, isLeftEdge) : rebuild(m - k, n - k, false);
    if (inner === undefined) return undefined;
    return m <= k
      ? [inner[0], nodeHash(inner[1], sibling)]
      : [nodeHash(sibling, inner[0]), nodeHash(sibling, inner[1])];
  };
  const roots = rebuild(old.size, current.size, true);
  return roots !== undefined && roots[0].equals(old.root) && roots[1].equals(current.root);
}
