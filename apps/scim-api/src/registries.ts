// The resource types each tenant is served with: the standard ones, and the extensions that were configured for it.
import { createRegistry, typesOf, type CustomExtensions, type Registry } from '@app/scim';
import { Inject, Injectable, Optional } from '@nestjs/common';

/** DI token of the {@link CustomExtensions}; none when absent. */
export const SCIM_EXTENSIONS = Symbol('SCIM_EXTENSIONS');

@Injectable()
export class Registries {
  /** Of the tenants that something was configured for; all others share one. */
  private readonly own = new Map<string, Registry>();
  private readonly general: Registry;

  constructor(@Optional() @Inject(SCIM_EXTENSIONS) extensions: CustomExtensions = new Map()) {
    this.general = createRegistry(typesOf('*', extensions));
    for (const tenant of extensions.keys()) this.own.set(tenant, createRegistry(typesOf(tenant, extensions)));
  }

  of(tenant: string): Registry {
    return this.own.get(tenant) ?? this.general;
  }
}
