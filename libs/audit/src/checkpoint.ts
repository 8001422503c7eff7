// A checkpoint of a log as a signed note: C2SP tlog-checkpoint over C2SP signed-note, with Ed25519.
import { createHash, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import type { TreeHead } from './merkle.js';

/** Signature type 1 of C2SP signed-note: Ed25519 over the note's text. */
const ED25519 = 1;

export interface Checkpoint extends TreeHead {
  /** Names the log: `<log name>/<tenant>`, the same as the name of the key that signs it. */
  readonly origin: string;
}

/** The note is malformed, or not signed by this key. */
export class InvalidNote extends Error {
  override readonly name = 'InvalidNote';
}

const rawPublicKey = (key: KeyObject): Buffer =>
  Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x as string, 'base64url');

/** First four bytes of SHA-256(name || LF || type || public key): tells a verifier which signature line is its own. */
const keyHash = (name: string, typedKey: Buffer): Buffer =>
  createHash('sha256').update(`${name}\n`).update(typedKey).digest().subarray(0, 4);

const typedKeyOf = (key: KeyObject): Buffer => Buffer.concat([Buffer.from([ED25519]), rawPublicKey(key)]);

function checkKeyName(name: string): void {
  if (!/^[^\s+]+$/u.test(name)) throw new InvalidNote(`key name ${JSON.stringify(name)} is empty or has spaces or "+"`);
}

/** The public key in the text form of C2SP signed-note: `<name>+<hash>+<base64 of type and key>`. */
export function verifierKey(name: string, key: KeyObject): string {
  checkKeyName(name);
  const typedKey = typedKeyOf(key);
  return `${name}+${keyHash(name, typedKey).toString('hex')}+${typedKey.toString('base64')}`;
}

/** Signs a text that ends with a newline. */
export function signNote(text: string, name: string, privateKey: KeyObject): string {
  checkKeyName(name);
  if (!text.endsWith('\n')) throw new InvalidNote('the text of a note ends with a newline');
  const signature = Buffer.concat([keyHash(name, typedKeyOf(privateKey)), sign(null, Buffer.from(text), privateKey)]);
  return `${text}\n— ${name} ${signature.toString('base64')}\n`;
}

/** @returns the text that `vkey` signed @throws InvalidNote */
export function openNote(note: string, vkey: string): string {
  const [, name = '', hash = '', encoded = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+(.+)$/u.exec(vkey.trim()) ?? [];
  const typedKey = Buffer.from(encoded, 'base64');
  if (typedKey.length !== 33 || typedKey[0] !== ED25519 || keyHash(name, typedKey).toString('hex') !== hash) {
    throw new InvalidNote('the verifier key is malformed');
  }
  const end = note.lastIndexOf('\n\n');
  if (end < 0) throw new InvalidNote('the note has no signatures');
  const text = note.slice(0, end + 1);
  const x = typedKey.subarray(1).toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  for (const line of note.slice(end + 2).split('\n')) {
    if (!line.startsWith(`— ${name} `)) continue;
    const signature = Buffer.from(line.slice(name.length + 3), 'base64');
    if (signature.subarray(0, 4).toString('hex') !== hash) continue;
    if (verify(null, Buffer.from(text), key, signature.subarray(4))) return text;
    throw new InvalidNote(`the signature of ${name} does not fit the text`);
  }
  throw new InvalidNote(`the note is not signed by ${name} (key ${hash})`);
}

/** The three lines of C2SP tlog-checkpoint. */
export const checkpointText = ({ origin, size, root }: Checkpoint): string =>
  `${origin}\n${size}\n${root.toString('base64')}\n`;

/** Reads a checkpoint without looking at signatures. @throws InvalidNote */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', encoded = ''] = text.split('\n');
  const root = Buffer.from(encoded, 'base64');
  if (origin === '' || !/^(0|[1-9][0-9]{0,15})$/.test(size) || root.length !== 32) {
    throw new InvalidNote('not a checkpoint: expected an origin, a size and a root hash');
  }
  return { origin, size: Number(size), root };
}
