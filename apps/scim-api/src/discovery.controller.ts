// What this service offers: ServiceProviderConfig, ResourceTypes and Schemas (RFC 7644 section 4), and what it does not: /Me.
import { Caller, Public, Unauthorized, type AuthenticatedRequest, type Principal } from '@app/http';
import {
  listResponse,
  refuseDiscoveryFilter,
  registrySchemas,
  resourceTypeBody,
  schemaBody,
  ScimError,
  serviceProviderConfig,
  spellingOf,
  type ScimValue,
} from '@app/scim';
import { All, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Registries } from './registries.js';
import { SCIM_BASE_URL, scimBase, tokenEndpoint, type PublicAddress } from './public-address.js';
import { send } from './scim-answer.js';
import { ScimController } from './scim-controller.js';

/** No tenant has this name. */
const ANYBODY = '*';

type Body = { [key: string]: ScimValue };

function sendBody(reply: FastifyReply, body: Body | undefined): void {
  if (body === undefined) throw ScimError.notFound();
  send(reply, { status: 200, body: JSON.stringify(body) });
}

const listOf = (resources: readonly Body[]): Body =>
  listResponse({ resources, totalResults: resources.length, startIndex: 1 });

@ScimController()
export class DiscoveryController {
  constructor(
    private readonly registries: Registries,
    @Inject(SCIM_BASE_URL) private readonly address: PublicAddress,
  ) {}

  /**
   * Says how to authenticate, and so to whoever does not yet (RFC 7643 section 5); but a token that is not valid is told so:
   * identity providers try theirs here.
   */
  @Get('ServiceProviderConfig')
  @Public()
  config(@Query() query: object, @Req() request: Partial<AuthenticatedRequest>, @Res() reply: FastifyReply): void {
    const { principal, headers } = request;
    if (principal === undefined && headers?.authorization !== undefined) throw new Unauthorized();
    refuseDiscoveryFilter(query);
    const addresses = { baseUrl: scimBase(this.address), tokenEndpoint: tokenEndpoint(this.address) };
    const features = { ...addresses, bulk: true, sort: true, etag: true, cursor: true };
    sendBody(reply, serviceProviderConfig(this.registries.of(principal?.tenant ?? ANYBODY), features));
  }

  @Get('ResourceTypes')
  resourceTypes(@Query() query: object, @Caller() { tenant }: Principal, @Res() reply: FastifyReply): void {
    refuseDiscoveryFilter(query);
    sendBody(
      reply,
      listOf(this.registries.of(tenant).types.map((type) => resourceTypeBody(type, scimBase(this.address)))),
    );
  }

  @Get('ResourceTypes/:name')
  resourceType(@Param('name') name: string, @Caller() { tenant }: Principal, @Res() reply: FastifyReply): void {
    const type = this.registries.of(tenant).types.find((one) => one.name === name);
    sendBody(reply, type && resourceTypeBody(type, scimBase(this.address)));
  }

  @Get('Schemas')
  schemas(@Query() query: object, @Caller() { tenant, connection }: Principal, @Res() reply: FastifyReply): void {
    refuseDiscoveryFilter(query);
    const spelling = spellingOf(connection?.agentNameKey);
    const schemas = registrySchemas(this.registries.of(tenant));
    sendBody(reply, listOf(schemas.map((schema) => schemaBody(schema, scimBase(this.address), spelling))));
  }

  @Get('Schemas/:urn')
  schema(@Param('urn') urn: string, @Caller() { tenant, connection }: Principal, @Res() reply: FastifyReply): void {
    const schema = registrySchemas(this.registries.of(tenant)).find(({ id }) => id.toLowerCase() === urn.toLowerCase());
    sendBody(reply, schema && schemaBody(schema, scimBase(this.address), spellingOf(connection?.agentNameKey)));
  }

  /** A token stands for a connection, not for a person (RFC 7644 section 3.11). */
  @All('Me')
  me(): never {
    throw ScimError.notImplemented('A connection is nobody: name the user by id.');
  }
}
