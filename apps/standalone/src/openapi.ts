// The OpenAPI document of the APIs under /v1, made from their controllers and DTOs.
import { ConsoleModule, operatorProblemCodes } from '@app/console';
import { PlatformApiModule, platformProblemCodes } from '@app/platform-api';
import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';

/** Of every route, whatever it does. */
const COMMON = ['unauthorized', 'forbidden', 'invalid_request', 'not_found', 'unavailable', 'not_yet_visible'];

const problemCodes = (): string =>
  [...new Set([...COMMON, ...Object.keys(platformProblemCodes), ...operatorProblemCodes])].sort().join(', ');

/** `docs/openapi.json` is a copy of it. */
export function apiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('scim-cascade')
    .setDescription(
      'For agent platforms: register what agents hold on behalf of people, and ask whether they may still act. For ' +
        `operators: what is being revoked, and the evidence of it. The codes of problems: ${problemCodes()}.`,
    )
    .setVersion('1')
    .addBearerAuth()
    .build();
  return SwaggerModule.createDocument(app, config, { include: [PlatformApiModule, ConsoleModule] });
}
