// The proof of one event: its exact bytes and the path from them to a signed checkpoint.
import type { Checkpoints } from './checkpoints.js';
import type { Ledger } from './ledger.js';

/** Whoever has it can check it alone: SHA-256(0x00 || bytes of `event`), climbed along `path`, is the root in `checkpoint`. */
export interface EventProof {
  /** Leaf index, as the trail shows it. */
  readonly seq: number;
  readonly eventId: string;
  readonly type: string;
  /** Exactly as stored, UTF-8. */
  readonly event: string;
  /** Base64, like the hashes of `path`, which go from the leaf up. */
  readonly leafHash: string;
  readonly path: readonly string[];
  /** A signed note; its size is that of the tree that the path belongs to. */
  readonly checkpoint: string;
}

/** @returns undefined when the ledger has no such leaf @throws InconsistentLedger, LedgerBehind */
export async function proveEvent(
  { ledger, checkpoints }: { readonly ledger: Ledger; readonly checkpoints: Checkpoints },
  tenant: string,
  seq: number,
): Promise<EventProof | undefined> {
  const { value } = await ledger.eventsAt(tenant, [seq]).next();
  const leaf = value?.[0];
  if (leaf === undefined) return undefined;
  const { size, note } = await checkpoints.sign(tenant);
  const [path] = await ledger.inclusionProofs(tenant, [seq], size);
  return {
    seq,
    eventId: leaf.eventId,
    type: leaf.type,
    event: leaf.bytes.toString('utf8'),
    leafHash: leaf.leafHash.toString('base64'),
    path: (path ?? []).map((hash) => hash.toString('base64')),
    checkpoint: note,
  };
}
