// The resource types each tenant is served with: the standard ones, and what was configured for it beside them.
import { SCIM_EXTENSIONS } from '@app/directory';
import {
  createRegistry,
  customTypesOf,
  typesOf,
  type CustomExtensions,
  type CustomTypes,
  type Registry,
} from '@app/scim';
import { Inject, Injectable, Optional } from '@nestjs/common';

/** DI token of the {@link CustomTypes}; none when absent. */
export const SCIM_RESOURCE_TYPES = Symbol('SCIM_RESOURCE_TYPES');

@Injectable()
export class Registries {
  /** Of the tenants that something was configured for; all others share one. */
  private readonly own = new Map<string, Registry>();
  private readonly general: Registry;

  constructor(
    @Optional() @Inject(SCIM_EXTENSIONS) extensions: CustomExtensions = new Map(),
    @Optional() @Inject(SCIM_RESOURCE_TYPES) types: CustomTypes = new Map(),
  ) {
    const registryOf = (tenant: string) =>
      createRegistry([...typesOf(tenant, extensions), ...customTypesOf(tenant, types)]);
    this.general = registryOf('*');
    for (const tenant of [...extensions.keys(), ...types.keys()]) this.own.set(tenant, registryOf(tenant));
  }

  of(tenant: string): Registry {
    return this.own.get(tenant) ?? this.general;
  }
}
