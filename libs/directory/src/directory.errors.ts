// What the directory refuses. Messages never quote input.

export class NotFound extends Error {
  override readonly name = 'NotFound';
}

/** Another user of this tenant has the userName (compared without regard to case). */
export class NameTaken extends Error {
  override readonly name = 'NameTaken';
}

export class AlreadyExists extends Error {
  override readonly name = 'AlreadyExists';
}

/** If-Match named another revision. */
export class RevisionMismatch extends Error {
  override readonly name = 'RevisionMismatch';
  constructor(readonly actual: bigint) {
    super('the resource has been changed since it was read: read it again');
  }
}

/** References to users, groups or agents that this tenant does not have. */
export class UnknownMembers extends Error {
  override readonly name = 'UnknownMembers';
  constructor(readonly ids: readonly string[]) {
    super(`${ids.length} of the ids do not exist in this directory`);
  }
}

export class TooManyTokens extends Error {
  override readonly name = 'TooManyTokens';
}

/** The parent of an agent is given when it is provisioned and does not change. */
export class ParentIsFixed extends Error {
  override readonly name = 'ParentIsFixed';
}

/** The agent is pushed as a user: what it is called and how it is described is for its identity provider to say. */
export class DescribedAsUser extends Error {
  override readonly name = 'DescribedAsUser';
}

/** A condition, rule or template cannot be used; the message says what is wrong with it. */
export class InvalidPolicy extends Error {
  override readonly name = 'InvalidPolicy';
}

/** Who has the role is decided by its condition alone. */
export class RoleIsComputed extends Error {
  override readonly name = 'RoleIsComputed';
}

/** The mapping in force gives the role. */
export class RoleIsGiven extends Error {
  override readonly name = 'RoleIsGiven';
}

/** Another mapping is in force than the one that was to be replaced. */
export class MappingReplaced extends Error {
  override readonly name = 'MappingReplaced';
}

/** A key that signatures cannot be verified with. */
export class InvalidClientKey extends Error {
  override readonly name = 'InvalidClientKey';
}

/** A client did not prove who it is, in the words of RFC 6749 section 5.2. */
export class InvalidClient extends Error {
  override readonly name = 'InvalidClient';
  constructor() {
    super('the statement of the client was not accepted');
  }
}

/** What a connection provisioned is handed over once it is closed. */
export class ConnectionIsOpen extends Error {
  override readonly name = 'ConnectionIsOpen';
}

/** What is handed over needs another connection of the tenant that is not closed. */
export class UnusableSuccessor extends Error {
  override readonly name = 'UnusableSuccessor';
}
