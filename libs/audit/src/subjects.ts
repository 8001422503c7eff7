// Whom an event concerns: one line per event type, so that a person's trail can be found; a missing line does not compile.
import type { EventData, EventType, Holder, OwnerRef } from '@app/events';

export interface About {
  /** Ids of the people, agents, groups, connections and providers named in the event itself. */
  readonly subjects?: readonly (string | undefined)[];
  /** Ids the event names whose holders are known from earlier events. */
  readonly refs?: readonly string[];
  /** What the event tells about refs: whom later events naming them concern as well. */
  readonly links?: readonly Link[];
  readonly cascadeId?: string;
  readonly targetId?: string;
}

interface Link {
  readonly ref: string;
  readonly subjects: readonly (string | undefined)[];
  /** Another ref whose subjects this one takes over. */
  readonly inherits?: string;
}

const holders = ({ userId, agentId }: Holder) => [userId, agentId];
const ids = (refs: readonly { readonly id: string }[]) => refs.map((ref) => ref.id);
const user = (d: { userId: string }): About => ({ subjects: [d.userId] });
const group = (d: { groupId: string }): About => ({ subjects: [d.groupId] });
const agent = (d: { agentId: string }): About => ({ subjects: [d.agentId], refs: [d.agentId] });
const application = (d: { applicationId: string }): About => ({ subjects: [d.applicationId] });
const resource = (d: { resourceId: string }): About => ({ subjects: [d.resourceId] });
const connection = (d: { connectionId: string }): About => ({ subjects: [d.connectionId] });
const provider = (d: { providerId: string }): About => ({ subjects: [d.providerId] });
const nobody = (): About => ({});
const held = (ref: string, holder: Holder): About => ({
  subjects: holders(holder),
  links: [{ ref, subjects: holders(holder) }],
});
const ownedBy = (agentId: string, owners: readonly OwnerRef[], former: readonly OwnerRef[] = []): About => ({
  subjects: [agentId, ...ids(owners), ...ids(former)],
  links: [{ ref: agentId, subjects: ids(owners) }],
});
const target = (d: { targetId: string; cascadeId: string }): About => ({
  refs: [d.targetId],
  cascadeId: d.cascadeId,
  targetId: d.targetId,
});

const aboutTable: { readonly [T in EventType]: (data: EventData[T]) => About } = {
  TenantCreated: nobody,
  ApiKeyIssued: nobody,
  ApiKeyRevoked: nobody,
  ConnectionOpened: connection,
  ConnectionChanged: connection,
  ConnectionTokenIssued: connection,
  ConnectionTokenRevoked: connection,
  ConnectionKeyRegistered: connection,
  ConnectionKeyRevoked: connection,
  ConnectionPaused: connection,
  ConnectionResumed: connection,
  ConnectionClosed: connection,
  ConnectionOffboardingOrdered: connection,
  ConnectionHandOverOrdered: (d) => ({ subjects: [d.connectionId, d.to] }),
  ConnectionOrderCarriedOut: connection,
  UserNameReserved: user,
  UserNameReleased: user,
  UserProvisioned: user,
  UserChanged: user,
  UserDeactivated: user,
  UserReactivated: user,
  UserDeleted: user,
  UserHandedOver: user,
  GroupCreated: group,
  GroupChanged: group,
  GroupMembershipChanged: (d) => ({ subjects: [d.groupId, ...ids(d.added), ...ids(d.removed)] }),
  GroupDeleted: group,
  GroupHandedOver: group,
  RoleDefined: nobody,
  RoleDeleted: (d) => ({ refs: [d.roleId] }),
  MappingDrafted: nobody,
  MappingActivated: nobody,
  RoleMembershipChanged: (d) => ({
    subjects: [...[...d.added, ...d.changed].map((member) => member.userId), ...d.removed],
    refs: [d.roleId],
  }),
  AgentProvisioned: (d) => ownedBy(d.agentId, d.owners),
  AgentChanged: agent,
  AgentOwnersChanged: (d) => ownedBy(d.agentId, d.added, d.removed),
  AgentApplicationsChanged: (d) => ({ subjects: [d.agentId, ...d.added, ...d.removed], refs: [d.agentId] }),
  AgentDeactivated: agent,
  AgentReactivated: agent,
  AgentOrphaned: agent,
  AgentDeleted: agent,
  AgentHandedOver: agent,
  ApplicationProvisioned: application,
  ApplicationChanged: application,
  ApplicationDeactivated: application,
  ApplicationReactivated: application,
  ApplicationDeleted: application,
  ApplicationHandedOver: application,
  ResourceCreated: resource,
  ResourceChanged: resource,
  ResourceHandedOver: resource,
  ResourceDeleted: resource,
  ProviderConfigured: provider,
  ProviderRemoved: provider,
  CredentialRegistered: (d) => held(d.credentialId, d),
  CredentialRotated: (d) => ({ refs: [d.credentialId] }),
  CredentialReleased: (d) => ({ refs: [d.credentialId] }),
  ScheduleRegistered: (d) => held(d.scheduleId, d),
  ScheduleReleased: (d) => ({ refs: [d.scheduleId] }),
  RunStarted: (d) => held(d.runId, d),
  RunEnded: (d) => ({ refs: [d.runId] }),
  CascadeStarted: (d) => ({
    subjects: [d.subject.id],
    refs: [d.subject.id],
    links: [{ ref: d.cascadeId, subjects: [d.subject.id], inherits: d.subject.id }],
    cascadeId: d.cascadeId,
  }),
  RevocationPlanned: (d) => ({
    subjects: d.targets.flatMap(holders),
    refs: [d.cascadeId],
    links: d.targets.map((t) => ({ ref: t.targetId, subjects: holders(t), inherits: d.cascadeId })),
    cascadeId: d.cascadeId,
  }),
  NothingToRevoke: (d) => ({ subjects: [d.subject.id], refs: [d.subject.id], cascadeId: d.cascadeId }),
  RevocationAcknowledged: target,
  RevocationVerified: target,
  VerificationFailed: target,
  VerificationDeferred: target,
  RevocationDeferred: target,
  RevocationParked: target,
  RevocationRetried: target,
  RevocationWaived: target,
  RevocationExpired: target,
  CascadeCompleted: (d) => ({ refs: [d.cascadeId], cascadeId: d.cascadeId }),
};

/** Whom this event concerns. */
export const aboutOf = <T extends EventType>(type: T, data: EventData[T]): About => aboutTable[type](data);
