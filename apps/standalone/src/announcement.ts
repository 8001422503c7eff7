// What a start prints: where everything is, the secrets that are shown once, and the next command to try.
import type { FirstKeys } from './first-tenant.js';

/** The line of JSON for scripts; the secrets are missing unless they were issued by this start. */
export interface Announcement extends Partial<FirstKeys> {
  readonly scimBaseUrl: string;
  readonly apiBaseUrl: string;
  readonly consoleUrl: string;
}

export const announcementOf = (url: string, keys: FirstKeys | undefined): Announcement => ({
  scimBaseUrl: `${url}/scim/v2`,
  apiBaseUrl: `${url}/v1`,
  consoleUrl: `${url}/console`,
  ...keys,
});

/** The same for people. */
export function sentencesOf({ scimBaseUrl, scimToken, apiBaseUrl, apiKey, consoleUrl }: Announcement): string {
  const lines = [
    'scim-cascade is ready.',
    '',
    `  SCIM base URL     ${scimBaseUrl}`,
    ...(scimToken === undefined ? [] : [`  SCIM bearer token ${scimToken}   (shown once)`]),
    `  Platform API      ${apiBaseUrl}`,
    ...(apiKey === undefined ? [] : [`  Platform API key  ${apiKey}   (shown once)`]),
    `  Console           ${consoleUrl}   (asks for the API key)`,
    '',
  ];
  if (scimToken === undefined && apiKey !== undefined) {
    return [
      ...lines,
      'The connection has two valid tokens already: revoke one at /v1/connections to issue another.',
      '',
    ].join('\n');
  }
  if (scimToken === undefined) {
    return [...lines, 'The token and key were shown at the first start. Lost? npm start -- --issue-keys', ''].join(
      '\n',
    );
  }
  const example = JSON.stringify({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: 'ada@example.com',
  });
  const command = [
    `curl -s ${scimBaseUrl}/Users \\`,
    `  -H 'Authorization: Bearer ${scimToken}' \\`,
    `  -H 'Content-Type: application/scim+json' \\`,
    `  -d '${example}'`,
  ];
  return [...lines, 'Try:', '', ...command.map((line) => `  ${line}`), ''].join('\n');
}
