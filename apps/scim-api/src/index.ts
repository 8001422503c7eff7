export { extensionsIn } from './extensions-file.js';
export { resourceTypesIn } from './resource-types-file.js';
export { SCIM_BASE_URL, type PublicAddress } from './public-address.js';
export { ScimApiModule } from './scim-api.module.js';
