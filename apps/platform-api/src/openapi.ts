// The OpenAPI document of this app, made from its controllers and DTOs.
import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { PlatformApiModule } from './platform-api.module.js';

/** `docs/openapi.json` is a copy of it. */
export function platformDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('scim-cascade platform API')
    .setDescription('Register what agents hold on behalf of people, and ask whether they may still act.')
    .setVersion('1')
    .addBearerAuth()
    .build();
  return SwaggerModule.createDocument(app, config, { include: [PlatformApiModule] });
}
