// What is refused when access is registered: one table of codes, each with a sentence that says what to do.

const messages = {
  invalid_id:
    'The id is not usable: providers take 1 to 64 of a-z, 0-9 and "-"; others 1 to 128 letters, digits, ".", "_" and "-", not beginning with a sign.',
  unknown_connector: 'There is no such connector: use one of those this service was built with.',
  invalid_settings: 'The connector does not accept the settings or the secret: see "errors".',
  secret_needed:
    'The provider has a secret, which is not sent elsewhere than it was meant for: with another connector or other settings, send it again, or null for none.',
  not_found: 'There is nothing with this id in this tenant.',
  unknown_provider: 'There is no such provider: configure it first.',
  unknown_schedule: 'There is no such schedule: register it first.',
  holder_missing: 'Say who holds it: give userId, agentId or both.',
  unknown_holder: 'The user or agent does not exist in this directory: provision it first. Nothing was recorded.',
  groups_need_user: 'Required groups, roles and conditions are those of a person: give userId too.',
  invalid_expiry: 'expiresAt is not a point in time: send ISO 8601 with a time zone.',
  id_conflict: 'Something else was registered under this id: choose another.',
  already_ended: 'What had this id was released: register anew under another id.',
} as const;

export type RefusalCode = keyof typeof messages;

/** Nothing was appended. Messages never quote input. */
export class AccessRefused extends Error {
  override readonly name = 'AccessRefused';
  constructor(
    readonly code: RefusalCode,
    /** One sentence per problem where there are several. */
    readonly problems: readonly string[] = [],
  ) {
    super(messages[code]);
  }
}
