// What an auditor gets: the trail in sentences, and a bundle that verifies without us.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiClient } from '@app/testkit';
import { must } from './answers.js';
import type { Story } from './story.js';

interface Line {
  readonly at: string;
  readonly sentence: string;
}

export async function showTrail(story: Story, api: ApiClient, userId: string): Promise<void> {
  story.chapter('5. The trail of Ada, as the log tells it.');
  const { items } = must(await api.get<{ items: Line[] }>(`/trail?subject=${userId}&order=oldest&limit=500`), 200);
  for (const { at, sentence } of items) process.stdout.write(`    ${at}  ${sentence}\n`);
  const tells = (word: string) => items.some(({ sentence }) => sentence.includes(word));
  story.fact(
    'It begins with her provisioning and ends with a verdict.',
    tells('was provisioned') && tells('is complete'),
  );
}

/** Downloads the bundle and runs the verifier that it carries, with the key from the auditor's own records. */
export async function verifyProof(story: Story, apiBaseUrl: string, apiKey: string, cascadeId: string): Promise<void> {
  story.chapter('6. The proof, verified offline.');
  const download = async (path: string): Promise<Buffer> => {
    const answer = await fetch(`${apiBaseUrl}${path}`, { headers: { authorization: `Bearer ${apiKey}` } });
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return Buffer.from(await answer.arrayBuffer());
  };
  const vkey = (await download('/checkpoint/vkey')).toString('utf8').trim();
  const bundle = await download(`/evidence?type=cascade&id=${cascadeId}`);
  const folder = mkdtempSync(join(tmpdir(), 'evidence-'));
  const file = join(folder, 'bundle.zip');
  writeFileSync(file, bundle);
  const verifier = join(folder, 'verify.mjs');
  writeFileSync(verifier, readFileSync(join('libs', 'audit', 'src', 'verifier', 'verify.mjs')));
  const verify = (path: string) => spawnSync(process.execPath, [verifier, path, '--vkey', vkey], { encoding: 'utf8' });

  const honest = verify(file);
  for (const line of honest.stdout.trim().split('\n')) story.tell(`    ${line}`);
  story.fact(`node verify.mjs bundle.zip --vkey "${vkey.slice(0, 24)}..." exits 0.`, honest.status === 0);

  const forged = join(folder, 'forged.zip');
  const bytes = Buffer.from(bundle);
  const middle = Math.floor(bytes.length / 3);
  bytes[middle] = (bytes[middle] as number) ^ 1;
  writeFileSync(forged, bytes);
  const caught = verify(forged);
  story.fact('With one bit of the bundle flipped it exits 4.', caught.status === 4);
  story.tell(`The bundle is ${file}`);
}
