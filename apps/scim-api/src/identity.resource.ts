// Agentic identities: the same agents as at /Agents, in the words of an earlier draft, which names them by displayName alone.
import type { StoredAgent, Written } from '@app/directory';
import type { RequestContext } from '@app/events';
import type { ParsedResource, ScimAttributes } from '@app/scim';
import { Injectable } from '@nestjs/common';
import { AgentResource } from './agent.resource.js';
import type { Compute } from './scim-resource.js';

@Injectable()
export class IdentityResource extends AgentResource {
  override readonly name: string = 'AgenticIdentity';
  protected override readonly namesAreUnique = false;
  override readonly indexed = { id: 'id', externalId: 'externalId' } as const;

  override create(context: RequestContext, { attributes, ...parsed }: ParsedResource): Promise<Written<StoredAgent>> {
    const named = { ...attributes, agentUserName: attributes.displayName as string };
    return super.create(context, { ...parsed, attributes: named });
  }

  /** An agent that is called by its displayName goes on being called by it. */
  override change(
    context: RequestContext,
    id: string,
    compute: Compute,
    expected: bigint | undefined,
  ): Promise<Written<StoredAgent>> {
    const naming: Compute = (current, members) => {
      const changes = compute(current, members);
      const { displayName } = changes.next;
      if (current.agentUserName !== current.displayName || displayName === undefined) return changes;
      return { ...changes, next: { ...changes.next, agentUserName: displayName } };
    };
    return super.change(context, id, naming, expected);
  }

  override attributesOf(agent: StoredAgent): ScimAttributes {
    return { displayName: agent.name, ...super.attributesOf(agent) };
  }
}
