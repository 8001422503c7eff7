// The catalog: for every event type its current version, its upcasters, and the sentence an auditor reads.
import type { AccessEvents } from './access.events.js';
import type { DirectoryEvents } from './directory.events.js';
import type { RevocationEvents } from './revocation.events.js';
import type { RoleEvents } from './role.events.js';

export interface EventData extends DirectoryEvents, RoleEvents, AccessEvents, RevocationEvents {}
export type EventType = keyof EventData;

/** Turns an id into what a reader knows it by; returns the id itself when the name is unknown or erased. */
export type NameOf = (id: string) => string;

interface CatalogEntry<T extends EventType> {
  readonly version: number;
  /** `upcasters[n]` turns data of version n into version n + 1. Absent while only version 1 was ever written. */
  readonly upcasters?: Readonly<Record<number, (data: never) => unknown>>;
  readonly sentence: (data: EventData[T], nameOf: NameOf) => string;
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

const holder = (data: { userId?: string; agentId?: string }, nameOf: NameOf): string => {
  const agent = data.agentId === undefined ? '' : ` by agent ${nameOf(data.agentId)}`;
  const user = data.userId === undefined ? '' : ` on behalf of ${nameOf(data.userId)}`;
  return agent + user;
};

const owners = (refs: readonly { id: string }[], nameOf: NameOf): string => refs.map((o) => nameOf(o.id)).join(', ');

/** What is pushed as a user has its names sealed. */
const agentName = (d: { agentId: string; name: string; user?: object }, nameOf: NameOf): string =>
  d.user === undefined ? d.name : nameOf(d.agentId);

const names = (ids: readonly string[], nameOf: NameOf): string => ids.map(nameOf).join(', ');

export const catalog: { readonly [T in EventType]: CatalogEntry<T> } = {
  TenantCreated: { version: 1, sentence: (d) => `Tenant ${d.name} was created.` },
  ApiKeyIssued: { version: 1, sentence: (d) => `Key ${d.keyId} was issued for ${d.roles.join(' and ')}.` },
  ApiKeyRevoked: { version: 1, sentence: (d) => `Key ${d.keyId} was revoked.` },
  ConnectionOpened: { version: 1, sentence: (d) => `Connection ${d.name} was opened (${d.dialect}).` },
  ConnectionChanged: { version: 1, sentence: (d) => `Connection ${d.name} was changed (${d.changed.join(', ')}).` },
  ConnectionTokenIssued: {
    version: 1,
    sentence: (d, n) => `Token ${d.tokenId} was issued for connection ${n(d.connectionId)}.`,
  },
  ConnectionTokenRevoked: {
    version: 1,
    sentence: (d, n) => `Token ${d.tokenId} of connection ${n(d.connectionId)} was revoked.`,
  },
  ConnectionKeyRegistered: {
    version: 1,
    sentence: (d, n) => `Key ${d.keyId} (${d.algorithm}) was registered for connection ${n(d.connectionId)}.`,
  },
  ConnectionKeyRevoked: {
    version: 1,
    sentence: (d, n) => `Key ${d.keyId} of connection ${n(d.connectionId)} was revoked.`,
  },
  ConnectionPaused: { version: 1, sentence: (d, n) => `Connection ${n(d.connectionId)} was paused.` },
  ConnectionResumed: { version: 1, sentence: (d, n) => `Connection ${n(d.connectionId)} was resumed.` },
  ConnectionClosed: { version: 1, sentence: (d, n) => `Connection ${n(d.connectionId)} was closed.` },
  ConnectionOffboardingOrdered: {
    version: 1,
    sentence: (d, n) => `Everybody whom connection ${n(d.connectionId)} provisioned was ordered to be deactivated.`,
  },
  ConnectionHandOverOrdered: {
    version: 1,
    sentence: (d, n) =>
      `Everything that connection ${n(d.connectionId)} provisioned was ordered to be handed over to connection ${n(d.to)}.`,
  },
  ConnectionOrderCarriedOut: {
    version: 1,
    sentence: (d, n) => `What was ordered for connection ${n(d.connectionId)} was carried out.`,
  },
  UserNameReserved: { version: 1, sentence: (d, n) => `A unique name was reserved for ${n(d.userId)}.` },
  UserNameReleased: { version: 1, sentence: (d, n) => `A unique name of ${n(d.userId)} was released.` },
  UserProvisioned: {
    version: 1,
    sentence: (d, n) => `${n(d.userId)} was provisioned${d.active ? '' : ' as inactive'}.`,
  },
  UserChanged: { version: 1, sentence: (d, n) => `${n(d.userId)} was changed (${d.changed.join(', ')}).` },
  UserDeactivated: {
    version: 1,
    sentence: (d, n) => `${n(d.userId)} was deactivated: every gate denies from here on.`,
  },
  UserReactivated: {
    version: 1,
    sentence: (d, n) => `${n(d.userId)} was reactivated (generation ${d.generation}); nothing was restored.`,
  },
  UserDeleted: { version: 1, sentence: (d, n) => `${n(d.userId)} was deleted.` },
  UserHandedOver: {
    version: 1,
    sentence: (d, n) => `${n(d.userId)} was handed over to connection ${n(d.to)}.`,
  },
  GroupCreated: { version: 1, sentence: (d) => `Group ${d.displayName} was created.` },
  GroupChanged: { version: 1, sentence: (d) => `Group ${d.displayName} was changed (${d.changed.join(', ')}).` },
  GroupMembershipChanged: {
    version: 1,
    sentence: (d, n) => {
      const one = (refs: readonly { id: string }[]) =>
        refs.length === 1 && refs[0] ? n(refs[0].id) : count(refs.length, 'member');
      const parts = [
        ...(d.added.length > 0 ? [`gained ${one(d.added)}`] : []),
        ...(d.removed.length > 0 ? [`lost ${one(d.removed)}`] : []),
      ];
      return `Group ${n(d.groupId)} ${parts.join(' and ')}.`;
    },
  },
  GroupDeleted: { version: 1, sentence: (d, n) => `Group ${n(d.groupId)} was deleted.` },
  GroupHandedOver: {
    version: 1,
    sentence: (d, n) => `Group ${n(d.groupId)} was handed over to connection ${n(d.to)}.`,
  },
  AgentProvisioned: {
    version: 1,
    sentence: (d, n) => `Agent ${agentName(d, n)} was provisioned, owned by ${owners(d.owners, n) || 'nobody'}.`,
  },
  AgentChanged: { version: 1, sentence: (d, n) => `Agent ${agentName(d, n)} was changed (${d.changed.join(', ')}).` },
  AgentOwnersChanged: {
    version: 1,
    sentence: (d, n) =>
      `Agent ${n(d.agentId)} gained owners [${owners(d.added, n)}] and lost owners [${owners(d.removed, n)}].`,
  },
  AgentApplicationsChanged: {
    version: 1,
    sentence: (d, n) =>
      `Agent ${n(d.agentId)} joined applications [${names(d.added, n)}] and left applications [${names(d.removed, n)}].`,
  },
  AgentDeactivated: { version: 1, sentence: (d, n) => `Agent ${n(d.agentId)} was deactivated (${d.reason}).` },
  AgentReactivated: {
    version: 1,
    sentence: (d, n) => `Agent ${n(d.agentId)} was reactivated (generation ${d.generation}); nothing was restored.`,
  },
  AgentOrphaned: {
    version: 1,
    sentence: (d, n) => `Agent ${n(d.agentId)} lost its last active owner and was suspended.`,
  },
  AgentDeleted: { version: 1, sentence: (d, n) => `Agent ${n(d.agentId)} was deleted.` },
  AgentHandedOver: {
    version: 1,
    sentence: (d, n) => `Agent ${n(d.agentId)} was handed over to connection ${n(d.to)}.`,
  },
  ApplicationProvisioned: {
    version: 1,
    sentence: (d) => `Application ${d.name} was provisioned${d.active ? '' : ' as inactive'}.`,
  },
  ApplicationChanged: { version: 1, sentence: (d) => `Application ${d.name} was changed (${d.changed.join(', ')}).` },
  ApplicationDeactivated: {
    version: 1,
    sentence: (d, n) => `Application ${n(d.applicationId)} was deactivated: none of its agents may act.`,
  },
  ApplicationReactivated: {
    version: 1,
    sentence: (d, n) => `Application ${n(d.applicationId)} was reactivated; nothing was restored.`,
  },
  ApplicationDeleted: {
    version: 1,
    sentence: (d, n) => `Application ${n(d.applicationId)} was deleted: none of its agents may act.`,
  },
  ApplicationHandedOver: {
    version: 1,
    sentence: (d, n) => `Application ${n(d.applicationId)} was handed over to connection ${n(d.to)}.`,
  },
  ResourceCreated: { version: 1, sentence: (d, n) => `${d.resourceType} ${n(d.resourceId)} was created.` },
  ResourceChanged: {
    version: 1,
    sentence: (d, n) => `${d.resourceType} ${n(d.resourceId)} was changed (${d.changed.join(', ')}).`,
  },
  ResourceHandedOver: {
    version: 1,
    sentence: (d, n) => `${d.resourceType} ${n(d.resourceId)} was handed over to connection ${n(d.to)}.`,
  },
  ResourceDeleted: { version: 1, sentence: (d, n) => `${d.resourceType} ${n(d.resourceId)} was deleted.` },
  RoleDefined: {
    version: 1,
    sentence: (d) => `The ${d.kind} ${d.roleId} was defined${d.condition === undefined ? '' : `: ${d.condition}`}.`,
  },
  RoleDeleted: { version: 1, sentence: (d) => `${d.roleId} was deleted: nobody has it any more.` },
  MappingDrafted: { version: 1, sentence: (d) => `Mapping ${d.name} was drafted (${count(d.rules.length, 'rule')}).` },
  MappingActivated: { version: 1, sentence: (d) => `Mapping ${d.mappingId} was activated.` },
  RoleMembershipChanged: {
    version: 1,
    sentence: (d, n) => {
      const one = (ids: readonly string[]) => (ids.length === 1 && ids[0] ? n(ids[0]) : count(ids.length, 'member'));
      const parts = [
        ...(d.added.length > 0 ? [`was given to ${one(d.added.map((m) => m.userId))}`] : []),
        ...(d.removed.length > 0 ? [`was taken from ${one(d.removed)}`] : []),
        ...(d.changed.length > 0 ? [`stays with ${one(d.changed.map((m) => m.userId))} in another way`] : []),
      ];
      return `${d.roleId} ${parts.join(' and ')}.`;
    },
  },

  ProviderConfigured: { version: 1, sentence: (d) => `Provider ${d.displayName} was configured (${d.connector}).` },
  ProviderRemoved: { version: 1, sentence: (d, n) => `Provider ${n(d.providerId)} was removed.` },
  CredentialRegistered: {
    version: 1,
    sentence: (d, n) => `${d.kind} ${d.credentialId} at ${n(d.providerId)} was registered, held${holder(d, n)}.`,
  },
  CredentialRotated: { version: 1, sentence: (d) => `Credential ${d.credentialId} was rotated.` },
  CredentialReleased: { version: 1, sentence: (d) => `Credential ${d.credentialId} was released by the platform.` },
  ScheduleRegistered: {
    version: 1,
    sentence: (d, n) => `Schedule ${d.scheduleId} at ${n(d.providerId)} was registered, held${holder(d, n)}.`,
  },
  ScheduleReleased: { version: 1, sentence: (d) => `Schedule ${d.scheduleId} was released by the platform.` },
  RunStarted: { version: 1, sentence: (d, n) => `Run ${d.runId} was started${holder(d, n)}.` },
  RunEnded: { version: 1, sentence: (d) => `Run ${d.runId} ended.` },
  CascadeStarted: {
    version: 1,
    sentence: (d, n) =>
      `Cascade ${d.cascadeId} started for ${d.subject.type} ${n(d.subject.id)} because of ${d.cause.eventType}: ${count(d.targetCount, 'target')}.`,
  },
  RevocationPlanned: {
    version: 1,
    sentence: (d) => `The revocation of ${count(d.targets.length, 'target')} was planned in cascade ${d.cascadeId}.`,
  },
  NothingToRevoke: {
    version: 1,
    sentence: (d, n) =>
      `${d.cause.eventType} of ${d.subject.type} ${n(d.subject.id)}: nothing was held as of log position ${d.holdingsPosition}.`,
  },
  RevocationAcknowledged: {
    version: 1,
    sentence: (d) =>
      `Target ${d.targetId}: the provider acknowledged the revocation at attempt ${d.attempt.number}${d.alreadyGone ? ' (it was already gone)' : ''} (grade B).`,
  },
  RevocationVerified: { version: 1, sentence: (d) => `Target ${d.targetId}: verified dead (grade A).` },
  VerificationFailed: {
    version: 1,
    sentence: (d) =>
      `Target ${d.targetId}: the provider said it was revoked, the probe found it alive; ${d.parked === true ? 'parked, tried' : 'due'} again at ${d.until}.`,
  },
  VerificationDeferred: {
    version: 1,
    sentence: (d) =>
      `Target ${d.targetId}: the probe gave no answer; ${d.until === undefined ? 'given up, the grade stays B' : `tried again at ${d.until}`}.`,
  },
  RevocationDeferred: {
    version: 1,
    sentence: (d) => `Target ${d.targetId}: attempt ${d.attempt.number} failed (${d.class}); due again at ${d.until}.`,
  },
  RevocationParked: {
    version: 1,
    sentence: (d) => `Target ${d.targetId}: parked (${d.class}: ${d.reason}); tried again at ${d.until}.`,
  },
  RevocationRetried: { version: 1, sentence: (d) => `Target ${d.targetId}: ${d.by} asked for a retry (${d.reason}).` },
  RevocationWaived: { version: 1, sentence: (d) => `Target ${d.targetId}: waived by ${d.by} (${d.reason}) (grade W).` },
  RevocationExpired: { version: 1, sentence: (d) => `Target ${d.targetId}: expired at ${d.expiredAt} (grade C).` },
  CascadeCompleted: {
    version: 1,
    sentence: (d) =>
      `Cascade ${d.cascadeId} is ${d.verdict}: ${d.counts.A} verified, ${d.counts.B} acknowledged, ${d.counts.C} expired, ${d.counts.W} waived.`,
  },
};

/**
 * Brings data of any version ever written up to the current one.
 * @throws if the type is unknown or the version is newer than this build.
 */
export function upcast<T extends EventType>(type: T, version: number, data: unknown): EventData[T] {
  const entry = catalog[type] as CatalogEntry<T> | undefined;
  if (entry === undefined) throw new Error(`unknown event type ${String(type)}: this build is older than the log`);
  if (version > entry.version) {
    throw new Error(`${String(type)} has version ${version}, this build knows ${entry.version}: update the service`);
  }
  let current = data;
  for (let v = version; v < entry.version; v += 1) {
    const step = entry.upcasters?.[v] as ((value: unknown) => unknown) | undefined;
    if (step === undefined) throw new Error(`${String(type)}: no upcaster from version ${v}`);
    current = step(current);
  }
  return current as EventData[T];
}
