// Facts about identities: tenants, connections, users, groups and agents.

/** A value encrypted under a per-subject data key (AES-256-GCM, base64url). Unreadable once the key is erased. */
export type Sealed = string;

/** An owner of an agent; the connection, where an agent was pushed as a user and no manager was named. */
export interface OwnerRef {
  readonly type: 'User' | 'Group' | 'Connection';
  readonly id: string;
}

export interface MemberRef {
  readonly id: string;
  readonly type: 'User' | 'Group';
}

export type ApiKeyRole = 'platform' | 'operator';

/** What the drafts call the name of an agent. */
export type AgentNameKey = 'agentUserName' | 'name';

export interface DirectoryEvents {
  TenantCreated: { name: string };
  /** `fingerprint` is a keyed digest; the key itself is shown once and never stored. */
  ApiKeyIssued: { keyId: string; roles: ApiKeyRole[]; fingerprint: string };
  ApiKeyRevoked: { keyId: string };

  ConnectionOpened: {
    connectionId: string;
    name: string;
    dialect: 'lenient' | 'strict';
    /** A filter: users of this connection for whom it holds are agents. */
    agentWhen?: string;
    /** What agents are answered under; absent: `agentUserName`. */
    agentNameKey?: AgentNameKey;
  };
  /** All that it is after the change; `changed` names what is otherwise. Whom it provisioned before stays what it is. */
  ConnectionChanged: {
    connectionId: string;
    name: string;
    dialect: 'lenient' | 'strict';
    agentWhen?: string;
    agentNameKey: AgentNameKey;
    changed: string[];
  };
  ConnectionTokenIssued: { connectionId: string; tokenId: string; fingerprint: string; expiresAt?: string };
  ConnectionTokenRevoked: { connectionId: string; tokenId: string };
  /** A public key (RFC 7517) that a client of the connection signs with. */
  ConnectionKeyRegistered: {
    connectionId: string;
    keyId: string;
    algorithm: 'ES256' | 'RS256' | 'EdDSA';
    jwk: Record<string, string>;
  };
  ConnectionKeyRevoked: { connectionId: string; keyId: string };
  ConnectionPaused: { connectionId: string };
  ConnectionResumed: { connectionId: string };
  ConnectionClosed: { connectionId: string };
  /** Everybody whom the closed connection provisioned shall be deactivated. Closed without it: they stay as they are. */
  ConnectionOffboardingOrdered: { connectionId: string };
  /** Everything that the closed connection provisioned shall belong to the connection `to`. */
  ConnectionHandOverOrdered: { connectionId: string; to: string };
  /** `orderId` is the id of the event that ordered it. */
  ConnectionOrderCarriedOut: { connectionId: string; orderId: string };

  /** A claim on a userName, or on what a resource alone has; void after `until` unless the user or resource exists. */
  UserNameReserved: { userId: string; until: string };
  UserNameReleased: { userId: string };

  /** `sealed` holds the whole SCIM resource (schema attributes and extensions, without id and meta). */
  UserProvisioned: { userId: string; active: boolean; dataKeyId: string; userNameHash: string; sealed: Sealed };
  /** `sealed` is the whole resource after the change; `changed` names the attributes, never their values. */
  UserChanged: { userId: string; userNameHash: string; sealed: Sealed; changed: string[] };
  UserDeactivated: { userId: string };
  /** Opens generation n+1: nothing that generation n lost is restored. */
  UserReactivated: { userId: string; generation: number };
  UserDeleted: { userId: string; userNameHash: string };
  /** Belongs to the connection `to` from here on; the externalId was the former one's, and is none any more. */
  UserHandedOver: { userId: string; to: string };

  /** `resource` holds the SCIM attributes of the group without members, id and meta. */
  GroupCreated: { groupId: string; displayName: string; resource: Record<string, unknown> };
  GroupChanged: { groupId: string; displayName: string; resource: Record<string, unknown>; changed: string[] };
  /** At most 2,000 members per event; a larger change is several events of one append. */
  GroupMembershipChanged: { groupId: string; added: MemberRef[]; removed: MemberRef[] };
  GroupDeleted: { groupId: string };
  GroupHandedOver: { groupId: string; to: string };

  AgentProvisioned: {
    agentId: string;
    name: string;
    active: boolean;
    owners: OwnerRef[];
    parentId?: string;
    /** The applications it belongs to. */
    applicationIds?: string[];
    resource: Record<string, unknown>;
    /** Of an agent that was pushed as a user: the SCIM user as `UserProvisioned` has it. `name` is its id then. */
    user?: { dataKeyId: string; userNameHash: string; sealed: Sealed };
  };
  AgentChanged: {
    agentId: string;
    name: string;
    resource: Record<string, unknown>;
    changed: string[];
    user?: { userNameHash: string; sealed: Sealed };
  };
  AgentOwnersChanged: { agentId: string; added: OwnerRef[]; removed: OwnerRef[] };
  AgentApplicationsChanged: { agentId: string; added: string[]; removed: string[] };
  AgentDeactivated: { agentId: string; reason: string };
  AgentReactivated: { agentId: string; generation: number };
  /** The last owner who may act is gone; the agent may not act either. */
  AgentOrphaned: { agentId: string };
  AgentDeleted: { agentId: string };
  AgentHandedOver: { agentId: string; to: string };

  /** A resource of a type that an operator added. `sealed` and `unique` as of users; `unique` are keyed hashes. */
  ResourceCreated: { resourceId: string; resourceType: string; dataKeyId: string; sealed: Sealed; unique: string[] };
  ResourceChanged: {
    resourceId: string;
    resourceType: string;
    sealed: Sealed;
    unique: string[];
    /** Names of the attributes. */
    changed: string[];
  };
  /** It belongs to the connection `to` from here on. */
  ResourceHandedOver: { resourceId: string; resourceType: string; to: string };
  ResourceDeleted: { resourceId: string; resourceType: string };

  /** What agents belong to: none of them may act while it is not active. */
  ApplicationProvisioned: {
    applicationId: string;
    name: string;
    active: boolean;
    resource: Record<string, unknown>;
  };
  ApplicationChanged: { applicationId: string; name: string; resource: Record<string, unknown>; changed: string[] };
  ApplicationDeactivated: { applicationId: string };
  ApplicationReactivated: { applicationId: string };
  ApplicationDeleted: { applicationId: string };
  ApplicationHandedOver: { applicationId: string; to: string };
}
