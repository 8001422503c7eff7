// The shapes that operators see: rows of the audit room with names put to their ids.
import type { CascadeSummary, Page, TargetSummary } from '@app/audit';
import { Injectable } from '@nestjs/common';
import type { CascadePage, RevocationPage } from './cascade-answers.dto.js';
import { Names } from './names.js';

@Injectable()
export class Presented {
  constructor(private readonly names: Names) {}

  async cascades(tenant: string, { items, next }: Page<CascadeSummary>): Promise<CascadePage> {
    const named = await this.names.of(
      tenant,
      items.map(({ subject }) => subject.id),
    );
    return { items: items.map((one) => ({ ...one, subject: { ...one.subject, ...named(one.subject.id) } })), next };
  }

  async targets(tenant: string, { items, next }: Page<TargetSummary>): Promise<RevocationPage> {
    const named = await this.names.of(
      tenant,
      items.flatMap(({ userId, agentId }) => [userId, agentId]),
    );
    const shown = items.map(({ userId, agentId, ...rest }) => ({
      ...rest,
      user: named(userId),
      agent: named(agentId),
    }));
    return { items: shown, next };
  }
}
