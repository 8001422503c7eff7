// What every controller of the SCIM role has in common: its place, who may call it, and what it answers with.
import { Requires } from '@app/http';
import { applyDecorators, Controller, UseGuards } from '@nestjs/common';
import { NegotiationGuard } from './negotiation.guard.js';
import { SCIM_PATH } from './public-address.js';

/** @param path below the SCIM base URL, without a leading slash */
export const ScimController = (path = '') =>
  applyDecorators(
    Controller(path === '' ? SCIM_PATH : `${SCIM_PATH}/${path}`),
    Requires('scim'),
    UseGuards(NegotiationGuard),
  );
