// Answers questions to the deny gate.
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { FindProvider, ListProviders, SubjectStatus, type Provider, type Status } from './access.queries.js';
import { Gate } from './gate.js';

@QueryHandler(SubjectStatus)
export class SubjectStatusHandler implements IQueryHandler<SubjectStatus> {
  constructor(private readonly gate: Gate) {}

  execute({ tenant, question }: SubjectStatus): Promise<Status> {
    return this.gate.status(tenant, question);
  }
}

@QueryHandler(FindProvider)
export class FindProviderHandler implements IQueryHandler<FindProvider> {
  constructor(private readonly gate: Gate) {}

  execute({ tenant, providerId }: FindProvider): Promise<Provider | undefined> {
    return this.gate.provider(tenant, providerId);
  }
}

@QueryHandler(ListProviders)
export class ListProvidersHandler implements IQueryHandler<ListProviders> {
  constructor(private readonly gate: Gate) {}

  execute({ tenant }: ListProviders): Promise<readonly Provider[]> {
    return this.gate.providers(tenant);
  }
}
