// The rule of a connection that says which of the users it pushes are agents: a filter, asked once, when they are provisioned.
import type { ScimAttributes } from '@app/scim';
import { Injectable } from '@nestjs/common';
import { InvalidPolicy } from '../directory.errors.js';
import { Conditions } from '../roles/conditions.js';
import type { UserWrite } from '../user.commands.js';

@Injectable()
export class AgentRules {
  constructor(private readonly conditions: Conditions) {}

  /** A rule in its one normal form. @throws InvalidPolicy with a sentence that says what is wrong */
  normal(tenant: string, text: string): string {
    const rule = this.conditions.normal(tenant, text);
    if (this.conditions.read(tenant, rule).asksForGroups) {
      throw new InvalidPolicy(
        'A user is in no group when it is provisioned: let "agentWhen" ask for an attribute that comes with the user.',
      );
    }
    return rule;
  }

  /** Whether it makes an agent of this user. */
  match(tenant: string, rule: string | undefined, { attributes, active }: UserWrite): boolean {
    if (rule === undefined) return false;
    const { holds } = this.conditions.recordedIn(tenant)(rule, 'a connection (agentWhen)');
    return holds({ attributes: { ...(attributes as ScimAttributes), active } });
  }
}
