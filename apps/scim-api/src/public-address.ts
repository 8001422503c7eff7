// Where this service is reached from outside: the base of every `meta.location` and `$ref`.

/** DI token of the {@link PublicAddress} of the service; that of the SCIM endpoints lies below it, at {@link SCIM_PATH}. */
export const SCIM_BASE_URL = Symbol('SCIM_BASE_URL');

/** Read at every answer: when the port is chosen by the system, the URL is known only once the service listens. */
export interface PublicAddress {
  /** Scheme, host and port, without a trailing slash. */
  readonly url: string;
}

/** The path of the SCIM endpoints below the address. */
export const SCIM_PATH = 'scim/v2';

/** The path of the token endpoint below the address. */
export const TOKEN_PATH = 'oauth/token';

/** What clients name as the audience of what they sign. */
export const tokenEndpoint = ({ url }: PublicAddress): string => `${url.replace(/\/$/, '')}/${TOKEN_PATH}`;

/** The SCIM base URL, without a trailing slash. */
export const scimBase = ({ url }: PublicAddress): string => `${url.replace(/\/$/, '')}/${SCIM_PATH}`;
