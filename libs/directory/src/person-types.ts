// What a person looks like in each tenant: the user type of the RFCs with the extensions that an operator declared.
import {
  createRegistry,
  typesOf,
  userType,
  type AttributeDefinition,
  type CustomExtensions,
  type ResourceType,
  type ResourceTypeDefinition,
} from '@app/scim';
import { Inject, Injectable, Optional } from '@nestjs/common';

/** DI token of the {@link CustomExtensions}, the same in every process of a service; none when absent. */
export const SCIM_EXTENSIONS = Symbol('SCIM_EXTENSIONS');

export interface PersonType {
  /** As writes are read. */
  readonly written: ResourceType;
  /** What of it is kept, and so may be asked by conditions: no password, and nothing that is made for answers alone. */
  readonly kept: ResourceType;
}

@Injectable()
export class PersonTypes {
  /** Of the tenants that extensions were declared for; all others share one. */
  private readonly own: ReadonlyMap<string, PersonType>;
  private readonly general: PersonType;

  constructor(@Optional() @Inject(SCIM_EXTENSIONS) extensions: CustomExtensions = new Map()) {
    const typeOf = (tenant: string): PersonType => {
      const [definition = userType] = typesOf(tenant, extensions, [userType]);
      return { written: compiled(definition), kept: compiled(keptOf(definition)) };
    };
    this.general = typeOf('*');
    this.own = new Map([...extensions.keys()].map((tenant) => [tenant, typeOf(tenant)]));
  }

  of(tenant: string): PersonType {
    return this.own.get(tenant) ?? this.general;
  }
}

const compiled = (definition: ResourceTypeDefinition): ResourceType =>
  createRegistry([definition]).type(definition.name);

/** What the directory knows of somebody's groups. */
const groups: AttributeDefinition = {
  name: 'groups',
  type: 'complex',
  multiValued: true,
  mutability: 'readOnly',
  subAttributes: [{ name: 'value', caseExact: true }, { name: 'display' }],
};

function keptOf({ schema, extensions = [], ...type }: ResourceTypeDefinition): ResourceTypeDefinition {
  return {
    ...type,
    schema: { ...schema, attributes: [...kept(schema.attributes), groups] },
    extensions: extensions.map(({ schema: of }) => ({ schema: { ...of, attributes: kept(of.attributes) } })),
  };
}

/** A write drops what clients may not write, and passwords. */
const kept = (attributes: readonly AttributeDefinition[]): AttributeDefinition[] =>
  attributes
    .filter(({ mutability }) => mutability !== 'readOnly' && mutability !== 'writeOnly')
    .map(({ subAttributes, ...one }) =>
      subAttributes === undefined ? one : { ...one, subAttributes: kept(subAttributes) },
    );
