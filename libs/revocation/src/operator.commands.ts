// What an operator may do to a target: ask for another attempt now, or waive it with a reason.

interface OperatorCommand {
  readonly tenant: string;
  readonly targetId: string;
  /** Of the target, as the lists of this tenant show it. */
  readonly cascadeId: string;
  /** Why; recorded and shown to auditors. */
  readonly reason: string;
  /** `operator:<key>`. */
  readonly actor: string;
  /** The person's name as the operator API was told it. */
  readonly by: string;
  readonly correlationId: string;
}

/** Makes a target due at once and starts the retry curve anew. */
export class RetryRevocation {
  constructor(readonly data: OperatorCommand) {}
}

/** Ends a target with grade W: a named person answers for it. */
export class WaiveRevocation {
  constructor(readonly data: OperatorCommand) {}
}

/** The target has ended already: there is nothing to retry or to waive. */
export class TargetSettled extends Error {
  override readonly name = 'TargetSettled';
}
