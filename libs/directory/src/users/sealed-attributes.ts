// Seals the attributes of a user under the user's own data key, so that erasing the key erases them wherever they are.
import { STATE_BYTES } from '@app/event-log';
import type { SealContext, Vault } from '@app/vault';
import type { Attributes } from '../user.commands.js';

/** What a sealed resource is bound to. */
export interface Seal {
  readonly tenant: string;
  readonly userId: string;
  readonly dataKeyId: string;
  readonly eventType:
    'UserProvisioned' | 'UserChanged' | 'AgentProvisioned' | 'AgentChanged' | 'ResourceCreated' | 'ResourceChanged';
}

const contextOf = ({ tenant, userId, eventType }: Seal): SealContext => ({
  tenant,
  subject: userId,
  field: 'resource',
  eventType,
});

/** About how many bytes of memory a state takes that holds sealed attributes and little else. */
export const sizeOfSealed = ({ sealed }: { readonly sealed: string }): number => STATE_BYTES / 2 + sealed.length;

export const sealAttributes = (vault: Vault, seal: Seal, attributes: Attributes): Promise<string> =>
  vault.seal(seal.dataKeyId, contextOf(seal), JSON.stringify(attributes));

/** The attributes as they were sealed, in JSON. @returns undefined when the key was erased */
export const openSealed = (vault: Vault, seal: Seal, sealed: string): Promise<string | undefined> =>
  vault.open(seal.dataKeyId, contextOf(seal), sealed);

/** @returns undefined when the key was erased */
export async function openAttributes(vault: Vault, seal: Seal, sealed: string): Promise<Attributes | undefined> {
  const text = await openSealed(vault, seal, sealed);
  return text === undefined ? undefined : (JSON.parse(text) as Attributes);
}
