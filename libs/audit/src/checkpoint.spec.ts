import { describe, expect, it } from '@jest/globals';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { checkpointText, InvalidNote, openNote, parseCheckpoint, signNote, verifierKey } from './checkpoint.js';

/** The secret key of RFC 8032 section 7.1, test 1, as PKCS #8. */
const RFC8032_KEY = createPrivateKey({
  key: Buffer.from(
    '302e020100300506032b657004220420' + '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'hex',
  ),
  format: 'der',
  type: 'pkcs8',
});
const NAME = 'audit.example/acme';
const text = checkpointText({ origin: NAME, size: 7, root: Buffer.alloc(32, 9) });

describe('a signed note', () => {
  it('has the layout of C2SP signed-note', () => {
    const note = signNote(text, NAME, RFC8032_KEY);
    expect(note).toMatch(
      /^audit\.example\/acme\n7\n[A-Za-z0-9+/]{43}=\n\n— audit\.example\/acme [A-Za-z0-9+/]+={0,2}\n$/u,
    );
    const signature = Buffer.from(note.trimEnd().split(' ').at(-1) as string, 'base64');
    expect(signature).toHaveLength(4 + 64);
    expect(signature.subarray(0, 4).toString('hex')).toBe(verifierKey(NAME, RFC8032_KEY).split('+')[1]);
  });

  it('opens with the key that signed it and gives back the text', () => {
    expect(openNote(signNote(text, NAME, RFC8032_KEY), verifierKey(NAME, RFC8032_KEY))).toBe(text);
  });

  it('opens for every key, whatever base64 its hash and key happen to have', () => {
    for (let i = 0; i < 100; i += 1) {
      const { privateKey } = generateKeyPairSync('ed25519');
      expect(openNote(signNote(text, NAME, privateKey), verifierKey(NAME, privateKey))).toBe(text);
    }
  });

  it('opens when other keys signed it too', () => {
    const witness = generateKeyPairSync('ed25519').privateKey;
    const note = signNote(text, NAME, RFC8032_KEY) + signNote(text, 'witness', witness).slice(text.length + 1);
    expect(openNote(note, verifierKey('witness', witness))).toBe(text);
    expect(openNote(note, verifierKey(NAME, RFC8032_KEY))).toBe(text);
  });

  it('does not open with another key, another name or an altered text', () => {
    const other = generateKeyPairSync('ed25519').privateKey;
    const note = signNote(text, NAME, RFC8032_KEY);
    expect(() => openNote(note, verifierKey(NAME, other))).toThrow(InvalidNote);
    expect(() => openNote(note, verifierKey('audit.example/globex', RFC8032_KEY))).toThrow('is not signed by');
    expect(() => openNote(note.replace('\n7\n', '\n8\n'), verifierKey(NAME, RFC8032_KEY))).toThrow('does not fit');
    expect(() => openNote(text, verifierKey(NAME, RFC8032_KEY))).toThrow('no signatures');
    expect(() => openNote(note, 'nonsense')).toThrow('malformed');
  });

  it('has no place for names that would break its lines', () => {
    expect(() => signNote(text, 'two words', RFC8032_KEY)).toThrow(InvalidNote);
    expect(() => signNote(text, 'a+b', RFC8032_KEY)).toThrow(InvalidNote);
    expect(() => signNote('no newline', NAME, RFC8032_KEY)).toThrow(InvalidNote);
  });
});

describe('a checkpoint', () => {
  it('is read back from its text', () => {
    expect(parseCheckpoint(text)).toEqual({ origin: NAME, size: 7, root: Buffer.alloc(32, 9) });
  });

  it.each([
    '',
    'origin\n',
    'origin\n-1\nAA==\n',
    'origin\n01\n' + Buffer.alloc(32).toString('base64') + '\n',
    'origin\n1\nAA==\n',
  ])('is refused when it reads %j', (malformed) => {
    expect(() => parseCheckpoint(malformed)).toThrow(InvalidNote);
  });
});
