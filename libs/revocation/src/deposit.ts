// Puts a secret into the vault for an event that is to name it, and takes it out again when no event does.
import { WrongExpectedRevision } from '@app/event-log';
import type { StoredSecret, Vault } from '@app/vault';
import { AccessRefused } from './access.errors.js';

/** Nothing was appended. Of other errors that is not known, and a secret too many is better than one that is missing. */
const isRefusal = (error: unknown): boolean => error instanceof AccessRefused || error instanceof WrongExpectedRevision;

/**
 * @param decide may ask for the secret to be stored any number of times, as a decision that is made again does: it is
 *   stored once, and destroyed unless the decision was appended
 */
export async function depositing<D extends { readonly appended: boolean }>(
  vault: Vault,
  tenant: string,
  secret: string,
  decide: (store: () => Promise<StoredSecret>) => Promise<D>,
): Promise<D> {
  let stored: StoredSecret | undefined;
  const discard = async () => {
    if (stored !== undefined) await vault.destroySecrets(tenant, [stored.secretId]);
  };
  const store = async () => (stored ??= await vault.putSecret(tenant, secret));
  const decided = await decide(store).catch(async (error: unknown) => {
    if (isRefusal(error)) await discard();
    throw error;
  });
  if (!decided.appended) await discard();
  return decided;
}
