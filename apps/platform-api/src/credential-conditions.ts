// Turns the condition of a credential into a role that the directory decides about, before the credential is registered.
import { DefineCondition } from '@app/directory';
import type { RequestContext } from '@app/events';
import type { CredentialRegistration } from '@app/revocation';
import { Injectable } from '@nestjs/common';
import type { CredentialRequest } from './credentials.dto.js';
import { EVERYBODY_MS, Writes } from './writes.js';

@Injectable()
export class CredentialConditions {
  constructor(private readonly writes: Writes) {}

  /** A condition is judged for everybody the first time it is met; from then on it costs nothing to require it. @throws InvalidPolicy */
  async registrationOf(
    context: RequestContext,
    { condition, ...request }: CredentialRequest,
    id: string,
  ): Promise<CredentialRegistration> {
    if (condition === undefined) return { ...request, id };
    const { roleId } = await this.writes.execute(new DefineCondition(context, condition), EVERYBODY_MS);
    return { ...request, id, requiresRoles: [...(request.requiresRoles ?? []), roleId] };
  }
}
