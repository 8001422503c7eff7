// How a row changes that is handed over to another connection.
import { withoutExternalId } from '../scope.js';
import type { Attributes } from '../user.commands.js';

/** The columns that change. */
export const handedOver = ({ attributes }: { readonly attributes: string }, to: string) => ({
  connection_id: to,
  external_id: null,
  attributes: JSON.stringify(withoutExternalId(JSON.parse(attributes) as Attributes)),
});
