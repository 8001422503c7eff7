// Names for people to read, looked up a page at a time; they are in the directory and never in the log.
import type { ResolveNames } from '@app/audit';
import { NamesOf } from '@app/directory';
import { Injectable } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';

/** An id, and the name it is known by unless that is unknown or erased. */
interface Named {
  readonly id: string;
  readonly name?: string;
}

/** How the trail learns the names its sentences use. */
export const directoryNames =
  (queries: QueryBus): ResolveNames =>
  async (tenant, ids) => {
    const names = await namesOf(queries, tenant, ids);
    return (id) => names.get(id) ?? id;
  };

@Injectable()
export class Names {
  constructor(private readonly queries: QueryBus) {}

  /** @returns what puts a name to each of these ids; undefined ids stay undefined */
  async of(
    tenant: string,
    ids: readonly (string | undefined)[],
  ): Promise<(id: string | undefined) => Named | undefined> {
    const names = await namesOf(this.queries, tenant, [...new Set(ids.filter((id) => id !== undefined))]);
    return (id) => {
      if (id === undefined) return undefined;
      const name = names.get(id);
      return name === undefined ? { id } : { id, name };
    };
  }
}

const namesOf = async (
  queries: QueryBus,
  tenant: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> => (ids.length === 0 ? new Map() : queries.execute(new NamesOf(tenant, ids)));
