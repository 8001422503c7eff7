// How the directory's refusals are answered: one table from its errors to those of SCIM.
import { AlreadyExists, NameTaken, NotFound, ParentIsFixed, RevisionMismatch, UnknownMembers } from '@app/directory';
import { ScimError } from '@app/scim';

type Refusal = abstract new (...args: never[]) => Error;

const answers: readonly (readonly [Refusal, () => ScimError])[] = [
  [NotFound, () => ScimError.notFound()],
  [NameTaken, () => ScimError.uniqueness('Another resource has this name; names are unique whatever their case.')],
  [AlreadyExists, () => ScimError.uniqueness('The resource exists already.')],
  [RevisionMismatch, () => ScimError.preconditionFailed()],
  [
    ParentIsFixed,
    () => ScimError.mutability('The parent of an agent is given when it is created and does not change.'),
  ],
  [UnknownMembers, () => ScimError.invalidValue('A reference names a resource that does not exist here.')],
];

/** The SCIM error for what the directory threw; anything else as it is. */
export function asScimError(error: unknown): unknown {
  return answers.find(([refusal]) => error instanceof refusal)?.[1]() ?? error;
}
