// Agents that join an application and leave it from its own side: the same facts as from theirs, each on the agent's stream.
import { streams, type RequestContext } from '@app/events';
import { contextOf, Decisions, EventLog } from '@app/event-log';
import { Clock } from '@app/runtime';
import { Injectable } from '@nestjs/common';
import { agentAggregate, isSeenBy, joinApplication, leaveApplication } from '../agents/agent.js';
import type { AgentsDelta } from '../application.commands.js';
import { UnknownMembers } from '../directory.errors.js';
import type { Members } from '../group.commands.js';
import type { Scope } from '../scope.js';
import { KnownIds } from '../view/known-ids.js';

/** Decided on at once. */
const PAGE = 64;

@Injectable()
export class ApplicationAgents {
  constructor(
    private readonly log: EventLog,
    private readonly decisions: Decisions,
    private readonly known: KnownIds,
    private readonly clock: Clock,
  ) {}

  /** Those that belong to it, whoever provisioned them. */
  async of({ tenant }: Scope, applicationId: string): Promise<Members> {
    const ids = await this.known.agentsOf(tenant, applicationId);
    const has = (id: string) => ids.has(id);
    return { size: ids.size, has, ids: () => ids, typeOf: (id) => (has(id) ? 'Agent' : undefined) };
  }

  /** To be asked before anything is written. @throws UnknownMembers when one that is to join is not of the scope */
  mustBeKnown(scope: Scope, { added }: AgentsDelta): Promise<void> {
    return this.known.mustBeAgents(scope, added);
  }

  /**
   * May be repeated after a failure: whoever is where they shall be is left alone. Joining comes first: it takes access away.
   * @returns `position`: where all of it is in the log, also what others wrote; undefined when nothing was asked for
   * @throws UnknownMembers when one that is to join has gone meanwhile
   */
  async change(
    context: RequestContext,
    applicationId: string,
    { added, removed }: AgentsDelta,
  ): Promise<{ readonly changed: boolean; readonly position: bigint | undefined }> {
    if (added.length + removed.length === 0) return { changed: false, position: undefined };
    const haveJoined = await inPages(added, (id) => this.decide(context, id, applicationId, joinApplication));
    const haveLeft = await inPages(removed, (id) => this.decide(context, id, applicationId, leaveApplication));
    return { changed: haveJoined || haveLeft, position: await this.log.head() };
  }

  /** @returns whether anything was appended */
  private async decide(
    context: RequestContext,
    agentId: string,
    applicationId: string,
    change: typeof joinApplication,
  ): Promise<boolean> {
    const stream = streams.agent(context.tenant, agentId);
    const { appended } = await this.decisions.execute(stream, agentAggregate, (agent) => {
      const isSeen = isSeenBy(context, agent);
      if (!isSeen && change === joinApplication) throw new UnknownMembers([agentId]);
      const at = contextOf(context, this.clock.iso());
      return { events: isSeen ? change(agent, agentId, applicationId, at) : [], result: undefined };
    });
    return appended;
  }
}

/** @returns whether any of them was changed */
async function inPages(ids: readonly string[], change: (id: string) => Promise<boolean>): Promise<boolean> {
  let changed = false;
  for (let start = 0; start < ids.length; start += PAGE) {
    const page = await Promise.all(ids.slice(start, start + PAGE).map(change));
    changed ||= page.includes(true);
  }
  return changed;
}
