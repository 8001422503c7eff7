// Providers: where credentials, schedules and runs are revoked, and by which connector.
import type { RequestContext } from '@app/events';
import { Caller, Context, type Principal } from '@app/http';
import { ConfigureProvider, FindProvider, ListProviders, RemoveProvider, type Provider } from '@app/revocation';
import { Body, Delete, Get, HttpCode, Param, Put } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { found } from './platform-problems.js';
import { PlatformController } from './platform-route.js';
import { ConfigureProviderRequest, ProviderAnswer, ProviderList } from './providers.dto.js';
import { Writes } from './writes.js';

const answerOf = ({ providerId, ...shown }: Provider): ProviderAnswer => ({ id: providerId, ...shown });

@PlatformController('providers')
export class ProvidersController {
  constructor(
    private readonly writes: Writes,
    private readonly queries: QueryBus,
  ) {}

  @Put(':id')
  @ApiOperation({ summary: 'Configure a provider as a whole' })
  @ApiOkResponse({ type: ProviderAnswer })
  async configure(
    @Context() context: RequestContext,
    @Param('id') id: string,
    @Body() { connector, displayName, settings, secret }: ConfigureProviderRequest,
  ): Promise<ProviderAnswer> {
    const configuration = { connector, displayName, settings, ...(secret === undefined ? {} : { secret }) };
    await this.writes.execute(new ConfigureProvider(context, id, configuration));
    return this.find(context.tenant, id);
  }

  @Get()
  @ApiOperation({ summary: 'All providers' })
  @ApiOkResponse({ type: ProviderList })
  async list(@Caller() { tenant }: Principal): Promise<ProviderList> {
    return { providers: (await this.queries.execute(new ListProviders(tenant))).map(answerOf) };
  }

  @Get(':id')
  @ApiOperation({ summary: 'One provider' })
  @ApiOkResponse({ type: ProviderAnswer })
  one(@Caller() { tenant }: Principal, @Param('id') id: string): Promise<ProviderAnswer> {
    return this.find(tenant, id);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove a provider; what is still held there cannot be revoked and is parked visibly' })
  @ApiNoContentResponse()
  async remove(@Context() context: RequestContext, @Param('id') id: string): Promise<void> {
    await this.writes.execute(new RemoveProvider(context, id));
  }

  private async find(tenant: string, id: string): Promise<ProviderAnswer> {
    return answerOf(found(await this.queries.execute(new FindProvider(tenant, id))));
  }
}
