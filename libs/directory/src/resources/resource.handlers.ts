// Handles what is asked of resources of an operator's own types: claims what is unique, seals the attributes, decides.
import { streams, type RequestContext } from '@app/events';
import { contextOf, Decisions, newEvent, type Decision, type StreamWrite } from '@app/event-log';
import { Clock, newId } from '@app/runtime';
import { Vault } from '@app/vault';
import { Injectable } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { NameTaken, NotFound, RevisionMismatch } from '../directory.errors.js';
import { ChangeResource, CreateResource, DeleteResource } from '../resource.commands.js';
import type { ResourceWrite, StoredResource } from '../resource.commands.js';
import { isWithin, withoutExternalId } from '../scope.js';
import type { Attributes, Written } from '../user.commands.js';
import { openAttributes, sealAttributes } from '../users/sealed-attributes.js';
import { UserNames } from '../users/user-name.js';
import { resourceAggregate, storedResource, type Resource } from './resource.js';

type Asked = Pick<ChangeResource, 'context' | 'resourceType' | 'expected'>;

/** @throws NotFound, RevisionMismatch */
function mustBe({ context, resourceType, expected }: Asked, resource: Resource, at: bigint | undefined): bigint {
  const isThere = resource.status === 'present' && resource.type === resourceType;
  if (!isThere || at === undefined || !isWithin(context, resource.connection)) throw new NotFound('no such resource');
  if (expected !== undefined && expected !== at) throw new RevisionMismatch(at);
  return at;
}

/** What resources alone have: kept as names of users are, by claims in streams of their own. */
@Injectable()
export class UniqueValues {
  constructor(
    private readonly names: UserNames,
    private readonly vault: Vault,
  ) {}

  hashesOf(tenant: string, resourceType: string, { unique }: ResourceWrite): string[] {
    return unique.map(({ attribute, value }) => this.vault.fingerprint(tenant, `${resourceType}.${attribute}`, value));
  }

  /** @throws NameTaken */
  async claim(context: RequestContext, hashes: readonly string[], id: string): Promise<StreamWrite[]> {
    const claims: StreamWrite[] = [];
    for (const hash of hashes) claims.push(await this.names.claim(context, hash, id));
    return claims;
  }

  async release(context: RequestContext, hashes: readonly string[], id: string): Promise<void> {
    for (const hash of hashes) await this.names.release(context, hash, id);
  }

  retryLostClaims<T>(own: string, work: () => Promise<T>): Promise<T> {
    return this.names.retryLostClaims(own, work);
  }
}

@CommandHandler(CreateResource)
export class CreateResourceHandler implements ICommandHandler<CreateResource> {
  constructor(
    private readonly decisions: Decisions,
    private readonly unique: UniqueValues,
    private readonly vault: Vault,
    private readonly clock: Clock,
  ) {}

  async execute({ context, resourceType, write }: CreateResource): Promise<Written<StoredResource>> {
    const { tenant } = context;
    const { attributes } = write;
    const resourceId = newId();
    const stream = streams.resource(tenant, resourceId);
    const unique = this.unique.hashesOf(tenant, resourceType, write);
    const dataKeyId = await this.vault.newDataKey();
    const seal = { tenant, userId: resourceId, dataKeyId, eventType: 'ResourceCreated' } as const;
    const data = {
      resourceId,
      resourceType,
      dataKeyId,
      sealed: await sealAttributes(this.vault, seal, attributes),
      unique,
    };
    try {
      return await this.unique.retryLostClaims(stream, async () => {
        const { state, revision, position } = await this.decisions.begin(stream, resourceAggregate, {
          events: [newEvent('ResourceCreated', data, contextOf(context, this.clock.iso()))],
          alsoFirst: await this.unique.claim(context, unique, resourceId),
          result: undefined,
        });
        return { resource: storedResource(resourceId, state, attributes, revision as bigint), changed: true, position };
      });
    } catch (error) {
      // Only here is it certain that no event names the key.
      if (error instanceof NameTaken) await this.vault.eraseDataKey(dataKeyId);
      throw error;
    }
  }
}

interface Outcome {
  readonly attributes: Attributes;
  /** What it had alone before, and no longer has. */
  readonly released: readonly string[];
}

@CommandHandler(ChangeResource)
export class ChangeResourceHandler implements ICommandHandler<ChangeResource> {
  constructor(
    private readonly decisions: Decisions,
    private readonly unique: UniqueValues,
    private readonly vault: Vault,
    private readonly clock: Clock,
  ) {}

  async execute(command: ChangeResource): Promise<Written<StoredResource>> {
    const { context, resourceId } = command;
    const stream = streams.resource(context.tenant, resourceId);
    const { state, revision, position, appended, result } = await this.unique.retryLostClaims(stream, () =>
      this.decisions.execute(stream, resourceAggregate, (resource, at) => this.decide(command, resource, at)),
    );
    await this.unique.release(context, result.released, resourceId);
    const resource = storedResource(resourceId, state, result.attributes, revision as bigint);
    return { resource, changed: appended, position };
  }

  private async decide(
    command: ChangeResource,
    resource: Resource,
    at: bigint | undefined,
  ): Promise<Decision<Outcome>> {
    const { context, resourceType, resourceId, change } = command;
    const revision = mustBe(command, resource, at);
    const seal = { tenant: context.tenant, userId: resourceId, dataKeyId: resource.dataKeyId };
    const opened = await openAttributes(this.vault, { ...seal, eventType: resource.sealedBy }, resource.sealed);
    if (opened === undefined) throw new NotFound('no such resource');
    const attributes = resource.isHandedOver ? withoutExternalId(opened) : opened;
    const write = change(storedResource(resourceId, resource, attributes, revision));
    if (write === undefined) return { events: [], result: { attributes, released: [] } };
    const unique = this.unique.hashesOf(context.tenant, resourceType, write);
    const sealed = await sealAttributes(this.vault, { ...seal, eventType: 'ResourceChanged' }, write.attributes);
    const data = { resourceId, resourceType, sealed, unique, changed: [...write.changed] };
    const claimed = unique.filter((hash) => !resource.unique.includes(hash));
    const released = resource.unique.filter((hash) => !unique.includes(hash));
    return {
      events: [newEvent('ResourceChanged', data, contextOf(context, this.clock.iso()))],
      alsoFirst: await this.unique.claim(context, claimed, resourceId),
      result: { attributes: write.attributes, released },
    };
  }
}

/** The data key is erased by the view when it applies the deletion, as that of a user is. */
@CommandHandler(DeleteResource)
export class DeleteResourceHandler implements ICommandHandler<DeleteResource> {
  constructor(
    private readonly decisions: Decisions,
    private readonly unique: UniqueValues,
    private readonly clock: Clock,
  ) {}

  async execute(command: DeleteResource): Promise<{ position: bigint }> {
    const { context, resourceType, resourceId } = command;
    const stream = streams.resource(context.tenant, resourceId);
    const { result, position } = await this.decisions.execute(stream, resourceAggregate, (resource, at) => {
      mustBe(command, resource, at);
      const data = { resourceId, resourceType };
      const deleted = newEvent('ResourceDeleted', data, contextOf(context, this.clock.iso()));
      return { events: [deleted], result: resource.unique };
    });
    await this.unique.release(context, result, resourceId);
    return { position: position as bigint };
  }
}
