// Facts about access held: providers, credentials, schedules and runs, as the agent platform registers them.

export type CredentialKind =
  'oauth_access_token' | 'oauth_refresh_token' | 'service_account_key' | 'api_key' | 'ephemeral_credential';

/** On whose behalf, and through which agent, something is held. At least one of the two is set. */
export interface Holder {
  readonly userId?: string;
  readonly agentId?: string;
}

export interface AccessEvents {
  /** A configured connector instance. `settings` never holds a secret: those are in the vault under `secretId`. */
  ProviderConfigured: {
    providerId: string;
    connector: string;
    displayName: string;
    settings: Record<string, unknown>;
    secretId?: string;
  };
  ProviderRemoved: { providerId: string };

  CredentialRegistered: Holder & {
    credentialId: string;
    kind: CredentialKind;
    providerId: string;
    /** Vault id of the token or key; absent when the provider revokes by reference alone. */
    secretId?: string;
    /** Keyed digest of the secret: recognises it, reveals nothing. */
    fingerprint?: string;
    /** Non-secret identifiers the connector needs (key id, client id, external grant id). */
    reference: Record<string, string>;
    /** Tokens of one consent; refresh tokens of a grant are revoked before its access tokens. */
    grantId?: string;
    /** The holder must be a member of every one of these groups. */
    requiresGroups: string[];
    /** The holder must have every one of these roles. Absent: none. */
    requiresRoles?: string[];
    expiresAt?: string;
  };
  CredentialRotated: { credentialId: string; secretId: string; fingerprint: string; expiresAt?: string };
  CredentialReleased: { credentialId: string };

  ScheduleRegistered: Holder & { scheduleId: string; providerId: string; reference: Record<string, string> };
  ScheduleReleased: { scheduleId: string };
  RunStarted: Holder & { runId: string; providerId: string; scheduleId?: string; reference: Record<string, string> };
  RunEnded: { runId: string };
}
